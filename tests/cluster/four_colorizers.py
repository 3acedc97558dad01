"""small_colorizer in a sweep of four: two learning rates with two seeds each. The first has the run that it sweeps."""

from colorjax.sweeps.lists import grid
from tests.cluster.small_colorizer import get_config

__all__ = ["get_config", "sweep"]


def sweep(add) -> None:
    """Add the four runs."""
    for run in grid({"optimizer.learning_rate": (1e-3, 3e-3), "seed": (1, 2)}):
        add(**run)
