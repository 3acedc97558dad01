"""Every way of coloring that there is here, on the same photographs: without training, fitted, trained, and bundled.

    python launch.py table --config=experiments/colorizers.py:small --workdir=runs/colorizers-small
    python launch.py table --config=experiments/colorizers.py:folder --workdir=runs/colorizers \
        --config.data.source=FOLDER --config.rows.iizuka.model.classes=CLASSES_OF_THE_FOLDER

variant  photographs                        hardware     running time   numbers to expect
small    the 9 in the scikit-image wheel    2 CPU cores  5 to 10 min.   PSNR: gray copy 21.1, mean color 21.8,
                                                                        scribbles 29.5, Iizuka 22.3, bundled 26.9
folder   any folder of 300 or more, with a  2 CPU cores  two hours      docs/results.md
         folder for each class
paper    ADE20K (as for `folder`, say how   a GPU        not run yet
         many classes its scenes are)

All trained rows have one budget of examples (`BUDGETS`) and as many seeds (`SEEDS`), whose means the table has. `small`
and `folder` train networks of a quarter of the papers' width or less, which see whole pictures with a short side of 32
or 64 pixels, but for the two unpaired ones, which see patches of that size. `paper` has the papers' networks and sizes,
with this budget in place of theirs. The table's foot says what a row is given besides the gray picture, table.md and
costs.csv also what it costs. A row that is no better than the gray copy stands there as such. Files of the single
systems say what is whose: zhang.py, iizuka.py, cheng.py, learch.py, fusion.py, gan.py; and docs/colorizers.md.

Rows on ImageNet's features need requirements-pretrained.txt; the ending -random_weights leaves them out.
"""

from typing import Any

from ml_collections import ConfigDict

from colorjax.config import choose, method_config, table_config
from experiments import cheng, colorize_cnn, colorize_unet, fusion, gan, iizuka, learch, scale, zhang

VARIANTS = tuple(name + ending for name in ("small", "folder", "paper") for ending in ("", fusion.RANDOM))

# Training examples of each trained row.
BUDGETS = {"small": 320, "folder": 3_200, "paper": 1_280_000}
# Two cores train one seed of `folder` in a quarter of an hour.
SEEDS = {"small": (), "folder": (0, 1, 2), "paper": (0, 1, 2)}
# The scale of the single systems' networks.
SCALES = {"small": "smoke", "folder": "small", "paper": "paper"}
# Of the systems in gan.py.
ADVERSARIAL = ("pix2pix", "dense_unet_gan", "cycle_gan", "asymmetric_cycle_gan")


def networks(variant: str) -> dict[str, ConfigDict]:
    """The rows that are trained, by name, without budget and seeds."""
    chosen = SCALES[variant]
    table = "paper" if variant == "paper" else "smoke" if variant == "small" else "folder"
    whole = {
        "data": scale.whole_pictures(chosen) if chosen in scale.SIDES else {},
        "inference": {"picture": "reduced", "patch_size": scale.SIDES.get(chosen, 256)},
    }
    letterbox = whole | {"inference": {"picture": "whole", "patch_size": whole["inference"]["patch_size"]}}
    bins = {"name": "colorize_bins", "loss": "rarity_weighted_cross_entropy"}
    lite = {"branch": "efficientnet_lite0"}
    rows = {
        "cnn": {"label": "Conventional CNN", "model": colorize_cnn.model(table), **whole},
        "unet": {"label": "U-Net, squared error", "model": colorize_unet.model(table), **whole},
        "unet_bins": {"label": "U-Net, bins", "model": colorize_unet.model(table), "task": bins, **whole},
        "fusion": {"label": "Fusion, ImageNet's features", "model": fusion.model(table, **lite), **letterbox},
        "fusion_random": {
            "label": "Fusion, random features",
            "model": fusion.model(table, weights="random", **lite),
            **letterbox,
        },
        "zhang": {"label": "Zhang et al. 2016", "model": zhang.model(chosen), **zhang.settings(chosen)},
        "iizuka": _iizuka(chosen),
    }
    rows["fusion"]["model"].weights = "pretrained"
    adversarial = {name: gan.row(name, chosen) for name in ADVERSARIAL}
    for name in gan.UNPAIRED:
        adversarial[name].data.patch_size = scale.SIDES.get(chosen, 256)
    return {name: ConfigDict(row) for name, row in rows.items()} | adversarial


def _iizuka(chosen: str) -> dict[str, Any]:
    side = iizuka.settings(chosen)["data"]["patch_size"]
    classes = chosen != "smoke"  # the photographs of scikit-image have none
    return {
        "label": "Iizuka et al. 2016",
        "model": iizuka.model(chosen),
        "objective": iizuka.objective(side, classes),
        **iizuka.settings(chosen),
    }


def get_config(variant: str = "") -> ConfigDict:
    """Return the table's config; `variant` is one of `VARIANTS`."""
    variant, dash, _ = choose(variant, VARIANTS).partition("-")
    config = table_config()
    scale.colorizer(config, SCALES[variant])
    config.title = "Ways of coloring"
    config.rows.observed.label = "Gray copy of the input"
    if variant == "small":
        config.protocol.size = 128
    if variant == "paper":
        config.data.name = "ade20k"

    def row(name: str, label: str, method: str, **settings) -> None:
        config.rows[name] = ConfigDict({"label": label, "method": method_config(method, **settings)})

    row("scribble", "Levin et al. 2004, drawn scribbles", "scribble")
    row("welsh", "Welsh et al. 2002, any reference", "welsh")
    row("irony", "Irony et al. 2005, any reference", "irony")
    row("retrieved", "Welsh, five references found", "retrieved")
    if not dash:
        row("ridge", "Ridge on ImageNet's features", "feature_ridge")
    config.rows.update(cheng.rows(SCALES[variant], semantic=not dash) | learch.rows(SCALES[variant]))
    for name, trained in networks(variant).items():
        if not (dash and name == "fusion"):
            batch = trained.get("training", {}).get("batch_size", config.training.batch_size)
            config.rows[name] = scale.budgeted(trained, BUDGETS[variant], batch)
            if SEEDS[variant]:
                config.rows[name].seeds = SEEDS[variant]
    row("bundled", "Bundled network", "pretrained", weights="colorize")
    row("bundled_hints", "Bundled network, 10 hints", "pretrained", weights="colorize", hints=10)
    return config.lock()
