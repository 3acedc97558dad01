"""Configs: every setting, how files and command lines change it, and what it is kept as."""
