"""Networks on a person's own pictures: of any size and either depth, in bounded memory."""
