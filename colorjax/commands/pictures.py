"""Process a user's own photos from files to files, for the commands denoise, colorize and restore."""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from colorjax.errors import ColorjaxError, UserError
from colorjax.pages.text import counted
from colorjax.pictures.find import Found, find_pictures, folded, free_name
from colorjax.pictures.overwriting import identities, refuse_to_overwrite
from colorjax.pictures.read import Photo, read_photo
from colorjax.pictures.side_by_side import side_by_side
from colorjax.pictures.write import check_folder, suffix_for, write_photo
from colorjax.runtime.atomic import write_atomically
from colorjax.runtime.memory import is_out_of_memory


class Restoration(NamedTuple):
    """A restored image, and what is to be told about it.

    Attributes:
      pixels: the image.
      remarks: lines for the user.
      beside: what is written beside the result as NAME.json; None for nothing.
    """

    pixels: np.ndarray
    remarks: tuple[str, ...] = ()
    beside: Mapping[str, Any] | None = None


#: A function of an image and a callback, which it calls with the share in [0, 1] that is done.
Restoring = Callable[[np.ndarray, Callable[[float], None]], Restoration]


def process(
    verb: str,
    paths: Sequence[str],
    output: str,
    restoring: Restoring,
    compare: bool,
    max_pixels: int,
    keep_space: bool = False,
) -> None:
    """Restore each photo in `paths` and write the result into `output` under the photo's name.

    A photo that can't be read or written is reported and left out; the others are still processed.

    Args:
      verb: the command, for the progress bar and the summary.
      paths: files and folders.
      output: folder of the results; made if needed.
      restoring: restores the image of one photo.
      compare: whether to write photo and result side by side, too, as NAME-compared.
      max_pixels: larger photos are left out.
      keep_space: whether photos of 16 bits stay in their own color space, as for `read_photo`.

    Raises:
      UserError: nothing can be done: a path does not exist, a folder has no photos, the output can't be written, or
        `max_pixels` is below 1.
      ColorjaxError: some photos were left out; the message gives their number and the reasons.
    """
    if max_pixels < 1:
        raise UserError(f"--max-pixels={max_pixels}: must be 1 or more")
    folder = Path(output)
    pictures, found = find_pictures(paths, folder)
    check_folder(folder)
    for line in found:
        print(f"{verb}: {line}", file=sys.stderr)
    inputs = identities(picture.path for picture in pictures)
    names = {folded(picture.name) for picture in pictures}
    skipped, pixels, seconds = [], 0, 0.0
    # disable=None: no bar where standard error is not a terminal
    with tqdm(total=len(pictures), desc=verb, unit="picture", disable=None, bar_format=_BAR) as bar:
        for number, picture in enumerate(pictures):
            bar.set_postfix_str(picture.path.name)
            start = time.perf_counter()
            try:
                photo = read_photo(picture.path, max_pixels, keep_space)
                done = photo.pixels.shape[0] * photo.pixels.shape[1]
                targets = [folder / name for name in _names(picture, photo, compare, names)]
                for target in targets:
                    refuse_to_overwrite(target, inputs)
                remarks = [
                    *_renamed(picture, targets[0], folder),
                    *_one(photo, targets, restoring, _within(bar, number)),
                ]
            except (UserError, OSError, MemoryError, RuntimeError) as error:
                if isinstance(error, RuntimeError) and not is_out_of_memory(error):
                    raise
                reason = _reason(error, picture)
                skipped.append(f"{picture.path}: {reason}")
                if len(pictures) > 1:  # for a single photo the summary gives the reason
                    bar.write(f"{picture.path}: skipped: {reason}", file=sys.stderr)
            else:
                pixels += done
                seconds += time.perf_counter() - start
                if remarks:
                    bar.write(f"{picture.path}: {'; '.join(remarks)}", file=sys.stderr)
            photo = None  # frees the memory before the next photo is read
            bar.n = number + 1
            bar.refresh()
    summary = f"{len(pictures) - len(skipped):,} of {counted(len(pictures), 'picture')} done, in {folder}"
    if pixels:
        speed = seconds / (pixels / 1e6)
        summary += f"; {speed:.{0 if speed >= 10 else 2}f} s a megapixel"
    if skipped:
        shown = "; ".join(skipped[:_SHOWN]) + (f"; and {len(skipped) - _SHOWN} more" if len(skipped) > _SHOWN else "")
        raise ColorjaxError(f"{summary}; {len(skipped)} skipped: {shown}")
    print(f"{verb}: {summary}")


_BAR = "{desc}: {percentage:3.0f}%|{bar}| {n:.1f}/{total_fmt} [{elapsed}<{remaining}{postfix}]"
_SHOWN = 5  # most reasons that the summary repeats


def _names(picture: Found, photo: Photo, compare: bool, names: set[str]) -> list[Path]:
    """Return the name of the result and, if `compare`, that of the comparison; neither is in `names`."""
    result = picture.name.with_suffix(suffix_for(photo, picture.name))
    if result != picture.name:
        result = free_name(result, names)
    return [result, free_name(result.with_stem(f"{result.stem}-compared"), names)] if compare else [result]


def _renamed(picture: Found, target: Path, folder: Path) -> list[str]:
    """Return a remark if the result has another name: a suffix for its format, or a number as the name is taken."""
    name = target.relative_to(folder)
    if name == picture.name:
        return []
    if name.stem == picture.name.name:
        return [f"its result is {name}, since it is written as {name.suffix[1:].upper()}"]
    return [f"its result is {name}, since another picture has the name without the number"]


def _one(photo: Photo, targets: Sequence[Path], restoring: Restoring, progress: Callable[[float], None]) -> list[str]:
    """Restore one photo and write the result and, if there is a second target, the comparison; return remarks."""
    result = restoring(photo.pixels, progress)
    remarks = [*photo.remarks, *result.remarks, *write_photo(targets[0], result.pixels, photo)]
    for beside in targets[1:]:
        write_photo(beside, *side_by_side(photo, result.pixels))
    if result.beside is not None:
        text = json.dumps(result.beside, indent=2, ensure_ascii=False)
        write_atomically(targets[0].with_name(f"{targets[0].name}.json"), f"{text}\n")
    return remarks


def _within(bar: tqdm, number: int) -> Callable[[float], None]:
    """Return a callback that shows which share of photo `number` is done."""

    def progress(share: float) -> None:
        bar.n = number + min(share, 1.0)
        bar.refresh()

    return progress


def _reason(error: Exception, picture: Found) -> str:
    """Return one line on why a photo was left out, without the photo's name."""
    if is_out_of_memory(error):
        return "too large for this machine's memory"
    line = str(error.strerror or error) if isinstance(error, OSError) else str(error)
    return line.removeprefix(f"{picture.path}: ")
