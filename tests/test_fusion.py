"""The fusion colorizer: its layers, its settings, what its frozen branch sees, and that it is asked once."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from skimage.transform import resize
from support.small_inception import small_inception

import datasets
import launch
from colorjax.color.spaces import lab2rgb
from colorjax.config.files import load
from colorjax.config.tables import model_config
from colorjax.errors import UserError
from colorjax.models import build_model
from colorjax.models.fusion import inception_view
from colorjax.models.inception import weights as inception_weights
from colorjax.models.inception.network import InceptionResNetV2
from colorjax.models.network import FrozenWeights
from colorjax.objectives import Supervised
from colorjax.tasks import Colorize
from colorjax.training import checks, conditioning, loop
from colorjax.training.conditioning import conditioning_by_photograph, conditioning_in_step
from colorjax.training.state import create_state
from colorjax.training.step import make_step
from datasets.crops import warp_on_host
from datasets.sampling import Draws

ROOT = Path(__file__).parents[1]

SMALL = {"width": 16, "encoder_width": 16, "weights": "random"}


@pytest.fixture(autouse=True)
def _small_branch(request):
    """What is done with the branch's end points depends on no branch: one test is of the real one."""
    if "random_weights" in request.fixturenames:
        yield
    else:
        with small_inception():
            yield


def build(**fields):
    return build_model(model_config("fusion", **(SMALL | fields)), output_channels=2)


def variables_of(model, embedding, seed=0):
    """Random variables, those of the last layer too (which starts at zero)."""
    shapes = jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, 8, 8, 1)), False, embedding))
    random = np.random.default_rng(seed)

    def draw(leaf):  # as He et al. do, so that neither the values nor the ReLUs die out on the way
        deviation = (2 / np.prod(leaf.shape[:-1])) ** 0.5 if leaf.ndim > 1 else 0
        return jnp.float32(random.normal(0, deviation, leaf.shape))

    return jax.tree.map(draw, shapes)


def lightness(*shape, seed=0):
    """L / 50 - 1 of made-up pictures."""
    return np.random.default_rng(seed).uniform(-1, 1, (*shape, 1)).astype(np.float32)


# The layers are the paper's


def test_fusion_layers_have_the_papers_shapes():
    model = build_model(model_config("fusion", weights="random", embedding="pooled"), output_channels=2)
    inputs, embedding = jnp.zeros((1, 400, 400, 1)), jnp.zeros((1, 1536))

    def apply():
        return model.init_with_output(
            jax.random.key(0), inputs, False, embedding, capture_intermediates=True, mutable=["params", "intermediates"]
        )

    outputs, variables = jax.eval_shape(apply)
    seen = {
        name: value["__call__"][0].shape for name, value in variables["intermediates"].items() if name != "__call__"
    }
    encoder = [seen[f"Conv_{i}"] for i in range(8)]
    assert encoder == [
        (1, 200, 200, 64),
        (1, 200, 200, 128),
        (1, 100, 100, 128),
        (1, 100, 100, 256),
        (1, 50, 50, 256),
        (1, 50, 50, 512),
        (1, 50, 50, 512),
        (1, 50, 50, 512),
    ]
    assert seen["fusion"] == (1, 50, 50, 256)
    decoder = [seen[f"Conv_{i}"] for i in range(8, 13)]
    assert [shape[1] for shape in decoder] == [50, 100, 100, 200, 200]
    assert [shape[3] for shape in decoder] == [128, 64, 64, 32, 16]
    assert seen["output"] == outputs.shape == (1, 400, 400, 2)


def test_fusing_is_a_1x1_convolution_of_features_and_repeated_embedding():
    """The formula of Baldassarre et al., section 3.3: concatenate, then convolve."""
    model = build(embedding="pooled")
    inputs, embedding = lightness(2, 16, 24), np.random.default_rng(1).normal(size=(2, 1536)).astype(np.float32)
    variables = variables_of(model, embedding[:1])
    _, state = model.apply(variables, inputs, False, embedding, capture_intermediates=True, mutable=["intermediates"])
    seen = {name: np.asarray(value["__call__"][0]) for name, value in state["intermediates"].items() if name[0] in "Cf"}
    encoded = np.maximum(seen["Conv_7"], 0)  # [2, 2, 3, 16]
    both = np.concatenate([encoded, np.broadcast_to(embedding[:, None, None], (2, 2, 3, 1536))], axis=-1)
    params = jax.device_get(variables["params"])
    kernel = np.concatenate([params["fusion"]["kernel"][0, 0], params["fusion_embedding"]["kernel"]])
    expected = both @ kernel + params["fusion"]["bias"]
    np.testing.assert_allclose(seen["fusion"] + seen["fusion_embedding"][:, None, None], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 1), (7, 21), (16, 8)])
