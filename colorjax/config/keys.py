"""What each setting of a run bears on, listed once; other files read off it the settings that matter to them.

The settings are those of `colorjax.config.defaults.run_config`, by whole names such as `optimizer.learning_rate`. The
fields of a model, the settings of another objective and those of `optimizer.parts` bear on the weights. This file needs
nothing but Python.
"""

import enum
import functools
import operator


class Bears(enum.Flag):
    """What a setting bears on.

    PLACE: where something lies on one machine.
    MACHINE: how a machine does its work; the result is the same.
    WEIGHTS: the weights of some training step.
    NETWORK: networks alone; a method that needs no training does not read it.
    CHOICE_OF_BEST: which of a run's checkpoints is its best one, and so which is measured.
    VALIDATION: what the validations of a training measure.
    MEASUREMENT: the numbers of an evaluation.
    PRESENTATION: what a person finds logged, kept or named.
    """

    PLACE = enum.auto()
    MACHINE = enum.auto()
    WEIGHTS = enum.auto()
    NETWORK = enum.auto()
    CHOICE_OF_BEST = enum.auto()
    VALIDATION = enum.auto()
    MEASUREMENT = enum.auto()
    PRESENTATION = enum.auto()


_TRAINING = Bears.WEIGHTS | Bears.NETWORK
_WHAT_IS_BEST = Bears.CHOICE_OF_BEST | Bears.NETWORK
_INFERENCE = Bears.MEASUREMENT | _WHAT_IS_BEST
_PROTOCOL = Bears.VALIDATION | Bears.MEASUREMENT

KEYS = {
    "seed": _TRAINING,
    "data.name": Bears.WEIGHTS | Bears.VALIDATION | Bears.MEASUREMENT,  # measured on, where test_data names no other
    "data.source": Bears.PLACE | Bears.WEIGHTS | Bears.VALIDATION | Bears.MEASUREMENT,
    "data.training_splits": Bears.WEIGHTS,
    "data.shares": Bears.WEIGHTS,
    "data.data_dir": Bears.PLACE,
    "data.photographs": Bears.WEIGHTS,
    "data.photographs_seed": Bears.WEIGHTS,
    "data.patch_size": Bears.WEIGHTS,
    "data.patches_per_epoch": Bears.WEIGHTS,
    "data.zoom": Bears.WEIGHTS,
    "data.zoom_of": Bears.WEIGHTS,
    "data.rotate": Bears.WEIGHTS,
    "data.flip": Bears.WEIGHTS,
    "data.placement": Bears.WEIGHTS,  # a host and a device round a turned crop differently
    "data.workers": Bears.MACHINE,
    "test_data.name": Bears.MEASUREMENT,
    "test_data.source": Bears.PLACE | Bears.MEASUREMENT,
    "test_data.split": Bears.MEASUREMENT,
    "task.name": Bears.WEIGHTS | Bears.VALIDATION | Bears.MEASUREMENT,
    "task.loss": Bears.WEIGHTS | Bears.MEASUREMENT,
    "task.noise.kind": Bears.WEIGHTS,  # whatever is measured has the protocol's noise
    "task.noise.level": Bears.WEIGHTS,
    "objective.name": _TRAINING,
    "objective.terms.task": _TRAINING,
    "optimizer.name": _TRAINING,
    "optimizer.learning_rate": _TRAINING,
    "optimizer.adam_learning_rate": _TRAINING,
    "optimizer.schedule": _TRAINING,
    "optimizer.warmup_steps": _TRAINING,
    "optimizer.clip_norm": _TRAINING,
    "optimizer.weight_decay": _TRAINING,
    "optimizer.weight_average": _TRAINING,
    "training.batch_size": _TRAINING,
    "training.epochs": _TRAINING,
    "training.log_every": Bears.PRESENTATION | Bears.NETWORK,
    "training.validate_every": _WHAT_IS_BEST,
    "training.checkpoint_every": _WHAT_IS_BEST,
    "training.start_from": _TRAINING,  # a name or a file's path; exported weights keep the name of the file
    "training.start_parts": _TRAINING,
    "training.keep": Bears.PRESENTATION | Bears.NETWORK,
    "training.validation_split": Bears.VALIDATION | _WHAT_IS_BEST,
    "training.validation_photographs": Bears.VALIDATION | _WHAT_IS_BEST,
    "inference.picture": _INFERENCE,
    "inference.patch_size": _INFERENCE,
    "inference.overlap": _INFERENCE,
    "inference.batch_size": _INFERENCE,
    "inference.statistics": _INFERENCE,
    "inference.window": _INFERENCE,
    "protocol.name": Bears.PRESENTATION | _PROTOCOL,  # no number follows from it, but two names claim two protocols
    "protocol.resize": _PROTOCOL,
    "protocol.size": _PROTOCOL,
    "protocol.noise_kind": _PROTOCOL,
    "protocol.noise_level": _PROTOCOL,
    "protocol.noise_seed": _PROTOCOL,
    "protocol.clip": _PROTOCOL,
    "protocol.round_to_8_bits": _PROTOCOL,
    "protocol.channels": _PROTOCOL,
    "protocol.ssim_sigma": _PROTOCOL,
    "protocol.ssim_window": _PROTOCOL,
    "protocol.accuracy_distance": _PROTOCOL,
    "protocol.psnr_ceiling": _PROTOCOL,
    "protocol.border": _PROTOCOL,
    "protocol.averaging": _PROTOCOL,
}


def _sections() -> dict[str, Bears]:
    settings = {}
    for key, bears in KEYS.items():
        settings.setdefault(key.partition(".")[0], []).append(bears)
    return {section: functools.reduce(operator.and_, each) for section, each in settings.items()}


#: section -> what every one of its settings bears on
SECTIONS = _sections()
