"""`launch.py table`: train and measure all rows of a comparison."""

from pathlib import Path
from types import ModuleType

import jax
from ml_collections import ConfigDict

from colorjax import processes
from colorjax.commands.measuring import measure_rows
from colorjax.commands.networks import check, frozen_of_config, train_network
from colorjax.config.defaults import is_table
from colorjax.config.rows import table_runs
from colorjax.config.tables import of_noise
from colorjax.errors import UserError
from colorjax.tables.crossed import Section, write_crossed
from colorjax.training.logging import announce
from colorjax.training.workdir import open_workdir, require_same_frozen_weights


def main(config: ConfigDict, workdir: Path, data: ModuleType) -> None:
    """Train each row of a table that is not trained yet, measure all rows, and write the table and the report.

    A config with several noises gives a table for each, in a folder with the noise's name, and one of all.

    Raises:
      UserError: the config is of a run, its reference is no row, or a row is impossible.
    """
    if not is_table(config):
        raise UserError("this config describes one run: use the commands train and evaluate")
    if config.reference not in config.rows:
        raise UserError(f"config.reference={config.reference}: no such row in {', '.join(config.rows)}")
    tables = {name: (of_noise(config, name), workdir / name) for name in config.noises} or {"": (config, workdir)}
    runs = {name: table_runs(table, directory / "rows") for name, (table, directory) in tables.items()}
    every = [run for of_table in runs.values() for row in of_table.values() for run in row]
    with processes.first_then_rest():  # the other processes then find the data sets prepared
        for run in every:  # all before any training, so that a mistake in the last row does not cost the time of others
            try:
                check(run.config, data)
                if "model" in run.config:
                    require_same_frozen_weights(run.directory, frozen_of_config(run.config))
            except UserError as error:
                raise UserError(f"row {run.label!r}: {error}") from None
    open_workdir(workdir, config, jax.devices())
    for run in every:
        if "model" not in run.config:
            continue
        announce(f"== {run.label}: {run.directory}")
        train_network(run.config, run.directory, data)
    measured = {}
    for name, (table, directory) in tables.items():
        measured[name] = measure_rows(table, directory, runs[name], data)
    if config.noises and processes.is_first():
        sections = [Section(config.noises[name].label, name, *measured[name]) for name in tables]
        print(write_crossed(workdir, config.title, sections))
        announce(f"report: {workdir / 'report.html'}")
