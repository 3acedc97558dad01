"""Apply a trained network to whole images [H, W, C] of any size, in tiles without seams and in bounded memory."""

import dataclasses
import functools
import os
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from colorjax.errors import UserError, nearest
from colorjax.inference import group_norm_statistics
from colorjax.inference.tiling import Side, bands, cut, lay_out
from colorjax.tasks import Task

STATISTICS = ("shared", "window", "own")

# The statistics of a large image are taken from up to _SAMPLES squares of it. Squares of 64 to 128 pixels, from a half
# or all of the image, differ by less than 0.02 dB on CBSD68 (benchmarks/tiles.py). The limit keeps the sample at 0.6
# megapixels.
_SAMPLE_SIDE = 96
_SAMPLES = 64


@dataclasses.dataclass(frozen=True)
class Tiling:
    """How an image is cut into tiles; the keys of the config section `inference`.

    Attributes:
      patch_size: side of the largest tile, pixels, 1 or more.
      overlap: pixels by which neighboring tiles overlap, at least; less than `patch_size`.
      batch_size: tiles computed at the same time, at most; on a CPU no more than it has cores.
      statistics: of group normalization: 'shared' (those of the whole image, from an evenly spread sample if the
        image is large), 'window' (at each position those of a window around it), 'own' (each tile its own).
      window: side of that window, pixels, 1 or more.

    Raises:
      UserError: a value outside these ranges or choices.
    """

    patch_size: int = 512
    overlap: int = 32
    batch_size: int = 4
    statistics: str = "shared"
    window: int = 96

    def __post_init__(self):
        for field, least in (("patch_size", 1), ("overlap", 0), ("batch_size", 1), ("window", 1)):
            if getattr(self, field) < least:
                raise UserError(f"inference.{field} must be at least {least}, it is {getattr(self, field)}")
        if self.overlap >= self.patch_size:
            line = f"they are {self.overlap} and {self.patch_size}"
            raise UserError(f"inference.overlap must be less than inference.patch_size, {line}")
        if self.statistics not in STATISTICS:
            line = f"inference.statistics: {self.statistics!r} is not a choice"
            raise UserError(f"{line}; {nearest(self.statistics, STATISTICS)}")


