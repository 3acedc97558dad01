"""Photographs and what `restore` makes of them, side by side on one sheet: `old_photographs.jpg` in the README.

    python docs/contact_sheet.py FOLDER SHEET.jpg

All of the folder's photographs are on it, in the order of their names: nothing is chosen.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import colorjax
from colorjax.pictures.find import find_pictures

HEIGHT = 170  # pixels of a photograph
WIDTH = 1600  # pixels of the sheet
GAP = 6


def pair(path: Path) -> Image.Image:
    """Return a photograph and its restored copy beside each other, reduced to `HEIGHT`."""
    photo = colorjax.read_photo(path)
    both = [
        np.broadcast_to(pixels, (*pixels.shape[:2], 3)) for pixels in (photo.pixels, colorjax.restore(photo.pixels))
    ]
    image = Image.fromarray(np.concatenate(both, axis=1))
    return image.resize((round(image.width * HEIGHT / image.height), HEIGHT), Image.Resampling.LANCZOS)


def sheet(images: list[Image.Image]) -> Image.Image:
    """Return the images in rows as wide as `WIDTH` admits."""
    rows, left = [[]], 0
    for image in images:
        if left + image.width > WIDTH and rows[-1]:
            rows.append([])
            left = 0
        rows[-1].append((left, image))
        left += image.width + 2 * GAP
    result = Image.new("RGB", (WIDTH, len(rows) * (HEIGHT + GAP) - GAP), "white")
    for number, row in enumerate(rows):
        for left, image in row:
            result.paste(image, (left, number * (HEIGHT + GAP)))
    return result


if __name__ == "__main__":
    folder, target = sys.argv[1:]
    sheet([pair(found.path) for found in find_pictures([folder]).found]).save(target, quality=85)
