"""Colorize and denoise photographs with JAX and Flax: functions, networks, training, measurements.

Images inside the package are float32 sRGB in [0, 1], channels last. ARCHITECTURE.md describes the modules.

To restore a photo, uint8 or uint16:

    import colorjax
    photo = colorjax.read_photo("old.jpg")
    colorjax.write_photo("new.jpg", colorjax.restore(photo.pixels), photo)

`denoise` comes from `colorjax.denoising`, `colorize` and `restore` from `colorjax.restoration`, files are read and
written by `colorjax.pictures`.
"""

import importlib
from typing import Any

# Loaded at the first use, because importing jax takes a second and much of colorjax works without it.
_PUBLIC = {
    "denoise": "colorjax.denoising",
    "colorize": "colorjax.restoration",
    "restore": "colorjax.restoration",
    "read_hints": "colorjax.methods.hint_strokes",
    "read_photo": "colorjax.pictures.read",
    "write_photo": "colorjax.pictures.write",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'colorjax' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)
