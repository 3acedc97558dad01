"""Denoisers against kinds of noise: filters, wavelets, self-similarity, bundled, trained and published networks.

What section 4.4 of Sugumar's paper describes: methods down, noises across, PSNR in the cells. Each noise is a table of
its own in DIR/NOISE; DIR/report.html has all of them and some pictures.

    python launch.py table --config=experiments/denoising_table.py:smoke --workdir=runs/denoising
    python launch.py table --config=experiments/denoising_table.py --workdir=runs/denoising-cbsd68 \
        --config.test_data.source=FOLDER_OF_CBSD68
    python launch.py table --config=experiments/denoising_table.py:learned --workdir=runs/denoising-learned \
        --config.data.source=FOLDER_OF_BSDS500 --config.test_data.source=FOLDER_OF_CBSD68
    python launch.py weights dncnn --from=dncnn_color_blind.pth
    python launch.py weights ffdnet --from=ffdnet_color.pth
    python launch.py weights drunet --from=drunet_color.pth
    python launch.py table --config=experiments/denoising_table.py:published --workdir=runs/denoising-published \
        --config.test_data.source=FOLDER_OF_CBSD68

variant    photographs                    hardware     running time  numbers to expect
untrained  the 68 of CBSD68               2 CPU cores  80 minutes    docs/results.md has 5 of the photographs
real       the same                       2 CPU cores  80 minutes    the same
learned    the same; BSDS500 to train on  a GPU        not run yet
..._small  the same, 10 of the 68         2 CPU cores  an hour       docs/results.md
published  the same                       a GPU        not run yet       Gaussian 25: PSNR 31.23, 31.21, 31.69 (papers)
smoke      2 of those in scikit-image     2 CPU cores  4 minutes     PSNR at Gaussian 25: BM3D about 31, bundled 31.4

`real` has the noises of people's files, all cut off at black and white and rounded to 8 bits: Gaussian, a camera's,
film grain, JPEG, and what happens to photographs in random order. Where the noise is Gaussian, its level is told to the
classical methods; of other noises they estimate it. The bundled networks are never told: one was trained on Gaussian
noise alone, the other on the noises of photographs. `learned` adds the four U-Nets of Komatsu and Gonsalves, one of
them with a discriminator besides (after their third loss), and the denoisers of the literature, each trained on every
noise, on as many patches; FFDNet and DRUNet are told the level. `learned_small` has narrow networks and five of the
noises. `published` adds weights of others, which are not fetched: `weights` says where the files are. With
--config.rows.published_ffdnet.method.told=False a network with a map estimates the level, and its row has the hash of
the others.
"""

from ml_collections import ConfigDict

from colorjax.config import choose, method_config, model_config, objective_config, table_config
from experiments import denoise_unet, scale

LEARNED = ("learned", "learned_small")
VARIANTS = ("untrained", "real", *LEARNED, "published", "smoke")

# Komatsu and Gonsalves do not give the levels of their noises; those of camera shake and clipping are this project's.
NOISES = {
    "gaussian_15": ("Gaussian 15", "gaussian", 15 / 255),
    "gaussian_25": ("Gaussian 25", "gaussian", 25 / 255),
    "gaussian_50": ("Gaussian 50", "gaussian", 50 / 255),
    "poisson": ("Poisson", "poisson", 0.1),
    "speckle": ("Speckle", "speckle", 0.2),
    "salt_and_pepper": ("Salt and pepper", "salt_and_pepper", 0.05),
    "clipped_whites": ("Clipped whites", "clipped_whites", 0.3),
    "clipped_blacks": ("Clipped blacks", "clipped_blacks", 0.3),
    "camera_shake": ("Camera shake", "camera_shake", 9.0),
}

# The kinds that Komatsu and Gonsalves have.
FIVE = ("gaussian_25", "salt_and_pepper", "clipped_whites", "clipped_blacks", "camera_shake")

# Of files with 8 bits, as strong as they are in photographs that one would want to restore.
REAL_NOISES = {
    "gaussian_25": ("Gaussian 25", "gaussian", 25 / 255),
    "gaussian_50": ("Gaussian 50", "gaussian", 50 / 255),
    "camera": ("Camera", "camera", 0.05),
    "film_grain": ("Film grain", "film_grain", 0.08),
    "jpeg": ("JPEG of quality 40", "jpeg", 0.6),
    "photograph": ("All, in random order", "photograph", 0.5),
}

METHODS = {
    "gaussian": ("Gaussian", {}),
    "bilateral": ("Bilateral", {}),
    "gaussian_bilateral": ("Gaussian, then bilateral", {}),
    "median": ("Median", {}),
    "wavelet": ("Wavelet, BayesShrink", {}),
    "wavelet_visu": ("Wavelet, VisuShrink", {"threshold": "VisuShrink"}),
    "total_variation": ("Total variation", {}),
    "non_local_means": ("Non-local means", {}),
    "bm3d": ("CBM3D", {}),
}

