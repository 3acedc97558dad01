"""Configs: where every key is listed once, and strict reading of files, variants and overrides.

A *run* config describes one training run and its measurement; a *table* config has the same sections, which its
rows share, plus `rows`, each with a `model` to train or a `method` that needs no training (`rows.py` has all that a
row may say). A config file defines `get_config(variant="")`, starting from `run_config()` or `table_config()`; all
configs are locked `ml_collections.ConfigDict`s, so a misspelt key in a file is as much an error as one on the command
line.
"""

import ast
import importlib.util
import json
import math
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from colorjax.errors import UserError, nearest
from colorjax.plain import flatten, from_plain


def run_config() -> ConfigDict:
    """Every key of a training run but those of `model`, with its default; `model_config` gives that section."""
    config = ConfigDict()
    config.seed = 0  # of the weights, the crops and the noise
    config.data = ConfigDict(
        {
            "name": "skimage_photos",  # a name of datasets.DATASETS
            "source": "",  # folder of the original photographs, for data sets that need one
            "data_dir": "",  # where prepared data sets lie; "" for $TFDS_DATA_DIR or ~/tensorflow_datasets
            "photographs": 0,  # training photographs to use, drawn from the train split; 0 for all
            "photographs_seed": 0,  # which of them are drawn; for one seed, fewer are among more
            "patch_size": 256,  # pixels
            "patches_per_epoch": 90_067,
            "zoom": (1.0, 1.0),  # factor by which a photograph is enlarged, drawn between the two
            "rotate": 0.0,  # degrees, drawn between minus and plus this
            "flip": True,  # left to right, for one patch in two
            "placement": "host",  # or "device": keep the photographs on the device and crop there
            "workers": 2,  # reading processes; 0 reads in the main one
        }
    )
    config.test_data = ConfigDict(
        {
            "name": "",  # data set to measure on; "" for config.data's
            "source": "",  # its folder of originals
            "split": "test",
        }
    )
    config.task = ConfigDict(
        {
            "name": "denoise",
            "loss": "squared_error",
            "noise": {"kind": "none", "level": (0.0, 0.0)},  # level drawn between the two for every example
        }
    )
    config.optimizer = ConfigDict(
        {
            "learning_rate": 1e-3,
            "schedule": "constant",  # or "cosine", down to zero at the last step
            "warmup_steps": 0,
            "clip_norm": 0.0,  # of the whole gradient; 0 for no clipping
            "weight_average": 0.0,  # decay of the moving average of the weights; 0 for none
        }
    )
    config.training = ConfigDict(
        {
            "batch_size": 5,  # over all devices together
            "epochs": 30,
            "log_every": 50,  # steps, as are the next two
            "validate_every": 1000,
            "checkpoint_every": 1000,
            "keep": 3,  # newest checkpoints kept, beside the best
            "validation_split": "validation",  # of config.data: says which checkpoint is the best
            "validation_photographs": 16,  # the first so many of that split
        }
    )
    config.inference = ConfigDict(
        {
            "picture": "patches",  # or "whole": a picture goes through the network once, fitted into one patch, alone
            "patch_size": 256,  # pixels
            "overlap": 32,  # pixels by which neighbouring patches overlap
            "batch_size": 4,  # patches at a time
        }
    )
    from colorjax.evaluation.protocol import protocol_config

    config.protocol = protocol_config()
    return config


def table_config() -> ConfigDict:
    """The sections of `run_config`, shared by all rows, and those that only a table has."""
    config = run_config()
    config.title = ""
    config.reference = "observed"  # the row that the others are compared with, picture by picture
    # Every table has these two: without them nobody knows what the other numbers are worth.
    config.rows = ConfigDict(
        {
            "observed": {"label": "Input as it is", "method": method_config("observed")},
            "mean_color": {"label": "Mean color", "method": method_config("mean_color")},
        },
        sort_keys=False,  # rows stand in the table in the order in which they were given
    )
    config.published = ConfigDict({"caption": "", "columns": (), "rows": ()})
    return config


def model_config(name: str, **fields: Any) -> ConfigDict:
    """The `model` section for the architecture `name`: all its fields with their defaults, but for `fields`."""
    from colorjax.models import default_config

    return _section(default_config(name), fields, f"model {name!r}")


def method_config(name: str, **fields: Any) -> ConfigDict:
    """The `method` section for the untrained method `name`: all its fields, with their defaults but for `fields`."""
    from colorjax.methods import default_config

    return _section(default_config(name), fields, f"method {name!r}")


def _section(defaults: Mapping[str, Any], fields: Mapping[str, Any], what: str) -> ConfigDict:
    for field in fields:
        if field not in defaults:
            raise UserError(f"{what} has no setting {field!r}; {nearest(field, defaults)}")
    return ConfigDict({**defaults, **fields})


def test_data_config(config: ConfigDict) -> ConfigDict:
    """The `data` section of the photographs that are measured on; their split is `config.test_data.split`."""
    data = config.data.copy_and_resolve_references()
    data.photographs = 0  # a limit on what is trained on is none on what is measured, whatever the split is called
    if config.test_data.name:
        data.name, data.source = config.test_data.name, config.test_data.source
    return data


def single_row_table(run: ConfigDict) -> ConfigDict:
    """The table config that measures one run, as its row `network`, beside the trivial rows."""
    table = table_config()
    for key in run_config():
        table[key] = run[key]
    table.title = f"{run.model.name} on the task {run.task.name}"
    table.rows.network = ConfigDict({"label": f"Trained {run.model.name}", "model": run.model})
    return table.lock()


def is_table(config: ConfigDict) -> bool:
    """Whether `config` describes a table rather than one run."""
    return "rows" in config


