"""The blind denoisers that colorjax ships (`colorjax/pretrained/`), color and gray; docs/pretraining.md has every line.

    python launch.py train --config=experiments/pretrain_denoise.py:color_long --workdir=runs/denoise-color \
        --config.data.source=BSDS500:PHOTOGRAPHS:CLEAN --config.test_data.source=CBSD68
    python launch.py export --workdir=runs/denoise-color --checkpoint=last --output=newest.safetensors
    python launch.py train --config=experiments/pretrain_denoise.py:color_cool --workdir=runs/denoise-color-cool \
        --config.data.source=BSDS500:PHOTOGRAPHS:CLEAN --config.test_data.source=CBSD68 \
        --config.training.start_from=newest.safetensors
    python launch.py evaluate --config=... --workdir=...     with what `train` was given: the measure on CBSD68
    python launch.py train --config=experiments/pretrain_denoise.py:photo_long --workdir=runs/denoise-photo \
        --config.data.source=BSDS500:PHOTOGRAPHS:CLEAN --config.test_data.source=CBSD68
    python launch.py export --workdir=runs/denoise-photo --checkpoint=last --output=newest-photo.safetensors
    python launch.py train --config=experiments/pretrain_denoise.py:photo_cool --workdir=runs/denoise-photo-cool \
        --config.data.source=BSDS500:PHOTOGRAPHS:CLEAN --config.test_data.source=CBSD68 \
        --config.training.start_from=newest-photo.safetensors
    python launch.py sweep --config=experiments/pretrain_denoise.py:color_gpu --workdir=runs/denoisers \
        --config.data.source=BSDS500:PHOTOGRAPHS --config.test_data.source=CBSD68

BSDS500, PHOTOGRAPHS, CLEAN (any folders; CLEAN of photographs without noise, half of the patches are its) and CBSD68
are folders. The sweep trains both networks, color and gray.

variant                photographs                     hardware    running time  numbers to expect
color_long, gray_long  BSDS500, 841 of CC BY 2.0, 438  1 CPU core  days          color: average 29.2 / 30.1 / 30.4 in
                       clean ones                                                validation after 2,000 / 4,000 / 8,000
color_cool, gray_cool  the same                        1 CPU core  25 minutes    the card of denoise_color
photo_long             the same                        1 CPU core  not run yet   on 20 of CBSD68 more than the 29.87 of
                                                                                 denoise_color (noisy 29.33)
photo_cool             the same                        1 CPU core  not run yet   a little above photo_long's
color_cpu, gray_cpu    BSDS500, 841 of CC BY 2.0       1 CPU core  1 hour        the card of denoise_gray
color_gpu, gray_gpu    the same                        an H100     not run yet   DRUNet's are the aim: 34.30/31.69/28.51
color_smoke            the 9 in scikit-image           1 CPU core  2 minutes     PSNR at 25 of 255: 24.2 (noisy 20.5)
gray_smoke             the same                        the same    the same      the same

`long` and `cool`: a residual U-Net without biases and normalization, by Muon, on Gaussian noise of 0 to 55 of 255.
`photo`: the same network in color, from the weights of denoise_color on, for the noise of real photographs
(`noise/photograph.py`) of every level from 0, which leaves a picture as it is.

The others are from before it: a U-Net of which half the features inside a block are normalized (HINet), by Adam, on
that noise and in three patches of ten another kind (`noise/mixture.py`). All work at half size, on squares of 2x2
pixels (FFDNet).

The sweep's two runs are to fit into 25 minutes of one H100. A step of `gpu` takes 64 patches of 128x128, 1.05
megapixels at 1.1 TFLOP each; 40,000 steps are 46 PFLOP. In 12 minutes a run that is 58 megapixels or 64 TFLOP a second,
6.5% of the card's dense bfloat16 peak of 989. Photographs lie on the device, and crops, noise and flips are part of the
step (`benchmarks/denoisers_gpu.py` measures it).
"""

from ml_collections import ConfigDict

from colorjax.config import choose, model_config, run_config

TASKS = {"color": "denoise", "gray": "denoise_gray"}
SCALES = ("long", "cool", "cpu", "gpu", "smoke")
VARIANTS = (*(f"{kind}_{scale}" for scale in SCALES for kind in TASKS), "photo_long", "photo_cool")
STRONGEST = 55 / 255


