"""Whether all processes were started alike: else they would hang, or train something that nobody asked for."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from colorjax.errors import UserError
from colorjax.processes.exchange import gather
from colorjax.processes.group import GROUP

_SHOWN = 3  # differences that a line names


def agree(started: Mapping[str, Any], packages: Sequence[ModuleType]) -> None:
    """Return when all processes are here, and were started alike.

    Args:
      started: name -> value of what must be the same in all of them; `exchange` says what a value may be.
      packages: whose code must be the same.

    Raises:
      UserError: in all of them, because one differs from process 0; the line says which and in what.
    """
    if GROUP.count == 1:
        return
    code = {name: digest for package in packages for name, digest in _digests(package).items()}
    first, *others = gather({"started": dict(started), "code": code})
    for index, other in enumerate(others, 1):
        found = _differences(first["started"], other["started"], "{name} ({there} there, {here} in process 0)")
        found += _differences(first["code"], other["code"], "the code in {name}")
        if found:
            more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            raise UserError(
                f"{GROUP.members[index]} was started differently: {', '.join(found[:_SHOWN])}{more}; "
                "start all with the same command and the same code"
            )


def _digests(package: ModuleType) -> dict[str, str]:
    """Return a digest of the contents of each Python file of a package."""
    root = Path(package.__file__).parent
    return {
        f"{root.name}/{path.relative_to(root)}": hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        for path in sorted(root.rglob("*.py"))
    }


def _differences(here: Mapping[str, Any], there: Mapping[str, Any], line: str) -> list[str]:
    """Return `line` for each name whose value is not the same, or is on one side only."""
    names = [*here, *(name for name in there if name not in here)]
    return [
        line.format(name=name, here=_shown(here, name), there=_shown(there, name))
        for name in names
        if name not in here or name not in there or here[name] != there[name]
    ]


def _shown(values: Mapping[str, Any], name: str) -> str:
    return str(values[name]) if name in values else "none"
