"""Adversarial colorizers: pix2pix, CycleGAN, an asymmetric CycleGAN, and a U-Net GAN with a dense block.

    python launch.py train    --config=experiments/gan.py:pix2pix-small --workdir=runs/pix2pix \
        --config.data.source=FOLDER_OF_PHOTOGRAPHS
    python launch.py evaluate --config=experiments/gan.py:pix2pix-small --workdir=runs/pix2pix \
        --config.data.source=FOLDER_OF_PHOTOGRAPHS

A variant is SYSTEM-SCALE; SYSTEM is one of pix2pix, pix2pix_rgb, cycle_gan, asymmetric_cycle_gan, dense_unet_gan.

scale  photographs                               hardware     running time      numbers to expect
small  any folder of 300 or more, of 256 pixels  2 CPU cores  20 to 60 minutes  not measured yet
paper  ADE20K, or any by --config.data.name      a GPU        not run yet
smoke  the 9 in the scikit-image wheel           2 CPU cores  some minutes      none: it shows that everything works

What is whose:

pix2pix               Isola et al. 2017: networks, loss, weight 100 of L1, Adam, batches of one, 286 pixels cropped to
                      256. In Lab: lightness in, a and b out, over 110. Ours: no dropout at test time, both parts moved
                      in one step.
pix2pix_rgb           the same from gray to RGB, in which nothing keeps the lightness.
cycle_gan             Zhu et al. 2017: networks, losses, weights 10 and 5, pool of 50, a rate that is constant for 100
                      epochs and falls in 100 more. A batch of two is one gray and one color picture of different
                      photographs; gray is three equal channels. Without pairs it can't be as near the truth as pix2pix.
asymmetric_cycle_gan  after the abstract of Sun et al. 2019: more capacity towards color than back, a U-Net's skips in a
                      residual generator, a pyramid in the discriminator. Widths, losses and weights are ours.
dense_unet_gan        after the abstract of Xu et al. 2021 and one re-implementation by others: a dense block at the
                      U-Net's bottleneck; adversarial, L1 and blurred error with that program's weights 1, 40 and (for
                      8-bit levels) 0.0004. Features of VGG-19 are left out; kernels and normalization are those of
                      pix2pix, and colors are in Lab: that is ours. It is named after the paper and is not its network.

`small` has widths of 16, 64 or 96 pixels, batches of more than one with instance normalization in place of batch
normalization (with a batch of one the two are the same but for scale and shift), and a rate that falls in the second
half. Colors of pix2pix and dense_unet_gan are predicted on a copy of a picture with a short side as in training and
brought to full size along its edges, which at the paper's 256 pixels changes nothing. The best checkpoint is the one
with the highest PSNR on the validation photographs, though what the discriminator likes costs PSNR.
"""

from typing import Any

from ml_collections import ConfigDict

from colorjax.config import choose, model_config, objective_config, run_config
from experiments import scale

SYSTEMS = ("pix2pix", "pix2pix_rgb", "cycle_gan", "asymmetric_cycle_gan", "dense_unet_gan")
SCALES = ("small", "paper", "smoke")
VARIANTS = tuple(f"{system}-{size}" for system in SYSTEMS for size in SCALES)

LABELS = {
    "pix2pix": "Pix2pix",
    "pix2pix_rgb": "Pix2pix, RGB",
    "cycle_gan": "CycleGAN, unpaired",
    "asymmetric_cycle_gan": "Asymmetric CycleGAN, after",
    "dense_unet_gan": "DenseUnet GAN, after",
}
UNPAIRED = ("cycle_gan", "asymmetric_cycle_gan")
LAB = ("pix2pix", "dense_unet_gan")

# Weight of the squared error of blurred colors, where a and b are divided by 110: 0.0004 for levels of 8 bits.
BLURRED = 4e-4 * 110**2