@pytest.mark.parametrize("output", ["full", "half"])
def test_fusion_keeps_any_size(shape, output):
    model = build(embedding="zero", output=output)
    embedding = jnp.zeros((1, 1000))
    outputs = model.apply(variables_of(model, embedding), lightness(1, *shape), False, embedding)
    assert outputs.shape == (1, *shape, 2)
    assert jnp.isfinite(outputs).all()


def test_fusion_half_size_repeats_each_pixel_and_full_size_does_not():
    def squares(output):
        model, embedding = build(embedding="zero", output=output), jnp.zeros((1, 1000))
        outputs = model.apply(variables_of(model, embedding), lightness(1, 16, 16), False, embedding)
        return np.asarray(outputs).reshape(8, 2, 8, 2, 2)

    assert np.ptp(squares("half"), axis=(1, 3)).max() == 0
    assert np.ptp(squares("full"), axis=(1, 3)).max() > 1e-3


@pytest.mark.parametrize(("setting", "shown"), [("centered", (-1, 0, 1)), ("unit", (0, 0.5, 1)), ("raw", (0, 50, 100))])
def test_encoder_sees_lightness_scaled_as_the_setting_says(setting, shown):
    """Black, middle gray and white, seen through a first convolution that only passes its middle pixel on."""
    model, embedding = build(embedding="zero", lightness=setting), jnp.zeros((3, 1000))
    inputs = np.broadcast_to(np.float32([-1, 0, 1])[:, None, None, None], (3, 8, 8, 1))
    variables = variables_of(model, embedding)
    first = jax.tree.map(jnp.zeros_like, variables["params"]["Conv_0"])
    variables["params"]["Conv_0"] = first | {"kernel": first["kernel"].at[1, 1].set(1.0)}
    _, state = model.apply(variables, inputs, False, embedding, capture_intermediates=True, mutable=["intermediates"])
    seen = state["intermediates"]["Conv_0"]["__call__"][0]
    np.testing.assert_allclose(seen[:, 1, 1, 0], shown)


@pytest.mark.parametrize("scale", [110, 127, 128])
def test_fusion_last_tanh_stands_for_the_scale_of_ab(scale):
    model, embedding = build(embedding="zero", ab_scale=scale), jnp.zeros((1, 1000))
    variables = variables_of(model, embedding)
    variables["params"]["output"]["bias"] = jnp.float32([1e4, -1e4])
    outputs = model.apply(variables, lightness(1, 8, 8), False, embedding)
    # The task takes outputs times 110 for ab.
    np.testing.assert_allclose(outputs[0, 0, 0] * 110, [scale, -scale], rtol=1e-6)


def test_bfloat16_stays_near_float32():
    embedding = np.random.default_rng(1).normal(size=(1, 1000)).astype(np.float32)
    wide, narrow = (build(dtype=dtype) for dtype in ("float32", "bfloat16"))
    variables = variables_of(wide, embedding)
    one, other = (model.apply(variables, lightness(1, 16, 16), False, embedding) for model in (wide, narrow))
    assert other.dtype == jnp.float32
    assert 0 < np.abs(one - other).max() < 0.05


def test_fusion_is_for_colorizing_alone():
    with pytest.raises(UserError, match=r"it is for config\.task\.name=colorize"):
        build_model(model_config("fusion"), output_channels=3)


# The branch


@pytest.fixture(scope="module")
def random_weights():
    return inception_weights.random(0).variables


def test_branch_sees_the_gray_picture_with_its_own_contrast():
    """The well-known mistake shows it almost a constant near -1: a spread of 0.004 in place of 0.5."""
    gray = np.random.default_rng(0).uniform(size=(23, 23)).repeat(13, axis=0).repeat(13, axis=1).astype(np.float32)
    inputs = Colorize("squared_error").inputs_without_noise(np.repeat(gray[..., None], 3, axis=-1))
    view = np.asarray(inception_view(inputs[None]))[0]
    assert view.shape == (299, 299, 3)
    assert view.min() >= -1
    assert view.max() <= 1
    np.testing.assert_allclose(view, np.repeat((2 * gray - 1)[..., None], 3, axis=-1), atol=2e-3)
    assert view.std() == pytest.approx(2 * gray.std(), rel=1e-2)


