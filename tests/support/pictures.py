"""Small pictures in folders, made for the tests of the data sets, and the configs that name them."""

import zlib

import numpy as np
from ml_collections import ConfigDict
from PIL import Image

import datasets


def config(name, source="", data_dir="", photographs=0, seed=0):
    return ConfigDict(
        {"name": name, "source": str(source), "data_dir": str(data_dir)}
        | {"photographs": photographs, "photographs_seed": seed, "training_splits": ("train",), "shares": ()}
    )


def picture(number, size=(4, 5)):
    return np.random.default_rng(number).integers(0, 256, (*size, 3), dtype=np.uint8)


def make(folder, *names, seed=0):
    """Write a small picture at each name, one that the name and the seed determine; return the folder."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(seed + zlib.crc32(name.encode()))).save(path)
    return folder


def names(name, source, split):
    return [photograph.name for photograph in datasets.photographs(config(name, source), split)]
