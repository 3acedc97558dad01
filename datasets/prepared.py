"""Prepared data sets on disk: their summaries, and random access to their photographs.

A prepared data set is a folder of array_record files that a TFDS builder wrote, together with `summary.json`.
"""

import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tensorflow_datasets as tfds

from colorjax.errors import UserError
from colorjax.pictures.images import Photograph
from colorjax.runtime.atomic import replacing
from datasets.source_files import SPLITS

SUMMARY_FILE = "summary.json"
SHOWN = 20  # most skipped files that `describe` names; `summary.json` has all of them


@dataclasses.dataclass(frozen=True)
class Summary:
    """The summary of a prepared data set.

    Attributes:
      name: of the data set.
      source: the folder of the original files; '' if unknown.
      directory: the folder of the records.
      photographs: split -> number of photographs.
      skipped: `(file, reason)` for each file that could not be used.
      remarks: further remarks for the user.
      classes: names of the classes; () if there are none, None if an earlier version prepared the data set.
      labels: split -> for each photograph the number of its class, -1 for none; {} without classes.
    """

    name: str
    source: str
    directory: str
    photographs: dict[str, int]
    skipped: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()
    classes: tuple[str, ...] | None = ()
    labels: dict[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)

    def describe(self) -> str:
        """Return the summary as text for the user, in several lines."""
        lines = [f"{self.name}: prepared in {self.directory}"]
        lines += [f"  from        {self.source}"] if self.source else []
        lines += [f"  {split:<11} {self.photographs[split]:>7,} photographs" for split in self.photographs]
        lines += [f"  {remark}" for remark in self.remarks]
        lines += [f"  classes     {len(self.classes):>7,}: {', '.join(self.classes)}"] if self.classes else []
        if self.skipped:
            lines.append(f"  skipped     {len(self.skipped):>7,} {'file' if len(self.skipped) == 1 else 'files'}:")
            lines += [f"    {file}: {reason}" for file, reason in self.skipped[:SHOWN]]
            rest = len(self.skipped) - SHOWN
            lines += [f"    and {rest:,} more, in {SUMMARY_FILE}"] if rest > 0 else []
        return "\n".join(lines)

    def write(self, directory: str | Path) -> None:
        """Write `summary.json` into `directory`."""
        content = {key: value for key, value in dataclasses.asdict(self).items() if key != "directory"}
        with replacing(Path(directory, SUMMARY_FILE)) as path:
            path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    def with_classes(self, names: Mapping[str, Sequence[str]], class_of: Mapping[str, str]) -> "Summary":
        """Return the summary with classes and labels.

        Args:
          names: split -> the names of its photographs, in order.
          class_of: photograph's name -> name of its class, for those that have one.
        """
        classes = tuple(sorted(set(class_of.values())))
        numbers = {name: number for number, name in enumerate(classes)}
        labels = {split: tuple(numbers.get(class_of.get(name), -1) for name in there) for split, there in names.items()}
        return dataclasses.replace(self, classes=classes, labels=labels if classes else {})


def read_summary(directory: Path) -> Summary:
    """Return the summary of the data set in `directory`. If TFDS's own builder made it, only its counts are known."""
    try:
        content = json.loads((directory / SUMMARY_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        info = tfds.builder_from_directory(directory).info
        counts = {split: info.splits[split].num_examples for split in SPLITS if split in info.splits}
        return Summary(name=info.name, source="", directory=str(directory), photographs=counts)
    content["skipped"] = tuple(map(tuple, content["skipped"]))
    content["remarks"] = tuple(content["remarks"])
    content["classes"] = tuple(content["classes"]) if "classes" in content else None
    known = {field.name for field in dataclasses.fields(Summary)}  # a later version may have written more
    return Summary(directory=str(directory), **{key: value for key, value in content.items() if key in known})


class Photographs(Sequence):
    """The photographs of a split, decoded on access.

    Pickling stores only the path of the records. So it costs little to send this to a worker process, which opens the
    records again.
    """

    def __init__(self, summary: Summary, split: str):
        """Open a split.

        Raises:
          UserError: the data set does not have this split.
        """
        if split not in summary.photographs:
            raise UserError(f"{summary.name} has no split {split!r}; it has {', '.join(summary.photographs)}")
        self.directory = summary.directory
        self.split = split
        self.classes = summary.classes or ()
        self._length = summary.photographs[split]
        self._labels = np.array(summary.labels.get(split, ()), np.int32)  # small to send to a worker

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        position = range(len(self))[index]  # handles negative indices, and raises IndexError past the end, as lists do
        record = self._records[position]
        name = self._name(position, record)
        picture = _decode(record["image"])
        if picture is None:
            raise UserError(f"{self.directory}: {name} can't be decoded; delete the folder and prepare it again")
        return Photograph(name, picture, int(self._labels[position]) if len(self._labels) else -1)

    def names(self) -> list[str]:
        """Return the photographs' names, without decoding any."""
        return [self._name(position, self._records[position]) for position in range(len(self))]

    def __repr__(self) -> str:
        return f"Photographs({self.directory!r}, {self.split!r}, {len(self)})"

    def _name(self, position: int, record: Mapping[str, Any]) -> str:
        # Records made by TFDS's own builders have no names.
        return record["name"].decode() if "name" in record else f"{self.split}/{position:05d}"

    def __getstate__(self):
        return {key: value for key, value in self.__dict__.items() if key != "_records"}

    @functools.cached_property
    def _records(self):
        """The records: random access to `{"image": encoded bytes, "name": bytes, ...}`."""
        builder = tfds.builder_from_directory(self.directory)
        pictures = [key for key, kind in builder.info.features.items() if isinstance(kind, tfds.features.Image)]
        # `_decode` decodes instead of TFDS, which would also decode annotations and gives gray files one channel.
        decoders = {key: tfds.decode.SkipDecoding() for key in pictures}
        return builder.as_data_source(self.split, decoders=decoders)


def _decode(data: bytes) -> np.ndarray | None:
    """Return the image in the bytes of a JPEG or PNG file, uint8 sRGB `[H, W, 3]`; None if it can't be decoded.

    OpenCV is faster than Pillow and gives the same values.
    """
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    return None if picture is None else cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
