"""Table 2: the fusion colorizer and a U-Net on 20 photographs and on more, adversarial systems, and trivial baselines.

After Ibraheem, Danach and Ghandour, "Colorization of Black and White Images Using a Hybrid Deep Learning Framework".

    python launch.py table --config=experiments/table2.py:smoke --workdir=runs/table2
    python launch.py table --config=experiments/table2.py:folder --workdir=runs/table2-folder \
        --config.data.source=FOLDER_OF_PHOTOGRAPHS
    python launch.py table --config=experiments/table2.py:learning_curve --workdir=runs/learning-curve \
        --config.data.source=FOLDER_OF_PHOTOGRAPHS

    python launch.py table --config=experiments/table2.py:pretrained_features --workdir=runs/pretrained-features \
        --config.data.source=FOLDER_OF_PHOTOGRAPHS
    python launch.py table --config=experiments/table2.py:pretrained_features_few --workdir=runs/pretrained-few \
        --config.data.source=FOLDER_WITH_FOLDERS_TRAIN_AND_TEST (test: photographs in color)

variant         photographs                      hardware     running time  numbers to expect
smoke           the 9 in the scikit-image wheel  2 CPU cores  some minutes  PSNR: gray copy 20.9, mean color 21.7, on
                                                                            all 5: fusion 22.1, U-Net 21.3
folder          any folder of 30 or more         2 CPU cores  an hour       docs/results.md, with random weights
learning_curve  any folder of 300 or more        2 CPU cores  85 minutes    docs/results.md has it for 841 photographs,
                                                                            with random weights
paper           any folder of 30 or more         a GPU        not run yet
pretrained_     any folder of 300 or more        2 CPU cores  2 hours       docs/results.md
features
..._few         20 for training, such as the set  the same     half an hour  the same
                of 20 that the paper speaks of

`pretrained_features` asks what the second paper claims and no one could measure without a download: what features of a
network trained on ImageNet bring. Its branch is EfficientNet-Lite0, whose weights come with a Python package
(requirements-pretrained.txt): pretrained, random and left out, on 20, 60, 200 and all photographs; with the ending _few
on 5, 10 and all of a set of some 20.

`smoke` trains on 2 photographs and on 5, the others on 20 and on all there are, `learning_curve` on 20, 60, 200 and all
with 3 seeds each. `smoke`, `folder` and `paper` also train the four adversarial systems that the paper only quotes, on
all photographs (experiments/gan.py says what is whose); in `folder` on as many examples as the others, the unpaired
ones, which are four networks, on half as many. The rows with the embedding zeroed, which `learning_curve` has not, show
what the branch brings. All but `smoke` want the published weights of Inception-ResNet-v2 and say how to get them; with
the ending -random_weights they go without.

The U-Net's numbers are from before the tiles of a picture shared their statistics, which may add
some tenths of a dB.
"""

from ml_collections import ConfigDict

from colorjax.config import choose, table_config
from experiments import colorize_unet, fusion, gan, scale

CURVE = "learning_curve"
PRETRAINED, PRETRAINED_FEW = "pretrained_features", "pretrained_features_few"
VARIANTS = (
    "smoke",
    *(s + ending for s in ("folder", CURVE, "paper") for ending in ("", fusion.RANDOM)),
    PRETRAINED,
    PRETRAINED_FEW,
)

SEEDS = (0, 1, 2)
# Training photographs; 0 stands for all there are.
FEW = {"smoke": 2}
CURVE_SIZES = {CURVE: (20, 60, 200, 0), PRETRAINED: (20, 60, 200, 0), PRETRAINED_FEW: (5, 10, 0)}
PRETRAINED_SEEDS = (0,)

# The rows of the paper's table that it quotes; here they are trained, on all photographs.
ADVERSARIAL = ("cycle_gan", "pix2pix", "asymmetric_cycle_gan", "dense_unet_gan")

