"""Coloring by example: each pixel of a gray image takes its color from a reference photograph, without any training."""