@dataclasses.dataclass(frozen=True, eq=False)
class TiledNetwork:
    """A network with the settings for its tiles.

    Attributes:
      model, variables, frozen: as for `colorjax.methods.network.NetworkMethod`.
      tiling: how images are cut into tiles.
    """

    model: nn.Module
    variables: Any
    frozen: Any
    tiling: Tiling

    def sides(self, height: int, width: int) -> tuple[Side, Side]:
        """Return the tiles along the height and the width of an image."""
        largest, overlap = self.tiling.patch_size, self.tiling.overlap
        return lay_out(height, largest, overlap, self._stride), lay_out(width, largest, overlap, self._stride)

    def bands(
        self, picture: np.ndarray, before: Callable, after: Callable, told: tuple[np.float32, ...] = ()
    ) -> Iterator[np.ndarray]:
        """Yield the restored image in bands from top to bottom, float32 [rows, W, D].

        `before` and `after` must be jit-safe and treat each pixel alone. Pass the same function objects for every
        image, since a new object is compiled anew.

        Args:
          picture: [H, W, C] of any dtype; only the tiles being computed are converted to float32.
          before: makes the network's inputs [1, h, w, Cin] from a tile [1, h, w, C] and the numbers of `told`.
          after: makes the result [1, h, w, D] from the network's outputs and its inputs.
          told: numbers, the same for all tiles, such as the level of the noise.
        """
        rows, columns = self.sides(*picture.shape[:2])
        given = self._statistics(picture, rows, columns, before, told)

        def function(tile: np.ndarray) -> np.ndarray:
            result = _apply(self.model, before, after, self.variables, self.frozen, given, tile[np.newaxis], told)
            return np.asarray(result)[0]

        return bands(picture, rows, columns, function, self._at_work())

    def _statistics(self, picture, rows, columns, before, told):
        """Return the collection "statistics", which is the same for all tiles.

        One collection fits all, because a tile reaches beyond the image only if there is one tile along that side.
        """
        network = (self.model, self.variables, self.frozen)
        valid = rows.filled, columns.filled
        channels = jax.eval_shape(before, picture[:1, :1], *told).shape[-1]
        if not group_norm_statistics.are_needed(*network, channels):
            return {}
        shape = (rows.tile, columns.tile, channels)
        found = group_norm_statistics.of_tile(*network, shape, valid)
        if self.tiling.statistics == "shared" and len(rows.starts) * len(columns.starts) > 1:
            found = self._of_sample(picture, before, told)
        elif self.tiling.statistics == "window":
            found = group_norm_statistics.of_window(*network, shape, valid, self.tiling.window)
        return jax.device_put(found)

    def _of_sample(self, picture, before, told):
        stride = self._stride
        side = -(-_SAMPLE_SIDE // stride) * stride
        filled = tuple(min(side, -(-length // stride) * stride) for length in picture.shape[:2])
        corners = sample_corners(*picture.shape[:2], side, stride)
        sample = _inputs(before, np.stack([cut(picture, *corner, side, side) for corner in corners]), told)
        return group_norm_statistics.of_sample(self.model, self.variables, self.frozen, sample, filled)

    @property
    def _stride(self):
        return self.model.stride

    def _at_work(self) -> int:
        if jax.default_backend() != "cpu":
            return self.tiling.batch_size
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return min(self.tiling.batch_size, cores)


def sample_corners(height: int, width: int, side: int, stride: int) -> list[tuple[int, int]]:
    """Return the upper left corners of squares spread evenly over an image; they cover up to half of its area.

    They follow Roberts' sequence (2018, "The Unreasonable Effectiveness of Quasirandom Sequences"). It lies on no
    grid, so it can't coincide with a regular pattern of the image, such as a row of windows.

    Args:
      height: of the image, pixels.
      width: of the image, pixels.
      side: of a square, pixels.
      stride: the corners are at multiples of it, pixels.
    """
    half = max(4, height * width // (2 * side**2))
    count = min(_SAMPLES, 1 << (half.bit_length() - 1))  # a power of two: each count needs a compiled program
    ratio = 1.32471795724474602596  # the plastic number: its cube is one more than itself
    room = [max(0, length - side) // stride for length in (height, width)]

    def corner(index):
        top, left = (round((0.5 + index / ratio ** (axis + 1)) % 1 * steps) * stride for axis, steps in enumerate(room))
        return top, left

    return [corner(index) for index in range(count)]


def outputs_of(model: nn.Module, variables: Any, frozen: Any, inputs: jax.Array) -> jax.Array:
    """Return the network's outputs at the size of its inputs, [B, H, W, Cout]; jit-safe.

    An output that stands for a square of pixels is repeated for each pixel of the square.

    Args:
      model: the network.
      variables: its trained variables.
      frozen: its frozen variables.
      inputs: [B, H, W, Cin].
    """
    outputs = model.apply(variables, inputs, train=False, **model.conditioning(frozen, inputs))
    for axis in (1, 2):
        side = inputs.shape[axis]
        times = -(-side // outputs.shape[axis])
        if times > 1:
            outputs = jax.lax.slice_in_dim(jnp.repeat(outputs, times, axis), 0, side, axis=axis)
    return outputs


def restore(
    model: nn.Module,
    variables: Any,
    task: Task,
    pixels: np.ndarray,
    settings: Tiling,
    progress: Callable[[int], None] | None = None,
    told: tuple[np.float32, ...] = (),
) -> np.ndarray:
    """Return the restored image, of the shape and dtype of the given one.

    Args:
      model: a linen module, without a conditioning.
      variables: its trained variables.
      task: what it was trained for.
      pixels: uint8 or uint16 [H, W, C]; C is 3 or the number of the channels of the task's images.
      settings: how the image is cut into tiles.
      progress: called with the number of pixels finished since the last call.
      told: further arguments of `task.inputs`: the level of the noise, for a task that takes it.

    Raises:
      UserError: pixels of another dtype or shape.
    """
    if pixels.dtype not in (np.uint8, np.uint16):
        raise UserError(f"a picture has 8 or 16 bits, uint8 or uint16; this one is {pixels.dtype}")
    channels = task.input_channels - len(told)
    if pixels.ndim != 3 or pixels.shape[2] not in (3, channels) or not pixels.size:
        line = f"the task {task.name!r} takes a picture [H, W, {channels}]"
        raise UserError(f"{line} of at least one pixel, this one is {list(pixels.shape)}")
    largest = int(np.iinfo(pixels.dtype).max)
    network = TiledNetwork(model, variables, {}, settings)
    before, after = _before(task, largest), _after(task, largest, pixels.shape[2])
    restored, top = np.empty_like(pixels), 0
    for band in network.bands(pixels, before, after, told):
        restored[top : top + len(band)] = np.rint(np.clip(band, 0, largest))
        top += len(band)
        if progress is not None:
            progress(len(band) * pixels.shape[1])
    return restored


# Cached, because jax finds a compiled program again only for the same function objects.
@functools.lru_cache(maxsize=64)
def _before(task: Task, largest: int) -> Callable:
    return lambda pixels, *told: task.inputs(pixels.astype(jnp.float32) / largest, *told)


@functools.lru_cache(maxsize=64)
def _after(task: Task, largest: int, channels: int) -> Callable:
    return lambda outputs, inputs: task.picture(outputs, inputs)[..., :channels] * largest


@functools.partial(jax.jit, static_argnums=0)
def _inputs(before, pixels, told):
    return before(pixels, *told)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _apply(model, before, after, variables, frozen, given, pixels, told):
    inputs = before(pixels, *told)
    return after(outputs_of(model, {**variables, "statistics": given}, frozen, inputs), inputs)
