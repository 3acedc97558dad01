"""Classical denoisers, which need no training: filters, wavelets, self-similarity and total variation."""
