"""A colorizer that two CPU cores train in seconds, in enough steps to be met in the middle; its sweep is of one run.

The photographs are those in the scikit-image wheel, the network is a U-Net of 4 to 16 channels on patches of 32x32.
"""

from ml_collections import ConfigDict

from colorjax.config import model_config, run_config
from colorjax.sweeps.draws import Space, log_uniform


def get_config(variant: str = "") -> ConfigDict:
    """Return the run's config."""
    del variant
    config = run_config()
    config.task.name = "colorize"
    config.model = model_config("unet", norm="group", width=4, depth=2)
    config.data.patch_size = 32
    config.data.zoom = (0.4, 1.0)
    config.data.patches_per_epoch = 400
    config.data.workers = 0
    config.optimizer.schedule = "cosine"
    config.optimizer.weight_average = 0.9
    config.training.batch_size = 4
    config.training.epochs = 2  # 200 steps
    config.training.log_every = 5
    config.training.validate_every = 100
    config.training.checkpoint_every = 50
    config.training.validation_photographs = 1
    config.inference.patch_size = 32
    config.inference.overlap = 8
    config.inference.batch_size = 64
    config.protocol.resize = "short_side"
    config.protocol.size = 64
    return config.lock()


def sweep(add) -> None:
    """Add the one run."""
    add(seed=1)


def search_space() -> Space:
    """Return what a search draws from."""
    return {"optimizer.learning_rate": log_uniform(1e-4, 1e-2)}
