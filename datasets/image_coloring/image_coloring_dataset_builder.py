"""Kaggle's "Image Coloring Dataset", in the folders of its archive."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

from colorjax.errors import UserError
from colorjax.pages.text import counted
from colorjax.pictures.images import read_picture
from datasets.photo_folder.photo_folder_dataset_builder import SPLIT_FOLDERS, hold_out
from datasets.photograph_builder import PhotographBuilder, Picture
from datasets.source_files import Listing, names_in_one_line, picture_files, readable_name

DEPTH = 2  # how many folders an archive puts around those of the splits
GRAY_ENDINGS = ("black", "gray", "grey")
# The most by which two channels of a gray pixel differ: Cb and Cr that compression moved by two levels make 6.
GRAY_LEVELS = 8


class Builder(PhotographBuilder):
    """The photographs of Ibraheem, Danach and Ghandour: 20 in color for training, 100 gray ones for testing.

    The folders may be `train_color` and `test_color`, next to gray twins in `train_black` and `test_black`, or `Train`
    and `Test`; upper and lower case are the same. Gray images are left out, because a measurement needs true colors,
    and gray inputs are computed from these. If a split then has no photograph, it gets a tenth of the training
    photographs (at least one, if there are three or more), chosen by the hash of their content.
    """

    VERSION = tfds.core.Version("1.0.0")
    SOURCE: ClassVar[str] = (
        'the folder in which Kaggle\'s "Image Coloring Dataset" was unpacked, with train_color/ (and test_color/), '
        "or Train/ and Test/"
    )

    @classmethod
    def find(cls, source: Path) -> Listing:
        """Return the files of the split folders without the gray twins, named by their path below the folders' parent.

        Raises:
          UserError: there are no split folders, or several sets of them.
        """
        root = cls._root(source)
        splits: dict[str, dict[str, Path]] = {"train": {}, "validation": {}, "test": {}}
        twins, outside = Counter(), 0
        for path in picture_files(root):
            name = readable_name(path.relative_to(root))
            folder, slash, _ = name.partition("/")
            split_name, _, ending = folder.lower().rpartition("_")
            split = SPLIT_FOLDERS.get(folder.lower().removesuffix("_color")) if slash else None
            if split:
                splits[split][name] = path
            elif slash and split_name in SPLIT_FOLDERS and ending in GRAY_ENDINGS:
                twins[folder] += 1
            else:
                outside += 1
        remarks = [
            f"{counted(number, 'gray picture')} in {folder} left out: gray inputs are computed from color photographs"
            for folder, number in twins.items()
        ]
        if outside:
            remarks.append(f"{counted(outside, 'file')} outside the split folders left out")
        return Listing(splits, tuple(remarks))

    @classmethod
    def _root(cls, source: Path) -> Path:
        """Return the folder that holds the split folders, as near to `source` as possible.

        Raises:
          UserError: there is none within `DEPTH` levels, or several at the same depth.
        """
        level = [source]
        for _ in range(DEPTH + 1):
            roots = [folder for folder in level if _has_split_folders(folder)]
            if len(roots) > 1:
                names = names_in_one_line(readable_name(root.relative_to(source)) for root in roots)
                raise UserError(
                    f"{cls.name}: {len(roots)} folders in {source} have split folders: {names}; "
                    "config.data.source must be one of them"
                )
            if roots:
                return roots[0]
            level = [inner for folder in level for inner in _folders(folder)]
        raise UserError(
            f"{cls.name}: neither train_color nor Train and Test in {source}, nor {DEPTH} folders deep in it; "
            f"config.data.source must be {cls.SOURCE}"
        )

    def divide(self, pictures: Mapping[str, list[Picture]]) -> tuple[Mapping[str, list[Picture]], list[str]]:
        """Return the color photographs by split, and remarks on the gray images and on photographs held out.

        Raises:
          UserError: no photograph in color is left for training.
        """
        colored = {split: [] for split in ("train", "validation", "test")}
        remarks = []
        for split, there in pictures.items():
            # The files are read a second time here, so that the other data sets do not spend time on this check.
            gray = {picture.name for picture in there if is_gray(read_picture(picture.path, as_stored=self.AS_STORED))}
            colored[split] = [picture for picture in there if picture.name not in gray]
            remarks += _remarks_on_gray(gray, "to learn from" if split == "train" else "to be measured against")
        if any(pictures.values()) and not colored["train"]:
            raise UserError(
                f"{self.name}: no photograph in color to train on in {self.builder_config.source}; "
                f"config.data.source must be {self.SOURCE}"
            )
        held, more = hold_out(colored)
        return held, [*remarks, *more]


def is_gray(picture: np.ndarray) -> bool:
    """Return whether a picture, uint8 `[H, W, 3]`, has no colors but what compression makes of gray."""
    return int(np.ptp(picture, axis=-1).max()) <= GRAY_LEVELS


def _folders(folder: Path) -> list[Path]:
    """Return the folders in `folder`, without hidden ones."""
    _, names, _ = next(os.walk(folder), ("", [], []))  # no names for an unreadable folder
    return [folder / name for name in sorted(names) if not name.startswith(".")]


def _has_split_folders(folder: Path) -> bool:
    names = {inner.name.lower() for inner in _folders(folder)}
    return "train_color" in names or {"train", "test"} <= names


def _remarks_on_gray(names: Iterable[str], missing: str) -> list[str]:
    """Return a remark for each folder with gray images; `missing` completes "no colors ..."."""
    folders = Counter(name.partition("/")[0] for name in sorted(names))
    return [
        f"{counted(number, 'gray picture')} in {folder} {'has' if number == 1 else 'have'} no colors {missing}: "
        "left out"
        for folder, number in folders.items()
    ]
