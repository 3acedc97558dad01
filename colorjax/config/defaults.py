"""The default of every setting, each listed once.

A *run* config describes one training run and its measurement. A *table* config has the same sections, which its rows
share, plus `rows`. Each row has a `model` to train or a `method` that needs no training; `rows.py` lists its other
keys. `tables.py` makes table configs, and `files.py` reads config files.

A config file defines `get_config(variant="")`, starting from `run_config()` or `table_config()`. All configs are locked
`ml_collections.ConfigDict`s, so a misspelt key is an error in a file as on the command line.
"""

import math
from collections.abc import Sequence

from ml_collections import ConfigDict

from colorjax.errors import UserError, nearest
from colorjax.metrics.info import ACCURACY_DISTANCE, SSIM_SIGMA, SSIM_WINDOW


def run_config() -> ConfigDict:
    """Return all settings of a run with their defaults, except the `model` section, which `model_config` returns."""
    config = ConfigDict()
    config.seed = 0  # for the weights, the crops and the noise
    config.data = ConfigDict(
        {
            "name": "skimage_photos",  # a name of datasets.DATASETS, or several: "bsds500+photo_folder"
            "source": "",  # folder of the original photographs; for several data sets, folders with ":" between
            "training_splits": ("train",),  # splits to train on
            "shares": (),  # each data set's share of the patches; () gives all photographs equal shares
            "data_dir": "",  # folder of the prepared data sets; "" for $TFDS_DATA_DIR or ~/tensorflow_datasets
            "photographs": 0,  # how many training photographs to use, drawn at random; 0 for all
            "photographs_seed": 0,  # seed of that draw; with one seed, a smaller draw is part of a larger one
            "patch_size": 256,  # pixels
            "patches_per_epoch": 90_067,
            "zoom": (1.0, 1.0),  # factor that enlarges a photograph, drawn between these two
            # "pixels"; "fit": at zoom 1 a patch is as wide as the photograph's short side; or "whole": at zoom 1 it is
            # the whole photograph, stretched into a square.
            "zoom_of": "pixels",
            "rotate": 0.0,  # degrees; the angle is drawn between minus and plus this
            "flip": True,  # mirror half of the patches left to right
            # Whether the patches with an even number and those with an odd one come from two halves of the photographs,
            # drawn anew in each epoch; for objectives that learn from unpaired photographs, such as "cycle".
            "unpaired": False,
            "placement": "host",  # or "device": keep the photographs on the device and crop there
            "workers": 2,  # processes that read photographs; 0 reads in the main process
        }
    )
    config.test_data = ConfigDict(
        {
            "name": "",  # data set to measure on; "" for config.data's
            "source": "",  # folder of its original photographs
            "split": "test",
            "photographs": 0,  # how many of them to measure on, chosen by their content; 0 for all
        }
    )
    config.task = ConfigDict(
        {
            "name": "denoise",
            "loss": "squared_error",
            "noise": {"kind": "none", "level": (0.0, 0.0)},  # each example's level is drawn between these two
            "bins": "",  # for colorize_zhang: a .npy file of bins of ab; "" for the bins of this project
        }
    )
    config.optimizer = ConfigDict(
        {
            # or "muon": muon for kernels, adam for the rest (docs/pretraining.md compares them); or "adadelta"
            "name": "adam",
            "learning_rate": 1e-3,
            "adam_learning_rate": 1e-3,  # with muon: for all weights that are not kernels
            "adam_beta1": 0.9,  # share of the mean gradient that Adam keeps in a step; 0.5 in adversarial trainings
            # or "cosine" or "linear", which fall to zero at the last step; or "constant_then_linear", in the last half
            "schedule": "constant",
            "warmup_steps": 0,
            "clip_norm": 0.0,  # largest norm of the whole gradient; 0 for no clipping
            "weight_decay": 0.0,  # this times the learning rate is the share of a kernel that a step subtracts
            "weight_average": 0.0,  # decay of the moving average of the weights; 0 for none
            "parts": {},  # PART -> settings that differ for this part of the objective, such as learning_rate
            "modules": {},  # MODULE -> the same for a module of the network; a learning rate of 0 keeps its weights
        }
    )
    config.objective = ConfigDict(
        {
            "name": "supervised",  # a key of colorjax.objectives.OBJECTIVES; `objective_config` makes other sections
            "terms": {"task": 1.0},  # weight of each term; the term "task" is the loss config.task.loss
        }
    )
    config.training = ConfigDict(
        {
            "batch_size": 5,  # over all devices together
            "epochs": 30,
            "log_every": 50,  # steps, as are the next two
            "validate_every": 1000,
            "checkpoint_every": 1000,
            "start_from": "",  # weights to start from: the name of bundled weights, or a file; "" for random ones
            "start_parts": "all",  # or "fitting": only the weights whose names and shapes the network has
            "keep": 3,  # how many of the newest checkpoints are kept, in addition to the best one
            "validation_split": "validation",  # split of config.data that determines the best checkpoint
            "validation_photographs": 16,  # how many photographs of that split are used, from the first one on
        }
    )
    config.inference = ConfigDict(
        {
            # "patches" works in tiles. In the other two modes the network receives the image as a whole: "whole" fits
            # it into one patch; "reduced" shrinks its short side to patch_size, and then brings the colors back to
            # full size along the image's edges.
            # A fourth, "stretched", is like "reduced" with a square of side patch_size.
            "picture": "patches",
            "patch_size": 256,  # pixels: the side of the largest tile, or the size in the other two modes
            "overlap": 32,  # pixels by which neighboring tiles overlap
            "batch_size": 4,  # tiles computed at a time, each on its own core
            # Statistics of group normalization: "shared" by the whole image, of a "window" around each pixel, or each
            # tile's "own".
            "statistics": "shared",
            "window": 96,  # pixels: the side of that window; the side of the training patches is a good choice
            "vividness": 0.5,  # of networks that predict a distribution over colors: from 0, the safe mean, to 1
        }
    )
    config.protocol = ConfigDict(
        {
            # `colorjax.evaluation.protocol.Protocol` describes each field.
            "name": "default",
            "resize": "none",  # or "short_side"
            "size": 256,
            "noise_kind": "none",
            "noise_level": 0.0,
            "noise_seed": 0,
            "noise_field": "picture",  # or "shared": one noise field for all pictures of a size
            "noisy_8_bits": False,  # whether methods get the noisy picture clipped and rounded, as a file is
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
    """Return the `data` section for the photographs to measure on; their split is `config.test_data.split`."""
    data = config.data.copy_and_resolve_references()
    # The choice of training photographs must not change the measurement, even if it uses the train split.
    data.photographs, data.training_splits = 0, ("train",)
    if config.test_data.name:
        data.name, data.source = config.test_data.name, config.test_data.source
    return data


def with_defaults(config: ConfigDict) -> ConfigDict:
    """Return a run's or a table's config with defaults filled in for settings added since it was saved."""
    config = config.copy_and_resolve_references()
    with config.unlocked():
        for section, settings in run_config().items():
            if section not in config:
                config[section] = settings
            elif isinstance(settings, ConfigDict) and isinstance(config[section], ConfigDict):
                for key, value in settings.items():
                    # The settings of an objective depend on its name, so the default objective's do not apply.
                    if key not in config[section] and section != "objective":
                        config[section][key] = value
    return config.lock()


def total_steps(config: ConfigDict) -> int:
    """Return the number of steps of a whole run. If needed, the next epoch fills up the last batch."""
    return count_steps(config.training.epochs, config.data.patches_per_epoch, config.training.batch_size)


def count_steps(epochs: int, patches_per_epoch: int, batch_size: int) -> int:
    """Return the number of steps of a whole run with these settings, see `total_steps`."""
    return math.ceil(epochs * patches_per_epoch / batch_size)


def choose(variant: str, variants: Sequence[str]) -> str:
    """Return `variant`, or the first of `variants` if it is "".

    Raises:
      UserError: `variant` is not one of `variants`.
    """
    if variant and variant not in variants:
        raise UserError(f"no variant {variant!r} in this config file; {nearest(variant, variants)}")
    return variant or variants[0]


def is_table(config: ConfigDict) -> bool:
    """Whether `config` describes a table rather than one run."""
    return "rows" in config


def require_run(config: ConfigDict) -> None:
    """Check that `config` describes a run.

    Raises:
      UserError: it describes a table.
    """
    if is_table(config):
        raise UserError("this config describes a table: use the command table, or another variant")
