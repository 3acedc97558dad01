"""Support for running: atomic and cached files, kept compilations, and padding to shapes that share a program."""
