"""TFDS's own `scene_parse150`: the part of ADE20K in the scene parsing challenge, photographs with annotations."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

from tensorflow_datasets.datasets.scene_parse150 import scene_parse150_dataset_builder as original

from colorjax.errors import UserError
from datasets.photograph_builder import Picture, quiet, read_all
from datasets.prepared import Summary

# In TFDS the validation photographs of the challenge are the split `test`.
FOLDERS = {"train": "training", "test": "validation"}


class Builder(original.Builder, skip_registration=True):
    """TFDS's builder, with the same name, version and records, but without TensorFlow and without downloading.

    A data set that TFDS itself prepared in the same `data_dir`, as array_record, is used unchanged. Otherwise it is
    made from the unpacked archives: 20,210 photographs as `train`, 2,000 as `test`.
    """

    SOURCE: ClassVar[str] = (
        "the folder in which images.tar and annotations_instance.tar of http://sceneparsing.csail.mit.edu "
        "were unpacked (for photographs without annotations take the data set ade20k)"
    )
    source = Path()

    @classmethod
    def source_folder(cls, source: str) -> Path:
        """Return the folder from `config.data.source`; it need not exist if the data set is prepared."""
        return Path(source).expanduser().absolute()

    @classmethod
    def of_source(cls, source: Path, data_dir: Path) -> "Builder":
        """Return the builder.

        Raises:
          UserError: the data set is not prepared, and `source` lacks folders that preparing needs.
        """
        with quiet():
            builder = cls(data_dir=data_dir)
            prepared = builder.is_prepared()
        if not prepared:
            for part in ("images", "annotations_instance"):
                for folder in FOLDERS.values():
                    if not (source / part / folder).is_dir():
                        raise UserError(f"{cls.name}: config.data.source must be {cls.SOURCE}")
        builder.source = source
        return builder

    def _split_generators(self, dl_manager) -> dict[str, Iterator]:
        files = {
            split: {path.stem: path for path in sorted((self.source / "images" / folder).glob("*.jpg"))}
            for split, folder in FOLDERS.items()
        }
        readable, skipped = read_all(self.name, files, as_stored=True)
        for split, pictures in readable.items():
            bare = {picture.name for picture in pictures if not self._annotation(split, picture).is_file()}
            skipped += [(name, "no annotation") for name in sorted(bare)]
            readable[split] = [picture for picture in pictures if picture.name not in bare]
            if not readable[split]:
                raise UserError(f"{self.name}: no photographs with annotations for {split} in {self.source}")
        Summary(
            name=self.name,
            source=str(self.source),
            directory=self.data_dir,
            photographs={split: len(pictures) for split, pictures in readable.items()},
            skipped=tuple(skipped),
        ).write(self.data_dir)
        return {split: self._generate_examples(split, pictures) for split, pictures in readable.items()}

    def _generate_examples(self, split: str, pictures: Iterable[Picture]) -> Iterator[tuple[str, dict]]:
        for picture in pictures:
            yield picture.name, {"image": picture.path, "annotation": self._annotation(split, picture)}

    def _annotation(self, split: str, picture: Picture) -> Path:
        return self.source / "annotations_instance" / FOLDERS[split] / f"{picture.name}.png"
