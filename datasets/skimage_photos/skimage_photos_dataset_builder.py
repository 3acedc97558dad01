"""The color photographs inside the scikit-image wheel, which need no download."""

import importlib.util
from pathlib import Path
from typing import ClassVar

import tensorflow_datasets as tfds

from colorjax.errors import UserError
from datasets.photograph_builder import PhotographBuilder
from datasets.source_files import Listing

# The two images of the stereo pair are in the same split. Validation and test have subjects that people photograph: a
# garage, an animal, a landscape at night. Images from instruments (stars, stained tissue, the retina) are only for
# training.
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
        """Return the folder of images of the installed scikit-image.

        Raises:
          UserError: a source is given, or scikit-image is not installed.
        """
        if source:
            raise UserError(f"{cls.name}: config.data.source must be {cls.SOURCE}; it is {source!r}")
        # The functions of skimage.data are not used, because they download missing files.
        package = importlib.util.find_spec("skimage")
        if package is None or package.origin is None:
            raise UserError(f"{cls.name}: scikit-image is not installed; pip install -r requirements.txt")
        return Path(package.origin).parent / "data"

    @classmethod
    def find(cls, source: Path) -> Listing:
        """Return the nine files.

        Raises:
          UserError: the installed scikit-image lacks one of them.
        """
        missing = [file for files in FILES.values() for file in files if not (source / file).is_file()]
        if missing:
            raise UserError(
                f"{cls.name}: this scikit-image has no {', '.join(missing)} in {source}; "
                "install the wheel from PyPI again"
            )
        return Listing({split: {Path(file).stem: source / file for file in files} for split, files in FILES.items()})
