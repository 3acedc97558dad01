"""Colorization by a learned quadratic objective over filtered chroma (LEARCH).

A. Deshpande, J. Rock and D. Forsyth, "Learning Large-Scale Automatic Image Colorization", ICCV 2015. `method.py` says
what is the paper's and what is not.
"""
