"""What each setting of a run affects, listed once. Other files select from this list the settings that they need.

The settings are those of `colorjax.config.defaults.run_config`, by full names such as `optimizer.learning_rate`. Not
listed are the fields of a model, the settings of other objectives and those in `optimizer.parts`: all of these affect
the weights. This file imports only the standard library.
"""

import enum
import functools
import operator


class Bears(enum.Flag):
    """What a setting affects.

    PLACE: where files lie on one machine.
    MACHINE: how a machine does the work; the result is the same.
    WEIGHTS: the weights after some training step.
    NETWORK: only networks; a method that needs no training does not read the setting.
    CHOICE_OF_BEST: which checkpoint of a run is the best one, and so which one is measured.
    VALIDATION: what the validations during training measure.
    MEASUREMENT: the numbers of an evaluation.
    PRESENTATION: what is logged, kept or displayed.
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

#: Settings that are lists of any length -> the type of their members.
ANY_LENGTH = {"data.training_splits": str, "data.shares": float}

#: Sections to which a person may add settings: weights of terms, and parts with what differs for them.
OPEN = ("objective.terms", "optimizer.parts", "optimizer.modules")

KEYS = {
    "seed": _TRAINING,
    "data.name": Bears.WEIGHTS | Bears.VALIDATION | Bears.MEASUREMENT,  # also measured on if test_data.name is ""
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
    "data.unpaired": _TRAINING,
    "data.placement": Bears.WEIGHTS,  # host and device round a rotated crop differently
    "data.workers": Bears.MACHINE,
    "test_data.name": Bears.MEASUREMENT,
    "test_data.source": Bears.PLACE | Bears.MEASUREMENT,
    "test_data.split": Bears.MEASUREMENT,
    "test_data.photographs": Bears.MEASUREMENT,
    "task.name": Bears.WEIGHTS | Bears.VALIDATION | Bears.MEASUREMENT,
    "task.loss": Bears.WEIGHTS | Bears.MEASUREMENT,
    "task.noise.kind": Bears.WEIGHTS,  # for training only; a measurement uses the protocol's noise
    "task.noise.level": Bears.WEIGHTS,
    "task.bins": Bears.WEIGHTS | Bears.VALIDATION | Bears.MEASUREMENT,
    "objective.name": _TRAINING,
    "objective.terms.task": _TRAINING,
    "optimizer.name": _TRAINING,
    "optimizer.learning_rate": _TRAINING,
    "optimizer.adam_learning_rate": _TRAINING,
    "optimizer.adam_beta1": _TRAINING,
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
    "training.start_from": _TRAINING,  # a name or a file's path; exported weights record only the file's name
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
    "inference.vividness": _INFERENCE,
    "protocol.name": Bears.PRESENTATION | _PROTOCOL,  # changes no number, but two names count as two protocols
    "protocol.resize": _PROTOCOL,
    "protocol.size": _PROTOCOL,
    "protocol.noise_kind": _PROTOCOL,
    "protocol.noise_level": _PROTOCOL,
    "protocol.noise_seed": _PROTOCOL,
    "protocol.noise_field": _PROTOCOL,
    "protocol.noisy_8_bits": _PROTOCOL,
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


#: section -> what each of its settings affects, without exception
SECTIONS = _sections()
