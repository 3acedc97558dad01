"""A protocol: the named, frozen description of a measurement. Every table shows its hash.

Two numbers may be compared if they were measured under the same protocol, that is with the same hash. The hash changes
with any setting and with any pixel of any image.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping

import jax
import numpy as np
from skimage.transform import resize

from colorjax.config.defaults import run_config
from colorjax.errors import UserError, nearest
from colorjax.metrics.info import ACCURACY_DISTANCE, SSIM_SIGMA, SSIM_WINDOW
from colorjax.noise import check_noise
from colorjax.pictures.images import Photograph, content_hash
from colorjax.tasks import TASKS, Task

CHOICES = {
    "resize": ("none", "short_side"),
    "channels": ("color", "luminance"),
    "averaging": ("picture", "pixel"),
    "noise_field": ("picture", "shared"),
}

# Fields that the hash leaves out at these values, so that hashes from before the fields existed stay valid.
ADDED_LATER = {"told": (), "noisy_8_bits": False, "noise_field": "picture"}


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How methods are measured.

    Attributes:
      name: its name for people; not part of the hash.
      data: which photographs, in words ('skimage_photos, test split').
      task: name in `colorjax.tasks.TASKS`; it decides what the methods receive (a noisy image, a gray one).
      pictures: `content_hash` of every photograph before resizing, sorted.
      resize: 'none', or 'short_side': reduce (bicubic, anti-aliased) until the short side has `size` pixels. An image
        whose short side is not longer is not resized, because enlarging would add pixels that are easy to restore.
      size: pixels, 1 or more; used only with 'short_side'.
      noise_kind, noise_level: noise added to the input, as in `colorjax.noise.NOISES`, at one level.
      noise_seed: seed of the noise and of the drawn scribbles. The random key of an image also depends on its content,
        so neither the order nor the number of the images changes the noise on any of them.
      noise_field: 'picture' (each image has noise of its own) or 'shared': the noise depends on the seed and the size
        alone, so images of one size have the same noise field. KAIR measures so, since it seeds before each image.
      noisy_8_bits: whether a method gets the degraded image clipped to [0, 1] and rounded to multiples of 1/255, like a
        file, and not as float numbers.
      clip: whether restored images are clipped to [0, 1] before measuring.
      round_to_8_bits: whether restored images and resized clean ones are rounded to multiples of 1/255, like files.
      channels: 'color', or 'luminance' (scikit-image's `rgb2gray` of both images; metrics of color are left out).
      ssim_sigma, ssim_window: standard deviation and side in pixels of SSIM's Gaussian window.
      accuracy_distance: distance in the ab plane within which a pixel's color counts as right.
      psnr_ceiling: upper limit of the PSNR, dB; an image restored without any error gets it instead of infinity.
      border: pixels cut from each edge of both images before measuring.
      averaging: 'picture' (all images have the same weight) or 'pixel' (weights are the numbers of measured pixels).
      told: what a method receives besides the image, in phrases (`colorjax.evaluation.side_information`).

    Raises:
      UserError: a value outside its range or choices.
    """

    name: str
    data: str
    task: str
    pictures: tuple[str, ...]
    resize: str = "none"
    size: int = 256
    noise_kind: str = "none"
    noise_level: float = 0.0
    noise_seed: int = 0
    clip: bool = True
    round_to_8_bits: bool = True
    channels: str = "color"
    ssim_sigma: float = SSIM_SIGMA
    ssim_window: int = SSIM_WINDOW
    accuracy_distance: float = ACCURACY_DISTANCE
    psnr_ceiling: float = 100.0
    border: int = 0
    averaging: str = "picture"
    told: tuple[str, ...] = ()
    noise_field: str = "picture"
    noisy_8_bits: bool = False

    def __post_init__(self):
        for field in ("noise_level", "ssim_sigma", "accuracy_distance", "psnr_ceiling"):
            object.__setattr__(self, field, float(getattr(self, field)))  # 20 and 20.0 are one protocol, one hash
        for field, known in CHOICES.items():
            if getattr(self, field) not in known:
                raise UserError(f"config.protocol.{field}: {getattr(self, field)!r}; known: {', '.join(known)}")
        if self.task not in TASKS:
            raise UserError(f"config.protocol: no task is named {self.task!r}; {nearest(self.task, TASKS)}")
        check_noise(self.noise_kind, (self.noise_level, self.noise_level), "config.protocol.noise")
        limits = {
            "size": (self.size >= 1, "at least 1"),
            "border": (self.border >= 0, "at least 0"),
            "ssim_sigma": (self.ssim_sigma > 0, "above 0"),
            "ssim_window": (self.ssim_window >= 3 and self.ssim_window % 2 == 1, "odd and at least 3"),
            "accuracy_distance": (self.accuracy_distance > 0, "above 0"),
            "psnr_ceiling": (self.psnr_ceiling > 0, "above 0"),
        }
        for field, (right, rule) in limits.items():
            if not right:
                raise UserError(f"config.protocol.{field} = {getattr(self, field)!r}: it must be {rule}")

    @property
    def hash(self) -> str:
        """Return the first 12 hexadecimal digits of the SHA-256 of the fields except `name`.

        Those in `ADDED_LATER` count only if they have another value than there.
        """
        fields = dataclasses.asdict(self)
        del fields["name"]
        for field, value in ADDED_LATER.items():
            if fields[field] == value:
                del fields[field]
        canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]

    def as_dict(self) -> dict:
        """Return the fields and the hash as plain values for JSON."""
        return {**dataclasses.asdict(self), "hash": self.hash}

    def describe(self) -> str:
        """Return one sentence that describes the protocol."""
        noise, field = "no noise", ""
        if self.noise_kind != "none":
            noise = f"{self.noise_kind} noise of level {self.noise_level:g}"
            field = ", one noise field for all pictures of a size" if self.noise_field == "shared" else ""
        given = "clipped and rounded to 8 bits" if self.noisy_8_bits else "as float numbers"
        size = "at their own size" if self.resize == "none" else f"short side reduced to {self.size} pixels"
        clip = "clipped to [0, 1]" if self.clip else "not clipped"
        bits = "rounded to 8 bits" if self.round_to_8_bits else "not rounded"
        border = f"{self.border} pixels cut at each edge" if self.border else "no border cut"
        return (
            f"{len(self.pictures)} photographs ({self.data}), {size}; task {self.task}, {noise} (seed "
            f"{self.noise_seed}{field}), given {given}; restored pictures {clip} and {bits}; {self.channels}, "
            f"{border}; SSIM window {self.ssim_window}x{self.ssim_window}, sigma {self.ssim_sigma:g}; each "
            f"{self.averaging} counts alike"
        )

    def with_told(self, told: tuple[str, ...]) -> "Protocol":
        """Return the protocol for a method that receives this side information."""
        return dataclasses.replace(self, told=told)

    def measured_task(self, task: Task) -> Task:
        """Return the task with the protocol's noise in place of the noise of training.

        Raises:
          UserError: the protocol is for another task.
        """
        if task.name != self.task:
            raise UserError(f"the protocol {self.name!r} measures the task {self.task!r}, not {task.name!r}")
        return dataclasses.replace(task, noise_kind=self.noise_kind, noise_level=(self.noise_level,) * 2)

    def truth(self, picture: np.ndarray) -> np.ndarray:
        """Return the clean image to measure against, float32 [h, w, 3] in [0, 1], of a photograph, uint8 [H, W, 3]."""
        truth = picture.astype(np.float32) / np.float32(255)
        short = min(picture.shape[:2])
        if self.resize == "short_side" and short > self.size:
            height, width = (max(1, round(side * self.size / short)) for side in picture.shape[:2])
            truth = resize(truth, (height, width), order=3, mode="reflect", anti_aliasing=True)
            truth = self._rounded(np.clip(truth, 0, 1))
        return truth.astype(np.float32)

    def degraded(self, picture: np.ndarray) -> np.ndarray:
        """Return a degraded image [h, w, 3] as methods get it: clipped and rounded if the protocol requires it."""
        picture = np.asarray(picture, np.float32)
        return _to_8_bits(np.clip(picture, 0, 1)) if self.noisy_8_bits else picture

    def restored(self, picture: np.ndarray) -> np.ndarray:
        """Return a method's result [h, w, 3] as it is measured: clipped and rounded if the protocol requires it."""
        picture = np.asarray(picture, np.float32)
        return self._rounded(np.clip(picture, 0, 1) if self.clip else picture)

    def key(self, picture_hash: str) -> jax.Array:
        """Return the random key of the noise for the image with this `content_hash`."""
        key = jax.random.key(self.noise_seed)
        return key if self.noise_field == "shared" else jax.random.fold_in(key, int(picture_hash[:8], 16))

    def hint_seed(self, picture_hash: str) -> int:
        """Return the seed, in 0..2^31-1, of the scribbles on the image with this `content_hash`."""
        return (self.noise_seed + int(picture_hash[:8], 16)) % 2**31

    def _rounded(self, picture: np.ndarray) -> np.ndarray:
        return _to_8_bits(picture) if self.round_to_8_bits else picture


def _to_8_bits(picture: np.ndarray) -> np.ndarray:
    return np.rint(picture * np.float32(255)) / np.float32(255)


def build_protocol(config: Mapping, data: str, task: str, photographs: Iterable[Photograph]) -> Protocol:
    """Return the protocol of a measurement.

    Args:
      config: the config section `protocol`; missing settings get their defaults.
      data: which photographs, in words.
      task: name in `colorjax.tasks.TASKS`.
      photographs: to be measured; at least one.

    Raises:
      UserError: a setting that is unknown or impossible, or no photographs at all.
    """
    settings = dict(config)
    known = run_config().protocol
    for name in settings:
        if name not in known:
            raise UserError(f"config.protocol has no setting {name!r}; {nearest(name, known)}")
    pictures = tuple(sorted(content_hash(photograph.picture) for photograph in photographs))
    if not pictures:
        raise UserError(f"there is no photograph to measure in {data}")
    return Protocol(**{**known, **settings}, data=data, task=task, pictures=pictures)
