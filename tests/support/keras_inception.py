"""Writes what Keras's own InceptionResNetV2 is and answers; a script, because Keras reads its backend from the process.

    python tests/support/keras_inception.py FOLDER

The weights and the statistics of batch normalization are random. Into FOLDER go the weights in each format that Keras
has (legacy `.h5` with and without the classifier, `.weights.h5`), and `answers.npz`: for two sizes the inputs and the
output of each layer that is an end point.
"""

import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"

import h5py  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras.src.legacy.saving import legacy_h5_format  # noqa: E402

# End points by the names of Keras's layers; those of the stem have numbers in place of names.
STEM = ("conv2d_1a", "conv2d_2a", "conv2d_2b", "maxpool_3a", "conv2d_3b", "conv2d_4a", "maxpool_5a")


def randomize(model, seed):
    """Give each variable of the model random values, near those of a trained network in size."""
    random = np.random.default_rng(seed)
    for layer in model.layers:
        values = []
        for variable in layer.weights:
            shape, name = variable.shape, variable.name
            normal = random.standard_normal(shape).astype(np.float32)
            if name == "kernel":
                normal *= np.float32(np.sqrt(2 / np.prod(shape[:-1])))
            elif name == "moving_variance":
                normal = random.uniform(0.5, 2.0, shape).astype(np.float32)
            else:  # beta, moving_mean, bias
                normal *= np.float32(0.2)
            values.append(normal)
        layer.set_weights(values)


def end_points(model):
    """Return {name: Keras tensor} in the network's order."""
    stem = [layer for layer in model.layers[1:] if type(layer).__name__ in ("Activation", "MaxPooling2D")]
    found = {name: layer.output for name, layer in zip(STEM, stem, strict=False)}
    layers = {layer.name: layer for layer in model.layers}
    found["mixed_5b"] = layers["mixed_5b"].output
    found |= {f"block35_{i}": layers[f"block35_{i}_ac"].output for i in range(1, 11)}
    found["mixed_6a"] = layers["mixed_6a"].output
    found |= {f"block17_{i}": layers[f"block17_{i}_ac"].output for i in range(1, 21)}
    found["mixed_7a"] = layers["mixed_7a"].output
    found |= {f"block8_{i}": layers[f"block8_{i}_ac"].output for i in range(1, 10)}
    found["block8_10"] = [layer for layer in model.layers if type(layer).__name__ == "CustomScaleLayer"][-1].output
    found["conv2d_7b"] = layers["conv_7b_ac"].output
    if "predictions" in layers:
        found["pooled"] = layers["avg_pool"].output
        found["softmax"] = layers["predictions"].output
    return found


def answer(model, inputs):
    """Return {name: array} of the model's end points."""
    points = end_points(model)
    outputs = keras.Model(model.input, list(points.values())).predict(inputs, verbose=0)
    return dict(zip(points, outputs, strict=True))


def save_legacy(model, path):
    """Write the format of the published `.h5` files."""
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)


def main(folder):
    """Build, save and ask the network with its classifier at its own size, the one without at another."""
    random = np.random.default_rng(2)
    whole = keras.applications.InceptionResNetV2(weights=None)
    randomize(whole, seed=1)
    save_legacy(whole, folder / "whole.h5")
    whole.save_weights(folder / "whole.weights.h5")
    headless = keras.applications.InceptionResNetV2(weights=None, include_top=False, input_shape=(None, None, 3))
    headless.set_weights(whole.get_weights()[:-2])
    save_legacy(headless, folder / "headless.h5")
    answers = {}
    for size, model, shape in (("own", whole, (2, 299, 299, 3)), ("other", headless, (2, 139, 203, 3))):
        inputs = random.uniform(-1, 1, shape).astype(np.float32)
        answers |= {f"{size}/inputs": inputs}
        answers |= {f"{size}/{name}": value for name, value in answer(model, inputs).items()}
    np.savez(folder / "answers.npz", **answers)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
