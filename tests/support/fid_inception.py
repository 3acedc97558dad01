"""The state dict of FID's Inception as `pytorch-fid` publishes it: torchvision's names and shapes, made-up numbers.

`keras_inception_v3.npz` beside this file holds what Keras answers with these numbers; `keras_inception_v3.py` writes
it.
"""

from pathlib import Path

import numpy as np

from support.torch_efficientnet import image, tensor

KEPT = Path(__file__).with_name("keras_inception_v3.npz")
CLASSES, EPSILON = 1008, 1e-3


def convolutions():
    """Yield (name, out, in, height, width) in the order in which torchvision and Keras make them."""
    yield "Conv2d_1a_3x3", 32, 3, 3, 3
    yield "Conv2d_2a_3x3", 32, 32, 3, 3
    yield "Conv2d_2b_3x3", 64, 32, 3, 3
    yield "Conv2d_3b_1x1", 80, 64, 1, 1
    yield "Conv2d_4a_3x3", 192, 80, 3, 3
    for name, width, pooled in (("Mixed_5b", 192, 32), ("Mixed_5c", 256, 64), ("Mixed_5d", 288, 64)):
        yield f"{name}.branch1x1", 64, width, 1, 1
        yield f"{name}.branch5x5_1", 48, width, 1, 1
        yield f"{name}.branch5x5_2", 64, 48, 5, 5
        yield f"{name}.branch3x3dbl_1", 64, width, 1, 1
        yield f"{name}.branch3x3dbl_2", 96, 64, 3, 3
        yield f"{name}.branch3x3dbl_3", 96, 96, 3, 3
        yield f"{name}.branch_pool", pooled, width, 1, 1
    yield "Mixed_6a.branch3x3", 384, 288, 3, 3
    yield "Mixed_6a.branch3x3dbl_1", 64, 288, 1, 1
    yield "Mixed_6a.branch3x3dbl_2", 96, 64, 3, 3
    yield "Mixed_6a.branch3x3dbl_3", 96, 96, 3, 3
    for name, c in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
        yield f"{name}.branch1x1", 192, 768, 1, 1
        yield f"{name}.branch7x7_1", c, 768, 1, 1
        yield f"{name}.branch7x7_2", c, c, 1, 7
        yield f"{name}.branch7x7_3", 192, c, 7, 1
        yield f"{name}.branch7x7dbl_1", c, 768, 1, 1
        yield f"{name}.branch7x7dbl_2", c, c, 7, 1
        yield f"{name}.branch7x7dbl_3", c, c, 1, 7
        yield f"{name}.branch7x7dbl_4", c, c, 7, 1
        yield f"{name}.branch7x7dbl_5", 192, c, 1, 7
        yield f"{name}.branch_pool", 192, 768, 1, 1
    yield "Mixed_7a.branch3x3_1", 192, 768, 1, 1
    yield "Mixed_7a.branch3x3_2", 320, 192, 3, 3
    yield "Mixed_7a.branch7x7x3_1", 192, 768, 1, 1
    yield "Mixed_7a.branch7x7x3_2", 192, 192, 1, 7
    yield "Mixed_7a.branch7x7x3_3", 192, 192, 7, 1
    yield "Mixed_7a.branch7x7x3_4", 192, 192, 3, 3
    for name, width in (("Mixed_7b", 1280), ("Mixed_7c", 2048)):
        yield f"{name}.branch1x1", 320, width, 1, 1
        yield f"{name}.branch3x3_1", 384, width, 1, 1
        yield f"{name}.branch3x3_2a", 384, 384, 1, 3
        yield f"{name}.branch3x3_2b", 384, 384, 3, 1
        yield f"{name}.branch3x3dbl_1", 448, width, 1, 1
        yield f"{name}.branch3x3dbl_2", 384, 448, 3, 3
        yield f"{name}.branch3x3dbl_3a", 384, 384, 1, 3
        yield f"{name}.branch3x3dbl_3b", 384, 384, 3, 1
        yield f"{name}.branch_pool", 192, width, 1, 1


def state_dict():
    """Return the tensors by name; those of a normalization include a scale that is not 1."""
    state = {}
    for name, *shape in convolutions():
        state[f"{name}.conv.weight"] = tensor(f"{name}.conv.weight", shape)
        for leaf in ("weight", "bias", "running_mean", "running_var"):
            state[f"{name}.bn.{leaf}"] = tensor(f"{name}.bn.{leaf}", shape[:1])
        state[f"{name}.bn.num_batches_tracked"] = np.array(0)
    state["fc.weight"], state["fc.bias"] = tensor("fc.weight", (CLASSES, 2048)), tensor("fc.bias", (CLASSES,))
    return state


def inputs():
    """Return two images [2, 107, 139, 3] in [-1, 1]."""
    both = image(107, 139)
    return np.stack([both, -both[::-1]])


def read_kept(path=KEPT):
    """Return the numbers of weights and of statistics, and the kept part of Keras's answers as {end point: summary}."""
    answers = {}
    with np.load(path) as stored:
        for place in stored.files:
            if "/" in place:
                name, key = place.split("/")
                answers.setdefault(name, {})[key] = stored[place]
        return stored["counts"], answers
