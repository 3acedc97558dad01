"""Writes what Keras's own InceptionV3 answers; a script, because Keras reads its backend from the process.

    PYTHONPATH=tests python -m support.keras_inception_v3 FILE

The weights are those of `fid_inception`. Into FILE goes a part of each answer. Keras's last block has average pooling;
for the one of FID its layers are connected anew, with Keras's max pooling.
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "jax"

import keras  # noqa: E402
import numpy as np  # noqa: E402

from support import fid_inception  # noqa: E402
from support.inception_files import summary  # noqa: E402

# The end points between activations of the stem and `mixed10`, by the names of Keras's layers.
STEM = ("conv2d_1a_3x3", "conv2d_2a_3x3", "conv2d_2b_3x3", "maxpool1", "conv2d_3b_1x1", "conv2d_4a_3x3", "maxpool2")
MIXED = ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b")


def numbered(model, kind):
    """Return the layers of a kind in the order of making: Keras numbers them."""
    layers = [layer for layer in model.layers if type(layer).__name__ == kind]
    return sorted(layers, key=lambda layer: int(layer.name.rpartition("_")[2]) if layer.name[-1].isdigit() else 0)


def fill(model, state):
    """Give each layer its weights. Keras's normalization has no scale s, so the variance v is (v + e) / s^2 - e."""
    layers = zip(numbered(model, "Conv2D"), numbered(model, "BatchNormalization"), strict=True)
    for (name, *_), (convolution, normalization) in zip(fid_inception.convolutions(), layers, strict=True):
        scale, bias, mean, variance = (
            state[f"{name}.bn.{leaf}"] for leaf in ("weight", "bias", "running_mean", "running_var")
        )
        e = fid_inception.EPSILON
        convolution.set_weights([state[f"{name}.conv.weight"].transpose(2, 3, 1, 0)])
        normalization.set_weights([bias, mean, (variance + e) / scale**2 - e])
        assert normalization.epsilon == e


def end_points(model):
    """Return {name: Keras tensor} in the network's order."""
    layers = {layer.name: layer for layer in model.layers}
    activations, pools = numbered(model, "Activation"), numbered(model, "MaxPooling2D")
    order = [*activations[:3], pools[0], *activations[3:5], pools[1]]
    found = {name: layer.output for name, layer in zip(STEM, order, strict=True)}
    found |= {f"mixed_{name}": layers[f"mixed{number}"].output for number, name in enumerate(MIXED)}
    last, convolutions = layers["mixed10"], numbered(model, "Conv2D")
    pooled = keras.layers.MaxPooling2D(3, strides=1, padding="same")(found["mixed_7b"])
    pooled = numbered(model, "BatchNormalization")[-1](convolutions[-1](pooled))
    *branches, _ = last.input
    found["mixed_7c"] = keras.layers.Concatenate()([*branches, keras.layers.ReLU()(pooled)])
    found["pooled"] = keras.layers.GlobalAveragePooling2D()(found["mixed_7c"])
    return found


def main(file):
    """Build, fill and ask the network."""
    model = keras.applications.InceptionV3(weights=None, include_top=False, input_shape=(None, None, 3))
    fill(model, fid_inception.state_dict())
    points = end_points(model)
    answers = keras.Model(model.input, list(points.values())).predict(fid_inception.inputs(), verbose=0)
    whole = keras.applications.InceptionV3(weights=None, classes=fid_inception.CLASSES)
    counts = [sum(np.prod(w.shape) for w in some) for some in (whole.trainable_weights, whole.non_trainable_weights)]
    summaries = {
        f"{name}/{key}": part
        for name, answer in zip(points, answers, strict=True)
        for key, part in summary(answer).items()
    }
    np.savez_compressed(file, counts=counts, **summaries)


if __name__ == "__main__":
    main(sys.argv[1])
