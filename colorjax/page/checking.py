"""Check what a browser sends before it is kept."""

from collections.abc import Callable, Mapping
from typing import Any

from colorjax.methods.hint_strokes import parse_hints
from colorjax.restoration_by_hints import require_size


def check_hints(progress: Callable[[float], None], hints: Mapping[str, Any], height: int, width: int) -> None:
    """Raise a `UserError` unless these are hints for a picture of this size."""
    del progress
    parsed = parse_hints(hints)
    require_size((parsed.height, parsed.width), (height, width))
