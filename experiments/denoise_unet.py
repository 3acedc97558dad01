"""The four U-Nets of Komatsu and Gonsalves as blind denoisers, on each of their five noises.

After "Comparing U-Net Based Models for Denoising Color Images" (AI, 2020), on which the denoising half of Sugumar's
paper rests. Without a model in the variant, a table of all four; with one, a single run:

    python launch.py table --config=experiments/denoise_unet.py:smoke --workdir=runs/denoise
    python launch.py table --config=experiments/denoise_unet.py:gaussian --workdir=runs/gaussian \
        --config.data.source=FOLDER_OF_ADE20K
    python launch.py train --config=experiments/denoise_unet.py:camera_shake-residual --workdir=runs/shake \
        --config.data.source=FOLDER_OF_ADE20K

variant         photographs                      hardware     running time  numbers to expect
smoke           the 9 in the scikit-image wheel  2 CPU cores  6 minutes     PSNR: noisy input 26.1, U-Net 26.7, the
                                                                            same with group norm. 26.7, residual
                                                                            27.1, dense 26.3
NOISE[-MODEL]   ADE20K                           a GPU        not run yet

The numbers of `smoke` are from before the tiles of a picture shared their statistics, which may add
some tenths of a dB.

NOISE is one of gaussian (standard deviation 0.05, as in Sugumar), salt_and_pepper, clipped_whites, clipped_blacks and
camera_shake; MODEL is one of plain (no normalization), group_norm, residual and dense (both with group normalization).
`smoke` is gaussian.
"""

from ml_collections import ConfigDict

from colorjax.config import choose, model_config, run_config, table_config
from experiments import scale

# The level of each noise in training and in the measurement; colorjax/noise gives the units.
LEVELS = {
    "gaussian": 0.05,
    "salt_and_pepper": 0.05,
    "clipped_whites": 0.3,
    "clipped_blacks": 0.3,
    "camera_shake": 9.0,
}
MODELS = {
    "plain": ("U-Net", {"norm": "none", "block": "plain"}),
    "group_norm": ("U-Net, group norm.", {"norm": "group", "block": "plain"}),
    "residual": ("Residual U-Net", {"norm": "group", "block": "residual"}),
    "dense": ("Dense U-Net", {"norm": "group", "block": "dense"}),
}
VARIANTS = ("smoke", *LEVELS, *(f"{noise}-{model}" for noise in LEVELS for model in MODELS))


def get_config(variant: str = "") -> ConfigDict:
    """Return the config of a table, or of one run where `variant` names a model."""
    variant = choose(variant, VARIANTS)
    noise, _, single = variant.partition("-")
    chosen = "smoke" if noise == "smoke" else "paper"
    noise = "gaussian" if noise == "smoke" else noise
    config = run_config() if single else table_config()
    scale.apply(config, chosen)
    config.task.name = "denoise"
    config.task.noise.kind = noise
    config.task.noise.level = (LEVELS[noise], LEVELS[noise])
    config.protocol.noise_kind = noise
    config.protocol.noise_level = LEVELS[noise]
    width = scale.small_width(chosen, 8, 64)
    if single:
        config.model = model_config("unet", width=width, **MODELS[single][1])
        return config.lock()
    config.title = f"Denoising color photographs: {noise.replace('_', ' ')}"
    config.rows.observed.label = "Noisy input"
    for name, (label, fields) in MODELS.items():
        config.rows[name] = ConfigDict({"label": label, "model": model_config("unet", width=width, **fields)})
    return config.lock()