def require_run(config: ConfigDict) -> None:
    """Raise a `UserError` for the config of a table."""
    if is_table(config):
        raise UserError("this config describes a table: use the command table, or another variant")


def total_steps(config: ConfigDict) -> int:
    """Return the number of steps of a whole run; the last batch goes into one more epoch as far as it needs to."""
    return math.ceil(config.training.epochs * config.data.patches_per_epoch / config.training.batch_size)


def choose(variant: str, variants: Sequence[str]) -> str:
    """Return `variant`, or the first of `variants` for "".

    Raises:
      UserError: `variant` is none of them.
    """
    if variant and variant not in variants:
        raise UserError(f"no variant {variant!r} in this config file; {nearest(variant, variants)}")
    return variant or variants[0]


def load(argument: str, overrides: Sequence[str] = ()) -> ConfigDict:
    """Read `FILE[:variant]` and apply overrides such as `--config.training.epochs=3`.

    Args:
      argument: the path of a Python file that defines `get_config`, with an optional variant; or of the config.json in
        a run's folder.
      overrides: command-line words, `--config.KEY=VALUE` or `--config.KEY` followed by `VALUE`.

    Returns:
      The locked config.

    Raises:
      UserError: no such file, an error in the file, an unknown variant or key, a value of the wrong type.
    """
    path, _, variant = argument.partition(":")
    config = _kept_config(Path(path)) if path.endswith(".json") else call(path, "get_config", variant)
    for key, text in _pairs(overrides):
        _override(config, key, text)
    return config.lock()


def call(argument: str, function: str, *arguments: Any) -> Any:
    """Return what a function of a config file returns.

    Args:
      argument: `FILE[:variant]`.
      function: its name.
      *arguments: its arguments.

    Raises:
      UserError: no such file, no such function in it, or an error in the file, with its line.
    """
    path = Path(argument.partition(":")[0])
    if not path.is_file():
        siblings = [str(p) for p in path.parent.glob("*.py")] if path.parent.is_dir() else []
        hint = f"; {nearest(str(path), siblings)}" if siblings else ""
        raise UserError(f"--config={path}: no such file{hint}")
    spec = importlib.util.spec_from_file_location(f"colorjax_config_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        if not hasattr(module, function):
            raise UserError(f"defines no function {function}()")
        return getattr(module, function)(*arguments)
    except UserError as error:
        raise UserError(f"--config={path}: {error}") from None
    except Exception as error:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
        line = f", line {lines[-1]}" if lines else ""
        message = str(error).strip("\"'").splitlines()[0] if str(error) else ""
        raise UserError(f"--config={path}{line}: {type(error).__name__}: {message}") from error


def _kept_config(path: Path) -> ConfigDict:
    try:
        return from_plain(json.loads(path.read_text()))
    except FileNotFoundError:
        raise UserError(f"--config={path}: no such file") from None
    except ValueError as error:
        raise UserError(f"--config={path}: is not the config.json of a run ({error})") from None


def _pairs(words: Sequence[str]) -> list[tuple[str, str]]:
    pairs, words = [], list(words)
    while words:
        word = words.pop(0)
        if not word.startswith("--config."):
            raise UserError(f"unknown argument {word!r}; settings are given as --config.KEY=VALUE")
        key, equals, text = word.removeprefix("--config.").partition("=")
        if not equals:
            if not words:
                raise UserError(f"--config.{key} lacks a value; write --config.{key}=VALUE")
            text = words.pop(0)
        pairs.append((key, text))
    return pairs


def _override(config: ConfigDict, key: str, text: str) -> None:
    *parents, last = key.split(".")
    section = config
    for depth, name in enumerate([*parents, last]):
        if not isinstance(section, ConfigDict) or name not in section:
            raise UserError(f"--config.{key}: no such key; {_nearest_key(config, key)}")
        if depth < len(parents):
            section = section[name]
    section[last] = _parse(text, section[last], key)


def _nearest_key(config: ConfigDict, key: str) -> str:
    leaves = flatten(config)
    # A key given without its section is more likely than one that is spelt a little like another.
    same_name = [leaf for leaf in leaves if leaf.split(".")[-1] == key.split(".")[-1]]
    return f"did you mean {same_name[0]!r}?" if same_name else nearest(key, leaves)


def _parse(text: str, current: Any, key: str) -> Any:
    """Read `text` as a value of the type that `current` has."""
    where = f"--config.{key}={text}"
    if isinstance(current, str):
        return text
    if isinstance(current, bool) and text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        raise UserError(f"{where}: needs {_describe(current)}") from None
    return of_same_type(value, current, where)


def of_same_type(value: Any, current: Any, where: str) -> Any:
    """Return `value` in the type that `current` has: whole numbers pass for numbers, lists for tuples.

    Raises:
      UserError: it is of another type; the line begins with `where`.
    """
    if not _same_type(value, current):
        raise UserError(f"{where}: needs {_describe(current)}")
    if isinstance(current, tuple):
        return tuple(type(c)(v) for v, c in zip(value, current, strict=True)) if current else tuple(value)
    return type(current)(value)


def _same_type(value: Any, current: Any) -> bool:
    if isinstance(current, tuple):
        if not isinstance(value, tuple | list):
            return False
        return not current or (len(value) == len(current) and all(map(_same_type, value, current)))
    if isinstance(value, bool) or isinstance(current, bool):
        return type(value) is type(current)
    if isinstance(current, float):
        return isinstance(value, int | float)
    return isinstance(value, type(current)) and not isinstance(current, ConfigDict)


def _describe(value: Any) -> str:
    if isinstance(value, ConfigDict):
        return f"one of its keys: {', '.join(sorted(value))}"
    if isinstance(value, tuple):
        return f"a tuple such as {value}"
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    return f"{names[type(value)]} (now {value!r})"
