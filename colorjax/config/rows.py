"""The rows of a table config, and the runs of each row.

A row has a `label` and either a `model` to train or a `method` that needs no training. Optional keys:
    data, task, objective, optimizer, training, inference    settings of the shared section that this row changes
    seed      the row's own seed, in place of the shared one
    seeds     such as (0, 1, 2): the row is run once per seed, and the table shows the mean over the seeds
    series    name of a curve over the amount of training data; the row is its point at the row's number of photographs
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from colorjax.config.defaults import run_config
from colorjax.config.files import of_same_type, open_setting
from colorjax.config.keys import SECTIONS, Bears
from colorjax.errors import UserError, nearest
from colorjax.methods import METHODS

# Keys that describe the row itself; every other key changes the settings of its runs.
_OF_THE_ROW = ("label", "seeds", "series")
_PARTS = ("model", "method")
_OF_TRAINING = tuple(section for section, bears in SECTIONS.items() if bears & Bears.NETWORK)
# All rows are measured on the same images in the same way, so no row can change these sections.
_SHARED_BY_ALL = tuple(
    section for section, bears in SECTIONS.items() if bears & Bears.MEASUREMENT and not bears & Bears.NETWORK
)


@dataclasses.dataclass(frozen=True)
class Run:
    """One training (or fit) and measurement of a row, with one seed, in its own folder.

    Attributes:
      label: names the run in output.
      config: the run config.
      directory: the run's folder.
      weights: weights to measure in place of those trained in the folder, as `colorjax.weights.load` takes them; ''
        for the trained ones.
    """

    label: str
    config: ConfigDict
    directory: Path
    weights: str = ""


def table_runs(table: ConfigDict, directory: Path) -> dict[str, tuple[Run, ...]]:
    """Return the runs of each row: one in `directory/NAME`, or one per seed in `directory/NAME/seed-0` and so on.

    Raises:
      UserError: an impossible row, or a label that two rows share.
    """
    runs, row_of = {}, {}
    for name, row in table.rows.items():
        if row.label in row_of:
            raise UserError(f"config.rows.{name}.label: the row {row_of[row.label]!r} has the label {row.label!r} too")
        row_of[row.label] = name
        if ("model" in row) == ("method" in row):
            raise UserError(f"config.rows.{name}: needs either a model, to be trained, or a method, which is not")
        if "seeds" not in row:
            runs[name] = (Run(row.label, row_config(table, name), directory / name),)
            continue
        runs[name] = tuple(
            Run(f"{row.label}, seed {seed}", row_config(table, name, seed), directory / name / f"seed-{seed}")
            for seed in _seeds(name, row)
        )
    return runs


def row_config(table: ConfigDict, row: str, seed: int | None = None) -> ConfigDict:
    """Return the run config of a row: the shared sections with the row's changes, and its `model` or `method`.

    Args:
      table: the table's config.
      row: name of the row.
      seed: one of its `seeds`; None for a row without `seeds`.

    Raises:
      UserError: the row has an unknown key, a value of another type, or a setting that its method does not read.
    """
    shared = ConfigDict({key: table[key] for key in run_config()}).copy_and_resolve_references()
    # An objective with a name replaces the shared section, since another objective has other settings. Without a name
    # it only changes settings of the shared one.
    objective = table.rows[row].get("objective", {})
    whole = ("objective",) if isinstance(objective, ConfigDict) and "name" in objective else ()
    changes = {key: value for key, value in table.rows[row].items() if key not in _OF_THE_ROW + _PARTS + whole}
    for key in (*changes, *whole):
        if "method" in table.rows[row] and key in _OF_TRAINING:
            raise UserError(f"config.rows.{row}.{key}: a method that needs no training does not read it; leave it out")
    known = {key: value for key, value in shared.items() if key not in _SHARED_BY_ALL}
    _change(known, changes, f"config.rows.{row}", shared, more=_OF_THE_ROW + _PARTS)
    shared.update(known)
    for part in (*_PARTS, *whole):
        if part in table.rows[row]:
            shared[part] = table.rows[row][part].copy_and_resolve_references()
    if seed is not None:
        shared.seed = seed
        # With few training photographs, most of a result's randomness comes from which ones were drawn. If all seeds
        # used the same photographs, the spread over the seeds would be far too small.
        shared.data.photographs_seed = seed
    return shared.lock()


def _change(
    section: ConfigDict | dict,
    changes: Mapping[str, Any],
    where: str,
    shared: ConfigDict,
    more: tuple[str, ...] = (),
    parents: tuple[str, ...] = (),
) -> None:
    """Apply `changes` to a section of the row's config.

    Args:
      section: changed in place. It must have all keys of `changes`, but for those that an open section may get.
      changes: settings and sections by name.
      where: begins an error message.
      shared: the whole config of the row.
      more: keys that an error message suggests too.
      parents: names of the sections that lead to `section`.
    """
    for key, value in changes.items():
        if key not in section:
            new = open_setting(shared, ".".join([*parents, key]))
            if new is None:
                raise UserError(f"{where}.{key}: no such key; {nearest(key, (*section, *more))}")
            with section.unlocked():
                section[key] = new
        if isinstance(section[key], ConfigDict) and isinstance(value, ConfigDict):
            _change(section[key], value, f"{where}.{key}", shared, parents=(*parents, key))
        else:
            section[key] = of_same_type(value, section[key], f"{where}.{key}", ".".join([*parents, key]))


def _seeds(name: str, row: ConfigDict) -> tuple[int, ...]:
    where, seeds = f"config.rows.{name}.seeds", row.seeds
    if not isinstance(seeds, tuple | list) or not seeds or not all(type(seed) is int and seed >= 0 for seed in seeds):
        raise UserError(f"{where} = {seeds!r}: needs whole numbers of 0 or more, such as (0, 1, 2)")
    if len(set(seeds)) < len(seeds):
        raise UserError(f"{where} = {seeds!r}: a seed that is there twice is the same run twice")
    if "seed" in row:
        raise UserError(f"config.rows.{name} has both seed and seeds; leave one")
    if "photographs_seed" in row.get("data", {}):
        raise UserError(f"config.rows.{name} has both seeds and data.photographs_seed, which each seed sets; leave one")
    if "method" in row and row.method.name in METHODS and not METHODS[row.method.name].learns():
        raise UserError(f"{where}: the method {row.method.name!r} learns nothing, so no seed changes it; leave it out")
    return tuple(seeds)
