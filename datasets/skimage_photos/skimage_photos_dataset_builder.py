"""The color photographs inside the scikit-image wheel: nothing to download."""

import importlib.util
from pathlib import Path
from typing import ClassVar

import tensorflow_datasets as tfds

from colorjax.errors import UserError
from datasets.photograph_builder import PhotographBuilder
from datasets.source_files import Listing

# The stereo pair is on one side. Validation and test are on what people photograph: a garage, an animal, a landscape
# at night; what instruments photograph (stars, stained tissue, the eye's ground) serves for training alone.
FILES = {
    "train": ("astronaut.png", "coffee.png", "hubble_deep_field.jpg", "ihc.png", "retina.jpg"),
    "validation": ("motorcycle_left.png", "motorcycle_right.png"),
    "test": ("chelsea.png", "rocket.jpg"),
}


class Builder(PhotographBuilder):
    """The nine color photographs of `skimage.data` that come with the package."""

    VERSION = tfds.core.Version("1.0.0")
    SOURCE: ClassVar[str] = "empty: the photographs come with scikit-image"

    @classmethod
    def source_folder(cls, source: str) -> Path:
        """Return the installed scikit-image's folder of pictures."""
        if source:
            raise UserError(f"{cls.name}: config.data.source must be {cls.SOURCE}; it is {source!r}")
        # Not through skimage.data's functions, which download what they don't find.
        package = importlib.util.find_spec("skimage")
        if package is None or package.origin is None:
            raise UserError(f"{cls.name}: scikit-image is not installed; pip install -r requirements.txt")
        return Path(package.origin).parent / "data"

    @classmethod
    def find(cls, source: Path) -> Listing:
        """Return the nine files; `UserError` if this scikit-image comes without one of them."""
        missing = [file for files in FILES.values() for file in files if not (source / file).is_file()]
        if missing:
            raise UserError(
                f"{cls.name}: this scikit-image has no {', '.join(missing)} in {source}; "
                "install the wheel from PyPI again"
            )
        return Listing({split: {Path(file).stem: source / file for file in files} for split, files in FILES.items()})
