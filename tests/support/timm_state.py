"""timm's state dict of a network that Keras saved, made by another way than the converter's: by the order of making."""

import h5py
import numpy as np


def timm_names():
    """The modules of timm's network in the order in which they are made, which is also that of Keras's functions."""
    yield from ("conv2d_1a", "conv2d_2a", "conv2d_2b", "conv2d_3b", "conv2d_4a")
    yield from [f"mixed_5b.{b}" for b in ("branch0", "branch1.0", "branch1.1", "branch2.0", "branch2.1", "branch2.2")]
    yield "mixed_5b.branch3.1"
    for i in range(10):
        yield from [f"repeat.{i}.{b}" for b in ("branch0", "branch1.0", "branch1.1")]
        yield from [f"repeat.{i}.{b}" for b in ("branch2.0", "branch2.1", "branch2.2")]
    yield from [f"mixed_6a.{b}" for b in ("branch0", "branch1.0", "branch1.1", "branch1.2")]
    for i in range(20):
        yield from [f"repeat_1.{i}.{b}" for b in ("branch0", "branch1.0", "branch1.1", "branch1.2")]
    yield from [f"mixed_7a.{b}" for b in ("branch0.0", "branch0.1", "branch1.0", "branch1.1")]
    yield from [f"mixed_7a.{b}" for b in ("branch2.0", "branch2.1", "branch2.2")]
    for block in [f"repeat_2.{i}" for i in range(9)] + ["block8"]:
        yield from [f"{block}.{b}" for b in ("branch0", "branch1.0", "branch1.1", "branch1.2")]
    yield "conv2d_7b"


def as_timm(path, random):
    """Return a state dict as timm has it of the network in one of Keras's legacy files, by another way than ours.

    Keras counts its nameless layers in the order in which they are made. timm's normalization has a scale: a random
    one, which is taken out of the convolution before it.
    """
    state = {}
    with h5py.File(path) as file:
        for number, name in enumerate(timm_names()):
            last = name == "conv2d_7b"
            ending = f"_{number}" if number else ""
            layer, bn = ("conv_7b", "conv_7b_bn") if last else (f"conv2d{ending}", f"batch_normalization{ending}")
            kernel = file[layer][layer]["kernel"][()]
            scale = random.uniform(0.5, 2, kernel.shape[-1]).astype(np.float32)
            state[f"{name}.conv.weight"] = (kernel / scale).transpose(3, 2, 0, 1)
            values = {key: file[bn][bn][key][()] for key in ("beta", "moving_mean", "moving_variance")}
            state[f"{name}.bn.weight"] = scale
            state[f"{name}.bn.bias"] = values["beta"]
            state[f"{name}.bn.running_mean"] = values["moving_mean"] / scale
            state[f"{name}.bn.running_var"] = values["moving_variance"]
            state[f"{name}.bn.num_batches_tracked"] = np.array(7)
        blocks = {f"repeat.{i}": f"block35_{i + 1}" for i in range(10)}
        blocks |= {f"repeat_1.{i}": f"block17_{i + 1}" for i in range(20)}
        blocks |= {f"repeat_2.{i}": f"block8_{i + 1}" for i in range(9)} | {"block8": "block8_10"}
        for name, theirs in blocks.items():
            layer = file[f"{theirs}_conv"][f"{theirs}_conv"]
            state[f"{name}.conv2d.weight"] = layer["kernel"][()].transpose(3, 2, 0, 1)
            state[f"{name}.conv2d.bias"] = layer["bias"][()]
        layer = file["predictions"]["predictions"]
        state["classif.weight"], state["classif.bias"] = layer["kernel"][()].T, layer["bias"][()]
    return {name: np.ascontiguousarray(array) for name, array in state.items()}
