"""All ways of coloring that train nothing: by scribbles, by one reference, and by references that find themselves.

    python launch.py table --config=experiments/by_example.py --workdir=runs/by-example \
        --config.data.source=REFERENCES --config.test_data.source=PHOTOGRAPHS
    python launch.py table --config=experiments/by_example.py:smoke --workdir=runs/by-example-smoke

variant  photographs                            hardware     running time      numbers to expect
full     those of the second folder that were   2 CPU cores  10 to 20 s a      docs/results.md
         kept out of training; references are                picture
         the training photographs of the first
smoke    2 of those in scikit-image, its other  2 CPU cores  2 minutes         PSNR of scribbles about 28, of all
         7 as references                                                       others 19 to 22

With the same folder twice there are scenes of the same kind among the references, with two different ones there are
none. One reference is drawn at random from the training photographs, by the protocol's seed, and is the same for all
methods; the rows "found" choose by likeness in gray. The protocol's hash covers which reference each picture has.
"""

from ml_collections import ConfigDict

from colorjax.config import choose, method_config, table_config

VARIANTS = ("full", "smoke")

ONE_REFERENCE = {
    "reinhard": "Reinhard, any reference",
    "welsh": "Welsh, any reference",
    "irony": "Irony, any reference",
    "gupta": "Gupta, any reference",
}


def get_config(variant: str = "") -> ConfigDict:
    """Return the table's config; `variant` is one of `VARIANTS`."""
    config = table_config()
    config.title = "Coloring without training"
    config.task.name = "colorize"
    config.rows.observed.label = "Gray copy of the input"

    def row(row_name: str, label: str, method_name: str, **settings) -> None:
        config.rows[row_name] = ConfigDict({"label": label, "method": method_config(method_name, **settings)})

    row("scribble", "Levin, 40 drawn scribbles", "scribble")
    for method, label in ONE_REFERENCE.items():
        row(method, label, method)
    row("found_1", "Welsh, one reference found", "retrieved", count=1)
    row("found_5", "Welsh, five references found", "retrieved", count=5)
    row("found_5_gupta", "Gupta, five references found", "retrieved", count=5, method="gupta")
    if choose(variant, VARIANTS) == "smoke":
        config.data.name = config.test_data.name = "skimage_photos"
        config.protocol.resize = "short_side"
        config.protocol.size = 128
    else:
        config.data.name = config.test_data.name = "photo_folder"
    return config.lock()
