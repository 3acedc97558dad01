"""The pictures of each browser, and how they stand. Nothing here reads a picture; times are `time.monotonic()`."""

import asyncio
import contextlib
import dataclasses
import secrets
import shutil
import time
from pathlib import Path
from typing import Any

from colorjax.page.recipe import Recipe

READING, READY, FAILED = "reading", "ready", "failed"


@dataclasses.dataclass
class Picture:
    """An upload, and what became of it.

    Attributes:
      id: its name in addresses.
      name: of the file, for people.
      folder: its own.
      is_reference: whether it only lends its colors.
      in_folder: whether it is of the folder in which this browser's references are found.
      lent_to: id of the picture that it was found for; '' for an upload.
      state: READING, READY or FAILED.
      error: why it failed, or the last work on it; '' if nothing did.
      info: what `page.reading` says of it.
      recipe: what is asked for.
      revision: of the recipe without its sliders.
      denoised: which denoised copies there are.
      work: what is being done, 'denoise' or 'render'; '' for nothing.
      share: of that work which is done.
      wants_result: whether the finished file is asked for.
      result: what `page.rendering` says of it, with the recipe it was made by under 'recipe'.
      asked: when work was first asked for; the earliest comes first.
      attempts: how often its work ended with the child process.
      changing: held by the change that is being checked; changes come in the order in which they are asked for.
    """

    id: str
    name: str
    folder: Path
    is_reference: bool = False
    in_folder: bool = False
    lent_to: str = ""
    state: str = READING
    error: str = ""
    info: dict[str, Any] = dataclasses.field(default_factory=dict)
    recipe: Recipe = Recipe()
    revision: int = 1
    denoised: set[str] = dataclasses.field(default_factory=set)
    work: str = ""
    share: float = 0.0
    wants_result: bool = False
    result: dict[str, Any] | None = None
    asked: float = 0.0
    attempts: int = 0
    changing: asyncio.Lock = dataclasses.field(default_factory=asyncio.Lock)

    @property
    def kind(self) -> str:
        """The kind of denoised copy that its recipe needs, as in `page.denoising`; '' for none."""
        if self.state != READY or self.is_reference or not self.recipe.denoises:
            return ""
        if self.info["own_space"] and not self.recipe.colorizes:
            return "own"
        return "gray" if self.info["gray"] or self.recipe.task == "restore" else "color"

    @property
    def available(self) -> str:
        """The denoised copy that there is for its recipe; '' for none."""
        return self.kind if self.kind in self.denoised else ""

    def next_work(self) -> str:
        """Return what there is to do: 'denoise', 'render', or '' for nothing."""
        if self.state != READY or self.is_reference or self.error:
            return ""
        if self.kind and self.kind not in self.denoised:
            return "denoise"
        return "render" if self.wants_result and not self.has_result() else ""

    def has_result(self) -> bool:
        """Return whether the finished file is that of the present recipe."""
        return self.result is not None and self.result["recipe"] == self.recipe

    def change(self, recipe: Recipe) -> None:
        """Take another recipe; a fault of the last one is forgotten."""
        if recipe.guidance != self.recipe.guidance:
            self.revision += 1
        if recipe != self.recipe:
            self.recipe, self.error, self.wants_result, self.attempts = recipe, "", False, 0

    def shown(self, ahead: int) -> dict[str, Any]:
        """Return what the browser is told, as JSON; `ahead` is how many pictures come first."""
        recipe = self.recipe
        return {
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "error": self.error,
            "info": self.info,
            "recipe": recipe._asdict(),
            "revision": self.revision,
            "denoised": bool(self.available) or not recipe.denoises,
            "work": self.work or self.next_work(),
            "running": bool(self.work),
            "share": round(self.share, 3),
            "ahead": ahead,
            "reference": self.is_reference,
            "in_folder": self.in_folder,
            "saved": self.has_result(),
            "asked": self.wants_result,
            "remarks": self.result["remarks"] if self.has_result() else [],
        }


class Session:
    """The pictures of one browser, which all its windows share; `version` counts what changed."""

    def __init__(self):
        """Begin without pictures."""
        self.pictures: dict[str, Picture] = {}
        self.version = 1
        self.seen = time.monotonic()
        self.watching = 0
        self._changed = asyncio.Event()

    def add(self, name: str, folder: Path, is_reference: bool, in_folder: bool = False) -> Picture:
        """Add an upload."""
        picture = Picture(secrets.token_hex(8), name, folder, is_reference, in_folder, asked=time.monotonic())
        self.pictures[picture.id] = picture
        self.changed()
        return picture

    def remove(self, picture: Picture) -> None:
        """Remove a picture with its files; other pictures lose it as a reference."""
        self.pictures.pop(picture.id, None)
        shutil.rmtree(picture.folder, ignore_errors=True)
        for other in self.pictures.values():
            if other.recipe.reference == picture.id:
                other.change(other.recipe._replace(reference=""))
        for other in list(self.pictures.values()):
            if other.lent_to == picture.id:
                self.remove(other)
        self.changed()

    def changed(self) -> None:
        """Wake all windows."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, version: int, seconds: float) -> None:
        """Return when something is newer than `version`, or after some seconds."""
        self.watching += 1
        try:
            if self.version <= version:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), seconds)
        finally:
            self.watching -= 1
            self.seen = time.monotonic()

    def unseen(self) -> float:
        """Return for how many seconds no window has been open."""
        return 0.0 if self.watching else time.monotonic() - self.seen
