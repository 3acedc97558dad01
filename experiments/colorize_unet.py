"""The U-Net with group normalization as a colorizer: gray in, the two color channels of CIE Lab out.

    python launch.py train    --config=experiments/colorize_unet.py:smoke --workdir=runs/colorize-unet
    python launch.py evaluate --config=experiments/colorize_unet.py:smoke --workdir=runs/colorize-unet

`folder` and `paper` want --config.data.source=FOLDER, as in table1.py, whose U-Net row this is.

variant  photographs                        hardware     running time  numbers to expect
smoke    the 9 in the scikit-image wheel    2 CPU cores  2 minutes     PSNR 21.7 (gray copy 20.9)
folder   any folder, some hundreds or more  2 CPU cores  15 minutes    PSNR 21.6 (gray copy 21.5) on 841 photographs
paper    ADE20K                             a GPU        not run yet
"""

from ml_collections import ConfigDict

from colorjax.config import model_config, run_config
from experiments import scale

VARIANTS = scale.SCALES


def model(chosen: str) -> ConfigDict:
    """The model section at the scale `chosen`."""
    return model_config("unet", norm="group", width=scale.small_width(chosen, 16, 64))


def get_config(variant: str = "") -> ConfigDict:
    """Return the run's config; `variant` is one of `VARIANTS`."""
    config = run_config()
    config.task.name = "colorize"
    config.model = model(scale.apply(config, variant))
    return config.lock()
