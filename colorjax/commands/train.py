"""`launch.py train`: train one network."""

from pathlib import Path
from types import ModuleType

from ml_collections import ConfigDict

from colorjax.commands.networks import train_in_queue
from colorjax.config.defaults import require_run
from colorjax.training.logging import announce


def main(config: ConfigDict, workdir: Path, data: ModuleType, attempts: int = 0) -> None:
    """Train the network of a run config, or continue its training.

    Args:
      config: of the run.
      workdir: the run's folder.
      data: the `datasets` package.
      attempts: as for `train_in_queue`.

    Raises:
      UserError: the config is of a table, or as `train_in_queue`.
      ColorjaxError: as `train_in_queue`.
    """
    require_run(config)
    announce(f"last checkpoint: {train_in_queue(config, workdir, data, attempts)}")
