"""Evaluation: measure methods on photographs under one protocol. `colorjax.tables` presents the numbers."""
