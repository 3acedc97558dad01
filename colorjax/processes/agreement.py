"""Check that all processes were started alike. Otherwise they would hang, or train something nobody asked for."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from colorjax.errors import UserError
from colorjax.processes.exchange import gather
from colorjax.processes.group import GROUP

_SHOWN = 3  # differences that an error message names


def agree(started: Mapping[str, Any], packages: Sequence[ModuleType]) -> None:
    """Wait for all processes, and check that they were started alike.

    Args:
      started: name -> value, which must be the same in all processes; `exchange` lists the possible types of values.
      packages: Python packages whose code must be the same.

    Raises:
      UserError: in all processes, if one differs from process 0; the message says which one, and how it differs.
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
    """Return `line`, filled in, for each name whose values differ or that is only in one of the two mappings."""
    names = [*here, *(name for name in there if name not in here)]
    return [
        line.format(name=name, here=_shown(here, name), there=_shown(there, name))
        for name in names
        if name not in here or name not in there or here[name] != there[name]
    ]


def _shown(values: Mapping[str, Any], name: str) -> str:
    return str(values[name]) if name in values else "none"
