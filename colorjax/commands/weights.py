"""`launch.py weights`: convert published weights into those that configs find."""

import importlib
from pathlib import Path

import jax

from colorjax.commands.options import NETWORKS


def main(network: str, source: str) -> None:
    """Convert the published weights in the file `source` and say what was read and where it is kept now."""
    target, converted = importlib.import_module(NETWORKS[network]).convert(Path(source))
    count = sum(leaf.size for leaf in jax.tree.leaves(converted.variables))
    print(f"read     {converted.origin}: {count:,} numbers, {converted.classes or 'no'} classes")
    print(f"SHA-256  {converted.sha256}")
    print(f"written  {target}")
