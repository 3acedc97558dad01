"""Weights that the authors of denoisers published: from their files into files of colorjax.

`convert.py` is what `launch.py weights` calls. `matconvnet.py` and `state_dict.py` read the authors' files, `chains.py`
and `drunet.py` make the variables of our models of them. Nothing is downloaded.
"""
