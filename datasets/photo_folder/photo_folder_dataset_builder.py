"""Any folder of photos, nested or not, with or without split folders."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import tensorflow_datasets as tfds

from colorjax.pages.text import counted
from datasets.photograph_builder import PhotographBuilder, Picture
from datasets.source_files import Listing, picture_files, readable_name

SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
UNDIVIDED = "all"
HELD_OUT = 0.1  # share of the photographs in each of validation and test


class Builder(PhotographBuilder):
    """Any folder of photos.

    Split folders are used if they are for at least two splits, or hold all photos: a single `train` next to `bus` and
    `car` is a kind of vehicle. If validation or test has no folder, it gets a tenth of the training photographs.

    Without split folders, the photographs are sorted by the hash of their content and divided 80:10:10. So the division
    does not depend on the names, copies of a file are in the same split, and one photograph more or less moves at most
    one other across each border.

    The class of a photograph is the name of its uppermost folder, below the split folders if there are any.
    """

    VERSION = tfds.core.Version("1.1.0")
    SOURCE: ClassVar[str] = "a folder of pictures"
    HAS_CLASSES: ClassVar[bool] = True
    AS_STORED: ClassVar[bool] = False

    @classmethod
    def find(cls, source: Path) -> Listing:
        """Return the files under `source`, by split folder or undivided."""
        files = {readable_name(path.relative_to(source)): path for path in picture_files(source)}
        splits: dict[str, dict[str, Path]] = {"train": {}, "validation": {}, "test": {}}
        outside = {}
        for name, path in files.items():
            folder, slash, _ = name.partition("/")
            split = SPLIT_FOLDERS.get(folder.lower()) if slash else None
            (outside if split is None else splits[split])[name] = path
        if sum(map(bool, splits.values())) < 2 and outside:
            return Listing({UNDIVIDED: files})
        remarks = [f"{counted(len(outside), 'file')} outside the split folders left out"] if outside else []
        return Listing(splits, tuple(remarks))

    @classmethod
    def classes(cls, names: Mapping[str, list[str]]) -> Mapping[str, str]:
        """See `classes_of`."""
        return classes_of(names)

    def divide(self, pictures: Mapping[str, list[Picture]]) -> tuple[Mapping[str, list[Picture]], list[str]]:
        """Return the files by split, and remarks; missing splits are filled by the hash of the content."""
        if UNDIVIDED not in pictures:
            return hold_out(pictures)
        split_of = divide_by_content(picture.sha256 for picture in pictures[UNDIVIDED])
        splits = {"train": [], "validation": [], "test": []}
        for picture in pictures[UNDIVIDED]:
            splits[split_of[picture.sha256]].append(picture)
        return splits, []


def classes_of(names: Mapping[str, list[str]]) -> dict[str, str]:
    """Return photograph's name -> class: its uppermost folder, below the split folders if there are any.

    If this gives fewer than two classes, the result is {}.

    Args:
      names: split -> names of its photographs.
    """
    every = [name for of_split in names.values() for name in of_split]
    folders = {name: name.split("/")[:-1] for name in every}
    divided = all(folder and folder[0].lower() in SPLIT_FOLDERS for folder in folders.values())
    below = {name: folder[divided:] for name, folder in folders.items()}
    found = {name: folder[0] for name, folder in below.items() if folder}
    return found if len(set(found.values())) > 1 else {}


def divide_by_content(hashes) -> dict[str, str]:
    """Return hash -> split; with three or more distinct hashes, every split has at least one."""
    distinct = sorted(set(hashes))
    held_out = max(round(HELD_OUT * len(distinct)), int(len(distinct) >= 3))
    test, validation = distinct[:held_out], distinct[held_out : 2 * held_out]
    split_of = dict.fromkeys(distinct, "train")
    return split_of | dict.fromkeys(test, "test") | dict.fromkeys(validation, "validation")


def hold_out(splits: Mapping[str, list[Picture]]) -> tuple[Mapping[str, list[Picture]], list[str]]:
    """Return the splits with empty validation and test splits filled from the training photographs, and remarks."""
    train = splits["train"]
    empty = [split for split in ("validation", "test") if not splits[split]]
    # Test gets the same photographs whether or not validation needs some, so that measurements stay comparable.
    split_of = divide_by_content(picture.sha256 for picture in train)
    held = {split: [picture for picture in train if split_of[picture.sha256] == split] for split in empty}
    if not any(held.values()):
        return splits, []
    remaining = [picture for picture in train if split_of[picture.sha256] not in empty]
    numbers = " and ".join(f"{len(there):,} for {split}" for split, there in held.items())
    remark = f"held out of the {len(train):,} training photographs: {numbers}; {len(remaining):,} remain to train on"
    return {**splits, **held, "train": remaining}, [remark]
