"""How a denoiser depends on its settings: the U-Net with group normalization on Gaussian noise, swept and searched.

    python launch.py sweep   --config=experiments/sweep_denoise.py:smoke --workdir=runs/sweep --jobs=2
    python launch.py compare --workdir=runs/sweep
    python launch.py search  --config=experiments/sweep_denoise.py:smoke --workdir=runs/search --jobs=2

The sweep is three learning rates with two seeds each; the search looks at learning rate, block and weight average.
docs/cluster.md has the same on Slurm.

variant  photographs                      hardware     running time   numbers to expect
smoke    the 9 in the scikit-image wheel  2 CPU cores  3.3 minutes    PSNR of the validation at learning rates 3e-4,
                                                                      1e-3 and 3e-3: 26.7, 27.8, 28.9 (the sweep)
paper    ADE20K                           a GPU        not run yet
"""

from ml_collections import ConfigDict

from colorjax.config import choose, model_config, run_config
from colorjax.sweeps.draws import Space, choice, log_uniform
from colorjax.sweeps.lists import grid
from experiments import scale

VARIANTS = ("smoke", "paper")
LEVEL = 0.05  # standard deviation, as in Sugumar


def get_config(variant: str = "") -> ConfigDict:
    """Return the config that all runs have in common; `variant` is one of `VARIANTS`."""
    variant = choose(variant, VARIANTS)
    config = run_config()
    scale.apply(config, variant)
    config.task.name = "denoise"
    config.task.noise.kind = "gaussian"
    config.task.noise.level = (LEVEL, LEVEL)
    config.protocol.noise_kind = "gaussian"
    config.protocol.noise_level = LEVEL
    config.model = model_config("unet", norm="group", width=scale.small_width(variant, 8, 64))
    return config.lock()


def sweep(add) -> None:
    """Add the runs of the sweep."""
    for run in grid({"optimizer.learning_rate": (3e-4, 1e-3, 3e-3), "seed": (0, 1)}):
        add(**run)


def search_space() -> Space:
    """Return what the search draws each trial from."""
    return {
        "optimizer.learning_rate": log_uniform(1e-4, 1e-2),
        "optimizer.weight_average": choice(0.0, 0.9),
        "model.block": choice("plain", "residual"),
    }
