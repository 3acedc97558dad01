"""A trained network with the interface of all methods: it restores whole images."""

import dataclasses
import functools
from typing import Any

import jax
import numpy as np

from colorjax.color.spaces import recolor, rgb2lab
from colorjax.errors import UserError, nearest
from colorjax.inference.color_upsampling import upsample_colors
from colorjax.inference.letterbox import letterbox, unletterbox
from colorjax.inference.resizing import resize
from colorjax.inference.tiled_network import TiledNetwork, Tiling, outputs_of
from colorjax.inference.working_copy import KINDS, WorkingCopy, working_copy
from colorjax.methods.classical.noise_level import estimate_noise
from colorjax.methods.guidance import palette_of_image, reduced_hints
from colorjax.methods.hint_correction import corrected, hints_on_grid
from colorjax.methods.method import Method, Observation, Restored
from colorjax.models.network import Network
from colorjax.runtime.pixelwise import map_pixels
from colorjax.tasks import TASKS, Task
from colorjax.tasks.colorize import AB_SCALE
from colorjax.tasks.colorize_bins import VIVIDNESS, ColorizeBins
from colorjax.tasks.colorize_guided import PALETTE, ColorizeGuided

PICTURE = ("patches", "whole", *KINDS)
STYLE_SIDE = 224  # pixels of the square that a network sees of a picture whose style it takes


