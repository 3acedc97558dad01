"""Runs of half a minute, for the files that a release leaves behind; `make_released.py` makes them."""

from colorjax.config import model_config, run_config, table_config

try:
    from colorjax.sweeps.draws import log_uniform
except ModuleNotFoundError:  # its name before November 2026
    from colorjax.sweeps.draws import log_uniform

TASKS = {
    "denoise": ("denoise", "l1", "unet"),
    "denoise_gray": ("denoise_gray", "squared_error", "unet"),
    "bias_free": ("denoise", "l1", "bias_free_unet"),
    "colorize": ("colorize", "l1", "unet"),
    "colorize_bins": ("colorize_bins", "rarity_weighted_cross_entropy", "unet"),
    "begun": ("denoise", "squared_error", "unet"),
    "table": ("colorize", "l1", "unet"),
}


def get_config(variant=""):
    """Return the config of the run `variant`, a key of `TASKS`, or of the table."""
    task, loss, model = TASKS[variant]
    config = table_config() if variant == "table" else run_config()
    config.task.name, config.task.loss = task, loss
    if task.startswith("denoise"):
        config.task.noise.kind, config.task.noise.level = "gaussian", (0.05, 0.1)
        config.protocol.noise_kind, config.protocol.noise_level = "gaussian", 0.1
    network = model_config(model, width=4, depth=1)
    if variant == "table":
        config.rows.network = {"label": "Network", "model": network}
    else:
        config.model = network
    if variant.startswith("colorize"):
        config.inference.picture = "reduced"
        config.inference.patch_size = 32
    else:
        config.inference.patch_size, config.inference.overlap = 32, 8
    config.data.patch_size, config.data.patches_per_epoch, config.data.workers = 16, 64, 0
    config.optimizer.schedule, config.optimizer.clip_norm, config.optimizer.weight_average = "cosine", 1.0, 0.9
    config.training.batch_size, config.training.epochs = 8, 3
    config.training.log_every, config.training.validate_every, config.training.checkpoint_every = 1, 8, 8
    config.training.keep, config.training.validation_photographs = 1, 2
    config.protocol.resize, config.protocol.size = "short_side", 32
    return config.lock()


def search_space():
    """Return what the trials of the begun search draw."""
    return {"optimizer.learning_rate": log_uniform(1e-4, 1e-2)}
