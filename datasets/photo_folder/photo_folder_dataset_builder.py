"""Any folder of pictures, nested or not, with or without split folders of its own."""

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
    """Any folder of pictures.

    The folder's own split folders count if they hold at least two splits, or all the pictures: a lone `train`
    beside `bus` and `car` is a kind of vehicle. A split for evaluation that has no folder gets a tenth of the
    training photographs. Without split folders the photographs are divided 80:10:10 in the order of their
    content's hash: the same photographs always fall the same way, whatever they are called, a photograph more
    or less moves at most one other across each border, and copies of a file are on the same side.

    A photograph's class is the folder that it lies in, the uppermost below the split folders.
    """

    VERSION = tfds.core.Version("1.1.0")
    SOURCE: ClassVar[str] = "a folder of pictures"

    @classmethod
    def find(cls, source: Path) -> Listing:
        """Return the pictures under `source`, by split folder or undivided."""
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

    def classes(self, names: Mapping[str, list[str]]) -> Mapping[str, str]:
        """See `classes_of`."""
        return classes_of(names)

    def divide(self, pictures: Mapping[str, list[Picture]]) -> tuple[Mapping[str, list[Picture]], list[str]]:
        """Return the pictures by split, by the hash of their content where the folder lacks splits, and remarks."""
        if UNDIVIDED not in pictures:
            return hold_out(pictures)
        split_of = divide_by_content(picture.sha256 for picture in pictures[UNDIVIDED])
        splits = {"train": [], "validation": [], "test": []}
        for picture in pictures[UNDIVIDED]:
            splits[split_of[picture.sha256]].append(picture)
        return splits, []


def classes_of(names: Mapping[str, list[str]]) -> dict[str, str]:
    """Return the class of each photograph that lies in a folder, below its split's folder where there are such.

    With one folder for all, or none, there are no classes.
    """
    every = [name for of_split in names.values() for name in of_split]
    folders = {name: name.split("/")[:-1] for name in every}
    divided = all(folder and folder[0].lower() in SPLIT_FOLDERS for folder in folders.values())
    below = {name: folder[divided:] for name, folder in folders.items()}
    found = {name: folder[0] for name, folder in below.items() if folder}
    return found if len(set(found.values())) > 1 else {}


def divide_by_content(hashes) -> dict[str, str]:
    """Return the split of each distinct hash; with three or more, every split has at least one."""
    distinct = sorted(set(hashes))
    held_out = max(round(HELD_OUT * len(distinct)), int(len(distinct) >= 3))
    test, validation = distinct[:held_out], distinct[held_out : 2 * held_out]
    split_of = dict.fromkeys(distinct, "train")
    return split_of | dict.fromkeys(test, "test") | dict.fromkeys(validation, "validation")


def hold_out(splits: Mapping[str, list[Picture]]) -> tuple[Mapping[str, list[Picture]], list[str]]:
    """Fill empty validation and test splits from the training photographs, with a remark on how many these remain."""
    train = splits["train"]
    empty = [split for split in ("validation", "test") if not splits[split]]
    # The same share for test whether or not validation needs one: what is measured on stays the same.
    split_of = divide_by_content(picture.sha256 for picture in train)
    held = {split: [picture for picture in train if split_of[picture.sha256] == split] for split in empty}
    if not any(held.values()):
        return splits, []
    remaining = [picture for picture in train if split_of[picture.sha256] not in empty]
    numbers = " and ".join(f"{len(there):,} for {split}" for split, there in held.items())
    remark = f"held out of the {len(train):,} training photographs: {numbers}; {len(remaining):,} remain to train on"
    return {**splits, **held, "train": remaining}, [remark]