@pytest.mark.parametrize(("height", "width"), [(598, 299), (150, 600), (64, 64)])
def test_branch_sees_the_whole_picture_in_its_proportions(height, width):
    rows, columns = np.mgrid[:height, :width] / max(height, width)
    inputs = np.float32(rows - columns)[None, ..., None]
    view = np.asarray(inception_view(inputs))[0, ..., 0]
    fitted = round(height * 299 / max(height, width)), round(width * 299 / max(height, width))
    gray = np.asarray(lab2rgb(np.stack([50 * (inputs[0, ..., 0] + 1), *np.zeros((2, height, width), np.float32)], -1)))
    expected = 2 * resize(gray[..., 0], fitted, order=1, anti_aliasing=True) - 1
    np.testing.assert_allclose(view[: fitted[0], : fitted[1]], expected, atol=0.02)
    # The rest is the picture's reflection.
    for axis, side in enumerate(fitted):
        if side < 299:
            lines = np.moveaxis(view, axis, 0)
            np.testing.assert_allclose(lines[side], lines[side - 2], atol=1e-6)


@pytest.mark.slow
def test_embedding_is_that_end_point_of_the_network(random_weights):
    inputs = lightness(2, 20, 30)
    models = {name: build(embedding=name) for name in ("logits", "softmax", "pooled")}

    # In one function, so that the compiler finds what all have in common.
    @jax.jit
    def both(frozen):
        points = InceptionResNetV2().apply(frozen, inception_view(inputs))
        conditionings = {name: model.conditioning(frozen, inputs)["embedding"] for name, model in models.items()}
        return {name: points[name] for name in models}, conditionings

    points, conditionings = both(random_weights)
    for name, embedding in conditionings.items():
        assert embedding.shape == (2, 1536 if name == "pooled" else 1000)
        np.testing.assert_allclose(embedding, points[name], rtol=1e-4, atol=1e-4 * np.abs(points[name]).max())
    needed = {name: "classifier" in model.frozen().variables["params"] for name, model in models.items()}
    assert needed == {"logits": True, "softmax": True, "pooled": False}
    zero = build(embedding="zero")
    assert zero.frozen() == FrozenWeights({})
    assert not zero.conditioning({}, inputs)["embedding"].any()


def test_embedding_changes_the_colors_unless_it_is_zeroed():
    embedding = np.random.default_rng(1).normal(size=(2, 1000)).astype(np.float32)
    model = build()
    inputs = np.repeat(lightness(1, 8, 8), 2, axis=0)
    outputs = model.apply(variables_of(model, embedding), inputs, False, embedding)
    assert np.abs(outputs[0] - outputs[1]).max() > 1e-3


# Training


def convolutions(jaxpr):
    """Count the convolutions in a jaxpr, those of inner jaxprs included."""
    count = 0
    for equation in jaxpr.eqns:
        count += equation.primitive.name == "conv_general_dilated"
        for value in equation.params.values():
            for inner in value if isinstance(value, tuple | list) else [value]:
                inner = getattr(inner, "jaxpr", inner)
                count += convolutions(inner) if hasattr(inner, "eqns") else 0
    return count


def step_of(model, conditioning):
    """Return a training step's function, its state and a batch of two."""
    task, optimizer = Colorize("squared_error"), optax.sgd(0.1)
    state = create_state(0, Supervised(model, task), optimizer, False, model.frozen().variables)
    step = make_step(
        Supervised(model, task),
        optimizer,
        lambda _: 0.1,
        lambda batch, _: batch["picture"],
        0,
        0.0,
        conditioning=conditioning,
    )
    pictures = np.random.default_rng(0).uniform(size=(2, 16, 16, 3)).astype(np.float32)
    index = np.arange(2, dtype=np.uint32)
    return step, state, {"index": index, "picture": pictures, "photograph": np.int32([1, 0])}


def test_branch_is_computed_once_a_step_and_not_at_all_with_kept_embeddings():
    def count(model, conditioning, resident):
        step, state, batch = step_of(model, conditioning)
        return convolutions(jax.make_jaxpr(step)(state, batch, resident).jaxpr)

    without = count(zero := build(embedding="zero"), conditioning_in_step(zero), {})
    model = build()
    frozen = model.frozen().variables
    # Those of one pixel are matrix products there.
    kernels = sum(leaf.ndim == 4 and leaf.shape[:2] != (1, 1) for leaf in jax.tree.leaves(frozen))
    assert count(model, conditioning_in_step(model), frozen) == without + kernels
    assert count(model, conditioning_by_photograph, {"embedding": np.zeros((2, 1000), np.float32)}) == without


def test_embedding_kept_goes_to_the_patches_of_its_photograph():
    embeddings = np.random.default_rng(0).normal(size=(2, 1000)).astype(np.float32)
    given = conditioning_by_photograph(
        {"photograph": np.int32([1, 0, 1])}, {"embedding": jnp.asarray(embeddings)}, None
    )
    np.testing.assert_array_equal(given["embedding"], embeddings[[1, 0, 1]])


