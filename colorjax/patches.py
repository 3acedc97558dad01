"""Cutting a whole picture of any size into overlapping patches, and putting it together again.

Pictures are numpy arrays `[H, W, C]` of any range and any number of channels; patches are `[n, P, P, C]`. Both stay on
the host: a whole picture need not fit on the device, only a batch of patches does.

A picture put together is a weighted mean of the patches that cover each pixel. The weights rise and fall smoothly
(a squared sine, as in Hann's window) over the overlap, so no seam shows. The sums are kept in float64, which makes
cutting and putting together again the identity on float32 pictures, bit for bit.
"""

import functools
import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import jax
import numpy as np

from colorjax.errors import UserError


class PatchGrid(NamedTuple):
    """Where the patches of one picture lie: every pair of a top and a left, row by row."""

    height: int
    width: int
    patch_size: int
    overlap: int
    tops: tuple[int, ...]
    lefts: tuple[int, ...]

    def __len__(self):
        return len(self.tops) * len(self.lefts)

    def corner(self, index: int) -> tuple[int, int]:
        """Return the (top, left) of the patch number `index`."""
        if not 0 <= index < len(self):
            raise IndexError(f"patch {index} of {len(self)}")
        row, column = divmod(index, len(self.lefts))
        return self.tops[row], self.lefts[column]


def patch_grid(height: int, width: int, patch_size: int, overlap: int) -> PatchGrid:
    """Return the grid of the fewest patches that cover the picture and overlap by at least `overlap` pixels.

    The patches lie evenly, the last one ending at the picture's edge. A side shorter than `patch_size` has one
    patch, which reaches beyond the picture.
    """
    if height < 1 or width < 1:
        raise UserError(f"a picture needs at least one pixel, this one is {height}x{width}")
    if patch_size < 1 or not 0 <= overlap < patch_size:
        raise UserError(
            f"inference.overlap must be at least 0 and less than inference.patch_size, "
            f"they are {overlap} and {patch_size}"
        )
    return PatchGrid(
        height,
        width,
        patch_size,
        overlap,
        _starts(height, patch_size, overlap),
        _starts(width, patch_size, overlap),
    )


def cut(picture: np.ndarray, grid: PatchGrid, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Return the patches number `start` to `stop` of the picture, `[n, P, P, C]`.

    Where a patch reaches beyond the picture, it continues with the picture's reflection.
    """
    if picture.shape[:2] != (grid.height, grid.width):
        raise UserError(f"the picture is {picture.shape[:2]}, its grid {(grid.height, grid.width)}")
    size = grid.patch_size
    padded = pad_reflected(picture, max(grid.height, size), max(grid.width, size))
    indices = range(start, len(grid) if stop is None else min(stop, len(grid)))
    corners = [grid.corner(index) for index in indices]
    return np.stack([padded[top : top + size, left : left + size] for top, left in corners])


def put_together(patches: Iterable[np.ndarray], grid: PatchGrid) -> np.ndarray:
    """Return the picture `[H, W, C]` of patches `[P, P, C]` in the order of the grid; its dtype is theirs."""
    size, total, dtype = grid.patch_size, None, None
    weights = np.zeros((max(grid.height, size), max(grid.width, size), 1))
    window = smooth_window(size, grid.overlap)[:, :, np.newaxis]
    count = 0
    for count, patch in enumerate(patches, start=1):
        top, left = grid.corner(count - 1)
        if total is None:
            total, dtype = np.zeros((*weights.shape[:2], patch.shape[-1])), patch.dtype
        total[top : top + size, left : left + size] += window * patch
        weights[top : top + size, left : left + size] += window
    if count != len(grid):
        raise ValueError(f"{count} patches for a grid of {len(grid)}")
    picture = (total / weights)[: grid.height, : grid.width]
    return np.rint(picture).astype(dtype) if np.issubdtype(dtype, np.integer) else picture.astype(dtype)


def smooth_window(patch_size: int, overlap: int) -> np.ndarray:
    """Return positive weights `[P, P]`: one in the middle, falling as a squared sine over `overlap` at each edge.

    Two windows that overlap by just `overlap` sum to one in between.
    """
    from_edge = np.minimum(np.arange(patch_size), np.arange(patch_size)[::-1]) + 0.5
    ramp = np.sin(np.pi / 2 * np.minimum(from_edge / max(overlap, 0.5), 1.0)) ** 2
    return ramp[:, np.newaxis] * ramp[np.newaxis, :]


def pad_reflected(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the picture continued to `height` x `width` below and to the right by reflection at its edges."""
    below, right = height - picture.shape[0], width - picture.shape[1]
    if below == right == 0:
        return picture
    return np.pad(picture, [(0, below), (0, right), (0, 0)], mode="reflect")


def pad_to_shared_size(picture: np.ndarray) -> np.ndarray:
    """Return the picture padded by reflection to sides that many pictures share.

    They are the powers of two from 32 to 256, then the multiples of 256. A jitted function is compiled once a shape,
    which takes it longer than many pictures of that shape.
    """
    return pad_reflected(picture, *map(_shared_side, picture.shape[:2]))


def map_pixels(function: Callable, *pictures: np.ndarray) -> np.ndarray:
    """Return `function(*pictures)` `[H, W, D]` as numpy, compiled for few shapes only.

    Args:
      function: jit-safe and a function of each pixel alone (a color conversion, not a filter), so that the padding
        changes nothing; a function of a module, or a method of a hashable object.
      pictures: float32 arrays `[H, W, C]` of one height and width.
    """
    height, width = pictures[0].shape[:2]
    padded = [pad_to_shared_size(np.asarray(picture, np.float32)) for picture in pictures]
    # Bound methods of equal objects are unequal to Python; taken apart, they share what was compiled.
    owner = getattr(function, "__self__", None)
    result = _call(function if owner is None else function.__func__, owner, *padded)
    return np.asarray(result)[:height, :width]


@functools.partial(jax.jit, static_argnums=(0, 1))
def _call(function, owner, *pictures):
    return function(*pictures) if owner is None else function(owner, *pictures)


def _shared_side(side: int) -> int:
    return max(32, 1 << (side - 1).bit_length()) if side <= 256 else math.ceil(side / 256) * 256


def _starts(side: int, patch_size: int, overlap: int) -> tuple[int, ...]:
    """Return where the patches along one side of a picture begin."""
    if side <= patch_size:
        return (0,)
    count = math.ceil((side - overlap) / (patch_size - overlap))
    return tuple(int(start) for start in np.rint(np.linspace(0, side - patch_size, count)))
