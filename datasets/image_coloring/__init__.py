"""Kaggle's Image Coloring Dataset."""
