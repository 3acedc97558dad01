"""How every page, chart and text table looks; nothing here imports jax."""
