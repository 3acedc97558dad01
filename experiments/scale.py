"""How much of everything: the settings that go with the hardware and the photographs at hand, for all experiments.

Each function changes a config in place. `smoke` shows on two CPU cores that everything works, `folder` is what two
CPU cores can learn from a few hundred photographs in half an hour, `paper` is the full setting, for a GPU.
"""

from typing import Any

from ml_collections import ConfigDict

from colorjax.config import choose

SCALES = ("smoke", "folder", "paper")


def smoke(config: ConfigDict) -> None:
    """The photographs in the scikit-image wheel, 128x128 patches, 160 steps of 8: more would learn them by heart."""
    config.data.patch_size = 128
    config.data.zoom = (0.4, 1.0)
    config.data.rotate = 10.0
    config.data.patches_per_epoch = 128
    config.data.workers = 0  # so few photographs stay decoded in memory
    config.optimizer.learning_rate = 3e-4
    config.optimizer.schedule = "cosine"
    config.optimizer.warmup_steps = 20
    config.training.batch_size = 8
    config.training.epochs = 10
    config.training.log_every = 10
    config.training.validate_every = 40
    config.training.checkpoint_every = 80
    config.inference.patch_size = 128  # as in training, for group normalization's statistics depend on it
    config.protocol.resize = "short_side"
    config.protocol.size = 256


def folder(config: ConfigDict) -> None:
    """Any folder of photographs (config.data.source), 128x128 patches, 1,000 steps of 8."""
    smoke(config)
    config.data.name = "photo_folder"
    config.data.workers = 1
    config.data.zoom = (0.5, 1.0)
    config.data.patches_per_epoch = 800
    config.optimizer.learning_rate = 1e-3
    config.optimizer.warmup_steps = 50
    config.training.log_every = 50
    config.training.validate_every = 250
    config.training.checkpoint_every = 250


def paper(config: ConfigDict) -> None:
    """The first paper's: ADE20K, 90,067 patches of 256x256 an epoch, batches of 5, 30 epochs, Adam."""
    config.data.name = "ade20k"
    config.data.patch_size = 256
    config.data.patches_per_epoch = 90_067
    config.data.workers = 8
    config.training.batch_size = 5
    config.training.epochs = 30
    config.training.log_every = 100
    config.training.validate_every = 6000
    config.training.checkpoint_every = 6000


# Short sides of the pictures that the learned colorizers see, pixels, at the scales of `colorizer`.
SIDES = {"small": 64, "smoke": 32}


def whole_pictures(scale: str) -> dict[str, Any]:
    """The section `data` of a colorizer that sees pictures as a whole, the size of a patch, at the scale `scale`."""
    return {"patch_size": SIDES[scale], "zoom_of": "fit", "zoom": (1.0, 1.5), "rotate": 0.0}


def colorizer(config: ConfigDict, scale: str) -> None:
    """The learned colorizers: `small`, 4,000 steps of 8 pictures of any folder; `paper`, any folder; or `smoke`.

    At the scale `paper`, pictures are measured with a short side of 256 pixels.
    """
    smoke(config)
    config.task.name = "colorize"
    if scale == "smoke":
        config.training.epochs = 5
        return
    config.data.name = "photo_folder"
    config.protocol.size = 256
    full = scale == "paper"
    if full:
        config.data.patch_size = 256
    config.optimizer.learning_rate = 1e-3
    config.data.workers = 8 if full else 1
    config.data.patches_per_epoch = 3200
    config.optimizer.warmup_steps = 100
    config.training.log_every = 500 if full else 50
    config.training.validate_every = config.training.checkpoint_every = 10_000 if full else 500


def budgeted(row: ConfigDict, examples: int, batch_size: int) -> ConfigDict:
    """Return a table's row that is trained on so many examples in ten epochs, and validated and saved four times."""
    epochs, steps = 10, examples // batch_size
    with row.unlocked():
        for section in ("data", "training"):
            row[section] = row.get(section, ConfigDict())
        row.data.patches_per_epoch = examples // epochs
        row.training.epochs = epochs
        for key, times in (("log_every", 40), ("validate_every", 4), ("checkpoint_every", 4)):
            row.training[key] = max(1, steps // times)
    return row


def small_width(scale: str, small: int, full: int) -> int:
    """`small` where two CPU cores do the work, `full` at the paper's scale."""
    return full if scale == "paper" else small


def apply(config: ConfigDict, variant: str) -> str:
    """Set `config` to the scale named `variant` ("" for the first); return the scale's name."""
    scale = choose(variant, SCALES)
    {"smoke": smoke, "folder": folder, "paper": paper}[scale](config)
    return scale
