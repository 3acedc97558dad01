"""Trained networks on a person's own pictures, of any size."""
