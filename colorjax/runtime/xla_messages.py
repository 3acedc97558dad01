"""What XLA itself writes to standard error. Nothing here imports jax: XLA reads its settings as jax is imported."""

import os
from importlib import metadata
from importlib.util import find_spec

# XLA's own variable; 3 leaves only what ends the process.
LEVEL = "TF_CPP_MIN_LOG_LEVEL"


def silence_false_alarms() -> None:
    """Hide what jaxlib 0.10 writes for each kept program that it reads on a CPU: an error, and there is none.

    It misses the features prefer-no-gather and prefer-no-scatter, which no processor has: XLA adds them itself, as a
    choice. That a program is of another processor can't happen, as each kind has a folder of its own (`compilation`).
    What XLA writes of GPUs stays, and so does a person's own choice of the level.
    """
    if metadata.version("jaxlib").startswith("0.10.") and not find_spec("jax_plugins"):  # where GPUs' builds lie
        os.environ.setdefault(LEVEL, "3")
