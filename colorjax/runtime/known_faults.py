"""Versions of jaxlib that are known to compute wrong numbers without an error.

requirements.txt excludes them, but an environment may be older than that file, or made without it.
"""

import sys

import jax
import jaxlib

from colorjax import processes

#: version -> what is wrong with it on a CPU
FAULTS_ON_CPUS = {"0.10.2": "computes some sums wrongly on a CPU (jax issue 39103)"}


def known_fault() -> str:
    """Return a line on what is wrong with the installed jaxlib and what to do; "" if no fault is known."""
    fault = FAULTS_ON_CPUS.get(jaxlib.__version__)
    if fault is None or jax.default_backend() != "cpu":
        return ""
    better = "jax==0.10.1" if sys.version_info < (3, 12) else "jax>=0.12,<0.13"  # as in requirements.txt
    return f"jaxlib {jaxlib.__version__} {fault}: don't trust these numbers; pip install '{better}'"


def warn_of_known_fault(prefix: str) -> None:
    """Print the line of `known_fault`, if any, on standard error; in a group of processes only process 0 prints it."""
    line = known_fault()
    if line and processes.is_first():
        print(f"{prefix}: warning: {line}", file=sys.stderr)
