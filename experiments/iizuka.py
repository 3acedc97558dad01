"""The colorizer of Iizuka, Simo-Serra and Ishikawa 2016: features of the whole picture, which also tell its class.

    python launch.py train    --config=experiments/iizuka.py:small --workdir=runs/iizuka \
        --config.data.source=FOLDER_WITH_A_FOLDER_FOR_EACH_CLASS --config.model.classes=12
    python launch.py evaluate --config=experiments/iizuka.py:small --workdir=runs/iizuka \
        --config.data.source=FOLDER_WITH_A_FOLDER_FOR_EACH_CLASS --config.model.classes=12

variant  photographs                            hardware     running time      numbers to expect
small    any folder of 300 or more              2 CPU cores  20 to 40 minutes  not measured yet
paper    ADE20K, whose scenes are its classes:  a GPU        not run yet
         --config.model.classes=THEIR_NUMBER
smoke    the 9 in the scikit-image wheel        2 CPU cores  2 minutes         none: it shows that everything works

The ending -no_classes leaves the classification out, for photographs without classes, as `smoke` always does. `prepare`
says how many classes a data set has; a number that does not fit is an error that names the right one. A trained network
takes the global features of another picture by `colorize --weights=FILE --reference=PICTURE`. What is whose:

paper              the network, the loss with its weight of 1/300 (`classification_weight` says what it becomes beside a
                   mean), ADADELTA, batches of 128, 200,000 steps; pictures of 256 cropped to 224.
released program   a and b are 100 times the outputs between -1 and 1.
ours               photographs: the paper has 2.3 million of Places with 205 classes, and ADE20K stands for them;
                   colors are predicted on a copy with a short side as in training and brought to full size along the
                   edges; Lab's lightness is kept, not that of YUV. `small` has a quarter of the width, 64 pixels, and
                   Adam with a cosine.
"""

from typing import Any

from ml_collections import ConfigDict

from colorjax.config import choose, model_config, objective_config, run_config
from colorjax.models.iizuka import classification_weight
from experiments import scale

NO_CLASSES = "-no_classes"
VARIANTS = ("small", "small" + NO_CLASSES, "paper", "paper" + NO_CLASSES, "smoke")
SIDE = 224  # pixels of the paper's pictures in training


def model(chosen: str, **fields) -> ConfigDict:
    """The model section at the scale `chosen`; `fields` are put in."""
    if chosen == "paper":
        return model_config("iizuka", **fields)
    width = {"small": 16, "smoke": 8}[chosen]
    return model_config("iizuka", **({"width": width, "side": scale.SIDES[chosen], "classes": 12} | fields))


def objective(side: int, classes: bool) -> ConfigDict:
    """The objective for patches of `side` pixels, with the classification or without it."""
    terms = {"task": 1.0, "classification": classification_weight(side)}
    return objective_config("supervised", terms=terms if classes else {"task": 1.0})


def settings(chosen: str) -> dict[str, dict[str, Any]]:
    """What the system sets in the shared sections, at the scale `chosen`; photographs and protocol are left alone."""
    if chosen == "paper":
        return {
            "data": {
                "patch_size": SIDE,
                "zoom_of": "whole",
                "zoom": (256 / SIDE, 256 / SIDE),
                "rotate": 0.0,
                "patches_per_epoch": 2_560_000,
            },
            "optimizer": {"name": "adadelta", "learning_rate": 1.0, "schedule": "constant", "warmup_steps": 0},
            "training": {"batch_size": 128, "epochs": 10},
            "inference": {"picture": "reduced", "patch_size": SIDE},
        }
    return {
        "data": scale.whole_pictures(chosen),
        "optimizer": {"learning_rate": 1e-3},
        "inference": {"picture": "reduced", "patch_size": scale.SIDES[chosen]},
    }


def get_config(variant: str = "") -> ConfigDict:
    """Return the run's config; `variant` is one of `VARIANTS`."""
    chosen, dash, _ = choose(variant, VARIANTS).partition("-")
    config = run_config()
    scale.colorizer(config, chosen)
    if chosen == "paper":
        config.data.name = "ade20k"
    config.update(settings(chosen))
    config.model = model(chosen)
    config.objective = objective(config.data.patch_size, classes=not dash and chosen != "smoke")
    return config.lock()
