"""`launch.py work`: a worker of a search; the command search starts it."""

from pathlib import Path
from types import ModuleType

from colorjax.commands.networks import train_in_queue
from colorjax.sweeps.search import read_search
from colorjax.sweeps.trials import work
from colorjax.training.logging import announce


def main(workdir: Path, data: ModuleType, attempts: int = 0) -> None:
    """Take trials of the search in `workdir` until there are enough.

    Args:
      workdir: the search's folder.
      data: the `datasets` package.
      attempts: as for `train_in_queue`.

    Raises:
      UserError: there is no search in `workdir`.
      Interrupted: a signal came, and a checkpoint was written.
    """

    def train(config, directory, on_validation):
        train_in_queue(config, directory, data, attempts, on_validation)

    work(read_search(workdir), workdir, train, announce)
