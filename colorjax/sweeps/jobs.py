"""A job: the command line that starts one run, or one worker of a search."""

import dataclasses
import shlex
import sys
from pathlib import Path

from colorjax.sweeps.executor import Executor


@dataclasses.dataclass(frozen=True)
class Job:
    """A command to start.

    Attributes:
      name: of the run or worker; its output goes to a log of this name.
      words: the command line.
      directory: the folder whose `state.json` has the state of the job, and the reason if it failed.
    """

    name: str
    words: tuple[str, ...]
    directory: Path


def job_words(code: Path, executor: Executor, *words: str) -> tuple[str, ...]:
    """Return the command line of a job.

    Args:
      code: the folder of the snapshot whose `launch.py` is run.
      executor: where the job runs.
      *words: the command of `launch.py` and its options.
    """
    launch = str(code / "launch.py")
    if not executor.on_slurm:
        return (sys.executable, launch, *words)
    cluster = executor.cluster
    python = cluster.python or sys.executable
    return (*shlex.split(cluster.container), python, launch, *words, f"--attempts={cluster.attempts}")
