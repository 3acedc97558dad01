"""A network's variables are known again: by name and shape, and by SHA-256 that earlier versions wrote."""

import hashlib

import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict

from colorjax.errors import UserError
from colorjax.models.variables import fingerprint_of, require_variables, sha256_of_arrays

TREE = {
    "params": {
        "b": {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": jnp.zeros(3, jnp.bfloat16)},
        "a": np.float32(2),
    },
    "batch_stats": {"mean": np.arange(2)},
}
SHAPES = {("params", "a"): (2,), ("params", "b"): (3,)}


def by_name(tree):
    return {"/".join(path): np.asarray(leaf) for path, leaf in flatten_dict(tree).items()}


def test_variables_have_the_digests_that_earlier_versions_wrote():
    assert fingerprint_of(TREE) == "ae147991f3802769167317a56c2da98c133e124b55e1df5ae77de4d3bd828655"
    assert sha256_of_arrays(by_name(TREE)) == "d58d61b4e069ac8b09746981f88357deb62ab4b6c8cc60c4859731796099c833"


def test_variables_have_the_digests_of_their_bytes():
    values = np.float32([[1, 2, 3]])
    content = values.tobytes()
    assert sha256_of_arrays({"x": values}) == hashlib.sha256(b"x <f4 (1, 3)\n" + content).hexdigest()
    assert fingerprint_of({"x": values}) == hashlib.sha256(b"['x'] float32 (1, 3)" + content).hexdigest()
    assert sha256_of_arrays({}) == fingerprint_of({}) == hashlib.sha256().hexdigest()


@pytest.mark.parametrize("digest", [fingerprint_of, sha256_of_arrays])
def test_variables_of_other_names_shapes_types_or_values_have_other_digests(digest):
    digests = [
        digest({"a": np.float32([1, 2])}),
        digest({"b": np.float32([1, 2])}),
        digest({"a": np.float32([[1, 2]])}),
        digest({"a": np.float32([1, 3])}),
        digest({"a": np.int32([1, 2])}),
    ]
    assert len(set(digests)) == len(digests)
    assert digest({"a": jnp.float32([1, 2])}) == digests[0]
    assert digest({"a": np.float32([[1, 0], [2, 0]])[:, 0]}) == digests[0]


def test_variables_of_the_network_are_let_through():
    require_variables({("params", "a"): np.zeros(2), ("params", "b"): np.zeros(3)}, SHAPES, "here")


@pytest.mark.parametrize(
    ("found", "line"),
    [
        ({("params", "a"): 2}, "it lacks 1 of the network's variables, such as params/b"),
        ({("params", "a"): 2, ("params", "b"): 3, ("x", "y"): 1}, "it has besides 1 .*, such as x/y"),
        ({("params", "a"): 2, ("params", "b"): 4}, r"params/b has the shape \(4,\), the network wants \(3,\)"),
    ],
)
def test_variables_of_another_network_are_refused_by_name(found, line):
    arrays = {path: np.zeros(size) for path, size in found.items()}
    with pytest.raises(UserError, match=f"^here: weights of another architecture: {line}$"):
        require_variables(arrays, SHAPES, "here")
