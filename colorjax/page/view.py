"""Tiles of a picture as it will be: what was computed, blended and colored for the part that is seen.

Pixels are uint8. The view is within a level or two of the finished file, not exact: it is computed from copies of 8
bits, and colors outside sRGB's gamut are brought into it by a simpler rule.
"""

import io
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from colorjax.color.gray import gray_levels, lightness_of_levels, of_luminance
from colorjax.color.spaces import RGB_FROM_XYZ, lab2xyz, linear_to_srgb
from colorjax.errors import UserError
from colorjax.page.predicted import Source, blended, colorizer, upsampling
from colorjax.page.pyramid import TILE, cut, level_sizes, read_level
from colorjax.page.recipe import Recipe
from colorjax.runtime.pixelwise import map_pixels

_QUALITY = 94


def tile(
    progress: Callable[[float], None],
    folder: str,
    height: int,
    width: int,
    level: int,
    x: int,
    y: int,
    recipe: Recipe | None,
    revision: int = 0,
    denoised: str = "",
    reference: str = "",
) -> bytes:
    """Return a tile as a file: BMP at the picture's own size, where grain must stay what it is, else JPEG.

    Args:
      progress: not called.
      folder: of the picture.
      height: of the picture, pixels.
      width: of the picture, pixels.
      level: of the pyramid.
      x: column of the tile in its level.
      y: row of the tile in its level.
      recipe: what is asked for; None for the picture as it was.
      revision: of the recipe, but for its sliders.
      denoised: kind of the denoised copy that there is for this recipe; '' while there is none.
      reference: folder of the reference; '' for none.

    Raises:
      UserError: there is no such tile.
    """
    del progress
    sizes = level_sizes(height, width)
    if not 0 <= level < len(sizes) or not (0 <= x * TILE < sizes[level][1] and 0 <= y * TILE < sizes[level][0]):
        raise UserError("there is no such tile")
    pixels = np.asarray(cut(read_level(Path(folder), "before", level), x, y))
    if recipe is not None:
        pixels = _after(pixels, folder, height, width, level, x, y, recipe, revision, denoised, reference)
    file = io.BytesIO()
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    if level == 0:  # PNG would take ten times as long as the colors of the tile
        image.save(file, "BMP")
    else:
        image.save(file, "JPEG", quality=_QUALITY, subsampling="4:4:4")
    return file.getvalue()


def _after(pixels, folder, height, width, level, x, y, recipe, revision, denoised, reference):
    if recipe.task == "restore":
        pixels = gray_levels(pixels)[..., np.newaxis]
    if denoised and recipe.denoises:
        clean = np.asarray(cut(read_level(Path(folder), f"denoised-{denoised}", level), x, y))
        if clean.shape != pixels.shape:
            clean = np.repeat(clean, 3, axis=-1)
        pixels = blended(pixels, clean, recipe.strength).reshape(pixels.shape)
    if not recipe.colorizes:
        return pixels
    levels = gray_levels(pixels)
    with_copy = denoised and recipe.denoises
    source = Source(folder, height, width, denoised if with_copy else "", recipe.strength if with_copy else 0.0)
    colors = upsampling(source, revision, recipe, reference, level)
    if colors is None:
        return levels[..., np.newaxis]
    lightness = lightness_of_levels(levels)
    ab = colors.part(y * TILE, x * TILE, lightness)
    return np.asarray(map_pixels(_shown, np.concatenate([lightness[..., np.newaxis], ab], axis=-1)), np.uint8)


def _shown(lab: jax.Array) -> jax.Array:
    """Return sRGB, 0..255, of Lab [H, W, 3]; outside the gamut with less chromatic light, of the same luminance."""
    lab = jnp.concatenate([jnp.clip(lab[..., :1], 0, 100), lab[..., 1:]], axis=-1)
    xyz = lab2xyz(lab)
    linear = sum(xyz[..., i : i + 1] * jnp.asarray(RGB_FROM_XYZ[:, i], jnp.float32).reshape(1, 1, 3) for i in range(3))
    return jnp.round(jnp.clip(linear_to_srgb(of_luminance(linear, jnp.clip(xyz[..., 1:2], 0, 1))), 0, 1) * 255)


def warm_up(progress: Callable[[float], None]) -> None:
    """Load the colorizer and compile what the first tile needs."""
    del progress
    network = colorizer(0.5)
    copy = network.working_copy(TILE, TILE)
    network.predict(np.full((copy.height, copy.width), 50, np.float32), copy)
    map_pixels(_shown, np.zeros((TILE, TILE, 3), np.float32))
