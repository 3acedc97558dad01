"""Make the finished file of a picture: the pixels and the metadata that the commands write."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from colorjax import denoising, restoration
from colorjax.color.gray import gray_levels
from colorjax.errors import UserError
from colorjax.methods.hint_strokes import parse_hints
from colorjax.page.denoising import read_denoised
from colorjax.page.reading import read_original
from colorjax.page.recipe import Recipe
from colorjax.pictures.write import FORMATS, suffix_for, write_photo


def render(
    progress: Callable[[float], None],
    folder: str,
    name: str,
    recipe: Recipe,
    denoised: str,
    reference: tuple[str, str] | None,
) -> dict:
    """Write result.SUFFIX into `folder`, as `denoise`, `colorize` or `restore` writes the file.

    Args:
      progress: called with the finished share.
      folder: of the picture, with what `denoise` wrote if the recipe needs it.
      name: of the upload.
      recipe: what is asked for.
      denoised: kind of the denoised copy that it needs; '' for none.
      reference: folder and name of the reference.

    Returns:
      'file', its name in the folder; 'name', that of the upload with the result's suffix; and 'remarks'.

    Raises:
      UserError: scribbles without hints, a gray reference, or a format that can't hold the picture.
    """
    place = Path(folder)
    photo = read_original(place, name, keep_space=not recipe.colorizes)
    result = restored(photo.pixels, place, recipe, denoised, progress, _reference(reference))
    shown = Path(name).stem + suffix_for(photo, name)
    path = place / f"result{Path(shown).suffix.lower()}"
    for old in (place / f"result{suffix}" for suffix in FORMATS):
        with contextlib.suppress(FileNotFoundError):
            old.unlink()
    try:
        remarks = write_photo(path, result, photo)
    except UserError as error:
        raise UserError(str(error).replace(str(path), shown).replace(str(place), "the temporary folder")) from None
    return {"file": path.name, "name": shown, "remarks": [*photo.remarks, *remarks]}


def restored(
    pixels: np.ndarray,
    folder: Path,
    recipe: Recipe,
    denoised: str = "",
    progress: Callable[[float], None] = denoising.ignore,
    reference: np.ndarray | None = None,
) -> np.ndarray:
    """Return the restored image of uint8 or uint16 [H, W, C], with all its bits; arguments as for `render`.

    Raises:
      UserError: as `restoration.colorize`.
    """
    if recipe.task == "restore":
        pixels = gray_levels(pixels)[..., np.newaxis]
    if denoised:
        clean = read_denoised(folder, denoised)
        if clean.shape != pixels.shape:  # three equal channels
            clean = np.repeat(clean, pixels.shape[2], axis=-1)
        pixels = denoising.blended(pixels, clean, recipe.strength)
    if not recipe.colorizes:
        return pixels
    if recipe.method == "scribble" and recipe.hints is None:
        raise UserError("Levin's method needs hints: paint some, or switch to the network")
    hints = None if recipe.hints is None else parse_hints(recipe.hints)
    by_network = recipe.method == "network"
    return restoration.colorize(
        pixels,
        recipe.method,
        hints=hints,
        reference=reference if by_network else None,
        vividness=recipe.vividness if by_network else None,
        progress=progress,
    )


def _reference(reference: tuple[str, str] | None) -> np.ndarray | None:
    if reference is None:
        return None
    folder, name = reference
    return read_original(Path(folder), name).pixels
