"""One file for each command of `launch.py`: config in, files out.

They put the parts together (data, task, network, training, methods, evaluation) and know nothing of how a part works.
A file is imported when its command is asked for, so that those which only read files do not wait for jax.
"""

import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from colorjax.errors import ColorjaxError, UserError

#: name -> the module that holds its function `main`
COMMANDS = {
    "prepare": "colorjax.commands.prepare",
    "train": "colorjax.commands.train",
    "evaluate": "colorjax.commands.evaluate",
    "table": "colorjax.commands.table",
    "weights": "colorjax.commands.weights",
}


def run(command: str, arguments: Mapping[str, Any], overrides: Sequence[str], data: ModuleType) -> int:
    """Run a command and return the process's exit status; a `ColorjaxError` becomes one line on standard error.

    Args:
      command: a key of `COMMANDS`.
      arguments: of that command, as given; `config` is loaded, with the overrides, and `workdir` made a path.
      overrides: words such as --config.seed=1.
      data: the `datasets` package, handed in because colorjax does not import it.
    """
    try:
        arguments = dict(arguments)
        if "config" in arguments:
            from colorjax.config import load

            arguments["config"] = load(arguments["config"], overrides)
        elif overrides:
            raise UserError(f"unknown argument {overrides[0]!r}")
        if "workdir" in arguments:
            arguments["workdir"] = Path(arguments["workdir"])
        importlib.import_module(COMMANDS[command]).main(data=data, **arguments)
    except ColorjaxError as error:
        print(f"launch.py {command}: {error}", file=sys.stderr)
        return error.exit_status
    return 0
