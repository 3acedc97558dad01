"""The command line of colorjax; `python launch.py --help` is its manual. No logic lives here."""

import sys
from types import ModuleType

from colorjax.commands.catalog import COMMANDS
from colorjax.commands.console import start

OVERVIEW = """\
Colorize and denoise photographs: your own, or those of an experiment: prepare data, train, measure, compare.

  python launch.py restore old.jpg --output=restored
  python launch.py table   --config=experiments/table1.py:smoke --workdir=runs/table1
  python launch.py train   --config=experiments/colorize_unet.py --workdir=runs/unet --config.training.epochs=3
  python launch.py sweep   --config=experiments/sweep_denoise.py --workdir=runs/sweep --jobs=2
  python launch.py compare --workdir=runs/sweep
"""


def main(words: list[str]) -> int:
    """Parse `words`, execute the command, return the exit status."""
    return start("launch.py", "python launch.py", OVERVIEW, COMMANDS, words, _datasets)


def _datasets() -> ModuleType:
    import datasets  # here, so that what needs no data sets does not wait for them

    return datasets


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
