"""The code that made a run: its commit, the uncommitted changes, and snapshots that later edits can't change."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

CODE = ("launch.py", "colorjax", "datasets", "experiments")
_ABOUT = "provenance.json"
_DIFF = "changes.diff"


def provenance(root: Path) -> tuple[dict[str, Any], str]:
    """Return the commit of the code in `root`, and the diff from that commit.

    Args:
      root: the folder that contains `launch.py`, or a snapshot of it.

    Returns:
      A dict and the diff. The dict has 'commit' (None without git) and 'dirty' (whether the code differs from the
      commit; None without git). The diff includes new files; it is '' if nothing differs.
    """
    if not (root / "launch.py").exists():  # an installed package: a repository around it is not its source
        return {"commit": None, "dirty": None}, ""
    if (root / _ABOUT).exists():
        return json.loads((root / _ABOUT).read_text()), (root / _DIFF).read_text()
    commit = _git(root, "rev-parse", "HEAD").strip() or None
    diff = _diff(root) if commit else ""
    return {"commit": commit, "dirty": bool(diff) if commit else None}, diff


def take_snapshot(root: Path, folder: Path) -> Path:
    """Copy the code in `root` to `folder/HASH`, unless that exists; return the copy.

    The same code always gives the same snapshot. The copy appears under its name only when it is complete.
    """
    files = sorted(path for name in CODE for path in _files(root / name))
    content = hashlib.sha256()
    for path in files:
        content.update(f"{path.relative_to(root)}\0{path.stat().st_size}\0".encode())
        content.update(path.read_bytes())
    target = folder / content.hexdigest()[:12]
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(dir=folder, prefix=f".{target.name}."))
    try:
        new.chmod(0o755)  # mkdtemp makes a folder that only its owner can read
        for path in files:
            copy = new / path.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
        about, diff = provenance(root)
        (new / _ABOUT).write_text(json.dumps(about, indent=2) + "\n")
        (new / _DIFF).write_text(diff)
    except OSError:  # the disk is full
        shutil.rmtree(new, ignore_errors=True)
        raise
    try:
        new.rename(target)
    except OSError:  # another process was faster
        shutil.rmtree(new)
    return target


def _files(top: Path) -> list[Path]:
    if top.is_file():
        return [top]
    hidden = ("__pycache__",)
    return [
        path
        for path in top.rglob("*")
        if path.is_file() and not any(part in hidden or part[0] == "." for part in path.relative_to(top).parts)
    ]


def _diff(root: Path) -> str:
    """Return `git diff` of the code, new files included. It uses a temporary index, so the user's is not changed."""
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        own = Path(_git(root, "rev-parse", "--absolute-git-dir").strip()) / "index"
        if own.exists():
            shutil.copy(own, index)
        names = [name for name in CODE if (root / name).exists()]
        environment = {"GIT_INDEX_FILE": str(index)}
        _git(root, "add", "--intent-to-add", "--", *names, **environment)
        return _git(root, "diff", "--binary", "HEAD", "--", *names, **environment)


def _git(root: Path, *words: str, **environment: str) -> str:
    """Return the output of git; '' without git, or outside of a repository."""
    try:
        # errors="replace": a diff may hold a file in any encoding
        done = subprocess.run(
            ["git", "-C", str(root), *words],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=os.environ | environment,
        )
    except FileNotFoundError:
        return ""
    return done.stdout if done.returncode == 0 else ""
