"""`launch.py train`: train one network."""

from pathlib import Path
from types import ModuleType

from ml_collections import ConfigDict

from colorjax.commands.networks import train_network
from colorjax.config import require_run
from colorjax.errors import Interrupted
from colorjax.runs.requeue import WARNINGS, note_start, requeue
from colorjax.runs.signs import read_state
from colorjax.training.logging import announce


def main(config: ConfigDict, workdir: Path, data: ModuleType, attempts: int = 0) -> None:
    """Train the network of a run config, or go on with it.

    Args:
      config: of the run.
      workdir: its folder.
      data: the `datasets` package.
      attempts: under Slurm, put the job back into the queue when its time is up; give up after so many starts in a row
        without a new checkpoint. 0 does neither.
    """
    require_run(config)
    if attempts:
        note_start(workdir, attempts)
    try:
        announce(f"last checkpoint: {train_network(config, workdir, data)}")
    except Interrupted as stop:
        if attempts and stop.signal in WARNINGS:
            requeue(workdir, read_state(workdir))
        raise
