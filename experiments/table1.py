"""Table 1: scribble colorization, a conventional CNN and a U-Net, from gray photographs.

After Sugumar, "Colorization of Digital Images: An Automatic and Efficient Approach through Deep learning".

    python launch.py table --config=experiments/table1.py:smoke  --workdir=runs/table1
    python launch.py table --config=experiments/table1.py:folder --workdir=runs/table1-folder \
        --config.data.source=FOLDER_OF_PHOTOGRAPHS
    python launch.py table --config=experiments/table1.py:paper  --workdir=runs/table1-paper \
        --config.data.source=FOLDER_OF_ADE20K

variant  photographs                        hardware     running time  numbers to expect
smoke    the 9 in the scikit-image wheel    2 CPU cores  4 minutes     PSNR: gray copy 20.9, mean color 21.7,
                                                               scribbles 28.3, by example 18.9, CNN 21.7, U-Net 21.7,
                                                               bundled weights 26.0
folder   any folder, some hundreds or more  2 CPU cores  30 minutes    docs/results.md has it for 841 photographs
paper    ADE20K                             a GPU        not run yet

Where `paper` differs from the paper: ADE20K's own splits have 20,210, 2,000 and 3,352 photographs (the paper speaks
of 21,010 and 3,052); accuracy, precision and sensitivity are this project's, as the paper does not define them; the
gray input has no noise, since every method here returns the input's own lightness: noise is denoise_unet.py's subject.
"""

from ml_collections import ConfigDict

from colorjax.config import method_config, table_config
from experiments import colorize_cnn, colorize_unet, scale

VARIANTS = scale.SCALES

# Table 1 as printed in the paper.
PUBLISHED = {
    "caption": "Sugumar, Table 1: on ADE20K, by measures that the paper does not define.",
    "columns": ("Method", "Accuracy", "Precision", "Sensitivity", "Loss", "PSNR", "MSE"),
    "rows": (
        ("Scribble Based Colorization", "81%", "80.2%", "85.2%", "0.10", "26.9", "0.821"),
        ("Conventional CNN", "82%", "79.6%", "84%", "0.11", "28.3", "0.828"),
        ("Proposed U-net Architecture", "94.3%", "96.2%", "93%", "0.03", "31.2", "0.621"),
    ),
}


def get_config(variant: str = "") -> ConfigDict:
    """Return the table's config; `variant` is one of `VARIANTS`."""
    config = table_config()
    config.title = "Table 1: colorization of gray photographs"
    config.published = ConfigDict(PUBLISHED)
    config.task.name = "colorize"
    config.rows.observed.label = "Gray copy of the input"
    chosen = scale.apply(config, variant)
    config.rows.scribble = ConfigDict({"label": "Scribbles (Levin et al.)", "method": method_config("scribble")})
    found = {"label": "By example (reference found)", "method": method_config("retrieved")}
    config.rows.by_example = ConfigDict(found)
    config.rows.cnn = ConfigDict({"label": "Conventional CNN", "model": colorize_cnn.model(chosen)})
    config.rows.unet = ConfigDict({"label": "U-Net, group norm.", "model": colorize_unet.model(chosen)})
    shipped = method_config("pretrained", weights="colorize")
    config.rows.shipped = ConfigDict({"label": "Bundled weights", "method": shipped})
    return config.lock()
