"""A picture and its halved copies on disk, from which tiles are cut without reading more than they show.

Pixels are uint8 [H, W, C], C 1 or 3. Level 0 is the picture itself, level n a copy of ceil(H / 2^n) x ceil(W / 2^n)
pixels; the last level fits into one tile. Each is a file NAME-n.npy, mapped into memory.
"""

from pathlib import Path

import cv2
import numpy as np

TILE = 512  # pixels, the side of a tile; also in static/pyramid.js
_BAND = 512  # rows that are halved at a time


def level_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Return height and width of each level."""
    sizes = [(height, width)]
    while max(sizes[-1]) > TILE:
        sizes.append(tuple((side + 1) // 2 for side in sizes[-1]))
    return sizes


def write_pyramid(folder: Path, name: str, pixels: np.ndarray) -> None:
    """Write a picture, uint8 or uint16 [H, W, C], with its halved copies, as uint8."""
    level, shape = 0, (*pixels.shape[:2], pixels.shape[2])
    target = np.lib.format.open_memmap(_path(folder, name, 0), "w+", np.uint8, shape)
    for top in range(0, shape[0], _BAND):
        band = pixels[top : top + _BAND]
        target[top : top + _BAND] = band if band.dtype == np.uint8 else _eight_bits(band)
    for level, (height, width) in list(enumerate(level_sizes(*pixels.shape[:2])))[1:]:
        above, target = (
            target,
            np.lib.format.open_memmap(_path(folder, name, level), "w+", np.uint8, (height, width, shape[2])),
        )
        for top in range(0, height, _BAND):
            target[top : top + _BAND] = _halved(above[2 * top : 2 * (top + _BAND)])


def read_level(folder: Path, name: str, level: int) -> np.ndarray:
    """Return a level, uint8 [H, W, C], mapped from its file."""
    return np.load(_path(folder, name, level), mmap_mode="r")


def cut(level: np.ndarray, x: int, y: int) -> np.ndarray:
    """Return tile (x, y) of a level: up to TILE x TILE pixels, fewer at the right and bottom; empty outside."""
    return level[y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE]


def _path(folder: Path, name: str, level: int) -> Path:
    return folder / f"{name}-{level}.npy"


def _eight_bits(band: np.ndarray) -> np.ndarray:
    return ((band.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _halved(band: np.ndarray) -> np.ndarray:
    """Return the means of squares of 2 x 2 pixels; at an odd end, of what there is."""
    rows, columns = band.shape[0] % 2, band.shape[1] % 2
    even = np.pad(band, [(0, rows), (0, columns), (0, 0)], mode="edge")
    size = (even.shape[1] // 2, even.shape[0] // 2)
    return cv2.resize(np.ascontiguousarray(even), size, interpolation=cv2.INTER_AREA).reshape(*size[::-1], -1)