@dataclasses.dataclass(frozen=True, eq=False)
class NetworkMethod(Method):
    """Restores an image of any size, in tiles or as a whole.

    Attributes:
      name: of the row.
      model: `model.apply(variables, inputs [B, P, Q, Cin], train=False, **conditioning) -> [B, P, Q, Cout]`.
      variables: its trained variables ('params' and, with batch normalization, 'batch_stats').
      task: converts images into the network's inputs, and the network's outputs into images.
      patch_size, overlap, batch_size, statistics, window: how an image is cut into tiles, as in `Tiling`. If `picture`
        is 'whole' or 'reduced', only `patch_size` is used.
      picture: how the network sees the image.
        'patches': in tiles.
        'whole': once, fitted into a square of side `patch_size`; the outputs are resized to the image's size. This is
          for outputs smooth enough to be enlarged, such as colors.
        'reduced': once, as a copy with a short side of `patch_size`; the colors are brought to full size along the
          image's edges (`colorjax.inference.color_upsampling`). This is for tasks that colorize.
        'stretched': likewise, but as a square of side `patch_size` (`colorjax.inference.working_copy`).
      vividness: from 0, the safe mean of the colors that the network thinks possible, to 1, a vivid choice among them;
        for networks that predict a distribution.
      frozen: the variables of `model.frozen()`.
      told: for a task that takes the noise's level: whether observations have it. Without it, or if the noise is of
        another kind than in training, the level is estimated (`classical.noise_level`).

    Raises:
      UserError: an impossible setting.
    """

    name: str
    model: Network
    variables: Any
    task: Task
    patch_size: int
    overlap: int
    batch_size: int
    statistics: str = Tiling.statistics
    window: int = Tiling.window
    picture: str = "patches"
    vividness: float = VIVIDNESS
    frozen: Any = dataclasses.field(default_factory=dict)
    told: bool = True

    def __post_init__(self):
        if self.picture not in PICTURE:
            raise UserError(f"inference.picture: {self.picture!r} is not a choice; {nearest(self.picture, PICTURE)}")
        if self.picture == "patches":
            _ = self.tiling  # refuses impossible settings before any work is done
        elif self.patch_size < 1:
            raise UserError(f"inference.patch_size must be at least 1, it is {self.patch_size}")
        if self.picture in KINDS and not self.task.colorizes:
            raise UserError(
                f"inference.picture: {self.picture!r} is for tasks that colorize, not for {self.task.name!r}"
            )
        if self.picture in KINDS and self.task.output_channels == self.task.input_channels:
            raise UserError(
                f"inference.picture: {self.picture!r} enlarges colors alone, and the task {self.task.name!r} predicts "
                "the whole image; use 'patches'"
            )
        if self.is_guided and self.picture not in KINDS:
            raise UserError(
                f"inference.picture={self.picture!r}: the task {self.task.name!r} needs {' or '.join(KINDS)}"
            )
        if not 0 <= self.vividness <= 1:
            raise UserError(f"inference.vividness={self.vividness}: must be from 0 (safe) to 1 (vivid)")

    @property
    def tasks(self) -> frozenset[str]:
        """Return the tasks with the same kind of input as the task that the network was trained for."""
        return frozenset(name for name, task in TASKS.items() if task.input_kind == self.task.input_kind)

    @property
    def needs(self) -> frozenset[str]:
        """Return 'noise' if the network is told the noise's level."""
        return frozenset({"noise"}) if self.task.takes_noise_level and self.told else frozenset()

    def remark(self, noise: tuple[str, float]) -> str:
        """Return a line if the level is estimated, or above all those of the training; "" otherwise."""
        if self.task.takes_noise_level and not (self.told and noise[0] == self.task.noise_kind):
            return "it is not told the level of this noise, which is estimated from each picture"
        return self.above_training(noise)

    def above_training(self, noise: tuple[str, float]) -> str:
        """Return a line if the level is above all those of the training; "" otherwise, or for another kind of noise."""
        (kind, level), highest = noise, self.task.noise_level[1]
        if kind != self.task.noise_kind or level <= highest * (1 + 1e-6) or kind == "none":
            return ""
        unit = 255 if kind == "gaussian" else 1
        return (
            f"the noise level {level * unit:.4g} is above those that {self.name} was trained for, up to "
            f"{highest * unit:.4g}; it is used all the same"
        )

    def weight_count(self) -> int:
        """Return the number of trained and frozen parameters."""
        trees = [variables.get("params", {}) for variables in (self.variables, self.frozen)]
        return sum(leaf.size for leaf in jax.tree.leaves(trees))

    def noise_level(self, image: np.ndarray, noise: tuple[str, float] | None) -> float:
        """Return the level that the network is told for an image [H, W, C] where white is 1.

        Args:
          image: the degraded image.
          noise: kind and level, or None if they are not known.
        """
        if noise is not None and noise[0] == self.task.noise_kind:
            return noise[1]
        return estimate_noise(image[..., : self.task.output_channels])

    def restore(self, observation: Observation) -> Restored:
        """Return the restored image, not clipped, and the network's own outputs."""
        if self.picture in KINDS:
            image, outputs = self._by_working_copy(observation)
            return Restored(image, resize(outputs, *image.shape[:2]))
        inputs = self._inputs(observation)
        if self.picture == "whole":
            fitted = letterbox(inputs, self.patch_size)
            square = _apply_at_full_size(self.model, self.variables, self.frozen, fitted.square[np.newaxis])
            outputs = unletterbox(np.asarray(square)[0], fitted, *inputs.shape[:2])
        else:
            network = TiledNetwork(self.model, self.variables, self.frozen, self.tiling)
            outputs = np.concatenate(list(network.bands(inputs, _as_they_are, _outputs_alone)))
        return Restored(map_pixels(self.task.picture, outputs, inputs), outputs)

    def _inputs(self, observation):
        image = observation.image
        if not self.task.takes_noise_level:
            return map_pixels(self.task.inputs, image)
        level = np.float32(self.noise_level(image, observation.noise))
        return map_pixels(self.task.inputs, image, np.full((*image.shape[:2], 1), level))

    def restored_image(self, observation: Observation) -> np.ndarray:
        """Return the restored image alone; the outputs of a network that predicts a distribution are large."""
        if self.picture in KINDS:
            return self._by_working_copy(observation)[0]
        return self.restore(observation).image

    def _by_working_copy(self, observation):
        degraded = observation.image
        lightness = map_pixels(rgb2lab, degraded)[..., 0]
        copy = self.working_copy(*lightness.shape)
        small = resize(lightness, copy.height, copy.width)
        hints = None if observation.hints is None else reduced_hints(observation.hints, copy.height, copy.width)
        reference = self.guidance_of(observation.references[0]) if observation.references else None
        outputs, colors = self.predict(small, copy, hints, reference)
        colors = upsample_colors(colors, small, lightness)
        return map_pixels(recolor, degraded, colors), outputs

    def working_copy(self, height: int, width: int) -> WorkingCopy:
        """Return the shape of the copy that the network sees of an image; reduced, if `picture` says nothing of one."""
        kind = self.picture if self.picture in KINDS else KINDS[0]
        return working_copy(kind, height, width, self.patch_size)

    @property
    def is_guided(self) -> bool:
        """Whether the network takes hints and a palette."""
        return isinstance(self.task, ColorizeGuided)

    @property
    def takes_references(self) -> bool:
        """Whether the network takes something from another photograph: its palette, or its global features."""
        return self.is_guided or self.model.takes_style

    def guidance_of(self, reference: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the network takes from a reference [h, w, 3] in [0, 1], as its arguments, each [1, ...]."""
        if self.is_guided:
            return {"palette": palette_of_image(reference)[np.newaxis]}
        return {"style": resize(map_pixels(rgb2lab, reference)[..., :1], STYLE_SIDE, STYLE_SIDE)[np.newaxis] / 50 - 1}

    @property
    def predicts_distribution(self) -> bool:
        """Whether the network predicts a distribution over colors, from which `vividness` chooses."""
        return isinstance(self.task, ColorizeBins)

    def with_vividness(self, vividness: float) -> "NetworkMethod":
        """Return the same method with another vividness, compiled no second time.

        Raises:
          UserError: it is outside 0 to 1.
        """
        return dataclasses.replace(self, vividness=vividness)

    def predict(
        self,
        lightness: np.ndarray,
        copy: WorkingCopy,
        hints: np.ndarray | None = None,
        reference: dict[str, np.ndarray] | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the network's own outputs [h, w, Cout] for an image's copy, and the Lab a and b [h, w, 2] of them.

        Args:
          lightness: of the copy, float32 [copy.height, copy.width], 0..100.
          copy: its shape.
          hints: as `reduced_hints` returns them, [copy.height, copy.width, 3]. The colors are corrected by them, and a
            network that is guided is told them besides.
          reference: as `guidance_of` returns it; for a network that takes references.
        """
        inputs = copy.on_canvas(lightness[..., np.newaxis] / 50 - 1)[np.newaxis]
        guidance = dict(reference or {})
        if self.is_guided:
            there = np.zeros((*lightness.shape, 3), np.float32) if hints is None else hints
            scale = np.array([AB_SCALE, AB_SCALE, 1], np.float32)
            inputs = np.concatenate([inputs, copy.hints_on_canvas(there / scale)[np.newaxis]], axis=-1)
            guidance.setdefault("palette", np.zeros((1, PALETTE), np.float32))
        arguments = self.variables, self.frozen, inputs, guidance, np.float32(self.vividness)
        outputs, colors = jax.device_get(_predict(self.model, self.task, *arguments))
        outputs, colors = copy.of_image(outputs[0]), copy.of_image(colors[0])
        if hints is not None:
            grid = colors.shape[:2]
            colors = corrected(colors, resize(lightness, *grid), hints_on_grid(hints, *grid))
        return outputs, colors

    @property
    def tiling(self) -> Tiling:
        """Return how images are cut into tiles."""
        return Tiling(**{field.name: getattr(self, field.name) for field in dataclasses.fields(Tiling)})


def _as_they_are(inputs):
    return inputs


def _outputs_alone(outputs, inputs):
    del inputs
    return outputs


@functools.partial(jax.jit, static_argnums=(0, 1))
def _predict(model, task, variables, frozen, inputs, guidance, vividness):
    outputs = model.apply(variables, inputs, train=False, **guidance, **model.conditioning(frozen, inputs))
    if not isinstance(task, ColorizeBins):
        return outputs, task.colors(outputs)
    return outputs, task.colors(outputs, vividness)


_apply_at_full_size = jax.jit(outputs_of, static_argnums=0)
