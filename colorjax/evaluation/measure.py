"""The numbers of one picture under one protocol.

Pictures are float32 sRGB `[H, W, 3]`. Each is padded to a size that many pictures share and masked, so that a table
over pictures of a hundred sizes compiles a few times; the numbers are those of the picture without padding.
"""

import functools

import jax
import numpy as np

from colorjax.color.spaces import rgb2gray
from colorjax.errors import UserError
from colorjax.evaluation.protocol import Protocol
from colorjax.metrics.registry import METRICS
from colorjax.runtime.pixelwise import map_pixels, pad_to_shared_size
from colorjax.tasks import Task

# Those that see a difference between the luminances of two pictures; the others are about color.
LUMINANCE_METRICS = ("psnr", "ssim", "mse")


def metric_names(protocol: Protocol) -> tuple[str, ...]:
    """Return the names of the metrics that the protocol's channels have, in the order of `METRICS`."""
    return tuple(name for name in METRICS if protocol.channels == "color" or name in LUMINANCE_METRICS)


def measure(protocol: Protocol, truth: np.ndarray, restored: np.ndarray) -> dict[str, float]:
    """Return each metric of `metric_names(protocol)` for a picture already clipped and rounded, [H, W, 3] twice.

    SSIM is NaN where the picture is smaller than its window, as it is not defined there.
    """
    border, (height, width) = protocol.border, truth.shape[:2]
    if 2 * border >= min(height, width):
        raise UserError(f"config.protocol.border = {border} leaves nothing of a picture of {height}x{width} pixels")
    inside = (slice(border, height - border), slice(border, width - border))
    pictures = [picture[inside] for picture in (truth, restored)]
    if protocol.channels == "luminance":
        pictures = [map_pixels(_luminance, picture) for picture in pictures]
    height, width = pictures[0].shape[:2]
    padded = [pad_to_shared_size(picture) for picture in pictures]
    mask = np.zeros(padded[0].shape[:2], bool)
    mask[:height, :width] = True
    parameters = (protocol.ssim_sigma, protocol.ssim_window, protocol.accuracy_distance)
    values = jax.device_get(_metrics(metric_names(protocol), parameters, *padded, mask))
    values = {name: float(value) for name, value in values.items()}
    values["psnr"] = min(values["psnr"], protocol.psnr_ceiling)
    return values


def task_loss(task: Task, truth: np.ndarray, inputs: np.ndarray, outputs: np.ndarray) -> float:
    """Return the task's own loss of outputs [H, W, Cout] for inputs [H, W, Cin], on the whole picture."""
    targets = map_pixels(task.targets, truth, inputs)
    return float(task.loss(outputs[np.newaxis], targets[np.newaxis])[0])


@functools.partial(jax.jit, static_argnums=(0, 1))
def _metrics(names, parameters, truth, restored, mask):
    sigma, window, distance = parameters
    settings = {"ssim": {"sigma": sigma, "window": window}, "accuracy": {"distance": distance}}
    return {name: METRICS[name](truth, restored, mask, **settings.get(name, {})) for name in names}


def _luminance(picture):
    return rgb2gray(picture)[..., None]
