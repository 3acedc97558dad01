"""A job: the command line that one run, or one worker of a search, is started with."""

import dataclasses
import shlex
import sys
from pathlib import Path

from colorjax.sweeps.executor import Executor


@dataclasses.dataclass(frozen=True)
class Job:
    """What to start, for whom.

    Attributes:
      name: of the run; its output goes to a log of this name.
      words: the command line.
      directory: the folder whose `state.json` tells why it failed.
    """

    name: str
    words: tuple[str, ...]
    directory: Path


def job_words(code: Path, executor: Executor, *words: str) -> tuple[str, ...]:
    """Return the command line of a job.

    Args:
      code: the snapshot whose `launch.py` it runs.
      executor: where it runs.
      *words: the command and its options.
    """
    launch = str(code / "launch.py")
    if not executor.on_slurm:
        return (sys.executable, launch, *words)
    cluster = executor.cluster
    python = cluster.python or sys.executable
    return (*shlex.split(cluster.container), python, launch, *words, f"--attempts={cluster.attempts}")
