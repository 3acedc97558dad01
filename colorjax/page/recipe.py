"""What a person asks for on a picture: the settings of the page, as JSON from the browser.

    {"task": "restore", "strength": 1, "vividness": 0.5, "method": "network", "hints": null, "reference": ""}

`hints` are in the form of `methods.hint_strokes`, or null; `reference` names a reference of the same browser.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from colorjax.errors import UserError, nearest

TASKS = ("denoise", "colorize", "restore")
METHODS = ("network", "scribble")


class Recipe(NamedTuple):
    """The settings; `strength` and `vividness` are from 0 to 1, as for `colorjax.denoise` and `colorize`."""

    task: str = "restore"
    strength: float = 1.0
    vividness: float = 0.5
    method: str = "network"
    hints: Mapping[str, Any] | None = None
    reference: str = ""

    @property
    def colorizes(self) -> bool:
        """Whether the result gets new colors."""
        return self.task != "denoise"

    @property
    def denoises(self) -> bool:
        """Whether the result needs the denoised picture."""
        return self.task != "colorize" and self.strength > 0

    @property
    def guidance(self) -> tuple:
        """All but the two sliders."""
        return self.task, self.method, self.hints, self.reference


def parse_recipe(content: Any) -> Recipe:
    """Return the recipe in parsed JSON; what is missing has its default. Hints are not looked into.

    Raises:
      UserError: an unknown key or a value that it can't have.
    """
    if not isinstance(content, Mapping):
        raise UserError("the settings are no JSON object")
    for key in content:
        if key not in Recipe._fields:
            raise UserError(f"unknown setting {key!r}; {nearest(key, Recipe._fields)}")
    recipe = Recipe(**content)
    for key, known in (("task", TASKS), ("method", METHODS)):
        if (value := getattr(recipe, key)) not in known:
            raise UserError(f"{key}={value!r}; {nearest(value, known)}")
    for key in ("strength", "vividness"):
        parse_share(key, getattr(recipe, key))
    if recipe.hints is not None and not isinstance(recipe.hints, Mapping):
        raise UserError("hints: needs an object, or null")
    if not isinstance(recipe.reference, str):
        raise UserError("reference: needs a name")
    return recipe


def parse_share(key: str, value: Any) -> float:
    """Return a number from 0 to 1, also where it comes as text.

    Raises:
      UserError: it is none.
    """
    try:
        share = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        share = math.nan
    if not 0 <= share <= 1:
        raise UserError(f"{key}: needs a number from 0 to 1")
    return share
