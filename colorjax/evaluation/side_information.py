"""Side information: what methods receive besides the image. Evaluation fills in only what a method needs."""

import hashlib
from collections.abc import Sequence

import numpy as np

from colorjax.errors import UserError
from colorjax.evaluation.protocol import Protocol
from colorjax.methods.method import Method, Observation
from colorjax.methods.scribble.hints import draw_hints
from colorjax.pictures.images import Photograph, content_hash


class SideInformation:
    """The side information of one method under one protocol.

    Attributes:
      told: one phrase for each of the method's needs. Together they name everything that determines the information.
      protocol: the given one with `told` added, so that its hash covers the phrases.

    Args:
      method: its `needs` are filled in.
      protocol: of the measurement.
      references: photographs to draw references from, for a method that needs them. The protocol's seed and an image's
        content determine the image's reference; it is never a copy of the image.
      told: the phrases, if another process has made them already; for references that takes reading them all.

    Raises:
      UserError: the method needs a reference and there is none.
    """

    def __init__(
        self,
        method: Method,
        protocol: Protocol,
        references: Sequence[Photograph] = (),
        told: tuple[str, ...] | None = None,
    ):
        self._method = method
        self._places = {}  # of the references, by the hash of the image
        self._references = references
        self._seeds = protocol
        phrases = {"noise": self._noise, "hints": self._hints, "references": self._reference_photographs}
        self.told = tuple(phrases[need]() for need in sorted(method.needs)) if told is None else told
        self.protocol = protocol.with_told(self.told)

    def observation(self, degraded: np.ndarray, truth: np.ndarray, picture_hash: str) -> Observation:
        """Return the observation that the method receives.

        Args:
          degraded: the image, [H, W, 3].
          truth: the clean image, [H, W, 3] in [0, 1].
          picture_hash: `content_hash` of its photograph.
        """
        protocol, needs = self._seeds, self._method.needs
        noise = hints = None
        references = ()
        if "noise" in needs:
            noise = (protocol.noise_kind, protocol.noise_level)
        if "hints" in needs:
            hints = draw_hints(truth, protocol.hint_seed(picture_hash), self._method.hint_drawing)
        if "references" in needs:
            references = (self._reference(picture_hash).picture.astype(np.float32) / np.float32(255),)
        return Observation(degraded, noise, hints, references)

    def _noise(self) -> str:
        return "the kind and the level of the noise"

    def _hints(self) -> str:
        shape, count, size = self._method.hint_drawing
        what = {"lines": f"lines of {size} pixels", "squares": f"squares of {size}x{size} pixels"}[shape]
        return f"true colors on {count} {what} (seed {self._seeds.noise_seed})"

    def _reference_photographs(self) -> str:
        chosen = hashlib.sha256()
        for picture_hash in self._seeds.pictures:
            chosen.update(content_hash(self._reference(picture_hash).picture).encode())
        return (
            f"for each picture a reference, one of {len(self._references)} training photographs (seed "
            f"{self._seeds.noise_seed}, hash {chosen.hexdigest()[:12]})"
        )

    def _reference(self, picture_hash: str) -> Photograph:
        if picture_hash in self._places:
            return self._references[self._places[picture_hash]]
        first = self._seeds.hint_seed(picture_hash)
        for number in range(len(self._references)):
            place = (first + number) % len(self._references)
            photograph = self._references[place]
            if content_hash(photograph.picture) != picture_hash:
                self._places[picture_hash] = place
                return photograph
        raise UserError(
            f"the method {self._method.name!r} needs a reference photograph, and the training photographs have none "
            "but the picture itself; give a data set with more"
        )
