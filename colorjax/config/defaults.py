"""The default of every setting, each listed once; `files.py` reads config files, `tables.py` has those of tables.

A *run* config describes one training run and its measurement; a *table* config has the same sections, which its
rows share, plus `rows`, each with a `model` to train or a `method` that needs no training (`rows.py` has all that a
row may say). A config file defines `get_config(variant="")`, starting from `run_config()` or `table_config()`; all
configs are locked `ml_collections.ConfigDict`s, so a misspelt key in a file is as much an error as one on the command
line.
"""

import math
from collections.abc import Sequence

from ml_collections import ConfigDict

from colorjax.errors import UserError, nearest
from colorjax.metrics.info import ACCURACY_DISTANCE, SSIM_SIGMA, SSIM_WINDOW


def run_config() -> ConfigDict:
    """Every key of a training run but those of `model`, with its default; `model_config` gives that section."""
    config = ConfigDict()
    config.seed = 0  # of the weights, the crops and the noise
    config.data = ConfigDict(
        {
            "name": "skimage_photos",  # a name of datasets.DATASETS, or several: "bsds500+photo_folder"
            "source": "",  # folder of the original photographs, or those of several, with ":" between (as in PATH)
            "training_splits": ("train",),  # which of the splits are trained on
            "shares": (),  # of the patches, for each of several data sets; () for equal shares of all photographs
            "data_dir": "",  # where prepared data sets lie; "" for $TFDS_DATA_DIR or ~/tensorflow_datasets
            "photographs": 0,  # training photographs to use, drawn from the train split; 0 for all
            "photographs_seed": 0,  # which of them are drawn; for one seed, fewer are among more
            "patch_size": 256,  # pixels
            "patches_per_epoch": 90_067,
            "zoom": (1.0, 1.0),  # factor by which a photograph is enlarged, drawn between the two
            "zoom_of": "pixels",  # or "fit": at zoom 1 a patch is as wide as the photograph's short side
            "rotate": 0.0,  # degrees, drawn between minus and plus this
            "flip": True,  # left to right, for one patch in two
            "placement": "host",  # or "device": keep the photographs on the device and crop there
            "workers": 2,  # reading processes; 0 reads in the main one
        }
    )
    config.test_data = ConfigDict(
        {
            "name": "",  # data set to measure on; "" for config.data's
            "source": "",  # its folder of originals
            "split": "test",
        }
    )
    config.task = ConfigDict(
        {
            "name": "denoise",
            "loss": "squared_error",
            "noise": {"kind": "none", "level": (0.0, 0.0)},  # level drawn between the two for every example
        }
    )
    config.optimizer = ConfigDict(
        {
            "name": "adam",  # or "muon": for kernels, adam for the rest; docs/pretraining.md says when to take which
            "learning_rate": 1e-3,
            "adam_learning_rate": 1e-3,  # with muon: of what is no kernel
            "schedule": "constant",  # or down to zero at the last step: "cosine", "linear"
            "warmup_steps": 0,
            "clip_norm": 0.0,  # of the whole gradient; 0 for no clipping
            "weight_decay": 0.0,  # times the learning rate: the share of a kernel that a step takes off it
            "weight_average": 0.0,  # decay of the moving average of the weights; 0 for none
            "parts": {},  # of an objective with several: PART -> what is other for it, such as its learning_rate
        }
    )
    config.objective = ConfigDict(
        {
            "name": "supervised",  # of colorjax.objectives.OBJECTIVES; `objective_config` gives another one's section
            "terms": {"task": 1.0},  # weights of what is minimized; the task's own loss is config.task.loss
        }
    )
    config.training = ConfigDict(
        {
            "batch_size": 5,  # over all devices together
            "epochs": 30,
            "log_every": 50,  # steps, as are the next two
            "validate_every": 1000,
            "checkpoint_every": 1000,
            "start_from": "",  # weights to start from: a name that comes with colorjax, or a file; "" for random ones
            "start_parts": "all",  # or "fitting": of start_from, what has the network's names and shapes
            "keep": 3,  # newest checkpoints kept, beside the best
            "validation_split": "validation",  # of config.data: says which checkpoint is the best
            "validation_photographs": 16,  # the first so many of that split
        }
    )
    config.inference = ConfigDict(
        {
            # Or a picture goes through the network once and alone: "whole", fitted into one patch, or "reduced" to a
            # short side of patch_size, its colors brought back to full size along the picture's edges.
            "picture": "patches",
            "patch_size": 256,  # pixels: the side of the largest tile, or of that one patch
            "overlap": 32,  # pixels by which neighboring tiles overlap
            "batch_size": 4,  # tiles at work at a time, each on a core of its own
            "statistics": "shared",  # of group normalization: the whole picture's; or "window" around a pixel, or "own"
            "window": 96,  # pixels: the side of that window; the training patches' is a good one
        }
    )
    config.protocol = ConfigDict(
        {
            # `colorjax.evaluation.protocol.Protocol` says what each is.
            "name": "default",
            "resize": "none",  # or "short_side"
            "size": 256,
            "noise_kind": "none",
            "noise_level": 0.0,
            "noise_seed": 0,
            "clip": True,
            "round_to_8_bits": True,
            "channels": "color",  # or "luminance"
            "ssim_sigma": SSIM_SIGMA,
            "ssim_window": SSIM_WINDOW,
            "accuracy_distance": ACCURACY_DISTANCE,
            "psnr_ceiling": 100.0,
            "border": 0,
            "averaging": "picture",  # or "pixel"
        }
    )
    return config


def test_data_config(config: ConfigDict) -> ConfigDict:
    """The `data` section of the photographs that are measured on; their split is `config.test_data.split`."""
    data = config.data.copy_and_resolve_references()
    # What is trained on does not change what is measured, whatever the split is called.
    data.photographs, data.training_splits = 0, ("train",)
    if config.test_data.name:
        data.name, data.source = config.test_data.name, config.test_data.source
    return data


def with_defaults(config: ConfigDict) -> ConfigDict:
    """Return a run's or a table's config with the defaults of the settings that there were not when it was kept."""
    config = config.copy_and_resolve_references()
    with config.unlocked():
        for section, settings in run_config().items():
            if section not in config:
                config[section] = settings
            elif isinstance(settings, ConfigDict) and isinstance(config[section], ConfigDict):
                for key, value in settings.items():
                    if key not in config[section] and section != "objective":  # whose settings are its name's
                        config[section][key] = value
    return config.lock()


def total_steps(config: ConfigDict) -> int:
    """Return the number of steps of a whole run; the last batch goes into one more epoch as far as it needs to."""
    return count_steps(config.training.epochs, config.data.patches_per_epoch, config.training.batch_size)


def count_steps(epochs: int, patches_per_epoch: int, batch_size: int) -> int:
    """Return `total_steps` for these settings."""
    return math.ceil(epochs * patches_per_epoch / batch_size)


def choose(variant: str, variants: Sequence[str]) -> str:
    """Return `variant`, or the first of `variants` for "".

    Raises:
      UserError: `variant` is none of them.
    """
    if variant and variant not in variants:
        raise UserError(f"no variant {variant!r} in this config file; {nearest(variant, variants)}")
    return variant or variants[0]


def is_table(config: ConfigDict) -> bool:
    """Whether `config` describes a table rather than one run."""
    return "rows" in config


def require_run(config: ConfigDict) -> None:
    """Raise a `UserError` for the config of a table."""
    if is_table(config):
        raise UserError("this config describes a table: use the command table, or another variant")
