"""Colorization by regression from features of three levels.

Z. Cheng, Q. Yang and B. Sheng, "Deep Colorization", ICCV 2015, and its longer form, arXiv 1605.00075. `method.py` says
what is the paper's and what is not.
"""
