"""Coloring by references that are found by themselves: the most similar photographs, each by one method by example.

Lightness is float32 L in 0..100, [h, w]; colors are Lab a and b, [h, w, 2].
"""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar, NamedTuple, Self

import numpy as np

from colorjax.color.spaces import recolor, rgb2lab
from colorjax.errors import UserError, nearest
from colorjax.inference.color_upsampling import upsample_colors
from colorjax.methods.by_example.gupta import Gupta
from colorjax.methods.by_example.irony import Irony
from colorjax.methods.by_example.method import ByExample, at_working_size
from colorjax.methods.by_example.reinhard import Reinhard
from colorjax.methods.by_example.same_scene import SameScene
from colorjax.methods.by_example.welsh import Welsh
from colorjax.methods.method import Method, Observation, Restored
from colorjax.methods.retrieval.combine import join
from colorjax.methods.retrieval.index import index_photographs, lab_at_working_size, require_references
from colorjax.methods.retrieval.search import Matches, Search
from colorjax.methods.settings import require_at_least
from colorjax.pictures.images import Photograph
from colorjax.runtime.pixelwise import map_pixels

#: The methods by example, by name.
TRANSFERS: dict[str, type[ByExample]] = {method.name: method for method in (Welsh, Irony, Gupta, Reinhard, SameScene)}


class Colors(NamedTuple):
    """Colors from references.

    Attributes:
      ab: at the working size, [h, w, 2].
      confidence: mean of that of the references, 0 to 1, [h, w].
      lightness: of the image at the working size, [h, w].
      matches: the references; without those that the transfer refused.
      remarks: a line for each of those.
    """

    ab: np.ndarray
    confidence: np.ndarray
    lightness: np.ndarray
    matches: Matches
    remarks: tuple[str, ...]


def build_transfer(name: str) -> ByExample:
    """Return a method by example with its default settings.

    Raises:
      UserError: an unknown name (naming the nearest).
    """
    if name not in TRANSFERS:
        raise UserError(f"no method by example is named {name!r}; {nearest(name, TRANSFERS)}")
    return TRANSFERS[name]()


def colors_from_references(
    lightness: np.ndarray, search: Search, transfer: ByExample, count: int, content: str = ""
) -> Colors:
    """Return colors for an image from the references most like it; copies of the image are left out.

    Args:
      lightness: of the image, of any size; it is reduced to the working size.
      search: in the index of the references.
      transfer: takes the colors of one reference.
      count: number of references, 1 or more.
      content: `content_hash` of the image, if there is one.

    Raises:
      UserError: all references are copies of the image, the file of one can't be read any more, or none of them is fit
        for the transfer.
    """
    small = at_working_size(lightness)
    matches = search.nearest(small, count, content)
    transfers, used, refusals = [], [], []
    for match in matches.found:
        example = lab_at_working_size(search.index.read(match.number))
        try:
            transfers.append(transfer.transfer(small, example))
            used.append(match)
        except UserError as error:
            refusals.append(f"{match.name}: {error}")
    if not transfers:
        raise UserError(refusals[0])
    joined = join(transfers)
    return Colors(joined.ab, joined.confidence, small, matches._replace(found=tuple(used)), tuple(refusals))


@dataclasses.dataclass
class Retrieved(Method):
    """Colors by the most similar training photographs, and joins what they give by their median.

    Attributes:
      count: number of references for each image.
      method: name of the method by example that takes their colors.

    Raises:
      UserError: a count below 1, or an unknown method.
    """

    count: int = 5
    method: str = "welsh"
    name: ClassVar[str] = "retrieved"
    tasks: ClassVar[frozenset[str]] = ByExample.tasks

    def __post_init__(self):
        require_at_least(1, self, "count")
        if self.method not in TRANSFERS:
            raise UserError(f"method.method={self.method!r}: {nearest(self.method, TRANSFERS)}")
        self._transfer: ByExample | None = None
        self._search: Search | None = None

    def check_training(self, photographs: Sequence[Photograph]) -> None:
        """See `Method.check_training`.

        Raises:
          UserError: none of them has colors.
        """
        require_references(photographs, 1, self.name)

    def fit(self, photographs: Sequence[Photograph]) -> Self:
        """Describe all photographs.

        Raises:
          UserError: none of them has colors.
        """
        self._transfer = build_transfer(self.method)
        self._search = Search(index_photographs(photographs))
        return self

    def restore(self, observation: Observation) -> Restored:
        """Return the image with its references' colors, not clipped; lightness stays.

        Raises:
          UserError: as `colors_from_references`.
        """
        lightness = map_pixels(rgb2lab, observation.image)[..., 0]
        found = colors_from_references(lightness, self._search, self._transfer, self.count)
        ab = upsample_colors(found.ab, found.lightness, lightness)
        return Restored(map_pixels(recolor, observation.image, ab))
