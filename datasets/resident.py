"""Patches cropped on the device, which holds the whole photographs (`config.data.placement = 'device'`).

All photographs lie one after the other in one buffer. A batch then has only the photograph's number and the crop's
matrix, 28 bytes per patch, and the host only draws these during training.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from colorjax.errors import UserError
from colorjax.pictures.images import Photograph
from datasets.batching import Rows, batches
from datasets.crops import warp_on_device
from datasets.sampling import Draws

# Positions in the buffer are int32 on the device, which limits its size.
LIMIT_BYTES = 2**31 - 1


def one_hot(labels: np.ndarray | int, classes: int) -> np.ndarray:
    """Return float32 `[*b, classes]` of labels `[*b]`: 1 at the label, 0 elsewhere; all 0 for the label -1."""
    return (np.asarray(labels)[..., np.newaxis] == np.arange(classes)).astype(np.float32)


def resident_arrays(photographs: Sequence[Photograph]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Put photographs into one buffer.

    Returns:
      A dict with 'pixels', uint8 [N], each photograph's [H, W, 3] flattened; and 'offset' (in `pixels`), 'height'
      and 'width', int32 [photographs]. And the photographs' labels, int32 [photographs].

    Raises:
      UserError: the photographs have too many pixels for int32 positions.
    """
    pictures, labels, total = [], [], 0
    for photograph in photographs:
        pictures.append(photograph.picture)
        labels.append(photograph.label)
        total += photograph.picture.size
        if total > LIMIT_BYTES:
            raise UserError(
                f"config.data.placement 'device' holds at most {LIMIT_BYTES // 3 / 1e6:.0f} million pixels, and the "
                f"first {len(pictures)} of {len(photographs)} training photographs have more; use 'host'"
            )
    sizes = [picture.size for picture in pictures]
    arrays = {
        "pixels": np.concatenate([picture.reshape(-1) for picture in pictures]),
        "offset": np.cumsum([0, *sizes[:-1]]).astype(np.int32),
        "height": np.array([picture.shape[0] for picture in pictures], np.int32),
        "width": np.array([picture.shape[1] for picture in pictures], np.int32),
    }
    return arrays, np.array(labels, np.int32)


class ResidentPatches:
    """A `PatchStream` whose batches contain crop matrices instead of images.

    Args:
      photographs: to cut patches from.
      draws: the rule by which patches are drawn.
      rows: which batches to yield, and which rows of each.
      classes: number of the data set's classes; 0 leaves them out of the batches.

    Raises:
      UserError: as `resident_arrays`.
    """

    def __init__(self, photographs: Sequence[Photograph], draws: Draws, rows: Rows, classes: int = 0):
        self.resident, labels = resident_arrays(photographs)
        self._draws = draws
        sizes = zip(self.resident["height"], self.resident["width"], strict=True)
        self._samples = max(
            draws.samples(int(height), int(width)) for height, width in sizes
        )  # the same number for all photographs, because it is static under jit
        self._source = DrawSource(
            self.resident["height"],
            self.resident["width"],
            draws,
            rows,
            one_hot(labels, classes) if classes else None,
        )

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        return batches(self._source, workers=0)

    def clean(self, batch: Mapping[str, jax.Array], resident: Mapping[str, jax.Array]) -> jax.Array:
        """See `pipeline.PatchStream`."""

        def crop(photograph, matrix):
            place = [resident[key][photograph] for key in ("offset", "height", "width")]
            return warp_on_device(resident["pixels"], *place, matrix, self._draws.patch_size, self._samples)

        return jax.vmap(crop)(batch["photograph"], batch["matrix"])


@dataclasses.dataclass(frozen=True)
class DrawSource:
    """Random access to the draws of this process: item k is that of the k-th patch that the process reads."""

    heights: np.ndarray
    widths: np.ndarray
    draws: Draws
    rows: Rows
    classes: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, position: int) -> dict[str, Any]:
        index = self.rows[position]
        photograph = self.draws.photograph(index, len(self.heights))
        matrix = self.draws.crop(index, int(self.heights[photograph]), int(self.widths[photograph]))
        draw = {"index": np.uint32(index), "photograph": np.int32(photograph), "matrix": matrix}
        return draw if self.classes is None else draw | {"class": self.classes[photograph]}
