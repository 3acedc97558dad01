"""Strict reading of configs: config files and their functions, and overrides from the command line or from a sweep."""

import ast
import importlib.util
import json
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from colorjax.config.defaults import with_defaults
from colorjax.config.keys import ANY_LENGTH
from colorjax.config.serialization import flatten, from_plain
from colorjax.errors import UserError, nearest


def load(argument: str, overrides: Sequence[str] = (), option: str = "--config") -> ConfigDict:
    """Read `FILE[:variant]` and apply overrides such as `--config.training.epochs=3`.

    Args:
      argument: the path of a Python file that defines `get_config`, with an optional variant; or the path of the
        config.json in a run's folder.
      overrides: command-line words, `--config.KEY=VALUE` or `--config.KEY` followed by `VALUE`.
      option: the flag to quote in error messages.

    Returns:
      The locked config.

    Raises:
      UserError: no such file, an error in the file, an unknown variant or key, a value of the wrong type.
    """
    path, _, variant = argument.partition(":")
    config = _kept_config(Path(path), option) if path.endswith(".json") else get_config(path, variant, option)
    return override(config, overrides)


def get_config(path: str, variant: str, option: str = "--config") -> ConfigDict:
    """Return the config that a Python file's `get_config` returns.

    Args:
      path: of the file.
      variant: passed to `get_config`; '' for the default variant.
      option: the flag to quote in error messages.

    Raises:
      UserError: as `call`, or `get_config` returns no ConfigDict.
    """
    config = call(path, "get_config", variant, option=option)
    if not isinstance(config, ConfigDict):
        raise UserError(f"{option}={path}: get_config() must return a ConfigDict, not {type(config).__name__}")
    return config


def override(config: ConfigDict, words: Sequence[str], name: str = "config") -> ConfigDict:
    """Apply overrides from the command line to `config` in place, and return it locked.

    Args:
      config: changed in place.
      words: `--NAME.KEY=VALUE`, or `--NAME.KEY` followed by `VALUE`.
      name: the NAME in these words.

    Raises:
      UserError: a word of another form, an unknown key or a value of the wrong type.
    """
    with config.unlocked():
        for key, text in _pairs(words, name):
            where = f"--{name}.{key}"

            def typed(current: Any, text: str = text, where: str = where, key: str = key) -> Any:
                return _parse(text, current, f"{where}={text}", key)

            _set(config, key, where, typed)
    return config.lock()


def set_value(config: ConfigDict, key: str, value: Any, where: str) -> None:
    """Set a key of an unlocked config to a value of the same type as the present one.

    Args:
      config: changed in place.
      key: full name, such as 'optimizer.learning_rate'; may be a section, such as 'model'.
      value: the new value; a whole section replaces the present section.
      where: begins the error message.

    Raises:
      UserError: there is no such key, or its value has another type.
    """

    def typed(current: Any) -> Any:
        if isinstance(current, ConfigDict) and isinstance(value, ConfigDict):
            return value.copy_and_resolve_references()
        return of_same_type(value, current, where, key)

    _set(config, key, where, typed)


