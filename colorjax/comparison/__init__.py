"""Comparison of the runs in a folder: the settings that differ, and the results. Nothing here imports jax."""
