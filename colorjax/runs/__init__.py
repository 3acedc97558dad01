"""Reading and writing the files of runs: state, history, provenance. Nothing here imports jax."""
