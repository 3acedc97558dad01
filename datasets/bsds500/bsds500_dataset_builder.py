"""The Berkeley Segmentation Data Set (BSDS500), for training denoisers."""

from pathlib import Path
from typing import ClassVar

import tensorflow_datasets as tfds

from colorjax.errors import UserError
from colorjax.pages.text import counted
from datasets.cbsd68.cbsd68_dataset_builder import PHOTOGRAPHS as CBSD68
from datasets.photograph_builder import PhotographBuilder
from datasets.source_files import Listing, names_in_one_line, picture_files

FOLDERS = {"train": "train", "val": "validation", "test": "test"}
# Possible places of the split folders below the source, which may be any folder of the archive (BSR_bsds500.tgz).
ROOTS = (".", "images", "data/images", "BSDS500/data/images", "BSR/BSDS500/data/images")
# Set12's starfish, Set5's woman, RNI15's bears: images on which denoisers are measured.
BENCHMARKS = frozenset({"12003", "302003", "100075"})


class Builder(PhotographBuilder):
    """BSDS500's photographs, without those on which denoisers are measured.

    Left out in all folders: 12003, 302003 and 100075 (in Set12, Set5 and RNI15), and the 68 of CBSD68, which are among
    the release's 100 of `val`.
    """

    VERSION = tfds.core.Version("1.0.0")
    SOURCE: ClassVar[str] = "the folder of BSDS500, with train/, val/ and test/ (or BSDS500/data/images/ with these)"

    @classmethod
    def find(cls, source: Path) -> Listing:
        """Return the photographs of the three split folders.

        Raises:
          UserError: there is no folder `train`.
        """
        root = next((source / root for root in ROOTS if (source / root / "train").is_dir()), None)
        if root is None:
            raise UserError(f"{cls.name}: no folder train in {source}; config.data.source must be {cls.SOURCE}")
        splits = {
            split: {path.stem: path for path in picture_files(root / folder)} for folder, split in FOLDERS.items()
        }
        left_out = [name for named in splits.values() for name in named if name in BENCHMARKS | CBSD68]
        remarks = []
        if left_out:
            remarks.append(
                f"{counted(len(left_out), 'photograph')} of Set5, Set12, RNI15 and CBSD68 left out: "
                f"{names_in_one_line(left_out)}"
            )
        return Listing(
            {
                split: {name: path for name, path in named.items() if name not in left_out}
                for split, named in splits.items()
            },
            tuple(remarks),
        )