def test_frozen_weights_are_no_part_of_the_state():
    _, state, _ = step_of(model := build(), conditioning_in_step(model))
    assert "fusion" in state.params["network"]
    assert sum(leaf.size for leaf in jax.tree.leaves(state)) < 10**6


def test_embedding_of_patch_or_photograph_is_a_setting():
    assert build(embedding_of="photograph").conditioning_of_photograph
    assert not build(embedding_of="patch").conditioning_of_photograph
    assert not build(embedding_of="photograph", embedding="zero").conditioning_of_photograph


# From the command line


def train(tmp_path, *words):
    words = [f"--config.{word}" for word in words]
    return launch.main(["train", "--config=experiments/fusion.py:smoke", f"--workdir={tmp_path / 'run'}", *words])


def test_weights_that_are_not_there_are_said_before_anything_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLORJAX_CACHE", str(tmp_path / "cache"))
    assert train(tmp_path, "model.weights=pretrained") == 2
    error = capsys.readouterr().err
    assert "no weights of Inception-ResNet-v2" in error
    assert "python launch.py weights inception --from=" in error
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["task.noise.kind=gaussian", "task.noise.level=(0.1,0.1)"], "config.task.noise.kind=gaussian: "),
        (["inference.picture=patches"], "config.inference.picture=patches: "),
    ],
)
def test_embeddings_kept_are_refused_where_pictures_are_measured_otherwise(words, line, tmp_path, capsys):
    assert train(tmp_path, *words) == 2
    assert f"{line}config.model.embedding_of=photograph" in capsys.readouterr().err
    # Without an embedding there is nothing to differ, nor with that of each patch.
    for other in ("model.embedding=zero", "model.embedding_of=patch"):
        config = load(f"{ROOT}/experiments/fusion.py:smoke", [f"--config.{word}" for word in [*words, other]])
        checks.check(config, jax.devices())


def test_embeddings_kept_are_those_of_the_photographs_that_batches_number(tmp_path, monkeypatch):
    """Three of the five, in the order of a seed's choice and not of the records."""
    words = ["--config.data.photographs=3", "--config.data.photographs_seed=2", "--config.model.width=4"]
    config = load(f"{ROOT}/experiments/fusion.py:smoke", words)

    class Seen(Exception):  # noqa: N818
        pass

    def note(model, frozen, task, photographs, size):
        raise Seen([photograph.name for photograph in photographs], size)

    monkeypatch.setattr(conditioning, "conditionings_of_photographs", note)
    with pytest.raises(Seen) as caught:
        loop.train(config, tmp_path, datasets)
    names, size = caught.value.args
    assert size == config.inference.patch_size
    batch = next(iter(datasets.patches(config.data, config.seed, 8, start_step=0, steps=1)))
    chosen = datasets.photographs(config.data, "train")
    for index, number in zip(batch["index"], batch["photograph"], strict=True):
        draws = Draws.from_config(config.data, config.seed)
        picture = next(p.picture for p in chosen if p.name == names[number])
        expected = warp_on_host(
            picture, draws.crop(int(index), *picture.shape[:2]), 128, draws.samples(*picture.shape[:2])
        )
        np.testing.assert_array_equal(batch["picture"][list(batch["index"]).index(index)], expected)


@pytest.mark.slow
def test_fusion_run_keeps_its_embeddings_and_says_what_its_branch_was(tmp_path, monkeypatch, capsys):
    cache = tmp_path / "cache"
    monkeypatch.setenv("COLORJAX_CACHE", str(cache))
    smaller = ["model.width=4", "model.encoder_width=4", "data.patch_size=16", "data.patches_per_epoch=8"]
    smaller += ["training.epochs=1", "training.validation_photographs=1", "inference.patch_size=32", "protocol.size=32"]
    assert train(tmp_path, *smaller) == 0
    (kept,) = (cache / "contexts").iterdir()
    assert kept.stat().st_size > 5 * 1000 * 4  # an embedding of 1,000 float32 for each of 5 photographs
    words = [f"--config.{word}" for word in smaller]
    workdir = tmp_path / "run"
    assert launch.main(["evaluate", "--config=experiments/fusion.py:smoke", f"--workdir={workdir}", *words]) == 0
    origin = "Inception-ResNet-v2, random weights that know nothing, seed 0"
    for page in ("report.html", "table.md"):
        assert origin in (workdir / "evaluation" / page).read_text()
    assert origin in capsys.readouterr().out
    # A run that was trained with other weights is not gone on with.
    (workdir / "frozen.json").write_text('{"mark": "0123", "origin": "Inception-ResNet-v2, others"}')
    assert train(tmp_path, *smaller) == 2
    assert "was trained with Inception-ResNet-v2, others, and here is" in capsys.readouterr().err
