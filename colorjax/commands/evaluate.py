"""`launch.py evaluate`: measure a trained network."""

import dataclasses
from pathlib import Path
from types import ModuleType

import jax
from ml_collections import ConfigDict

from colorjax.commands.measuring import measure_rows
from colorjax.config import require_run, single_row_table
from colorjax.rows import table_runs
from colorjax.training.workdir import open_workdir


def main(config: ConfigDict, workdir: Path, data: ModuleType, weights: str = "") -> None:
    """Measure the best checkpoint of a run beside the trivial rows; the results go to `workdir/evaluation`.

    Args:
      config: of the run.
      workdir: its folder.
      data: the `datasets` package.
      weights: what to measure in place of the run: the name of a network that comes with colorjax, or a file.
    """
    require_run(config)
    if not weights:
        open_workdir(workdir, config, jax.devices())
    table = single_row_table(config)
    runs = table_runs(table, workdir / "evaluation" / "rows")
    runs["network"] = tuple(dataclasses.replace(run, directory=workdir, weights=weights) for run in runs["network"])
    measure_rows(table, workdir / "evaluation", runs, data)
