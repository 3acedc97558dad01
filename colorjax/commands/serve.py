"""`launch.py serve`: the page on which a person restores photographs in a browser."""

import importlib.util
from pathlib import Path

from colorjax.errors import UserError

_PACKAGES = ("starlette", "uvicorn")


def main(host: str, port: int, runs: str, references: str) -> None:
    """Serve the page until Ctrl-C or SIGTERM.

    Args:
      host: to listen on.
      port: to listen on; 0 for a free one.
      runs: a folder of runs to show, too; '' for none.
      references: a folder of color photographs to find references in; '' for none.

    Raises:
      UserError: a package is missing, the address can't be used, or there is no such folder.
    """
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"the page needs {' and '.join(missing)}: pip install -r requirements-page.txt, or pip install "
            f"{' '.join(_PACKAGES)}"
        )
    if not 0 <= port <= 65535:
        raise UserError(f"--port={port}: it is from 1 to 65535, or 0 for a free one")
    for option, folder in (("runs", runs), ("references", references)):
        if folder and not Path(folder).is_dir():
            raise UserError(f"--{option}={folder}: no such folder")

    from colorjax.page.server import serve  # its packages are there

    serve(host, port, runs, references)
