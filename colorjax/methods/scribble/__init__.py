"""Colorization from scribbles (Levin, Lischinski and Weiss 2004): the method, its equations and their solution."""
