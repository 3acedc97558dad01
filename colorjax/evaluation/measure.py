"""Compute the numbers of one image under one protocol.

Images are float32 sRGB `[H, W, 3]`. Each is padded to one of few sizes and masked, so that images of a hundred sizes
need only a few compiled programs. The numbers are those of the image without padding.
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

# The metrics that compare luminance; the others are about color.
LUMINANCE_METRICS = ("psnr", "ssim", "mse")


def metric_names(protocol: Protocol) -> tuple[str, ...]:
    """Return the names of the metrics for the protocol's channels, in the order of `METRICS`."""
    return tuple(name for name in METRICS if protocol.channels == "color" or name in LUMINANCE_METRICS)


def measure(protocol: Protocol, truth: np.ndarray, restored: np.ndarray) -> dict[str, float]:
    """Return the value of each metric of `metric_names(protocol)` for one image.

    SSIM is NaN if the image is smaller than its window, because it is not defined there.

    Args:
      protocol: of the measurement.
      truth: the clean image, [H, W, 3] in [0, 1].
      restored: the method's image, [H, W, 3], already clipped and rounded.

    Raises:
      UserError: the protocol's border leaves nothing of the image.
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
    limited = {name: min(values[name], protocol.psnr_ceiling) for name in ("psnr", "ab_psnr") if name in values}
    return values | limited


def task_loss(task: Task, truth: np.ndarray, inputs: np.ndarray, outputs: np.ndarray) -> float:
    """Return the task's own loss on a whole image.

    Args:
      task: defines the loss and its targets.
      truth: the clean image, [H, W, 3] in [0, 1].
      inputs: of the network, [H, W, Cin].
      outputs: of the network, [H, W, Cout].
    """
    targets = map_pixels(task.targets, truth, inputs)
    return float(task.loss(outputs[np.newaxis], targets[np.newaxis])[0])


@functools.partial(jax.jit, static_argnums=(0, 1))
def _metrics(names, parameters, truth, restored, mask):
    sigma, window, distance = parameters
    settings = {"ssim": {"sigma": sigma, "window": window}, "accuracy": {"distance": distance}}
    return {name: METRICS[name](truth, restored, mask, **settings.get(name, {})) for name in names}


def _luminance(picture):
    return rgb2gray(picture)[..., None]
