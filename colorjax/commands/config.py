"""`launch.py config`: print a config, or the differences between two configs."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from colorjax.config import files
from colorjax.config.serialization import flatten, to_plain, with_tuples
from colorjax.errors import UserError
from colorjax.pages.text import ignore_broken_pipe

MISSING = "–"  # shown in place of a setting that one of two configs does not have
_WEIGHTS_SUFFIX = ".safetensors"  # repeated here because importing `colorjax.weights` imports jax
_WIDEST = 40  # most characters of the first values' column; a longer value shifts the second column in its line


def main(config: ConfigDict, source: str, diff: str = "") -> None:
    """Print the settings of a config, or those that differ from another config.

    Args:
      config: with the overrides of the command line.
      source: what the config was read from, as the user typed it.
      diff: another config, as for `read`; '' to print all settings.

    Raises:
      UserError: as `read`.
    """
    if diff:
        lines = differences(_flat(config), _flat(read(diff, "--diff")), source, diff)
        lines = lines or [f"{source} and {diff} have the same settings"]
    else:
        lines = as_words(_flat(config))
    with ignore_broken_pipe():
        print("\n".join(lines))


def read(source: str, option: str) -> ConfigDict:
    """Return the config that `source` names, locked.

    Args:
      source: `FILE[:VARIANT]`, the folder of a run, a file of weights, or the name of bundled weights. Saved configs
        get defaults for settings that were added since.
      option: the flag to quote in error messages.

    Raises:
      UserError: there is no such file, folder or name, or it can't be read.
    """
    path = Path(source)
    if (path / "config.json").is_file():
        return files.load(str(path / "config.json"), option=option)
    # A bare word is a name of weights. Other words are treated as paths, and `files.load` reports misspelt ones.
    named = len(path.parts) == 1 and not path.suffix and ":" not in source
    if not named and path.suffix != _WEIGHTS_SUFFIX and not path.is_dir():
        return files.load(source, option=option)
    from colorjax import weights

    try:
        return weights.read_config(source)
    except UserError as error:
        reason = "no config.json in this folder; give the folder of a run" if path.is_dir() else str(error)
        raise UserError(f"{option}={source}: {reason.removeprefix(f'{source}: ')}") from None


def as_words(settings: Mapping[str, Any]) -> list[str]:
    """Return each setting as a command-line word, quoted for a shell, such as --config.seed=1."""
    return [f"--config.{key}={_quoted(_text(value))}" for key, value in settings.items()]


def differences(here: Mapping[str, Any], there: Mapping[str, Any], here_name: str, there_name: str) -> list[str]:
    """Return the lines of a table of the settings that differ, in the order of the configs; [] if none differs.

    Args:
      here: setting -> value, of the first config.
      there: setting -> value, of the second config.
      here_name: heading of the first config's column.
      there_name: heading of the second config's column.
    """
    keys = [key for key in {**here, **there} if key not in here or key not in there or here[key] != there[key]]
    rows = [(f"config.{key}", _cell(here, key), _cell(there, key)) for key in keys]
    if not rows:
        return []
    rows = [("setting", here_name, there_name), *rows]
    first, second = max(len(row[0]) for row in rows), min(_WIDEST, max(len(row[1]) for row in rows))
    return [f"{key:{first}}  {value:{second}}  {other}" for key, value, other in rows]


def _flat(config: ConfigDict) -> dict[str, Any]:
    return flatten(with_tuples(to_plain(config)))


def _text(value: Any) -> str:
    """Return a value in the form that `--config.KEY=` takes: texts unchanged, other values as Python literals."""
    return value if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    """Return a text quoted for a shell, in double quotes if that is easier to read."""
    if "'" in text and not set(text) & set('"$`\\!'):
        return f'"{text}"'
    return shlex.quote(text) if text else ""


def _cell(settings: Mapping[str, Any], key: str) -> str:
    return (_text(settings[key]) or "''") if key in settings else MISSING
