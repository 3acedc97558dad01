"""Metrics of restored images. `info` is free of jax, so nothing is imported here."""
