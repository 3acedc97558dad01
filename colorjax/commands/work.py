"""`launch.py work`: take part in a search; the command search starts it."""

from pathlib import Path
from types import ModuleType

from colorjax.commands.networks import train_in_queue
from colorjax.sweeps.search import read_search
from colorjax.sweeps.trials import work
from colorjax.training.logging import announce


def main(workdir: Path, data: ModuleType, attempts: int = 0) -> None:
    """Take trials of the search in `workdir` until there are enough; `attempts` as for `train_in_queue`."""

    def train(config, directory, on_validation):
        train_in_queue(config, directory, data, attempts, on_validation)

    work(read_search(workdir), workdir, train, announce)
