"""CBSD68: the 68 color photographs on which denoisers are measured."""

from pathlib import Path
from typing import ClassVar

import tensorflow_datasets as tfds

from datasets.photograph_builder import PhotographBuilder
from datasets.source_files import Listing, picture_files

# The photographs' numbers in the Berkeley Segmentation Data Set.
# fmt: off
NUMBERS = (
    101085, 101087, 102061, 103070, 105025, 106024, 108005, 108070, 108082, 109053, 119082, 12084,
    123074, 126007, 130026, 134035, 14037, 143090, 145086, 147091, 148026, 148089, 157055, 159008,
    160068, 16077, 163085, 167062, 167083, 170057, 175032, 175043, 182053, 189080, 19021, 196073,
    197017, 208001, 210088, 21077, 216081, 219090, 220075, 223061, 227092, 229036, 236037, 24077,
    241004, 241048, 253027, 253055, 260058, 271035, 285079, 291000, 295087, 296007, 296059, 299086,
    300091, 302008, 304034, 304074, 306005, 3096, 33039, 351093,
)
# fmt: on
PHOTOGRAPHS = frozenset(map(str, NUMBERS))
# Copies of the set are flat folders, or have the clean images in a folder next to the noisy ones.
ROOTS = ("original_png", "CBSD68/original_png", "CBSD68", ".")


class Builder(PhotographBuilder):
    """CBSD68 (Roth and Black, 2009), which has only a test split."""

    VERSION = tfds.core.Version("1.0.0")
    SOURCE: ClassVar[str] = "the folder of CBSD68's 68 pictures"

    @classmethod
    def find(cls, source: Path) -> Listing:
        """Return the images, with a remark if they are not the 68 of published figures."""
        root = next(source / root for root in ROOTS if (source / root).is_dir())
        named = {path.stem: path for path in picture_files(root)}
        remarks = []
        if len(named) != len(PHOTOGRAPHS):
            remarks.append(
                f"WARNING: {len(named)} pictures, not {len(PHOTOGRAPHS)}: not comparable with published figures"
            )
        return Listing({"test": named}, tuple(remarks))
