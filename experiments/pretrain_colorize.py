"""The colorizer that colorjax ships (`colorjax/pretrained/`): a U-Net that classifies each pixel's color.

    python launch.py train --config=experiments/pretrain_colorize.py:cpu --workdir=runs/colorize \
        --config.data.source=PHOTOGRAPHS:LANDSCAPES:PHOTOS64
    python launch.py export --workdir=runs/colorize --output=colorize.safetensors
    python launch.py train --config=experiments/pretrain_colorize.py:cpu_second --workdir=runs/colorize-second \
        --config.data.source=PHOTOGRAPHS:LANDSCAPES --config.training.start_from=colorize.safetensors
    python launch.py evaluate --weights=colorize --workdir=runs/card \
        --config.data.source=PHOTOGRAPHS:LANDSCAPES --config.test_data.source=PHOTOGRAPHS:LANDSCAPES

PHOTOGRAPHS, LANDSCAPES and PHOTOS64 are folders of photographs; each is divided into those to train on, to validate
and to measure by their content.

variant     photographs                             hardware    running time  numbers to expect
cpu         841 of CC BY 2.0, 1,000 landscapes,     1 CPU core  1 hour        the card in colorjax/pretrained
            20,000 of 64x64 (Tiny ImageNet)
cpu_second  the first two, from the weights of cpu  1 CPU core  half an hour  the card
gpu         all three                               an H100     not run yet
smoke       the 9 in scikit-image                   1 CPU core  1 minute      PSNR about 20

Photographs of any size are fitted into patches of 64x64, whole or nearly so: what the network learns is what things
are, and their colors come back to full size along the picture's own edges. It works on squares of 2x2 pixels.
"""

from ml_collections import ConfigDict

from colorjax.config import choose, model_config, run_config

VARIANTS = ("cpu", "cpu_second", "gpu", "smoke")


def get_config(variant: str = "") -> ConfigDict:
    """Return the run's config; `variant` is one of `VARIANTS`."""
    config = run_config()
    config.task.name = "colorize_bins"
    config.task.loss = "rarity_weighted_cross_entropy"
    config.data.name = "photo_folder+photo_folder+photo_folder"
    config.data.zoom_of = "fit"
    config.data.zoom = (1.0, 1.6)
    config.data.patch_size = 64
    config.data.workers = 0
    config.test_data.name = "photo_folder+photo_folder"
    config.inference.picture = "reduced"
    config.inference.patch_size = 96
    config.optimizer.schedule = "cosine"
    config.optimizer.weight_average = 0.999
    {"cpu": cpu, "cpu_second": cpu_second, "gpu": gpu, "smoke": smoke}[choose(variant, VARIANTS)](config)
    return config.lock()


def network(width: int, dtype: str = "float32") -> ConfigDict:
    """The model section."""
    fields = {"width": width, "depth": 3, "blocks": 2, "fold": 2, "output_fold": 2, "norm": "group", "block": "half"}
    return model_config("unet", **fields, dtype=dtype)


def cpu(config: ConfigDict) -> None:
    """An hour on one core."""
    config.model = network(width=32)
    config.data.patches_per_epoch = 16_000
    config.optimizer.learning_rate = 1e-3
    config.optimizer.warmup_steps = 200
    config.training.batch_size = 16
    config.training.epochs = 7
    config.training.log_every = 100
    config.training.validate_every = 1400
    config.training.checkpoint_every = 500


def cpu_second(config: ConfigDict) -> None:
    """Half an hour more without the smallest photographs, at half the learning rate."""
    cpu(config)
    config.data.name = "photo_folder+photo_folder"
    config.data.zoom = (1.0, 2.0)
    config.optimizer.learning_rate = 5e-4
    config.training.epochs = 2
    config.training.validate_every = 1000


def gpu(config: ConfigDict) -> None:
    """Twice the width, in bfloat16, 20,000 steps of 128 patches."""
    cpu(config)
    config.model = network(width=64, dtype="bfloat16")
    config.data.workers = 8
    config.data.patches_per_epoch = 64_000
    config.training.batch_size = 128
    config.training.epochs = 40


def smoke(config: ConfigDict) -> None:
    """The photographs in the scikit-image wheel, a few steps."""
    cpu(config)
    config.data.name = "skimage_photos"
    config.test_data.name = ""
    config.data.patches_per_epoch = 400
    config.training.epochs = 1
    config.optimizer.warmup_steps = 10
    config.optimizer.weight_average = 0.9
    config.training.log_every = 5
    config.training.validate_every = 25
    config.training.checkpoint_every = 25
