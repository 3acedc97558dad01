"""`launch.py weights`: convert published weights into those that configs find."""

from pathlib import Path
from types import ModuleType

import jax

from colorjax.models.inception import weights as inception_weights

#: network -> what reads a file of its published weights
CONVERTERS = {"inception": inception_weights.convert}


def main(network: str, source: str, data: ModuleType) -> None:
    """Convert the published weights in the file `source` and say what was read and where it is kept now."""
    del data  # no photographs are needed
    target, converted = CONVERTERS[network](Path(source))
    count = sum(leaf.size for leaf in jax.tree.leaves(converted.variables))
    print(f"read     {converted.origin}: {count:,} numbers, {converted.classes or 'no'} classes")
    print(f"SHA-256  {converted.sha256}")
    print(f"written  {target}")
