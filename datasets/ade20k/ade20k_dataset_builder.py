"""ADE20K, in the folders of its own archives."""

import re
from collections import Counter
from pathlib import Path
from typing import ClassVar

import tensorflow_datasets as tfds

from colorjax.pages.text import counted
from colorjax.pictures.find import walk
from datasets.photograph_builder import PhotographBuilder
from datasets.source_files import Listing

PHOTOGRAPH = re.compile(r"(ADE_(train|val|test)_\d+)\.jpe?g", re.IGNORECASE)
FRAME = re.compile(r"ADE_frame_\d+\.jpe?g", re.IGNORECASE)
SCENES = "sceneCategories.txt"  # of the challenge: a line for each photograph, its name and its scene
SPLIT_FOLDERS = ("training", "validation")
SPLIT_OF = {"train": "train", "val": "validation", "test": "test"}


class Builder(PhotographBuilder):
    """ADE20K: 20,210 photographs for training, 2,000 for validation, 3,352 for testing.

    The name of a photograph gives its split (`ADE_train_00000001.jpg`). So the source may hold the full release
    (`images/ADE/training/<scene>/<kind>/`), that of the scene parsing challenge (`images/training/`,
    `release_test/testing/`), or both; a photograph that is in both is used once. Masks are PNG files and are ignored.
    The class of a photograph is its scene: its folders below `training/` and the first one there (`urban/street/`, or
    `s/street/` in the release of 2016), or what `sceneCategories.txt` of the challenge says.

    The video frames (`ADE_frame_...`) that the release of 2021 added to its training folder are ignored too: they are
    near-copies of each other and in none of the published splits.
    """

    VERSION = tfds.core.Version("1.0.0")
    SOURCE: ClassVar[str] = "the folder in which the archives of ADE20K were unpacked (with ADE_train_*.jpg inside)"

    @classmethod
    def find(cls, source: Path) -> Listing:
        """Return the photographs under `source`, at any depth."""
        splits: dict[str, dict[str, Path]] = {split: {} for split in SPLIT_OF.values()}
        scenes, told, left_out = {}, {}, Counter()
        for path in walk(source):
            photograph = PHOTOGRAPH.fullmatch(path.name)
            if photograph:
                named = splits[SPLIT_OF[photograph[2].lower()]]
                left_out["of a name that another has"] += photograph[1] in named
                named.setdefault(photograph[1], path)
                scenes |= {photograph[1]: scene} if (scene := scene_of(path.relative_to(source))) else {}
            elif path.name == SCENES:
                told |= scenes_of_file(path)
            else:
                left_out["of a video (ADE_frame_*)"] += bool(FRAME.fullmatch(path.name))
        remarks = [f"{counted(number, 'picture')} {what} left out" for what, number in left_out.items() if number]
        return Listing(
            {split: dict(sorted(named.items())) for split, named in splits.items()}, tuple(remarks), scenes | told
        )


def scene_of(path: Path) -> str:
    """Return the scene that the folders of a photograph tell, such as 'street' or 'kitchen/indoor'; "" for none."""
    folders = [folder.lower() for folder in path.parts[:-1]]
    splits = [number for number, folder in enumerate(folders) if folder in SPLIT_FOLDERS]
    return "/".join(folders[splits[-1] + 2 :]) if splits else ""


def scenes_of_file(path: Path) -> dict[str, str]:
    """Return name of the photograph -> scene, from the challenge's file."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return {words[0]: words[1] for words in map(str.split, lines) if len(words) == 2}