# The paper's results. The four rows of GANs are quoted there.
ELSEWHERE = "near-infrared faces, another paper"
PUBLISHED = {
    "caption": "Ibraheem, Danach and Ghandour 2024: their own result, on the Kaggle Image Coloring Dataset, and four "
    "that they quote from another paper, which were measured on near-infrared pictures of faces. Their own result is "
    "about what a gray copy of the input scores on ordinary photographs.",
    "columns": ("Method", "PSNR", "SSIM"),
    "rows": (
        ("Proposed (fusion with Inception-ResNet-v2)", "22.8154", "0.9097"),
        (f"CycleGAN ({ELSEWHERE})", "29.204", "0.5664"),
        (f"Pix2pixGAN ({ELSEWHERE})", "31.2109", "0.8000"),
        (f"Asymmetric CycleGAN ({ELSEWHERE})", "28.4802", "0.4733"),
        (f"DenseUnet GAN ({ELSEWHERE})", "32.8144", "0.8106"),
    ),
}


def networks(chosen: str, patch_size: int, **fields) -> dict[str, tuple[str, ConfigDict]]:
    """The networks compared, by the name of their rows: what people call them, and what a row of theirs sets."""
    whole = fusion.settings(chosen)
    patches = {"inference": {"patch_size": patch_size}}  # as in training, for the sake of group normalization
    return {
        "fusion": ("Fusion network", ConfigDict({"model": fusion.model(chosen, **fields), **whole})),
        "zero": ("Fusion, embedding zeroed", ConfigDict({"model": fusion.model(chosen, embedding="zero"), **whole})),
        "unet": ("U-Net, group norm.", ConfigDict({"model": colorize_unet.model(chosen), **patches})),
    }


def branches(chosen: str) -> dict[str, tuple[str, ConfigDict]]:
    """The fusion network with features of an EfficientNet-Lite0 that knows ImageNet, of a random one, and of none."""
    whole = fusion.settings(chosen)
    kinds = {
        "pretrained": ("Fusion, ImageNet's features", {"branch": "efficientnet_lite0"}),
        "random": ("Fusion, random features", {"branch": "efficientnet_lite0", "weights": "random"}),
        "zero": ("Fusion, embedding zeroed", {"embedding": "zero"}),
    }
    return {
        name: (label, ConfigDict({"model": fusion.model(chosen, **fields), **whole}))
        for name, (label, fields) in kinds.items()
    }


def get_config(variant: str = "") -> ConfigDict:
    """Return the table's config; `variant` is one of `VARIANTS`."""
    variant, dash, _ = choose(variant, VARIANTS).partition("-")
    pretrained = variant in (PRETRAINED, PRETRAINED_FEW)
    curve = pretrained or variant == CURVE
    chosen = "folder" if curve else variant
    config = table_config()
    fusion.apply(config, chosen)
    if chosen == "paper":
        config.data.name = "photo_folder"  # the Kaggle set has no more than 20 photographs
    config.title = "Table 2: colorization from few photographs"
    config.published = ConfigDict(PUBLISHED)
    config.rows.observed.label = "Gray copy of the input"
    if chosen == "smoke":
        config.training.epochs = 5  # 80 steps: two photographs are soon known by heart
    if curve:
        of_what = "Pretrained features" if pretrained else "Colorization"
        config.title = f"{of_what} against the number of training photographs"
        config.training.epochs = 3
        config.training.validate_every = config.training.checkpoint_every = 150
    counts = CURVE_SIZES.get(variant, (FEW.get(chosen, 20), 0))
    fields = {"weights": "random"} if dash else {}
    compared = networks(chosen, config.data.patch_size, **fields)
    if variant == CURVE:
        del compared["zero"]
    elif pretrained:
        compared = branches(chosen)
    for name, (label, settings) in compared.items():
        for count in counts:
            row = ConfigDict({"label": f"{label}, {count or 'all'} photographs", **settings})
            row.data = ConfigDict({"photographs": count})
            row.series = label
            if curve:
                row.seeds = PRETRAINED_SEEDS if pretrained else SEEDS
            config.rows[f"{name}_{count or 'all'}"] = row
    if not curve:
        for system in ADVERSARIAL:
            row = gan.row(system, {"folder": "small"}.get(chosen, chosen))
            if chosen == "folder":
                examples = config.data.patches_per_epoch * config.training.epochs
                row = scale.budgeted(row, examples // (2 if row.data.unpaired else 1), row.training.batch_size)
            config.rows[system] = row
    return config.lock()
