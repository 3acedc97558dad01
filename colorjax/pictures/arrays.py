"""Images as a user gives them: arrays of uint8 or uint16, [H, W, 1] (gray) or [H, W, 3], with H, W >= 1."""

import numpy as np

from colorjax.errors import UserError


def check_image(picture: np.ndarray) -> None:
    """Raise a `UserError` unless `picture` is an image."""
    if not isinstance(picture, np.ndarray) or picture.dtype not in (np.uint8, np.uint16):
        kind = getattr(picture, "dtype", type(picture).__name__)
        raise UserError(f"a picture is an array of uint8 or uint16, not {kind}")
    if picture.ndim != 3 or picture.shape[2] not in (1, 3) or not picture.size:
        raise UserError(f"a picture is [H, W, 1] or [H, W, 3] of at least one pixel, not {list(picture.shape)}")


def in_unit_range(values: np.ndarray) -> np.ndarray:
    """Return values of whole numbers, of any shape, as float32 in [0, 1]."""
    return values / np.float32(np.iinfo(values.dtype).max)
