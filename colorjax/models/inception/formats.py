"""Readers for the formats of published Inception-ResNet-v2 weights, with this project's names and layouts as result.

Each array is a variable of `InceptionResNetV2` under its path, such as ('params', 'block17_3', 'branch_1_2',
'convolution', 'kernel'). Arrays are float32, kernels [height, width, in, out].
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
from safetensors import SafetensorError, safe_open

from colorjax.errors import UserError
from colorjax.models.inception.network import BLOCKS, STEM
from colorjax.models.inception.state_dict import StateDict

VariablePath = tuple[str, ...]


class Source(NamedTuple):
    """The arrays of a file by path, and a description of its format."""

    arrays: dict[VariablePath, np.ndarray]
    description: str


def read_source(path: Path) -> Source:
    """Return the weights in a file of any of the formats.

    Raises:
      UserError: the file is in none of the formats, is damaged, or has weights of another network.
    """
    if h5py.is_hdf5(path):
        try:
            with h5py.File(path) as file:
                return _read_keras(path, file)
        except (OSError, KeyError, ValueError, AttributeError, TypeError) as error:
            # h5py raises these for a file that was cut off, lacks listed items, or has another structure.
            raise UserError(f"--from={path}: can't be read as HDF5: {error}") from None
    try:
        with safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, TypeError) as error:
        raise UserError(
            f"--from={path}: neither HDF5 nor safetensors ({error}); known are Keras's .h5 and .weights.h5, and timm's "
            "state dict as safetensors (a pickled .pth or .bin must be saved as such first)"
        ) from None
    return Source(_from_timm(path, tensors), "timm's state dict")


def _read_keras(path: Path, file: h5py.File) -> Source:
    if "layer_names" in file.attrs or "layer_names0" in file.attrs:
        return _read_layers(path, _legacy_layers(file), "Keras's legacy HDF5 weights")
    if "model_weights" in file:
        return _read_layers(path, _legacy_layers(file["model_weights"]), "a whole model in Keras's legacy HDF5")
    if "layers" in file:
        return _read_layers(path, _keras3_layers(file["layers"]), "Keras 3 weights")
    raise UserError(f"--from={path}: HDF5, but no weights of a Keras model")


class Layer(NamedTuple):
    """A layer of a Keras file: its name in the file, and its weights in Keras's order."""

    name: str
    weights: list[np.ndarray]


def _read_layers(path: Path, layers: list[Layer], description: str) -> Source:
    """Return the weights of a Keras file under this project's names, given its layers in Keras's order.

    Only the order identifies a layer, for Keras too. Most names in the file are numbers that depend on the layers built
    before in the same process.
    """
    # A normalization has three vectors, a convolution has a kernel of four axes, and the classifier has a matrix.
    kinds = {"normalization": [], "convolution": [], "classifier": []}
    for layer in layers:
        kind = (
            "normalization"
            if len(layer.weights) == 3
            else {4: "convolution", 2: "classifier"}.get(layer.weights[0].ndim)
        )
        if kind is None:
            raise UserError(f"--from={path}: {description} of another network: the layer {layer.name}")
        kinds[kind].append(layer)
    units = list(_units_in_keras_order())
    expected = {"normalization": sum(not residual for *_, residual in units), "convolution": len(units)}
    for kind, count in expected.items():
        if len(kinds[kind]) != count:
            raise UserError(
                f"--from={path}: {description} of another network: {len(kinds[kind])} layers of {kind}, not {count}"
            )
    if len(kinds["classifier"]) > 1:
        raise UserError(f"--from={path}: {description} of another network: {len(kinds['classifier'])} dense layers")
    arrays, normalizations = {}, iter(kinds["normalization"])
    for (*unit, residual), layer in zip(units, kinds["convolution"], strict=True):
        if residual:
            _put(arrays, path, layer, [("params", *unit, "kernel"), ("params", *unit, "bias")])
            continue
        _put(arrays, path, layer, [("params", *unit, "convolution", "kernel")])
        place = (*unit, "normalization")
        variables = [("params", *place, "bias"), ("batch_stats", *place, "mean"), ("batch_stats", *place, "var")]
        _put(arrays, path, next(normalizations), variables)
    for layer in kinds["classifier"]:
        _put(arrays, path, layer, [("params", "classifier", "kernel"), ("params", "classifier", "bias")])
    top = "with classifier" if kinds["classifier"] else "without classifier"
    return Source(arrays, f"{description}, {top}")


