"""The folder of what colorjax keeps for a user between runs: converted weights, embeddings of photographs."""

import os
from pathlib import Path


def cache_directory() -> Path:
    """Return $COLORJAX_CACHE, else `colorjax` in the user's cache directory; it may not exist yet."""
    if own := os.environ.get("COLORJAX_CACHE"):
        return Path(own).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "colorjax"
