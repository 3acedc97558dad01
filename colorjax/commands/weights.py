"""`launch.py weights`: convert published weights and keep them in the cache, where configs find them."""

import importlib
from pathlib import Path

import jax

from colorjax.commands.options import NETWORKS


def main(network: str, source: str) -> None:
    """Convert the published weights of a network, and print what was read and where the result is.

    Args:
      network: a key of `options.NETWORKS`.
      source: the published file; "" for that of an installed package.

    Raises:
      UserError: the file can't be read, or does not have the network's weights.
    """
    target, converted = importlib.import_module(NETWORKS[network]).convert(Path(source) if source else None, network)
    count = sum(leaf.size for leaf in jax.tree.leaves(converted.variables))
    print(f"read     {converted.origin}: {count:,} numbers, {converted.about}")
    print(f"SHA-256  {converted.sha256}")
    print(f"written  {target}")