def get_config(variant: str = "") -> ConfigDict:
    """Return the run's config; `variant` is one of `VARIANTS`."""
    kind, scale = choose(variant, VARIANTS).split("_")
    config = run_config()
    config.task.name = TASKS.get(kind, "denoise")
    config.task.loss = "charbonnier"
    config.task.noise.kind = "mixture"
    config.task.noise.level = (0.0, STRONGEST)
    config.data.name = "bsds500+photo_folder"
    config.data.training_splits = ("train", "test")  # the measure is CBSD68
    config.data.zoom = (0.6, 1.0)
    config.data.patch_size = 96
    config.data.workers = 0
    config.test_data.name = "cbsd68"
    config.optimizer.schedule = "cosine"
    config.optimizer.weight_average = 0.999
    config.protocol.noise_kind = "gaussian"
    config.protocol.noise_level = 25 / 255
    config.inference.patch_size = 512
    {"long": long, "cool": cool, "cpu": cpu, "gpu": gpu, "smoke": smoke}[scale](config)
    if kind == "photo":
        photo(config)
    return config.lock()


def sweep(add) -> None:
    """Add both networks; they differ in the task alone."""
    for task in TASKS.values():
        add(**{"task.name": task})


def long(config: ConfigDict) -> None:
    """As many hours as there are: 8 patches of 96x96 a step at a constant rate, the average of the weights in use."""
    config.model = model_config("bias_free_unet", width=32, depth=2, blocks=2, fold=2)
    config.task.noise.kind = "gaussian"
    config.data.name = "bsds500+photo_folder+photo_folder"
    config.data.shares = (0.25, 0.25, 0.5)
    config.data.patches_per_epoch = 8_000
    config.optimizer.name = "muon"
    config.optimizer.learning_rate = 0.01
    config.optimizer.weight_decay = 0.1
    config.optimizer.weight_average = 0.9995
    config.optimizer.warmup_steps = 100
    config.optimizer.schedule = "constant"
    config.training.batch_size = 8
    config.training.epochs = 1_000
    config.training.log_every = 100
    config.training.validate_every = 2000
    config.training.checkpoint_every = 500
    config.training.validation_photographs = 16  # the first of BSDS500's


def cool(config: ConfigDict) -> None:
    """The end of `long`, from its newest weights: down to a rate of zero."""
    long(config)
    config.optimizer.schedule = "linear"
    config.optimizer.weight_average = 0.99  # the last rates are so small that no longer one is needed
    config.training.epochs = 3
    config.training.validate_every = 1000
    config.training.validation_photographs = 32  # all of BSDS500's


def photo(config: ConfigDict) -> None:
    """The noise of real photographs, from the weights for Gaussian noise on."""
    config.task.noise.kind = "photograph"
    config.task.noise.level = (0.0, 1.0)
    config.training.start_from = "denoise_color"
    config.protocol.noise_kind = "photograph"
    config.protocol.noise_level = 0.5


def cpu(config: ConfigDict) -> None:
    """An hour on one core: 12,000 steps of 8 patches of 96x96."""
    config.model = network(width=32)
    config.data.patches_per_epoch = 8_000
    config.optimizer.learning_rate = 1e-3
    config.optimizer.warmup_steps = 200
    config.training.batch_size = 8
    config.training.epochs = 12
    config.training.log_every = 100
    config.training.validate_every = 2000
    config.training.checkpoint_every = 500
    config.training.validation_photographs = 8


def network(width: int, dtype: str = "float32") -> ConfigDict:
    """The model section."""
    return model_config("unet", width=width, depth=2, blocks=2, fold=2, norm="group", block="half", dtype=dtype)


def gpu(config: ConfigDict) -> None:
    """40,000 steps of 64 patches of 128x128, twice the width, in bfloat16."""
    cpu(config)
    config.model = network(width=64, dtype="bfloat16")
    config.data.placement = "device"
    config.data.patch_size = 128
    config.data.patches_per_epoch = 64_000
    config.training.batch_size = 64
    config.training.epochs = 40


def smoke(config: ConfigDict) -> None:
    """The photographs in the scikit-image wheel, a few steps."""
    cpu(config)
    config.data.name = "skimage_photos"
    config.data.training_splits = ("train",)
    config.test_data.name = ""
    config.data.patches_per_epoch = 400
    config.training.epochs = 1
    config.optimizer.warmup_steps = 10
    config.optimizer.weight_average = 0.9
    config.training.log_every = 10
    config.training.validate_every = 50
    config.training.checkpoint_every = 50
