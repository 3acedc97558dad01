"""A person's pictures from files to files, for the commands denoise, colorize and restore."""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from colorjax.errors import ColorjaxError, UserError
from colorjax.pages.text import counted
from colorjax.pictures.find import Found, find_pictures, folded, free_name
from colorjax.pictures.overwriting import identities, refuse_to_overwrite
from colorjax.pictures.read import Photo, read_photo
from colorjax.pictures.side_by_side import side_by_side
from colorjax.pictures.write import check_folder, suffix_for, write_photo

#: takes pixels and what is told of progress, returns pixels
Restoring = Callable[[np.ndarray, Callable[[float], None]], np.ndarray]


def process(verb: str, paths: Sequence[str], output: str, restoring: Restoring, compare: bool, max_pixels: int) -> None:
    """Restore each picture that `paths` name and write it below `output` under its own name.

    A picture that can't be read or written is named and left out; the others are done.

    Args:
      verb: the command, for the progress bar and the summary.
      paths: files and folders.
      output: folder of the results, made if it is not there.
      restoring: does the work on one picture's pixels.
      compare: write the picture and its result beside each other besides, as NAME-compared.
      max_pixels: larger pictures are left out.

    Raises:
      UserError: nothing to do: no such path, no pictures in a folder, an output that can't be written.
      ColorjaxError: some pictures were left out; says how many, and why.
    """
    if max_pixels < 1:
        raise UserError(f"--max-pixels={max_pixels}: must be 1 or more")
    folder = Path(output)
    pictures = find_pictures(paths, folder)
    check_folder(folder)
    inputs = identities(picture.path for picture in pictures)
    names = {folded(picture.name) for picture in pictures}
    skipped, pixels, seconds = [], 0, 0.0
    # disable=None: no bar where standard error is not a terminal
    with tqdm(total=len(pictures), desc=verb, unit="picture", disable=None, bar_format=_BAR) as bar:
        for number, picture in enumerate(pictures):
            bar.set_postfix_str(picture.path.name)
            start = time.perf_counter()
            try:
                photo = read_photo(picture.path, max_pixels)
                done = photo.pixels.shape[0] * photo.pixels.shape[1]
                targets = [folder / name for name in _names(picture, photo, compare, names)]
                for target in targets:
                    refuse_to_overwrite(target, inputs)
                remarks = _one(photo, targets, restoring, _within(bar, number))
            except (UserError, OSError, MemoryError) as error:
                reason = _reason(error, picture)
                skipped.append(f"{picture.path}: {reason}")
                if len(pictures) > 1:  # of a single one the summary says it
                    bar.write(f"{picture.path}: skipped: {reason}", file=sys.stderr)
            else:
                pixels += done
                seconds += time.perf_counter() - start
                if remarks:
                    bar.write(f"{picture.path}: {'; '.join(remarks)}", file=sys.stderr)
            photo = None  # before the next is read: it may be large
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
_SHOWN = 5  # reasons that the summary repeats


def _names(picture: Found, photo: Photo, compare: bool, names: set[str]) -> list[Path]:
    """Return the name of the result and, with `compare`, of the comparison; `names` are those of other results."""
    result = picture.name.with_suffix(suffix_for(photo, picture.name))
    if result != picture.name:
        result = free_name(result, names)
    return [result, free_name(result.with_stem(f"{result.stem}-compared"), names)] if compare else [result]


def _one(photo: Photo, targets: Sequence[Path], restoring: Restoring, progress: Callable[[float], None]) -> list[str]:
    """Restore one picture and write the result, and the comparison if `targets` are two; return remarks."""
    result = restoring(photo.pixels, progress)
    remarks = [*photo.remarks, *write_photo(targets[0], result, photo)]
    for beside in targets[1:]:
        write_photo(beside, *side_by_side(photo, result))
    return remarks


def _within(bar: tqdm, number: int) -> Callable[[float], None]:
    """Return what shows the share of picture `number` that is done."""

    def progress(share: float) -> None:
        bar.n = number + min(share, 1.0)
        bar.refresh()

    return progress


def _reason(error: Exception, picture: Found) -> str:
    """Return one line on why a picture was left out, without its name."""
    if isinstance(error, MemoryError):
        return "too large for this machine's memory"
    line = str(error.strerror or error) if isinstance(error, OSError) else str(error)
    return line.removeprefix(f"{picture.path}: ")
