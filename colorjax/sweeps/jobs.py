"""A job: the command line that one run, or one worker of a search, is started with."""

import dataclasses
import shlex
import sys
from pathlib import Path


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


def python_words(code: Path, *words: str, container: str = "", python: str = "") -> tuple[str, ...]:
    """Return the command line of `launch.py` in the snapshot `code`, in a container, by a python of one's own."""
    return (*shlex.split(container), python or sys.executable, str(code / "launch.py"), *words)
