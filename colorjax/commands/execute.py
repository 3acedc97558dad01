"""Execute a command of the catalog: resolve its arguments, print errors as one line, return the exit status."""

import importlib
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import colorjax
from colorjax import processes
from colorjax.commands.catalog import COMMANDS, Command
from colorjax.commands.options import MEETING
from colorjax.commands.signals import line_and_status
from colorjax.config.keys import KEYS, Bears
from colorjax.errors import ColorjaxError, UserError, nearest
from colorjax.runs.requeue import block_slurm_signals
from colorjax.runtime.disk import disk_fault
from colorjax.runtime.memory import memory_fault

#: settings that may differ between the processes' machines
_OF_A_MACHINE = tuple(key for key, bears in KEYS.items() if not bears & ~(Bears.PLACE | Bears.MACHINE))


def execute(
    program: str, name: str, arguments: Mapping[str, Any], overrides: Sequence[str], data: ModuleType | None = None
) -> int:
    """Execute a command and return the exit status. A `ColorjaxError` is printed as one line on standard error.

    An error of a disk that can't be written becomes such a line, too, and that of a memory that is used up.

    Args:
      program: begins that line, followed by the command.
      name: a key of `COMMANDS`.
      arguments: the command's arguments as argparse returns them; its option groups resolve them.
      overrides: the words that argparse does not know, such as --config.seed=1.
      data: the `datasets` package, for a command that needs it; colorjax itself does not import it.
    """
    command, prefix = COMMANDS[name], f"{program} {name}"
    if command.blocks_signals:
        block_slurm_signals()
    try:
        arguments = dict(arguments)
        meeting = {key: arguments.pop(key) for key in MEETING} if command.several_processes else {}
        with processes.process_group(prefix, **meeting) if command.several_processes else nullcontext():
            try:
                _execute(prefix, name, command, arguments, overrides, data)
            except Exception as error:
                if isinstance(error, ColorjaxError):
                    raise
                folder = arguments.get("output") or arguments.get("workdir") or ""
                if fault := disk_fault(error, str(folder)) or memory_fault(error):
                    raise fault from error
                raise
    except ColorjaxError as error:
        if processes.is_first():
            print(f"{prefix}: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt as stop:
        line, status = line_and_status(stop)
        if processes.is_first():
            print(f"{prefix}: {line}", file=sys.stderr)
        return status
    return 0


def _execute(
    prefix: str,
    name: str,
    command: Command,
    arguments: dict[str, Any],
    overrides: Sequence[str],
    data: ModuleType | None,
) -> None:
    sections = _by_section(command, arguments, overrides)
    for group in command.options:
        group.resolve(arguments, sections.get(group.section, ()))
    if command.several_processes:
        _agree(name, arguments, data)
    if "workdir" in arguments:
        arguments["workdir"] = Path(arguments["workdir"])
        if command.writes_workdir and processes.is_first():
            _check_workdir(arguments["workdir"], write=not arguments.get("dry_run"))
    if command.compiles:
        from colorjax.runtime.compilation import keep_compilations
        from colorjax.runtime.known_faults import warn_of_known_fault

        keep_compilations()
        warn_of_known_fault(prefix)
    if command.needs_datasets:
        arguments["data"] = data
    importlib.import_module(f"colorjax.commands.{name}").main(**arguments)


def _check_workdir(workdir: Path, write: bool) -> None:
    """Check that a workdir is a folder or can become one and, if `write`, that it can be written; make nothing.

    Raises:
      UserError: it can't.
    """
    try:
        top = next(path for path in (workdir, *workdir.absolute().parents) if path.exists() or path.is_symlink())
        if not top.is_dir():
            raise UserError(f"--workdir={workdir}: {top} is no folder; use another --workdir")
        if write:
            tempfile.TemporaryFile(dir=top).close()  # permissions are not enough: a disk may be read-only, or full
    except OSError as error:
        reason, advice = error.strerror or error, "use another --workdir"
        if (workdir / "checkpoints").is_dir():
            advice = (
                "export the run's weights (export --workdir=... --output=FILE), and give --weights=FILE and another "
                "--workdir to measure them, or --config.training.start_from=FILE to train from them"
            )
        raise UserError(f"--workdir={workdir}: can't be written ({reason}); {advice}") from None


def _agree(name: str, arguments: Mapping[str, Any], data: ModuleType) -> None:
    """Check that all processes run the same command, config and code.

    Raises:
      UserError: they don't.
    """
    from colorjax.config.serialization import flatten, to_plain

    # Also settings that do not identify the run: processes that validate at different steps would wait forever.
    settings = flatten(to_plain(arguments["config"]))
    started = {"the command": name}
    started |= {f"config.{key}": value for key, value in settings.items() if key not in _OF_A_MACHINE}
    started |= {f"--{option}": value for option, value in arguments.items() if option != "config"}
    processes.agree(started, [colorjax, data])


def _by_section(command: Command, arguments: dict[str, Any], words: Sequence[str]) -> dict[str, list[str]]:
    """Return section -> its words: the words that begin with `--SECTION.`, each with the values that follow it.

    Words without a dash that belong to no section are added to the command's positional argument, if it has one.

    Raises:
      UserError: an unknown word.
    """
    found = {group.section: [] for group in command.options if group.section}
    positional = next((group.positional for group in command.options if group.positional), "")
    current = None
    for word in words:
        begun = next((section for section in found if word.startswith(f"--{section}.")), None)
        current = begun or (None if word.startswith("--") else current)
        if current is not None:
            found[current].append(word)
        elif positional and not word.startswith("-"):
            arguments[positional] = [*arguments[positional], word]
        else:
            options = {f"--{name.replace('_', '-')}" for name in arguments if name != positional}
            close = nearest(word.partition("=")[0], options) if word.startswith("--") else ""
            known = " or ".join(f"--{section}.KEY=VALUE" for section in found)
            hints = [known and f"settings are given as {known}", close if close.startswith("did you mean") else ""]
            raise UserError("; ".join([f"unknown argument {word!r}", *filter(None, hints)]))
    return found
