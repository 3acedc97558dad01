"""A CycleGAN that two CPU cores train in seconds, with its image pools; its sweep is of one run.

The photographs are those in the scikit-image wheel.
"""

from ml_collections import ConfigDict

from experiments import gan


def get_config(variant: str = "") -> ConfigDict:
    """Return the run's config."""
    del variant
    config = gan.get_config("cycle_gan-smoke")
    with config.unlocked():
        config.model.width = 4
        config.objective.width = 4
        config.objective.pool = 6
        config.data.patches_per_epoch = 80
        config.data.workers = 0
        config.training.batch_size = 4
        config.training.epochs = 2  # 40 steps
        config.training.log_every = 5
        config.training.validate_every = 20
        config.training.checkpoint_every = 20
        config.training.validation_photographs = 1
        config.inference.patch_size = 64
        config.inference.overlap = 8
        config.protocol.resize = "short_side"
        config.protocol.size = 64
    return config.lock()


def sweep(add) -> None:
    """Add the one run."""
    add(seed=1)
