"""The colorizer of Zhang, Isola and Efros 2016: a distribution over colors for each pixel, and its annealed mean.

    python launch.py train    --config=experiments/zhang.py:small --workdir=runs/zhang \
        --config.data.source=FOLDER_OF_PHOTOGRAPHS
    python launch.py evaluate --config=experiments/zhang.py:small --workdir=runs/zhang \
        --config.data.source=FOLDER_OF_PHOTOGRAPHS

variant  photographs                              hardware     running time      numbers to expect
small    any folder of 300 or more                2 CPU cores  15 to 30 minutes  not measured yet
paper    the paper's: the training set of         a GPU        not run yet
         ImageNet, as a folder
smoke    the 9 in the scikit-image wheel          2 CPU cores  2 minutes         none: it shows that everything works

--config.task.bins=pts_in_hull.npy takes the authors' 313 bins, a file of their released program; without it there are
this project's 261. What is whose:

paper, section 2     the network, the soft encoding with a deviation of 5, the rarity weights (a half of the prior is
                     uniform), the annealed mean at 0.38.
released program     `paper`: pictures stretched into squares of 256 and cropped to 176, batches of 40, Adam with 3e-5;
                     10 bins in the encoding (the paper says 5), labels from every 4th pixel, gray pictures left out,
                     weights on the gradient alone.
ours                 the shares of the bins, counted on other photographs; the last layer begins at zero, not by
                     k-means; Adam's second moment keeps 0.999 and not 0.99 of itself; weight decay of 1e-3 is
                     decoupled; the rate stays, where theirs falls to a tenth every 225,000 steps; colors are brought
                     to full size along the edges. `small` has a quarter of the width, 64 pixels, and a cosine.
"""

from typing import Any

from ml_collections import ConfigDict

from colorjax.config import choose, model_config, run_config
from experiments import scale

VARIANTS = ("small", "paper", "smoke")


def model(chosen: str) -> ConfigDict:
    """The model section at the scale `chosen`."""
    return model_config("zhang", width={"paper": 64, "small": 16, "smoke": 8}[chosen])


def settings(chosen: str) -> dict[str, dict[str, Any]]:
    """What the system sets in the shared sections, at the scale `chosen`; photographs and protocol are left alone."""
    task = {"name": "colorize_zhang", "loss": "rarity_weighted_gradient", "bins": ""}
    if chosen == "paper":
        return {
            "data": {
                "patch_size": 176,
                "zoom_of": "whole",
                "zoom": (256 / 176, 256 / 176),
                "rotate": 0.0,
                "patches_per_epoch": 1_280_000,
            },
            "task": task,
            "optimizer": {"learning_rate": 3e-5, "weight_decay": 1e-3, "schedule": "constant", "warmup_steps": 0},
            "training": {"batch_size": 40, "epochs": 16},
            "inference": {"picture": "stretched", "patch_size": 256},
        }
    return {
        "data": scale.whole_pictures(chosen),
        "task": task,
        "optimizer": {"learning_rate": 1e-3},
        "inference": {"picture": "reduced", "patch_size": scale.SIDES[chosen]},
    }


def get_config(variant: str = "") -> ConfigDict:
    """Return the run's config; `variant` is one of `VARIANTS`."""
    chosen = choose(variant, VARIANTS)
    config = run_config()
    scale.colorizer(config, chosen)
    config.update(settings(chosen))
    config.model = model(chosen)
    return config.lock()
