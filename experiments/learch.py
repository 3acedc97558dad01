"""The colorizer after Deshpande, Rock and Forsyth 2015 (LEARCH): a learned quadratic objective over filtered chroma.

    python launch.py table --config=experiments/learch.py:small --workdir=runs/learch --config.data.source=FOLDER

variant  photographs                            hardware     running time      numbers to expect
small    any folder of 300 or more              2 CPU cores  10 to 20 minutes  docs/results.md, "Ways of coloring"
paper    2,000 of ADE20K                        32 GB of     not run yet
                                                memory
smoke    the 9 in the scikit-image wheel        2 CPU cores  1 minute          none: it shows that everything works

It is fitted, not trained in steps: a fit that is stopped begins again; what was measured is kept. What is whose:

paper              the objective and its solution, a regression for each kind of scene, chroma of nine similar training
                   photographs among the features, the correction of the histogram (the second row leaves it out).
released program   chroma, filters, tolerance and iterations, constants of the histogram; `paper`: 5,000 pixels of each
                   photograph.
ours               everything else: see colorjax/methods/learch/method.py. The paper's photographs and scenes are not
                   known here.
"""

from ml_collections import ConfigDict

from colorjax.config import choose, method_config, table_config
from experiments import scale

VARIANTS = ("small", "paper", "smoke")
PHOTOGRAPHS = 2_000


def rows(chosen: str) -> dict[str, ConfigDict]:
    """The rows of the method at the scale `chosen`."""
    settings = {"small": {}, "paper": {"pixels": 5_000}, "smoke": {"steps": 200}}[chosen]
    labels = {"learch": "After Deshpande et al. 2015", "learch_plain": "After Deshpande, no histogram"}
    data = {"data": {"photographs": PHOTOGRAPHS}} if chosen == "paper" else {}
    return {
        name: ConfigDict(
            {"label": label, "method": method_config("learch", histogram=name == "learch", **settings), **data}
        )
        for name, label in labels.items()
    }


def get_config(variant: str = "") -> ConfigDict:
    """Return the table's config; `variant` is one of `VARIANTS`."""
    chosen = choose(variant, VARIANTS)
    config = table_config()
    scale.colorizer(config, chosen)
    config.title = "After Deshpande et al. 2015"
    config.rows.observed.label = "Gray copy of the input"
    config.rows.update(rows(chosen))
    if chosen == "paper":
        config.data.name = "ade20k"
    return config.lock()
