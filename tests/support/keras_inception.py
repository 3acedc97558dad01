"""Writes what Keras's own InceptionResNetV2 is and answers; a script, because Keras reads its backend from the process.

    PYTHONPATH=tests python -m support.keras_inception FOLDER

The weights are those of `inception_files`. Into FOLDER go the weights in each format that Keras has (legacy `.h5` with
and without the classifier, `.weights.h5`), `answers.npz`, for two sizes the inputs and the output of each layer that is
an end point, and `keras_inception.npz`, which belongs beside this file.
"""

import json
import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"

import h5py  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras.src.legacy.saving import legacy_h5_format  # noqa: E402

from support import inception_files  # noqa: E402

# End points by the names of Keras's layers; those of the stem have numbers in place of names.
STEM = ("conv2d_1a", "conv2d_2a", "conv2d_2b", "maxpool_3a", "conv2d_3b", "conv2d_4a", "maxpool_5a")


def layers_of(model):
    """Return (name, shape) of the weights of each layer that has any."""
    return [[(w.name, w.shape) for w in layer.weights] for layer in model.layers if layer.weights]


def fill(model):
    """Give each weight of the model its value; return its layer and number by its bytes."""
    places = {}
    for i, layer in enumerate(layer for layer in model.layers if layer.weights):
        values = [inception_files.weight(i, j, w.name, w.shape) for j, w in enumerate(layer.weights)]
        layer.set_weights(values)
        places |= {value.tobytes(): (i, j) for j, value in enumerate(values)}
    return places


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


def network(**options):
    """Return Keras's network with random weights of its own."""
    return keras.applications.InceptionResNetV2(weights=None, **options)


def main(folder):
    """Build, save and ask the network with its classifier at its own size, the one without at another."""
    random = np.random.default_rng(2)
    whole = network()
    layers = layers_of(whole)
    places = fill(whole)
    save_legacy(whole, folder / "whole.h5")
    whole.save_weights(folder / "whole.weights.h5")
    headless = network(include_top=False, input_shape=(None, None, 3))
    fill(headless)
    save_legacy(headless, folder / "headless.h5")
    answers = {}
    for size, model, shape in (("own", whole, (2, 299, 299, 3)), ("other", headless, (2, 139, 203, 3))):
        inputs = random.uniform(-1, 1, shape).astype(np.float32)
        answers |= {f"{size}/inputs": inputs}
        answers |= {f"{size}/{name}": value for name, value in answer(model, inputs).items()}
    np.savez(folder / "answers.npz", **answers)
    smaller = network(input_shape=inception_files.SHAPE[1:])
    fill(smaller)
    layouts = {name: inception_files.layout_of(folder / name, places) for name in inception_files.FILES}
    kept = {"layouts": np.frombuffer(json.dumps(layouts | {"weights": layers}).encode(), np.uint8)}
    for name, value in answer(smaller, inception_files.inputs()).items():
        kept |= {f"{name}/{key}": part for key, part in inception_files.summary(value).items()}
    np.savez_compressed(folder / inception_files.KEPT.name, **kept)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
