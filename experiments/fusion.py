"""The fusion colorizer: an encoder and a decoder with the embedding of a frozen Inception-ResNet-v2 between them.

After Ibraheem, Danach and Ghandour, "Colorization of Black and White Images Using a Hybrid Deep Learning Framework".

    python launch.py train    --config=experiments/fusion.py:smoke --workdir=runs/fusion
    python launch.py evaluate --config=experiments/fusion.py:smoke --workdir=runs/fusion
    python launch.py train    --config=experiments/fusion.py:paper --workdir=runs/fusion-paper \
        --config.data.source=FOLDER_OF_THE_KAGGLE_SET

variant  photographs                      hardware     running time  numbers to expect
smoke    the 9 in the scikit-image wheel  2 CPU cores  1 minute      PSNR 21.5 (gray copy 20.9; 19.7 with -zero)
folder   any folder                       2 CPU cores  not run yet   docs/results.md has table2.py's learning_curve
paper    Kaggle's Image Coloring Dataset  a GPU        not run yet

`paper` and `folder` want the published weights of Inception-ResNet-v2 and say how to get them; `smoke`, and every
variant with the ending -random_weights, has random ones, which know nothing of pictures, and says so in its report. The
ending -zero fuses zeros in place of the embedding: what is lost by that is what the branch brings. Any folder of
photographs does for `paper` with --config.data.name=photo_folder, and --config.data.photographs=20 trains on 20 of it.

Where `paper` is this project's choice, because the paper does not say: batches of 10, 2,000 steps, the learning rate,
the ranges of zoom and rotation, and which end point is the embedding (logits, as in Baldassarre et al.). Two of its 20
photographs are held out for validation and two for testing, for the 100 gray test pictures have no colors to measure.
"""

from ml_collections import ConfigDict

from colorjax.config import choose, model_config, run_config
from experiments import scale

RANDOM, ZERO = "-random_weights", "-zero"
VARIANTS = tuple(s + ending for s in scale.SCALES for ending in ("", RANDOM, ZERO) if s + ending != "smoke" + RANDOM)


def model(chosen: str, **fields) -> ConfigDict:
    """The model section at the scale `chosen`, whose branch is random for `smoke`; `fields` are put in."""
    small = {"width": scale.small_width(chosen, 16, 64), "encoder_width": scale.small_width(chosen, 128, 512)}
    if chosen == "smoke":
        small["weights"] = "random"
    if chosen != "paper":
        small["embedding_of"] = "photograph"  # on a CPU the branch would take ten times as long as all the rest
    return model_config("fusion", **(small | fields))


def settings(chosen: str) -> ConfigDict:
    """What the network wants otherwise than a U-Net does: pictures go through it whole."""
    return ConfigDict({"inference": {"picture": "whole", "patch_size": scale.small_width(chosen, 256, 400)}})


def paper(config: ConfigDict) -> None:
    """Ibraheem et al.'s setting: pictures of 400x400, cropped, zoomed, rotated and flipped; Adam, squared error."""
    config.data.name = "image_coloring"
    config.data.patch_size = 400
    config.data.zoom = (1.0, 1.5)
    config.data.rotate = 15.0
    config.data.patches_per_epoch = 1000
    config.training.batch_size = 10
    config.training.epochs = 20
    config.training.log_every = 50
    config.training.validate_every = 200
    config.training.checkpoint_every = 200


def apply(config: ConfigDict, chosen: str) -> None:
    """Set `config` to the scale `chosen` of this paper's experiments."""
    config.task.name = "colorize"
    if chosen == "paper":
        paper(config)
    else:
        scale.apply(config, chosen)


def get_config(variant: str = "") -> ConfigDict:
    """Return the run's config; `variant` is one of `VARIANTS`."""
    chosen, dash, ending = choose(variant, VARIANTS).partition("-")
    fields = {"": {}, RANDOM: {"weights": "random"}, ZERO: {"embedding": "zero"}}[dash + ending]
    config = run_config()
    apply(config, chosen)
    config.update(settings(chosen))
    config.model = model(chosen, **fields)
    return config.lock()