def call(argument: str, function: str, *arguments: Any, option: str = "--config") -> Any:
    """Call a function of a config file and return its result. The file may import modules from its own folder.

    Args:
      argument: `FILE[:variant]`; only the file matters here.
      function: the function's name.
      *arguments: the function's arguments.
      option: the flag to quote in error messages.

    Raises:
      UserError: no such file, no such function in it, or an error in the file, reported with its line number.
    """
    path = Path(argument.partition(":")[0])
    if not path.is_file():
        siblings = path.parent.glob("*.py") if path.parent.is_dir() else []
        siblings = [str(one) for one in siblings if f"def {function}(" in one.read_text(errors="replace")]
        hint = f"; {nearest(str(path), siblings)}" if siblings else ""
        raise UserError(f"{option}={path}: no such file{hint}")
    if path.suffix == ".json":
        raise UserError(f"{option}={path}: the config of one run has no {function}(); give a Python file that has")
    if path.suffix != ".py":
        raise UserError(f"{option}={path}: is no Python file; give one that defines {function}(), as in experiments/")
    spec = importlib.util.spec_from_file_location(f"colorjax_config_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    try:
        with _importable(_import_roots(path)):
            spec.loader.exec_module(module)
            if not hasattr(module, function):
                raise UserError(f"defines no function {function}()")
            return getattr(module, function)(*arguments)
    except UserError as error:
        raise UserError(f"{option}={path}: {error}") from None
    except Exception as error:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
        line = f", line {lines[-1]}" if lines else ""
        # str() of a KeyError would put its text into quotes.
        message = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
        message = next(iter(message.splitlines()), "")
        raise UserError(f"{option}={path}{line}: {type(error).__name__}: {message}") from error


def _import_roots(path: Path) -> list[str]:
    """Return the folder of a file and, if it is a package such as `experiments`, also the folder above the package."""
    folders = [path.parent.absolute()]
    while (folders[-1] / "__init__.py").is_file():
        folders.append(folders[-1].parent)
    return list(map(str, folders))


@contextmanager
def _importable(folders: Sequence[str]) -> Iterator[None]:
    """Make modules in `folders` importable for the body; they are searched last, so they hide no other module."""
    new = [folder for folder in folders if folder not in sys.path]
    sys.path.extend(new)
    try:
        yield
    finally:
        for folder in new:
            sys.path.remove(folder)


def _kept_config(path: Path, option: str) -> ConfigDict:
    try:
        plain = json.loads(path.read_text())
        if not isinstance(plain, dict):
            raise ValueError("no sections in it")
        return with_defaults(from_plain(plain))
    except FileNotFoundError:
        raise UserError(f"{option}={path}: no such file") from None
    except OSError as error:
        raise UserError(f"{option}={path}: can't be read ({error.strerror})") from None
    except (ValueError, KeyError) as error:
        raise UserError(f"{option}={path}: is not the config.json of a run ({error})") from None


def _pairs(words: Sequence[str], name: str) -> list[tuple[str, str]]:
    pairs, words = [], list(words)
    while words:
        word = words.pop(0)
        if not word.startswith(f"--{name}."):
            raise UserError(f"unknown argument {word!r}; settings are given as --{name}.KEY=VALUE")
        key, equals, text = word.removeprefix(f"--{name}.").partition("=")
        if not equals:
            if not words:
                raise UserError(f"--{name}.{key} lacks a value; write --{name}.{key}=VALUE")
            text = words.pop(0)
        pairs.append((key, text))
    return pairs


def _set(config: ConfigDict, key: str, where: str, value_after: Callable[[Any], Any]) -> None:
    *parents, last = key.split(".")
    section = config
    for depth, name in enumerate([*parents, last]):
        new = open_setting(config, ".".join([*parents, last][: depth + 1]))
        if isinstance(section, ConfigDict) and name not in section and new is not None:
            section[name] = new
        if not isinstance(section, ConfigDict) or name not in section:
            raise UserError(f"{where}: no such key; {_nearest_key(config, key)}")
        if depth < len(parents):
            section = section[name]
    section[last] = value_after(section[last])


def open_setting(config: ConfigDict, key: str) -> Any:
    """Return the value that a setting begins with when it is added to one of the `OPEN` sections; None if it can't be.

    Args:
      config: the run's or the table's config, whose `optimizer` section says what each part's settings may be.
      key: full name of the setting, or of a part.
    """
    section, _, name = key.rpartition(".")
    if section == "objective.terms":
        return 0.0
    if section == "optimizer.parts":
        return ConfigDict()
    if section.startswith("optimizer.parts.") and name != "parts" and "optimizer" in config:
        return config.optimizer.get(name)
    return None


def _nearest_key(config: ConfigDict, key: str) -> str:
    leaves = flatten(config)
    # A missing section is a more likely mistake than a misspelt key.
    same_name = [leaf for leaf in leaves if leaf.split(".")[-1] == key.split(".")[-1]]
    return f"did you mean {same_name[0]!r}?" if same_name else nearest(key, leaves)


def _parse(text: str, current: Any, where: str, key: str) -> Any:
    """Return `text` as a value of the type of `current`, the present value of `key`."""
    if isinstance(current, str):
        return text
    if isinstance(current, bool) and text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        raise UserError(f"{where}: needs {_describe(current, ANY_LENGTH.get(key))}") from None
    return of_same_type(value, current, where, key)


def of_same_type(value: Any, current: Any, where: str, key: str = "") -> Any:
    """Return `value` in the type of `current`. Whole numbers are accepted for floats, and lists for tuples.

    Args:
      value: any.
      current: a value of the type that is wanted.
      where: begins the error message.
      key: full name of the setting; those in `ANY_LENGTH` may have another number of members.

    Raises:
      UserError: it has another type.
    """
    value, member = of_python(value), ANY_LENGTH.get(key)
    if member is not None and isinstance(value, tuple | list):
        current = tuple(member() for _ in value)
    if not _same_type(value, current):
        raise UserError(f"{where}: needs {_describe(current, member)}")
    if isinstance(current, tuple):
        return tuple(type(c)(v) for v, c in zip(value, current, strict=True)) if current else tuple(value)
    return type(current)(value)


def of_python(value: Any) -> Any:
    """Return `value` with Python's numbers and strings in place of NumPy scalars, also inside tuples and lists."""
    if type(value) in (tuple, list):
        return type(value)(map(of_python, value))
    return value.item() if isinstance(value, np.generic) else value


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


def _describe(value: Any, member: type | None = None) -> str:
    """Return what a setting with this value needs; `member` is the type of the members of a list of any length."""
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    if member is not None:
        example = {str: "('train', 'test')", float: "(0.5, 0.5)"}[member]
        return f"a tuple of any length, each member {kinds[member]}, such as {example}"
    if isinstance(value, ConfigDict):
        return f"one of its keys: {', '.join(sorted(value))}"
    if isinstance(value, tuple):
        return f"a tuple such as {value or ('one',)}"
    return f"{kinds[type(value)]} (now {value!r})"
