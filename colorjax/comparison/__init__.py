"""Comparison of the runs in a folder: by which settings they differ, and how well they do; nothing here imports jax."""
