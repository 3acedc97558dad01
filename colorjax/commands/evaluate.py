"""`launch.py evaluate`: measure a trained network."""

import dataclasses
from pathlib import Path
from types import ModuleType

import jax
from ml_collections import ConfigDict

from colorjax import processes
from colorjax.commands.measuring import load_weights, measure_rows
from colorjax.config.defaults import require_run
from colorjax.config.rows import table_runs
from colorjax.config.tables import single_row_table
from colorjax.errors import UserError
from colorjax.tasks import TASKS
from colorjax.training.logging import announce
from colorjax.training.workdir import open_workdir


def main(config: ConfigDict, workdir: Path, data: ModuleType, weights: str = "") -> None:
    """Measure the best checkpoint of a run next to the baselines; the results go to `workdir/evaluation`.

    Args:
      config: of the run.
      workdir: the run's folder.
      data: the `datasets` package.
      weights: what to measure in place of the run: the name of a bundled network, or a file.

    Raises:
      UserError: the config is of a table, the folder belongs to another run or has no checkpoint, or the weights don't
        fit the config.
    """
    require_run(config)
    if weights:
        load_weights(config, weights)  # finds unusable weights before the baselines are measured
    else:
        open_workdir(workdir, config, jax.devices())
    table = single_row_table(config)
    colorizes = TASKS[config.task.name].colorizes  # every table of such a task needs the mean color
    if weights and (reason := _lacks_training_photographs(config, data)):
        if colorizes:
            raise UserError(
                f"the row for the mean color needs training photographs, and {reason}; name some: "
                "--config.data.name=photo_folder --config.data.source=FOLDER --config.data.shares=()"
            )
        announce(f"no row for the mean color, which is that of the training photographs: {reason}")
        with table.unlocked():
            del table.rows.mean_color
    runs = table_runs(table, workdir / "evaluation" / "rows")
    runs["network"] = tuple(dataclasses.replace(run, directory=workdir, weights=weights) for run in runs["network"])
    measure_rows(table, workdir / "evaluation", runs, data)


def _lacks_training_photographs(config: ConfigDict, data: ModuleType) -> str:
    """Return why the training photographs are unavailable, or "" if they are available (optional with --weights)."""

    def reason() -> str:
        try:
            data.photographs(config.data, "train")
        except UserError as error:
            return str(error)
        return ""

    return processes.from_first(reason() if processes.is_first() else None)
