"""The command lines of `launch.py`, with all commands, and of `colorjax`, with those that need no data sets.

Only the standard library is imported before a command is known, so that `--help` is fast.
"""

import argparse
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType

from colorjax.commands import signals
from colorjax.commands.catalog import COMMANDS, ENDING, Command
from colorjax.runtime.xla_messages import silence_false_alarms

_OVERVIEW = """\
Denoise and colorize your own photographs; look at the runs of experiments.

  colorjax restore  old.jpg --output=restored
  colorjax denoise  old.jpg --output=denoised
  colorjax colorize old.jpg --hints=painted.png --output=colored
  colorjax status   --workdir=runs/sweep
  colorjax compare  --workdir=runs/sweep
"""
_WITHOUT_DATASETS = {name: command for name, command in COMMANDS.items() if not command.needs_datasets}


def main(words: Sequence[str] | None = None) -> int:
    """Run the console command `colorjax` with `words` (by default those of the process); return the exit status."""
    return start("colorjax", "colorjax", _OVERVIEW, _WITHOUT_DATASETS, words)


def start(
    program: str,
    typed: str,
    overview: str,
    commands: Mapping[str, Command],
    words: Sequence[str] | None,
    datasets: Callable[[], ModuleType] | None = None,
) -> int:
    """Parse a command line, execute its command and return the exit status.

    Args:
      program: begins error messages.
      typed: how the user starts the program.
      overview: the beginning of the program's help.
      commands: the program's commands, from `catalog.COMMANDS`.
      words: the command line without the program; None for that of the process.
      datasets: returns the package `datasets`, for commands that need it; colorjax itself does not import it.

    Raises:
      SystemExit: after `--help`, or after a command line that argparse refuses.
    """
    words = sys.argv[1:] if words is None else words
    try:
        parser = _parser(program, typed, overview, commands)
        if words and words[0] in COMMANDS.keys() - commands.keys():
            parser.error(f"{words[0]} needs data sets; in the repository: python launch.py {words[0]}")
        options, overrides = parser.parse_known_args(words)
        arguments = {name: value for name, value in vars(options).items() if name not in ("command", "_")}
        data = datasets() if datasets and commands[options.command].needs_datasets else None

        silence_false_alarms()
        # Of several processes one that is told to end must not tidy up while the others wait for it.
        alone = () if commands[options.command].several_processes else (signal.SIGTERM,)
        with signals.raised(signal.SIGINT, *alone) as received:
            try:
                from colorjax.commands.execute import execute  # here, so that --help does not wait for it
            except ImportError as error:
                if not received:
                    raise
                raise signals.exception_of(received[-1]) from error  # jax's extension makes an ImportError of it
            return execute(program, options.command, arguments, overrides, data)
    except KeyboardInterrupt as stop:  # during the imports
        line, status = signals.line_and_status(stop)
        print(f"{program}: {line}", file=sys.stderr)
        return status


def _parser(program: str, typed: str, overview: str, commands: Mapping[str, Command]) -> ArgumentParser:
    how = {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False}
    ending = ENDING.format(typed=typed)
    if missing := [name for name in COMMANDS if name not in commands]:
        ending += "\nThe other commands need data sets and are in the repository, as 'python launch.py COMMAND':\n"
        ending += f"{', '.join(missing)}.\n"
    parser = ArgumentParser(program, description=overview, epilog=ending, **how)
    pages = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in commands.items():
        ending = command.ending.format(typed=typed)
        page = pages.add_parser(name, help=command.summary, description=command.description, epilog=ending, **how)
        settings = None
        for group in command.options:
            group.add(page)
            if group.section:
                settings = settings or page.add_argument_group("settings")
                settings.add_argument(f"--{group.section}.KEY", dest="_", metavar="VALUE", help=group.section_help)
    return parser
