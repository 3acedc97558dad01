"""The look of all pages, charts and text tables. Nothing here imports jax."""
