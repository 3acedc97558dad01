"""An index of photographs that can be references: the descriptor of each, and the way to its pixels.

Photographs are uint8 sRGB [H, W, 3]. Those without colors of their own (gray, or of one tone) are no references, and of
equal ones the index has one. Its order is that of the photographs' hashes: whatever is found is the same however files
are named and sorted.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from tqdm import tqdm

from colorjax.color.spaces import rgb2lab
from colorjax.errors import UserError
from colorjax.methods.by_example.method import working_shape
from colorjax.methods.retrieval.descriptor import describe
from colorjax.pages.text import counted
from colorjax.pictures.images import Photograph, content_hash
from colorjax.runtime.pixelwise import map_pixels

#: A photograph whose colors spread less around those of one tone is no reference, units of ab.
LEAST_SPREAD = 3.0


class Entry(NamedTuple):
    """What is kept of one photograph.

    Attributes:
      content: `content_hash` of the photograph.
      spread: as of `color_spread`.
      descriptor: of its lightness, float32 [LENGTH].
    """

    content: str
    spread: float
    descriptor: np.ndarray


class Index(NamedTuple):
    """References in the order of their hashes.

    Attributes:
      names: of each, for people: its path, or its name in the data set.
      hashes: `content_hash` of each.
      descriptors: float32 [n, LENGTH].
      read: takes the number of a reference and returns its pixels, uint8 [H, W, 3].
      remarks: lines for the user on what was left out.
    """

    names: tuple[str, ...]
    hashes: tuple[str, ...]
    descriptors: np.ndarray
    read: Callable[[int], np.ndarray]
    remarks: tuple[str, ...] = ()


def index_photographs(photographs: Sequence[Photograph]) -> Index:
    """Return the index of photographs. They stay where they are and are looked up when they are needed.

    Raises:
      UserError: none of them has colors.
    """
    entries = [
        entry_of(photograph.picture)
        for photograph in tqdm(photographs, desc="describing references", unit="picture", disable=None)
    ]
    names = [photograph.name for photograph in photographs]
    return build_index(names, entries, lambda place: photographs[place].picture, "the training photographs")


def require_references(photographs: Iterable[Photograph], fewest: int, method: str) -> None:
    """Check that at least `fewest` photographs can be references. Only as many are looked at as this takes.

    Raises:
      UserError: there are fewer; the line names `method`.
    """
    found = 0
    for photograph in photographs:
        found += color_spread(lab_at_working_size(photograph.picture)) >= LEAST_SPREAD
        if found == fewest:
            return
    raise UserError(
        f"the method {method} learns from {counted(fewest, 'photograph')} with colors or more; of those for training "
        f"{found} can be references, the others are gray or of one tone"
    )


def entry_of(photograph: np.ndarray) -> Entry:
    """Return what the index keeps of a photograph."""
    lab = lab_at_working_size(photograph)
    return Entry(content_hash(photograph), color_spread(lab), describe(lab[..., 0]))


def build_index(
    names: Sequence[str],
    entries: Sequence[Entry],
    read: Callable[[int], np.ndarray],
    where: str,
    remarks: Sequence[str] = (),
) -> Index:
    """Return the index of those photographs that can be references.

    Args:
      names: of all photographs.
      entries: of all photographs.
      read: takes the place of a photograph in `names` and returns its pixels.
      where: begins the error.
      remarks: on what was left out before.

    Raises:
      UserError: there is none.
    """
    colored = [place for place, entry in enumerate(entries) if entry.spread >= LEAST_SPREAD]
    if gray := len(entries) - len(colored):
        remarks = [
            *remarks,
            f"{counted(gray, 'photograph')} left out: gray, or of one tone, so no reference for colors",
        ]
    order = sorted(colored, key=lambda place: (entries[place].content, names[place]))
    once = {entries[place].content: place for place in reversed(order)}  # of equal ones the first stays
    places = [once[content] for content in sorted(once)]
    if not places:
        why = f" ({'; '.join(remarks)})" if remarks else ""
        raise UserError(f"{where}: no photograph with colors that could be a reference{why}")
    return Index(
        names=tuple(names[place] for place in places),
        hashes=tuple(entries[place].content for place in places),
        descriptors=np.stack([entries[place].descriptor for place in places]),
        read=lambda number: read(places[number]),
        remarks=tuple(remarks),
    )


def lab_at_working_size(photograph: np.ndarray) -> np.ndarray:
    """Return a photograph, uint8 or uint16 [H, W, 3], as Lab at its `working_shape`.

    It is reduced before its colors are converted, because converting those of a camera's photograph takes seconds.
    """
    height, width = photograph.shape[:2]
    shape = working_shape(height, width)
    small = (
        photograph if shape == (height, width) else cv2.resize(photograph, shape[::-1], interpolation=cv2.INTER_AREA)
    )
    return map_pixels(rgb2lab, small.astype(np.float32) / np.float32(np.iinfo(photograph.dtype).max))


def color_spread(lab: np.ndarray) -> float:
    """Return how far the colors of an image are from those of a tinted gray image, units of ab.

    In a gray, sepia or otherwise toned image a and b depend on lightness alone. The spread is the root mean square of
    what the best quadratic functions of lightness leave of ab.

    Args:
      lab: [h, w, 3].
    """
    lightness, ab = lab[..., 0].reshape(-1) / 100, lab[..., 1:].reshape(-1, 2).astype(np.float64)
    powers = np.stack([np.ones_like(lightness), lightness, np.square(lightness)], axis=-1).astype(np.float64)
    fitted, *_ = np.linalg.lstsq(powers, ab, rcond=None)
    return float(np.sqrt(np.square(ab - powers @ fitted).sum(axis=-1).mean()))
