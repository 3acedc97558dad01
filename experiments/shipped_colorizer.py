"""The colorizer that comes with colorjax, alone, with hints and beside methods that train no network.

    python launch.py table --config=experiments/shipped_colorizer.py:alone --workdir=runs/colorizer \
        --config.data.source=PHOTOS_CC_BY:PHOTOS256:PHOTOS_CLEAN:LANDSCAPES:BSDS500 \
        --config.test_data.source=PHOTOS_CC_BY
    python launch.py table --config=experiments/shipped_colorizer.py:hints --workdir=runs/colorizer-hints \
        --config.data.source=PHOTOS_CC_BY:PHOTOS256:PHOTOS_CLEAN:LANDSCAPES:BSDS500 \
        --config.test_data.source=PHOTOS_CC_BY

variant  photographs                            hardware     running time  numbers to expect
alone    those of the test folder that were     2 CPU cores  10 minutes    the card in colorjax/pretrained
         kept out of training
hints    the same                               2 CPU cores  15 minutes    the same

`alone` has two methods that learn from the training photographs by ImageNet's features, without a network
(requirements-pretrained.txt). `hints` tells the network the true colors of 1, 10 and 100 squares of 7x7 pixels, as
Zhang et al. 2017 do, and Levin et al.'s scribbles the same; and a reference, which is any training photograph.
"""

from ml_collections import ConfigDict

from colorjax.config import choose, method_config, table_config

VARIANTS = ("alone", "hints")
COUNTS = (1, 10, 100)
SETS = 5  # folders of training photographs

# PSNR of Zhang et al. 2017 without a hint and with 1, 10 and 100 squares, on 1,000 photographs of ImageNet, from the
# numbers that come with their code (resources/psnrs_siggraph.npy).
PUBLISHED = {
    "caption": "Zhang et al. 2017 on 1,000 other photographs (ImageNet), squares of 6x6: the gains can be compared.",
    "columns": ("Method", "no hint", "1", "10", "100"),
    "rows": (("Zhang et al. 2017", "24.43", "25.37", "28.42", "31.13"),),
}


def get_config(variant: str = "") -> ConfigDict:
    """Return the table's config; `variant` is one of `VARIANTS`."""
    variant = choose(variant, VARIANTS)
    config = table_config()
    config.title = "The bundled colorizer" + (" with hints" if variant == "hints" else "")
    config.task.name = "colorize"
    config.data.name = "+".join(["photo_folder"] * SETS)
    config.test_data.name = "photo_folder"
    config.rows.observed.label = "Gray copy of the input"

    def row(name: str, label: str, method: str, **settings) -> None:
        config.rows[name] = ConfigDict({"label": label, "method": method_config(method, **settings)})

    row("network", "Bundled network", "pretrained", weights="colorize")
    if variant == "alone":
        row("ridge", "Ridge on ImageNet's features", "feature_ridge")
        row("retrieved", "Retrieved reference", "retrieved_reference")
        return config.lock()
    for count in COUNTS:
        hints = f"{count} hint" + ("s" if count > 1 else "")
        row(f"network_{count}", f"Bundled network, {hints}", "pretrained", weights="colorize", hints=count)
        row(f"scribble_{count}", f"Levin et al. 2004, {hints}", "scribble", count=count, length=7, shape="squares")
    row("reference", "Bundled network, any reference", "pretrained", weights="colorize", reference=True)
    config.published = ConfigDict(PUBLISHED)
    return config.lock()
