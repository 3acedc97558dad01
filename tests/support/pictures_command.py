"""The commands on pictures in tests: pictures of noise in files, and a run held to what all commands have in common."""

import os

import cv2
import numpy as np
from PIL import Image

import launch
from colorjax import denoising, restoration

SIZE = (32, 48)


def idle(monkeypatch, networks):
    """Make the networks that come with the project idle, but for the colorizer; `networks` are of `write_all`."""
    monkeypatch.setattr(denoising, "DENOISER", networks["idle"])
    monkeypatch.setattr(denoising, "GRAY_DENOISER", networks["idle_gray"])
    monkeypatch.setattr(restoration, "COLORIZER", networks["colorizer"])


def run(capsys, *words):
    """Run a command, hold it to what all have in common, and return its status, out and err."""
    status = launch.main([*map(str, words)])
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    assert (status == 0) == (err == "" or not any(word in err for word in ("skipped", "launch.py")))
    return status, out, err


def values(channels=3, dtype=np.uint8, seed=0):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, (*SIZE, channels), dtype)


def save(path, channels=3, dtype=np.uint8, seed=0):
    """Write a picture of noise and return its values; channels of 2 and 4 are with alpha."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    array = values(channels, dtype, seed)
    if dtype == np.uint16:  # OpenCV's order is blue, green, red, alpha
        order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
        cv2.imwrite(str(path), array[..., order])
    else:
        Image.fromarray(array[..., 0] if channels == 1 else array).save(path)
    return array


def read(path):
    array = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if array.dtype == np.uint8:  # of which OpenCV multiplies alpha into the colors of TIFF files
        with Image.open(path) as image:
            array = np.asarray(image)
    elif array.ndim == 3:
        array = array[..., [2, 1, 0, 3][: array.shape[2]]]
    return array if array.ndim == 3 else array[..., np.newaxis]
