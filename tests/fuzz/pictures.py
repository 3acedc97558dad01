"""Fuzzing of picture files with atheris: whatever the bytes are, reading gives an image or one line.

    python tests/fuzz/pictures.py CORPUS -max_total_time=600

or `make fuzz`. The corpus begins with a small file of every kind that the tests make. What is found becomes a test.
"""

import contextlib
import sys
import tempfile
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[1])]

with atheris.instrument_imports(include=["colorjax.pictures", "PIL", "tifffile"]):
    import numpy as np
    import test_pictures_doors
    import test_pictures_spaces

    from colorjax.errors import UserError
    from colorjax.pictures.images import is_plain, read_picture
    from colorjax.pictures.read import photo_of, read_photo
    from colorjax.pictures.write import suffix_for, write_photo

SCRATCH = Path(tempfile.mkdtemp())


def make_corpus(folder: Path) -> None:
    """Write a small file of every kind into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    kinds = {kind: (make, f".{kind.split()[-1]}") for kind, make in test_pictures_doors.KINDS.items()}
    kinds |= {kind: (make, suffix) for kind, (make, suffix, *_) in test_pictures_spaces.FILES.items()}
    for kind, (make, suffix) in kinds.items():
        if " with profile" in kind:
            suffix = f".{kind.removesuffix(' with profile').split()[-1]}"
        made = make(SCRATCH / f"seed{suffix}")
        made.replace(folder / f"{kind.replace(' ', '_').replace(',', '')}{suffix}")


def try_file(data: bytes) -> None:
    """Read the bytes through both doors, and write what they gave."""
    try:
        photo = photo_of("file", data, max_pixels=10**6)
    except UserError as error:
        require(str(error).startswith("file: ") and "\n" not in str(error), f"not one line: {error}")
        require_refused(data)
        return
    require(photo.pixels.dtype in (np.uint8, np.uint16) and photo.pixels.shape[2] in (1, 3), "not an image")
    picture = read_picture(data, "file", max_pixels=10**6)
    require(picture.shape == (*photo.pixels.shape[:2], 3), "the doors differ")
    is_plain(data, "file")
    path = SCRATCH / "result"
    path = path.with_suffix(suffix_for(photo, path.with_suffix(".x"))[2:] or ".png")
    write_photo(path, photo.pixels, photo)
    require(read_photo(path).pixels.shape == photo.pixels.shape, "written and read, it differs")


def require_refused(data: bytes) -> None:
    with contextlib.suppress(UserError):
        read_picture(data, "file", max_pixels=10**6)
        require(False, "one door refuses what the other reads")


def require(truth: bool, line: str) -> None:
    if not truth:
        raise AssertionError(line)


if __name__ == "__main__":
    make_corpus(Path(sys.argv[1]))
    atheris.Setup(sys.argv, try_file)
    atheris.Fuzz()
