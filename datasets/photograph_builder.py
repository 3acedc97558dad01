"""The TFDS builder that the data sets of photographs share.

Each data set is a package with a class `Builder(PhotographBuilder)`, whose `find` assigns files to splits. This file
does the rest: it reads each file once to check that it is readable, and writes the records and the summary. A record
has

  image   the file's own bytes if it is a plain 8-bit RGB JPEG or PNG, otherwise the upright RGB image as PNG
  name    the photograph's name within the data set
  sha256  of the original file's bytes
"""

import abc
import contextlib
import dataclasses
import hashlib
import inspect
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar, NamedTuple

import tensorflow_datasets as tfds
from absl import logging
from tqdm import tqdm

from colorjax.errors import UserError
from colorjax.pages.text import counted
from colorjax.pictures.decoding import read_bytes
from colorjax.pictures.images import encode_png, is_plain, read_picture
from datasets.prepared import Summary
from datasets.source_files import SPLITS, Listing, fingerprint, names_in_one_line, remarks_on_others


class Picture(NamedTuple):
    """A readable file: the photograph's name, the path, and the SHA-256 of its bytes."""

    name: str
    path: Path
    sha256: str


@dataclasses.dataclass(eq=False)
class SourceConfig(tfds.core.BuilderConfig):
    """One state of a source folder; TFDS keeps the records of that state in a folder called `name`."""

    source: Path = Path()
    listing: Listing = Listing({})


class PhotographBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Base class of the builders. A subclass, in its own package, defines `VERSION`, `SOURCE` and `find`."""

    SOURCE: ClassVar[str]  # completes the message "config.data.source must be ..."

    HAS_CLASSES: ClassVar[bool] = False  # whether photographs may have classes

    # Whether the numbers in the files count as sRGB whatever the files say, as published results are measured.
    AS_STORED: ClassVar[bool] = True

    @classmethod
    @abc.abstractmethod
    def find(cls, source: Path) -> Listing:
        """Return the files under `source` by split.

        Raises:
          UserError: the layout of the folder is not as expected.
        """

    @classmethod
    def source_folder(cls, source: str) -> Path:
        """Return the folder of the original files, from the value of `config.data.source`.

        Raises:
          UserError: it is empty.
        """
        if not source:
            raise UserError(f"{cls.name}: config.data.source must be {cls.SOURCE}")
        return Path(source).expanduser().absolute()

    @classmethod
    def of_source(cls, source: Path, data_dir: Path) -> "PhotographBuilder":
        """Return the builder for `source` in its present state.

        Raises:
          UserError: there is no such folder, it has no photographs, or its layout is not as expected.
        """
        if not source.is_dir():
            raise UserError(f"{cls.name}: config.data.source must be {cls.SOURCE}; there is no folder {source}")
        listing = cls.find(source)
        others = remarks_on_others(source)
        if not any(listing.files.values()):
            why = f" ({'; '.join(others)})" if others else ""
            raise UserError(f"{cls.name}: no pictures in {source}{why}; config.data.source must be {cls.SOURCE}")
        listing = listing._replace(remarks=(*listing.remarks, *others))
        config = SourceConfig(name=fingerprint(source, listing), source=source, listing=listing)
        with quiet():
            return cls(data_dir=data_dir, config=config)

    def divide(self, pictures: Mapping[str, list[Picture]]) -> tuple[Mapping[str, list[Picture]], list[str]]:
        """Return the readable files by split, and remarks; overridden if the splits depend on the files' content."""
        return pictures, []

    @classmethod
    def classes(cls, names: Mapping[str, list[str]]) -> Mapping[str, str]:
        """Return photograph's name -> name of its class, for those whose name tells it; overridden with `HAS_CLASSES`.

        Args:
          names: split -> names of its photographs.
        """
        del names
        return {}

    def _info(self) -> tfds.core.DatasetInfo:
        info = self.dataset_info_from_configs(
            description=inspect.getdoc(type(self)),
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(None, None, 3)),
                    "name": tfds.features.Text(),
                    "sha256": tfds.features.Text(),
                }
            ),
            disable_shuffling=True,  # records in the order of the listing
        )
        # Nothing is asked of TFDS's server, which knows none of these; it would also leave an empty folder behind.
        info.initialize_from_bucket = lambda: None
        return info

    def _split_generators(self, dl_manager) -> dict[str, Iterator]:
        config = self.builder_config
        readable, skipped = read_all(self.name, config.listing.files, self.AS_STORED)
        splits, remarks = self.divide(readable)
        splits = {split: splits[split] for split in SPLITS if splits.get(split)}
        if not splits:
            first = f"; the first: {skipped[0][0]}: {skipped[0][1]}"
            raise UserError(f"{self.name}: none of the {len(skipped)} files in {config.source} can be read{first}")
        names = {split: [picture.name for picture in pictures] for split, pictures in splits.items()}
        summary = Summary(
            name=self.name,
            source=str(config.source),
            directory=self.data_dir,
            photographs={split: len(pictures) for split, pictures in splits.items()},
            skipped=tuple(skipped),
            remarks=(*config.listing.remarks, *remarks, *remarks_on_duplicates(splits)),
        )
        summary.with_classes(names, config.listing.classes or self.classes(names)).write(
            self.data_dir
        )  # a temporary folder, which TFDS renames when it is complete
        return {split: self._generate_examples(pictures) for split, pictures in splits.items()}

    def _generate_examples(self, pictures: Iterable[Picture]) -> Iterator[tuple[int, dict]]:
        for index, (name, path, sha256) in enumerate(pictures):
            data = path.read_bytes()
            if hashlib.sha256(data).hexdigest() != sha256:
                raise UserError(f"{path}: changed while {self.name} was being prepared; run it again")
            encoded = data
            if not is_plain(data, str(path), self.AS_STORED):
                encoded = encode_png(read_picture(data, str(path), as_stored=self.AS_STORED))
            yield index, {"image": io.BytesIO(encoded), "name": name, "sha256": sha256}


