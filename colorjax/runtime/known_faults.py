"""Versions of jaxlib that are known to compute wrongly, without an error of their own.

requirements.txt excludes them, but an environment may have been made before it did, or by other means.
"""

import sys

import jax
import jaxlib

from colorjax import processes

#: version -> what is wrong with it on a CPU
FAULTS_ON_CPUS = {"0.10.2": "computes some sums wrongly on a CPU (jax issue 39103)"}


def known_fault() -> str:
    """Return a line on what is wrong with the jaxlib that computes here, and what to do; "" where nothing is known."""
    fault = FAULTS_ON_CPUS.get(jaxlib.__version__)
    if fault is None or jax.default_backend() != "cpu":
        return ""
    better = "jax==0.10.1" if sys.version_info < (3, 12) else "jax>=0.12,<0.13"  # as in requirements.txt
    return f"jaxlib {jaxlib.__version__} {fault}: don't trust these numbers; pip install '{better}'"


def warn_of_known_fault(prefix: str) -> None:
    """Print the line of `known_fault`, if there is one, on standard error, once for all processes of a group."""
    line = known_fault()
    if line and processes.is_first():
        print(f"{prefix}: warning: {line}", file=sys.stderr)
