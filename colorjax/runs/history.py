"""The history of a run, `history.jsonl`, as `colorjax.training.logging` writes it."""

import json
from pathlib import Path
from typing import Any


def read_history(workdir: Path) -> list[dict[str, Any]]:
    """Return the lines of a run's history; what is no whole line, as a killed run may leave, is left out."""
    path = Path(workdir) / "history.jsonl"
    lines = []
    for text in path.read_text(errors="replace").splitlines() if path.exists() else []:
        try:
            line = json.loads(text)
        except json.JSONDecodeError:
            continue
        if isinstance(line, dict) and "kind" in line and isinstance(line.get("step"), int):
            lines.append(line)
    return lines


def last_step(workdir: Path) -> int:
    """Return the step of the newest line, 0 without any; quick, however long the history is."""
    try:
        with (Path(workdir) / "history.jsonl").open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - 4096))
            lines = file.read().splitlines()
    except FileNotFoundError:
        return 0
    for line in reversed(lines):
        try:
            return json.loads(line)["step"]
        except (ValueError, TypeError, KeyError):  # half a line, at either end; or none of ours
            continue
    return 0


def best_step(history: list[dict[str, Any]], metric: str) -> int | None:
    """Return the validated step whose `metric` is highest (the first of equals), or None without any."""
    values = {line["step"]: line.get(metric) for line in history if line["kind"] == "validation"}
    values = {step: value for step, value in values.items() if value is not None}
    return max(values, key=values.get, default=None)