def read_all(
    title: str, files: Mapping[str, Mapping[str, Path]], as_stored: bool
) -> tuple[dict[str, list[Picture]], list[tuple[str, str]]]:
    """Read every file once.

    Args:
      title: for the progress bar.
      files: split -> name -> path.
      as_stored: as for `read_picture`.

    Returns:
      The readable files by split, and `(name, reason)` for each of the others.
    """
    readable = {split: [] for split in files}
    skipped = []
    total = sum(map(len, files.values()))
    # disable=None: no bar where standard error is not a terminal
    with tqdm(total=total, desc=f"preparing {title}", unit="photograph", disable=None, leave=False) as progress:
        for split, named in files.items():
            for name, path in named.items():
                try:
                    data = read_bytes(path)
                    read_picture(data, str(path), as_stored=as_stored)
                except UserError as error:
                    skipped.append((name, str(error).removeprefix(f"{path}: ")))
                else:
                    readable[split].append(Picture(name, path, hashlib.sha256(data).hexdigest()))
                progress.update()
    return readable, skipped


def remarks_on_duplicates(splits: Mapping[str, Iterable[Picture]]) -> list[str]:
    """Return a remark if the same file is in more than one split, since measurements are then worthless."""
    seen: dict[str, tuple[str, str]] = {}
    across = []
    for split, pictures in splits.items():
        for picture in pictures:
            first_split, first_name = seen.setdefault(picture.sha256, (split, picture.name))
            if first_split != split:
                across.append(f"{first_name} = {picture.name}")
    if not across:
        return []
    return [f"WARNING: {counted(len(across), 'file')} in more than one split: {names_in_one_line(across)}"]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Suppress TFDS's own output, log messages and progress bars; errors are still raised."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    tfds.disable_progress_bar()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        tfds.enable_progress_bar()
        logging.set_verbosity(verbosity)
