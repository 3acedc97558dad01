"""The blind denoisers that colorjax ships (`colorjax/pretrained/`), color and gray; docs/pretraining.md has every line.

    python launch.py train --config=experiments/pretrain_denoise.py:color_long --workdir=runs/denoise-color \
        --config.data.source=BSDS500:PHOTOGRAPHS:CLEAN --config.test_data.source=CBSD68
    python launch.py export --workdir=runs/denoise-color --checkpoint=last --output=newest.safetensors
    python launch.py train --config=experiments/pretrain_denoise.py:color_cool --workdir=runs/denoise-color-cool \
        --config.data.source=BSDS500:PHOTOGRAPHS:CLEAN --config.test_data.source=CBSD68 \
        --config.training.start_from=newest.safetensors
    python launch.py evaluate --config=... --workdir=...     with what `train` was given: the measure on CBSD68
    python launch.py sweep --config=experiments/pretrain_denoise.py:color_gpu --workdir=runs/denoisers \
        --config.data.source=BSDS500:PHOTOGRAPHS:CLEAN --config.test_data.source=CBSD68

BSDS500, PHOTOGRAPHS, CLEAN (any folders; CLEAN of photographs without noise, half of the patches are its) and CBSD68
are folders. The sweep trains all four networks.

variant     photographs                     hardware     running time  numbers to expect
KIND_long   BSDS500, 841 of CC BY 2.0, 438  1 CPU core   hours         color: average 29.2 / 30.1 / 30.4 in
            clean ones                                                 validation after 2,000 / 4,000 / 8,000
KIND_cool   the same                        2 CPU cores  15 minutes    the network's card (colorjax/pretrained)
KIND_gpu    the same                        an H100      not run yet   DRUNet's are the aim: 34.30/31.69/28.51
KIND_smoke  the 9 in scikit-image           1 CPU core   1 minute      color: PSNR at 25 of 255: 23.2 (noisy 20.5)

KIND is color, gray, photo or photo_gray. All are residual U-Nets without biases and normalization, trained by Muon,
that work at half size, on squares of 2x2 pixels (FFDNet). `color` and `gray` learn from Gaussian noise of 0 to 55 of
255; the photo ones from the noise of real photographs (`noise/photograph.py`) of every level from 0, which leaves a
picture as it is. All but `color` begin with the weights of another (`BEGINNINGS`). `long` has a constant rate; `cool`
ends it, in the last fifth of the steps or so, down to a rate of zero and on larger patches.

The sweep's four runs are to fit into an hour of one H100. The network of `gpu` has the width and the blocks of DRUNet
on squares of 2x2, so a quarter of its work. A step takes 64 patches of 128x128, 1.05 megapixels or 3.1 TFLOP; 24,000
steps are 75 PFLOP. In 12 minutes a run that is 104 TFLOP a second, 11% of the card's dense bfloat16 peak of 989. A
tensor at the network's full size is 34 MB in bfloat16; what the gradient keeps for 64 patches is 1.9 GB.
Photographs lie on the device, and crops, noise and flips are part of the step (`benchmarks/denoisers_gpu.py` measures
it).
"""

from ml_collections import ConfigDict

from colorjax.config import choose, model_config, run_config

TASKS = {"color": "denoise", "gray": "denoise_gray", "photo": "denoise", "photo_gray": "denoise_gray"}
SCALES = ("long", "cool", "gpu", "smoke")
VARIANTS = tuple(f"{kind}_{scale}" for scale in SCALES for kind in TASKS)
STRONGEST = 55 / 255
# The weights that a kind begins with.
BEGINNINGS = {"color": "", "gray": "denoise_color", "photo": "denoise_color", "photo_gray": "denoise_gray"}


def get_config(variant: str = "") -> ConfigDict:
    """Return the run's config; `variant` is one of `VARIANTS`."""
    kind, scale = choose(variant, VARIANTS).rsplit("_", 1)
    config = run_config()
    config.task.name = TASKS[kind]
    config.task.loss = "charbonnier"
    config.task.noise.kind = "gaussian"
    config.task.noise.level = (0.0, STRONGEST)
    config.data.training_splits = ("train", "test")  # the measure is CBSD68
    config.data.zoom = (0.6, 1.0)
    config.data.patch_size = 96
    config.data.workers = 0
    config.test_data.name = "cbsd68"
    config.protocol.noise_kind = "gaussian"
    config.protocol.noise_level = 25 / 255
    config.inference.patch_size = 512
    {"long": long, "cool": cool, "gpu": gpu, "smoke": smoke}[scale](config)
    if kind.startswith("photo"):
        photo(config)
    # Of the other scales the networks have other sizes, or must do without.
    if scale in ("long", "cool") and BEGINNINGS[kind]:
        config.training.start_from = BEGINNINGS[kind]
        config.training.start_parts = "fitting"  # all but the first and the last layer, for gray
    return config.lock()


def sweep(add) -> None:
    """Add all four networks; they differ in the task and its noise."""
    for task in ("denoise", "denoise_gray"):
        add(**{"task.name": task})
        add(**{"task.name": task, "task.noise.kind": "photograph", "task.noise.level": (0.0, 1.0)})


def long(config: ConfigDict) -> None:
    """As many hours as there are: 8 patches of 96x96 a step at a constant rate, the average of the weights in use."""
    config.model = model_config("bias_free_unet", width=32, depth=2, blocks=2, fold=2)
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
    """The end of `long`, from its newest weights: down to a rate of zero, on patches of 128x128."""
    long(config)
    config.data.patch_size = 128
    config.optimizer.schedule = "linear"
    config.optimizer.weight_average = 0.99  # the last rates are so small that no longer one is needed
    config.training.epochs = 2
    config.training.validate_every = 1000
    config.training.validation_photographs = 32  # all of BSDS500's


def photo(config: ConfigDict) -> None:
    """The noise of real photographs."""
    config.task.noise.kind = "photograph"
    config.task.noise.level = (0.0, 1.0)
    config.protocol.noise_kind = "photograph"
    config.protocol.noise_level = 0.5


def gpu(config: ConfigDict) -> None:
    """24,000 steps of 64 patches of 128x128 in bfloat16, at DRUNet's width and depth."""
    long(config)
    config.model = model_config("bias_free_unet", width=64, depth=3, blocks=4, fold=2, dtype="bfloat16")
    config.data.placement = "device"
    config.data.patch_size = 128
    config.data.patches_per_epoch = 64_000
    config.optimizer.learning_rate = 0.02
    config.optimizer.schedule = "linear"
    config.optimizer.weight_average = 0.999
    config.training.batch_size = 64
    config.training.epochs = 24


def smoke(config: ConfigDict) -> None:
    """The photographs in the scikit-image wheel, a few steps."""
    long(config)
    config.data.name = "skimage_photos"
    config.data.shares = ()
    config.data.training_splits = ("train",)
    config.test_data.name = ""
    config.data.patches_per_epoch = 400
    config.optimizer.schedule = "linear"
    config.optimizer.warmup_steps = 10
    config.optimizer.weight_average = 0.9
    config.training.epochs = 1
    config.training.log_every = 10
    config.training.validate_every = 50
    config.training.checkpoint_every = 50
    config.training.validation_photographs = 8
