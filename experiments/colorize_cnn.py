"""The conventional CNN, an encoder-decoder without skips, as a colorizer: gray in, the ab channels of CIE Lab out.

    python launch.py train    --config=experiments/colorize_cnn.py:smoke --workdir=runs/colorize-cnn
    python launch.py evaluate --config=experiments/colorize_cnn.py:smoke --workdir=runs/colorize-cnn

`folder` and `paper` want --config.data.source=FOLDER, as in table1.py, whose CNN row this is.

variant  photographs                        hardware     running time  numbers to expect
smoke    the 9 in the scikit-image wheel    2 CPU cores  2 minutes     PSNR 21.3 (gray copy 20.9)
folder   any folder, some hundreds or more  2 CPU cores  15 minutes    docs/results.md has it for 841 photographs
paper    ADE20K                             a GPU        not run yet
"""

from ml_collections import ConfigDict

from colorjax.config import model_config, run_config
from experiments import scale

VARIANTS = scale.SCALES


def model(chosen: str) -> ConfigDict:
    """The model section at the scale `chosen`."""
    return model_config("cnn", width=scale.small_width(chosen, 16, 64))


def get_config(variant: str = "") -> ConfigDict:
    """Return the run's config; `variant` is one of `VARIANTS`."""
    config = run_config()
    config.task.name = "colorize"
    config.model = model(scale.apply(config, variant))
    return config.lock()
