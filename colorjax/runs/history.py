"""Read the history of a run, `history.jsonl`, which `colorjax.training.logging` writes."""

import json
from pathlib import Path
from typing import Any


def read_history(workdir: Path) -> list[dict[str, Any]]:
    """Return the lines of a run's history, without incomplete lines that a killed run may have left."""
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
    """Return the step of the newest line, 0 without any line. Reads only the last 4096 bytes."""
    try:
        with (Path(workdir) / "history.jsonl").open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - 4096))
            lines = file.read().splitlines()
    except FileNotFoundError:
        return 0
    for line in reversed(lines):
        try:
            return json.loads(line)["step"]
        except (ValueError, TypeError, KeyError):  # the first or last line may be incomplete, or not a history line
            continue
    return 0


def best_step(history: list[dict[str, Any]], metric: str) -> int | None:
    """Return the validated step with the highest `metric` (the first of equals), or None without a validation."""
    values = {line["step"]: line.get(metric) for line in history if line["kind"] == "validation"}
    values = {step: value for step, value in values.items() if value is not None}
    return max(values, key=values.get, default=None)
