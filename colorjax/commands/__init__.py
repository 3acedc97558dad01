"""One file for each command of `launch.py`: config in, files out.

They put the parts together (data, task, network, training, methods, evaluation) and know nothing of how a part works.
A file is imported when its command is asked for, so that those which only read files do not wait for jax.
A command that may run as several processes does the same in each of them; what it writes and says is the first one's.
"""

import importlib
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import colorjax
from colorjax import processes
from colorjax.errors import ColorjaxError, UserError
from colorjax.runs.requeue import block_slurm_signals

if TYPE_CHECKING:  # it takes a while to import
    from ml_collections import ConfigDict

#: name -> the module that holds its function `main`
COMMANDS = {
    "prepare": "colorjax.commands.prepare",
    "train": "colorjax.commands.train",
    "evaluate": "colorjax.commands.evaluate",
    "table": "colorjax.commands.table",
    "sweep": "colorjax.commands.sweep",
    "search": "colorjax.commands.search",
    "work": "colorjax.commands.work",
    "status": "colorjax.commands.status",
    "compare": "colorjax.commands.compare",
    "denoise": "colorjax.commands.denoise",
    "colorize": "colorjax.commands.colorize",
    "restore": "colorjax.commands.restore",
    "export": "colorjax.commands.export",
    "weights": "colorjax.commands.weights",
}
#: those that may run as several processes
TOGETHER = ("train", "evaluate", "table")
#: their arguments that say how these find each other
MEETING = ("coordinator", "processes", "process")
#: settings in which machines may differ
_OF_A_MACHINE = ("data.data_dir", "data.workers")
_COMPILING = {*TOGETHER, "work"}
_WRITING = {*_COMPILING, "sweep", "search"}  # into their workdir
_CTRL_C = 130  # what a shell gives for a program that SIGINT has ended


def run(command: str, arguments: Mapping[str, Any], overrides: Sequence[str], data: ModuleType) -> int:
    """Run a command and return the process's exit status; a `ColorjaxError` becomes one line on standard error.

    Args:
      command: a key of `COMMANDS`.
      arguments: of that command, as given; `config` is loaded, with the overrides, and `workdir` made a path.
      overrides: words such as --config.seed=1, and --cluster.time=90 for a command with a cluster.
      data: the `datasets` package, handed in because colorjax does not import it.
    """
    prefix = f"launch.py {command}"
    if command in _COMPILING:
        block_slurm_signals()
    try:
        arguments = dict(arguments)
        meeting = {name: arguments.pop(name) for name in MEETING if name in arguments}
        with processes.process_group(prefix, **meeting) if command in TOGETHER else nullcontext():
            _run(command, arguments, overrides, data)
    except ColorjaxError as error:
        if processes.is_first():
            print(f"{prefix}: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        if processes.is_first():
            print(f"{prefix}: stopped (Ctrl-C)", file=sys.stderr)
        return _CTRL_C
    return 0


def _run(command: str, arguments: dict[str, Any], overrides: Sequence[str], data: ModuleType) -> None:
    if "paths" in arguments:  # argparse leaves those that stand behind an option
        arguments["paths"] = [*arguments["paths"], *(word for word in overrides if not word.startswith("-"))]
        overrides = [word for word in overrides if word.startswith("-")]
    words = _by_section(overrides, [name for name in ("config", "cluster", "search") if name in arguments])
    if "cluster" in arguments:
        from colorjax.sweeps.cluster import load_cluster

        arguments["file"] = arguments["config"]
        arguments["cluster"] = load_cluster(arguments["cluster"], words["cluster"])
    if "search" in arguments:
        from colorjax.sweeps.search import load_search_config

        arguments["search"] = load_search_config(words["search"])
    if "config" in arguments:
        if command == "export":  # changes to a config that it finds in the run
            arguments["config"] = words["config"]
        else:
            arguments["config"] = _config(arguments["config"], words["config"], arguments.get("weights", ""))
    if command in TOGETHER:
        _agree(command, arguments, data)
    if "workdir" in arguments:
        arguments["workdir"] = Path(arguments["workdir"])
        if command in _WRITING and processes.is_first():
            _check_workdir(arguments["workdir"], write=not arguments.get("dry_run"))
    if command in _COMPILING or "paths" in arguments:
        from colorjax.runtime.compilation import keep_compilations

        keep_compilations()
    importlib.import_module(COMMANDS[command]).main(data=data, **arguments)


def _config(file: str | None, overrides: Sequence[str], weights: str) -> "ConfigDict":
    """Return the config in `file` or, without one, the config in a file of weights."""
    from colorjax.config import files

    if file:
        return files.load(file, overrides)
    if not weights:
        raise UserError("give --config=FILE[:VARIANT], or --weights=NAME to measure trained weights under their own")
    from colorjax.weights import load

    return files.override(load(weights).config, overrides)


def _check_workdir(workdir: Path, write: bool) -> None:
    """Raise a `UserError` for a workdir that is no folder or, with `write`, can't be written; make nothing."""
    try:
        top = next(path for path in (workdir, *workdir.absolute().parents) if path.exists() or path.is_symlink())
        if not top.is_dir():
            raise UserError(f"--workdir={workdir}: {top} is no folder; use another --workdir")
        if write:
            tempfile.TemporaryFile(dir=top).close()  # permissions don't tell: a disk may be read-only, or full
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"--workdir={workdir}: can't be written ({reason}); use another --workdir") from None


def _agree(command: str, arguments: Mapping[str, Any], data: ModuleType) -> None:
    """Raise a `UserError` if another process runs another command, config or code."""
    from colorjax.config.serialization import flatten, to_plain

    # Not only what makes the run what it is: processes that validate at different steps would wait for each other.
    settings = flatten(to_plain(arguments["config"]))
    started = {"the command": command}
    started |= {f"config.{key}": value for key, value in settings.items() if key not in _OF_A_MACHINE}
    started |= {f"--{name}": value for name, value in arguments.items() if name != "config"}
    processes.agree(started, [colorjax, data])


def _by_section(words: Sequence[str], sections: Sequence[str]) -> dict[str, list[str]]:
    """Return the words of each section: those that begin with its name, each with the words that follow it."""
    found = {name: [] for name in sections}
    current = None
    for word in words:
        begun = next((name for name in sections if word.startswith(f"--{name}.")), None)
        current = begun or (None if word.startswith("--") else current)
        if current is None:
            known = " or ".join(f"--{name}.KEY=VALUE" for name in sections)
            raise UserError(f"unknown argument {word!r}{known and f'; settings are given as {known}'}")
        found[current].append(word)
    return found
