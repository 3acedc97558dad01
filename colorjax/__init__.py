"""Colorizing and denoising photographs with JAX and Flax: functions, networks, training, measurements.

Pictures are float32 sRGB in [0, 1], channels last. ARCHITECTURE.md says what each module holds.

A person's own pictures, uint8 or uint16, in three lines:

    import colorjax
    photo = colorjax.read_photo("old.jpg")
    colorjax.write_photo("new.jpg", colorjax.restore(photo.pixels), photo)

`denoise`, `colorize` and `restore` are in `colorjax.restoration`, the other two in `colorjax.pictures`.
"""

import importlib
from typing import Any

# Loaded when they are asked for: much of colorjax works without jax, whose import takes a second.
_PUBLIC = {
    "denoise": "colorjax.restoration",
    "colorize": "colorjax.restoration",
    "restore": "colorjax.restoration",
    "read_photo": "colorjax.pictures.read",
    "write_photo": "colorjax.pictures.write",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'colorjax' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)
