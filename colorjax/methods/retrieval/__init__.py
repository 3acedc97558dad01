"""Coloring by references that are found by themselves, among a folder's photographs or the training photographs."""