def _put(arrays, path, layer, variables):
    if len(layer.weights) != len(variables):
        raise UserError(f"--from={path}: the layer {layer.name} has {len(layer.weights)} weights, not {len(variables)}")
    arrays |= {variable: weight.astype(np.float32) for variable, weight in zip(variables, layer.weights, strict=True)}


def _units_in_keras_order() -> Iterator[tuple]:
    """Yield (*path, residual) for each convolution in the order of Keras's `model.layers`.

    `residual` is true for the convolution before a sum. Keras sorts layers by their distance from the output: in a
    block, the units further from the end of their branch come first, and units at one distance are in the order of the
    branches.
    """
    for name, unit in STEM.items():
        if unit is not None:
            yield name, False
    for name, block in BLOCKS.items():
        units = [(len(units) - j, i, j) for i, units in enumerate(block.branches) for j in range(len(units))]
        for _, i, j in sorted(units, key=lambda unit: (-unit[0], unit[1])):
            yield name, f"branch_{i}_{j}", False
        if block.residual:
            yield name, "residual", True
    yield "conv2d_7b", False


def _legacy_layers(group: h5py.Group) -> list[Layer]:
    names = _legacy_names(group, "layer_names")
    layers = [Layer(name, [group[name][w][()] for w in _legacy_names(group[name], "weight_names")]) for name in names]
    return [layer for layer in layers if layer.weights]


def _legacy_names(group, attribute):
    """Return a list of names; Keras cuts a list that is too long for one attribute into numbered pieces."""
    pieces = [group.attrs[attribute]] if attribute in group.attrs else []
    while f"{attribute}{len(pieces)}" in group.attrs:
        pieces.append(group.attrs[f"{attribute}{len(pieces)}"])
    return [name.decode() if isinstance(name, bytes) else name for piece in pieces for name in piece]


def _keras3_layers(group: h5py.Group) -> list[Layer]:
    """Return the layers of a `.weights.h5`, sorted by number; names are class and number (conv2d, conv2d_1, ...)."""

    def number(name):
        ending = name.rpartition("_")[2]
        return int(ending) if ending.isdigit() else 0

    layers = []
    for name in sorted(group, key=number):
        variables = group[name].get("vars", {})
        if len(variables):
            layers.append(Layer(name, [variables[key][()] for key in sorted(variables, key=int)]))
    return layers


def _from_timm(path: Path, tensors: dict[str, np.ndarray]) -> dict[VariablePath, np.ndarray]:
    """Return timm's tensors under this project's paths."""
    state, arrays = StateDict(tensors, "timm's inception_resnet_v2", f"--from={path}"), {}
    for name, unit in {**STEM, "conv2d_7b": True}.items():
        if unit is not None:
            arrays |= state.take_unit(name, (name,))
    for name, block in BLOCKS.items():
        theirs = _timm_block(name)
        for i, units in enumerate(block.branches):
            pooled = block.pooling == "average" and i == len(block.branches) - 1
            for j in range(len(units)):
                # In timm a branch of one unit has no number, and a pooling counts as the first item of its branch.
                place = f".{j + pooled}" if len(units) > 1 or pooled else ""
                arrays |= state.take_unit(f"{theirs}.branch{i}{place}", (name, f"branch_{i}_{j}"))
        if block.residual:
            arrays[("params", name, "residual", "kernel")] = state.take_kernel(f"{theirs}.conv2d.weight")
            arrays[("params", name, "residual", "bias")] = state.take(f"{theirs}.conv2d.bias")
    for theirs in ("classif", "last_linear"):  # the newer and the older name
        if f"{theirs}.weight" in tensors:
            arrays |= state.take_dense(theirs, ("classifier",))
    state.require_all_taken()
    return arrays


def _timm_block(name):
    if name == "block8_10":
        return "block8"
    kind, _, number = name.rpartition("_")
    repeat = {"block35": "repeat", "block17": "repeat_1", "block8": "repeat_2"}.get(kind)
    return name if repeat is None else f"{repeat}.{int(number) - 1}"