# Denoisers of the literature: label, task, and the fields of the model that differ from its defaults.
NETWORKS = {
    "dncnn_17": ("DnCNN, 17 layers", "denoise", {"name": "dncnn", "depth": 17}),
    "dncnn_20": ("DnCNN, 20 layers", "denoise", {"name": "dncnn", "depth": 20}),
    "ffdnet": ("FFDNet, told", "denoise_told", {"name": "ffdnet"}),
    "win5": ("WIN5-RB", "denoise", {"name": "win5"}),
    "drunet": ("DRUNet, told", "denoise_told", {"name": "drunet"}),
    "autoencoder": ("Denoising autoencoder", "denoise", {"name": "denoising_autoencoder"}),
}
# After the third loss of Komatsu and Gonsalves, whose weights are not established: that of the adversarial term has to
# L1 in [0, 1] the proportion that pix2pix has. The discriminator sees the noisy image beside the denoised or true one.
ADVERSARIAL = {
    "label": "U-Net, group norm., L1 and adversarial",
    "task": {"loss": "l1"},
    "optimizer": {"learning_rate": 2e-4, "adam_beta1": 0.5},
}
ADVERSARIAL_WEIGHT = 0.005
# Of their papers; the others take the shared rate.
LEARNING_RATES = {"ffdnet": 1e-4, "drunet": 1e-4}
# What the networks have at the scale `learned_small` in place of their own fields: widths with which a step of eight
# patches of 32 pixels takes two cores a tenth of a second or less.
SMALL = {
    "unet": {"width": 8},
    "dncnn": {"width": 16},
    "ffdnet": {"width": 32},
    "win5": {"width": 16},
    "drunet": {"width": 8, "blocks": 2},
    "denoising_autoencoder": {"width": 16},
}
# Label, and name in the cache of what `launch.py weights` writes.
PUBLISHED = {
    "dncnn": ("CDnCNN-B, published", "dncnn_color_blind"),
    "ffdnet": ("FFDNet, published, told", "ffdnet_color"),
    "drunet": ("DRUNet, published, told", "drunet_color"),
}


def learned(config: ConfigDict, small: bool) -> None:
    """Add the rows that are trained, at sizes for two CPU cores where `small`."""

    def model(name: str, **fields) -> ConfigDict:
        return model_config(name, **fields, **(SMALL[name] if small else {}))

    for name, (label, fields) in denoise_unet.MODELS.items():
        config.rows[name] = ConfigDict({"label": label, "model": model("unet", **fields)})
    for name, (label, task, fields) in NETWORKS.items():
        # Tiles overlap by what a pixel of DnCNN, FFDNet or WIN5-RB depends on, so that they have no seams.
        settings = {"task": {"name": task}, "inference": {"overlap": 64}}
        if name in LEARNING_RATES and not small:
            settings["optimizer"] = {"learning_rate": LEARNING_RATES[name]}
        if small:
            settings["inference"]["patch_size"] = 256
        config.rows[name] = ConfigDict({"label": label, "model": model(**fields), **settings})
    judge = {"width": 16, "layers": 2} if small else {}
    config.rows.adversarial = ConfigDict(
        {
            **ADVERSARIAL,
            "model": model("unet", **denoise_unet.MODELS["group_norm"][1]),
            "objective": objective_config("adversarial", terms={"task": 1.0}, weight=ADVERSARIAL_WEIGHT, **judge),
        }
    )
    config.data.name = "bsds500"
    if small:
        config.data.patch_size = 32
        config.data.patches_per_epoch = 320
        config.optimizer.learning_rate = 3e-3
        config.training.validate_every = config.training.checkpoint_every = 200
        for name in set(NOISES) - set(FIVE):
            del config.noises[name]
        for name in set(METHODS) - {"median", "bm3d"}:
            del config.rows[name]
        config.test_data.photographs = 10


def get_config(variant: str = "") -> ConfigDict:
    """Return the table's config; `variant` is one of `VARIANTS`."""
    variant = choose(variant, VARIANTS)
    config = table_config()
    if variant in LEARNED:
        scale.apply(config, "folder" if variant == "learned_small" else "paper")
        config.protocol.resize = "none"  # CBSD68 as it is
    config.title = "Denoisers and kinds of noise"
    config.task.name = "denoise"
    del config.rows["mean_color"]
    config.rows.observed.label = "Noisy input"
    for name, (label, kind, level) in (REAL_NOISES if variant == "real" else NOISES).items():
        config.noises[name] = ConfigDict({"label": label, "kind": kind, "level": level})
    for name, (label, settings) in METHODS.items():
        method = method_config(name.removesuffix("_visu"), told=True, **settings)
        config.rows[name] = ConfigDict({"label": label, "method": method})
    for name, label, weights in (
        ("shipped", "Bundled weights", "denoise_color"),
        ("shipped_photo", "Bundled weights, for photographs", "denoise_photo"),
    ):
        method = method_config("pretrained", weights=weights)
        config.rows[name] = ConfigDict({"label": label, "method": method})
    if variant in LEARNED:
        learned(config, small=variant == "learned_small")
    if variant == "published":
        for name, (label, weights) in PUBLISHED.items():
            method = method_config("pretrained", weights=weights, told="told" in label)
            config.rows[f"published_{name}"] = ConfigDict({"label": label, "method": method})
    config.test_data.name = "cbsd68"
    config.protocol.noisy_8_bits = variant == "real"
    if variant == "smoke":
        config.test_data.name = ""
        config.data.name = "skimage_photos"
        config.protocol.resize = "short_side"
        config.protocol.size = 128
    return config.lock()
