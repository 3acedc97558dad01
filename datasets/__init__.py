"""Data sets of photographs: TFDS builders, random access to whole photographs, and patches for training.

Throughout, `config` is the section `config.data` of an experiment. Three keys choose the photographs:
    name      a key of `DATASETS`
    source    the folder of the original files; '' if the data set needs none
    data_dir  the folder of the prepared data sets; '' for $TFDS_DATA_DIR, or else ~/tensorflow_datasets
To use several data sets as one, join their names with '+' in `name`, and as many folders with `os.pathsep` in `source`.
Four keys choose the photographs for training:
    training_splits   which splits
    photographs       how many of their photographs; 0 for all
    photographs_seed  the seed that chooses them
    shares            the share of the patches for each of several data sets; () for equal shares of all photographs
"""

import contextlib
import importlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from colorjax.errors import UserError, nearest
from colorjax.runtime.disk import disk_fault

if TYPE_CHECKING:  # TFDS and grain take a second to import, which is too slow for only listing the data sets
    from ml_collections import ConfigDict

    from colorjax.pictures.images import Photograph
    from datasets.pipeline import PatchStream
    from datasets.prepared import Summary

#: name -> the module with the data set's `Builder`
DATASETS = {
    "skimage_photos": "datasets.skimage_photos.skimage_photos_dataset_builder",
    "photo_folder": "datasets.photo_folder.photo_folder_dataset_builder",
    "ade20k": "datasets.ade20k.ade20k_dataset_builder",
    "scene_parse150": "datasets.scene_parse150.scene_parse150_dataset_builder",
    "image_coloring": "datasets.image_coloring.image_coloring_dataset_builder",
    "bsds500": "datasets.bsds500.bsds500_dataset_builder",
    "cbsd68": "datasets.cbsd68.cbsd68_dataset_builder",
}


def prepare(config) -> "Summary":
    """Prepare a data set (one of `parts`), unless it is prepared already.

    If the files of the source folder have changed, the data set is prepared again, in addition to the earlier one. The
    source folder may be missing if a data set was prepared from it before.

    Returns:
      The summary of the prepared data set.

    Raises:
      UserError: an unknown name, a source folder that does not fit the data set, or no readable photograph.
    """
    builder_class = _builder_class(config.name)
    data_dir = Path(config.data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()
    source = builder_class.source_folder(config.source)
    if not source.exists() and (directory := _prepared_from(source, builder_class, data_dir)):
        return _summary(directory, builder_class)
    builder = builder_class.of_source(source, data_dir)
    directory = Path(builder.data_dir)
    if not (directory / "dataset_info.json").exists():
        _build(builder, directory)
    return _summary(directory, builder_class)


def parts(config) -> "list[ConfigDict]":
    """Return a config for each of the data sets that `config` names.

    Raises:
      UserError: the numbers of names and folders differ.
    """
    names = config.name.split("+")
    if len(names) == 1:
        return [config]
    sources = config.source.split(os.pathsep)
    if len(sources) != len(names):
        raise UserError(
            f"config.data.name={config.name!r} names {len(names)} data sets, config.data.source={config.source!r} "
            f"{len(sources)}: give as many, with {os.pathsep!r} between (nothing for one that needs no folder)"
        )
    of_each = [config.copy_and_resolve_references() for _ in names]
    for part, name, source in zip(of_each, names, sources, strict=True):
        part.name, part.source = name, source
    return of_each


def photographs(config, split: str) -> "Sequence[Photograph]":
    """Return the photographs of a split as a sequence that decodes each one on access and is cheap to pickle.

    The data sets are prepared first if needed. The split 'train' means those photographs of all
    `config.training_splits` that `config.photographs` and `config.photographs_seed` choose.

    Args:
      config: `config.data`.
      split: 'train', 'validation' or 'test'.

    Raises:
      UserError: as `prepare` and `parts`, or the data set does not have this split, or `config.training_splits`,
        `config.photographs` or `config.shares` are impossible.
    """
    from datasets.concatenated import join
    from datasets.prepared import Photographs
    from datasets.sampling import check_shares
    from datasets.subset import choose

    splits = config.training_splits if split == "train" else (split,)
    if not splits:
        raise UserError("config.data.training_splits is empty: name the splits to train on, such as ('train',)")
    summaries = [prepare(part) for part in parts(config)]
    whole = join([join([Photographs(summary, split) for split in splits]) for summary in summaries])
    if split != "train":
        return whole
    check_shares(config.shares, len(summaries))  # checked here, so that a mistake is found before a run has a folder
    chosen = choose(whole, config)
    if config.get("unpaired", False) and len(chosen) < 2:
        raise UserError(f"config.data.unpaired: needs two photographs or more to train on, and there is {len(chosen)}")
    return chosen


def patches(
    config,
    seed: int,
    batch_size: int,
    start_step: int,
    steps: int,
    process_index: int = 0,
    process_count: int = 1,
) -> "PatchStream":
    """Open the training photographs and return a stream of patches cut from them; see `pipeline.py`.

    Args:
      config: `config.data`.
      seed: of the run.
      batch_size: patches in a batch, over all processes together.
      start_step: first batch to yield; batch s begins with the patch of global index s * batch_size.
      steps: number of batches to yield.
      process_index: index of this process. It receives the rows [index * b, (index + 1) * b) of each batch, with
        b = batch_size / process_count.
      process_count: number of processes.

    Raises:
      UserError: a key of the config is impossible, or there is no training photograph.
    """
    from datasets import pipeline
    from datasets.batching import Rows

    rows = Rows.of(batch_size, start_step, steps, process_index, process_count)
    training = photographs(config, "train")
    return pipeline.stream(training, config, seed, rows, len(training.classes))


def _builder_class(name: str):
    """Return the TFDS builder class of a data set.

    Raises:
      UserError: an unknown name.
    """
    if name not in DATASETS:
        raise UserError(f"config.data.name: no data set {name!r}; {nearest(name, DATASETS)}")
    return importlib.import_module(DATASETS[name]).Builder


def _build(builder, directory: Path) -> None:
    """Write the records. TFDS writes to a temporary folder, and renames it to `directory` when it is complete."""
    from datasets.photograph_builder import quiet

    try:
        with quiet():
            builder.download_and_prepare(file_format="array_record")
    except Exception as error:
        if (directory / "dataset_info.json").exists():  # another process was faster
            return
        if fault := disk_fault(error, str(directory)):
            raise fault from error
        if isinstance(error, OSError):
            raise UserError(f"can't prepare {builder.name} in {directory}: {error.strerror or error}") from error
        raise


def _summary(directory: Path, builder_class) -> "Summary":
    """Return the summary of a prepared data set; the classes are added to one that an earlier version prepared."""
    from datasets.prepared import Photographs, read_summary

    summary = read_summary(directory)
    if summary.classes is None and builder_class.HAS_CLASSES:
        names = {split: Photographs(summary, split).names() for split in summary.photographs}
        summary = summary.with_classes(names, builder_class.classes(names))
        with contextlib.suppress(OSError):  # in a folder that is read-only they are found anew each time
            summary.write(directory)
    return summary


def _prepared_from(source: Path, builder_class, data_dir: Path) -> Path | None:
    """Return the folder of the latest data set that was prepared from `source`, or None."""
    from datasets.prepared import SUMMARY_FILE, read_summary

    summaries = (data_dir / builder_class.name).glob(f"*/{builder_class.VERSION}/{SUMMARY_FILE}")
    latest_last = sorted(summaries, key=lambda file: file.stat().st_mtime)
    found = [file.parent for file in latest_last if read_summary(file.parent).source == str(source)]
    return found[-1] if found else None