def networks(system: str, chosen: str) -> dict[str, ConfigDict]:
    """The model and the objective of a system at the scale `chosen`."""
    full = chosen == "paper"
    width = {"paper": 64, "small": 16, "smoke": 8}[chosen]
    norm = "batch" if full else "instance"
    judge = {"width": width, "layers": 3 if chosen != "smoke" else 2}
    if system in ("pix2pix", "pix2pix_rgb"):
        depth = {"paper": 8, "small": 6, "smoke": 5}[chosen]
        return {
            "model": model_config("pix2pix_unet", width=width, depth=depth, norm=norm),
            "objective": objective_config("adversarial", terms={"task": 100.0}, norm=norm, **judge),
        }
    if system == "dense_unet_gan":
        # The bottleneck has 2x2 pixels, so that the dense block has neighbors to look at.
        depth = {"paper": 7, "small": 5, "smoke": 4}[chosen]
        terms = {"task": 40.0, "blurred": BLURRED}
        return {
            "model": model_config("dense_unet_generator", width=width, depth=depth, norm=norm),
            "objective": objective_config("adversarial", terms=terms, norm=norm, **judge),
        }
    blocks = {"paper": 9, "small": 6, "smoke": 1}[chosen]
    if system == "cycle_gan":
        return {
            "model": model_config("resnet_generator", width=width, blocks=blocks),
            "objective": objective_config("cycle", **judge),
        }
    back = model_config("resnet_generator", width=max(4, width // 2), blocks=max(1, blocks * 2 // 3))
    judge["layers"] = {"paper": 5, "small": 4, "smoke": 3}[chosen]
    return {
        "model": model_config("resnet_generator", width=width, blocks=blocks, skips="concatenate"),
        "objective": objective_config("cycle", back=back, discriminator="pyramid", **judge),
    }


def settings(system: str, chosen: str) -> dict[str, dict[str, Any]]:
    """What a system sets in the shared sections, at the scale `chosen`; photographs and protocol are left alone."""
    unpaired, lab, full = system in UNPAIRED, system in LAB, chosen == "paper"
    side = {"paper": 256, "small": 64 if lab else 96, "smoke": 32}[chosen]
    batch = {"paper": 2 if unpaired else 1, "small": 2 if unpaired else 8, "smoke": 4}[chosen]
    steps = {"small": 4000, "smoke": 60}.get(chosen, 0)
    epochs = 200 if full else 10
    data = {"patch_size": side, "rotate": 0.0, "flip": True, "unpaired": unpaired}
    if full or lab:  # a little more than the patch is the whole short side, as 286 pixels that are cropped to 256
        data |= {"zoom_of": "fit", "zoom": (286 / 256, 286 / 256)}
    else:
        data |= {"zoom_of": "pixels", "zoom": (0.5, 1.0)}
    data["patches_per_epoch"] = 20_210 if full else steps * batch // epochs
    if lab:
        inference = {"picture": "reduced", "patch_size": side}
    else:  # in one tile where pictures are as large as the protocols here have them
        inference = {"picture": "patches", "patch_size": 512, "overlap": 64}
    return {
        "data": data,
        "task": {"name": "colorize" if lab else "colorize_rgb", "loss": "l1"},
        "optimizer": {
            "learning_rate": 2e-4,
            "adam_beta1": 0.5,
            "schedule": "constant_then_linear" if unpaired or not full else "constant",
            "warmup_steps": 0,
        },
        "training": {
            "batch_size": batch,
            "epochs": epochs,
            "log_every": {"paper": 500, "small": 50, "smoke": 5}[chosen],
            "validate_every": {"paper": 20_000, "small": 500, "smoke": 30}[chosen],
            "checkpoint_every": {"paper": 20_000, "small": 500, "smoke": 30}[chosen],
        },
        "inference": inference,
    }


def row(system: str, chosen: str) -> ConfigDict:
    """The row of a table in which a system is trained and measured."""
    return ConfigDict({"label": LABELS[system], **settings(system, chosen), **networks(system, chosen)})


def get_config(variant: str = "") -> ConfigDict:
    """Return the run's config; `variant` is one of `VARIANTS`."""
    system, _, chosen = choose(variant, VARIANTS).partition("-")
    config = run_config()
    scale.apply(config, {"small": "folder"}.get(chosen, chosen))
    if chosen == "paper":
        config.protocol.resize, config.protocol.size = "short_side", 256
    config.update(settings(system, chosen))
    built = networks(system, chosen)
    config.model, config.objective = built["model"], built["objective"]
    return config.lock()
