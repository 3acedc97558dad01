"""The task and the network that take hints and a palette: what training draws, and what guides a picture."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.color
from support import networks as made_networks
from support.pictures import picture as noise

import colorjax
from colorjax.color import ab_bins
from colorjax.config.defaults import run_config
from colorjax.errors import UserError
from colorjax.inference.working_copy import working_copy
from colorjax.methods import Hints, Observation, build_method
from colorjax.methods.guidance import palette_of_image, reduced_hints
from colorjax.methods.hint_strokes import HintStrokes, Stroke
from colorjax.methods.pretrained import network_method
from colorjax.models import build_model, efficientnet_weights, guided_colorizer
from colorjax.objectives import Supervised
from colorjax.tasks import colorize_guided
from colorjax.tasks.colorize_guided import MOST_HINTS, PALETTE, ColorizeGuided, draw_hints, palette
from colorjax.training.optimizer import build_optimizer
from colorjax.training.state import create_state
from colorjax.weights import load

pytestmark = pytest.mark.slow  # its networks compile for long

TASK = ColorizeGuided("rarity_weighted_cross_entropy")
SIDE = 64


@pytest.fixture(scope="module")
def drawn():
    """Hints drawn on 2,000 images whose a is the row and whose b is the column."""
    ab = jnp.asarray(np.stack(np.meshgrid(np.arange(40.0), np.arange(30.0), indexing="ij"), -1), jnp.float32)
    keys = jax.random.split(jax.random.key(1), 2000)
    hints, masks = jax.jit(jax.vmap(functools.partial(draw_hints, ab=ab)))(keys)
    return np.asarray(hints), np.asarray(masks)[..., 0]


def test_hints_are_none_in_half_of_the_images_and_never_outside_the_mask(drawn):
    hints, masks = drawn
    without = 1 - masks.any(axis=(1, 2)).mean()
    # Half by choice; of the others an eighth, where the geometric count is 0 (Zhang et al. 2017: P(0) = p = 1/8).
    assert abs(without - (0.5 + 0.5 / 8)) < 0.035
    assert not hints[masks == 0].any()
    assert set(np.unique(masks)) <= {0, 1}


def test_hints_show_the_mean_color_of_their_square(drawn):
    hints, masks = drawn
    for hint, mask in zip(hints[:200], masks[:200], strict=True):
        rows, columns = np.nonzero(mask)
        # A square's mean is the place of its middle; so no hint is farther from its own place than half a square,
        # and where squares overlap the color is still one of a square that covers the pixel.
        assert np.abs(hint[rows, columns, 0] - rows).max(initial=0) <= 4
        assert np.abs(hint[rows, columns, 1] - columns).max(initial=0) <= 4


def test_hints_lie_around_the_middle(drawn):
    _, masks = drawn
    share = masks.mean(axis=0)
    assert share[15:25, 11:19].mean() > 2 * share[:5, :5].mean() > 0


def test_number_of_hints_is_geometric():
    uniform = np.random.default_rng(0).uniform(size=200_000)
    counts = np.floor(np.log(uniform) / np.log(colorize_guided.ANOTHER_HINT))
    assert abs(counts.mean() - 7) < 0.1  # Zhang et al. 2017: 7 on average
    assert (counts > MOST_HINTS).mean() < 1 / 500


def test_example_has_hints_in_its_inputs_and_a_palette_in_a_quarter():
    clean = jnp.asarray(np.random.default_rng(0).uniform(size=(32, 28, 28, 3)), jnp.float32)
    example = jax.jit(TASK.example)(jax.random.split(jax.random.key(0), 32), clean)
    assert example.inputs.shape == (32, 28, 28, 4)
    assert example.guidance["palette"].shape == (32, PALETTE)
    np.testing.assert_allclose(example.targets, skimage.color.rgb2lab(clean)[..., 1:], atol=0.02)
    mask = np.asarray(example.inputs[..., 3:]) > 0
    assert not (np.asarray(example.inputs[..., 1:3]) * ~mask).any()
    given = np.asarray(example.guidance["palette"][:, -1])
    assert set(given) == {0, 1}
    assert 1 <= given.sum() <= 16
    assert not np.asarray(example.guidance["palette"])[given == 0].any()


def test_inputs_without_hints_are_the_lightness_alone():
    gray = np.full((4, 4, 3), 0.5, np.float32)
    inputs = TASK.inputs(jnp.asarray(gray))
    np.testing.assert_allclose(inputs[..., 0], skimage.color.rgb2lab(gray)[..., 0] / 50 - 1, atol=1e-4)
    assert not np.asarray(inputs[..., 1:]).any()


def test_palette_counts_the_colors_of_an_image():
    ab = np.zeros((1, 56, 56, 2), np.float32)
    ab[:, :14] = (50, 30)
    found = np.asarray(palette(jnp.asarray(ab)))[0]
    centers = ab_bins.centers()
    at = {tuple(center): share for center, share in zip(centers, found, strict=False) if share}
    assert at == {(50.0, 30.0): 0.25, (0.0, 0.0): 0.75}
    np.testing.assert_allclose(found[-2], np.hypot(50, 30) / 4 / 110, rtol=1e-5)
    assert found[-1] == 1


def test_palette_of_a_picture_of_any_size_is_whole():
    for size in ((1, 1), (30, 500), (300, 200)):
        image = np.random.default_rng(0).uniform(size=(*size, 3)).astype(np.float32)
        found = palette_of_image(image)
        assert found.shape == (PALETTE,)
        np.testing.assert_allclose(found[: ab_bins.count()].sum(), 1, rtol=1e-5)


# The network


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A small guided network with random weights."""
    path = made_networks.write_guided(tmp_path_factory.mktemp("guided") / "guided.safetensors")
    return network_method(load(path))


def test_network_gives_a_distribution_for_each_square_of_four_pixels(network):
    for height, width in ((64, 64), (32, 96), (37, 50)):
        inputs = jnp.zeros((1, height, width, 4))
        shape = jax.eval_shape(lambda x: network.model.apply(network.variables, x, train=False), inputs).shape
        assert shape == (1, -(-height // 4), -(-width // 4), ab_bins.count())


def test_network_is_for_its_own_task_alone(network):
    for channels, outputs in ((1, ab_bins.count()), (4, 2)):
        model = build_model({"name": "guided_colorizer", "width": 4}, outputs)
        with pytest.raises(UserError, match="is for the task colorize_guided"):
            jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, 8, 8, channels)), train=False))  # noqa: B023


def test_hints_and_palette_change_the_colors_and_their_absence_does_not(network):
    lightness = np.random.default_rng(0).uniform(0, 100, (SIDE, SIDE)).astype(np.float32)
    copy = working_copy("stretched", SIDE, SIDE, SIDE)
    hints = np.zeros((SIDE, SIDE, 3), np.float32)
    _, alone = network.predict(lightness, copy)
    _, same = network.predict(lightness, copy, hints, {"palette": np.zeros((1, PALETTE), np.float32)})
    np.testing.assert_array_equal(alone, same)
    hints[20:27, 20:27] = (60, 40, 1)
    _, hinted = network.predict(lightness, copy, hints)
    reference = np.zeros(PALETTE, np.float32)
    reference[[5, -2, -1]] = (1, 0.4, 1)
    _, colored = network.predict(lightness, copy, reference={"palette": reference[np.newaxis]})
    assert np.abs(hinted - alone).max() > 1e-3
    assert np.abs(colored - alone).max() > 1e-3


def test_vividness_goes_from_fewer_rare_colors_to_more(network):
    logits = jnp.asarray(np.random.default_rng(0).normal(size=(3, 3, ab_bins.count())) * 2, jnp.float32)
    # Multiplying probabilities by weights to the power -0.5, then sharpening: p^(1 / T), scaled (Zhang et al., eq. 5).
    weighted = (np.asarray(jax.nn.softmax(logits), np.float64) * ab_bins.rarity_weights() ** -0.5) ** (1 / 0.38)
    mean = weighted / weighted.sum(axis=-1, keepdims=True) @ ab_bins.centers()
    np.testing.assert_allclose(network.task.colors(logits, 0.0), mean, atol=2e-3)
    chroma = [np.hypot(*np.moveaxis(np.asarray(network.task.colors(logits, v)), -1, 0)).mean() for v in (0, 0.5, 1)]
    assert chroma[0] < chroma[1] < chroma[2]
    with pytest.raises(UserError, match=r"vividness=1.5: must be from 0 \(safe\) to 1"):
        network.with_vividness(1.5)


def test_training_begins_with_the_pretrained_encoder(monkeypatch):
    variables = efficientnet_weights.random(0, seed=3)
    monkeypatch.setattr(guided_colorizer.efficientnet_weights, "load", lambda number: variables)
    model = build_model({"name": "guided_colorizer", "width": 4}, ab_bins.count())
    found = model.pretrained()
    np.testing.assert_array_equal(
        found["params"]["encoder"]["stem"]["kernel"], variables.variables["params"]["stem"]["kernel"]
    )
    assert "classifier" not in found["params"]["encoder"]
    random = build_model({"name": "guided_colorizer", "width": 4, "encoder_weights": "random"}, ab_bins.count())
    assert random.pretrained() == {}


# Whole pictures


@pytest.mark.parametrize(("height", "width"), [(1, 1), (10, 300), (300, 10), (64, 64), (50, 70)])
def test_stretched_copy_is_one_canvas_for_every_picture_and_comes_back(height, width):
    copy = working_copy("stretched", height, width, SIDE)
    assert copy.canvas == (SIDE, SIDE)
    assert max(copy.height, copy.width) == SIDE
    stretch = (copy.height / height) / (copy.width / width)
    assert max(stretch, 1 / stretch) <= 2.0 * 4 or min(copy[:2]) == 16  # a narrow one has 16 pixels at least
    outputs = np.zeros((SIDE // 4, SIDE // 4, 2))
    assert copy.of_image(outputs).shape == (copy.height // 4, copy.width // 4, 2)
    image = np.random.default_rng(0).normal(size=(copy.height, copy.width, 1))
    np.testing.assert_array_equal(copy.of_image(copy.on_canvas(image)), image)


def test_reduced_hints_have_the_color_of_what_they_cover():
    colors, mask = np.zeros((40, 60, 3), np.float32), np.zeros((40, 60), bool)
    colors[10:20, 30:40], mask[10:20, 30:40] = (1, 0, 0), True
    for size in ((40, 60), (8, 8), (64, 64)):
        hints = reduced_hints(Hints(colors, mask), *size)
        there = hints[..., 2] > 0
        assert set(np.unique(hints[..., 2])) == {0, 1}
        np.testing.assert_allclose(hints[there][:, :2], np.tile([80.1, 67.2], (there.sum(), 1)), atol=0.1)
        center = (np.argwhere(there).mean(axis=0) + 0.5) / size
        np.testing.assert_allclose(center, [15 / 40, 35 / 60], atol=0.08)
    assert not reduced_hints(Hints(colors, mask & False), 8, 8).any()


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return str(made_networks.write_guided(tmp_path_factory.mktemp("guided") / "guided.safetensors"))


def test_picture_is_colored_by_marks_strokes_and_a_reference(weights):
    picture = noise(7, (48, 80))
    alone = colorjax.colorize(picture, weights=weights)
    marked = picture.copy()
    marked[10:18, 20:28] = (250, 20, 20)
    strokes = HintStrokes(80, 48, (Stroke(((24.0, 14.0),), (250 / 255, 20 / 255, 20 / 255), 8),))
    by_copy, by_strokes = (colorjax.colorize(picture, weights=weights, hints=hints) for hints in (marked, strokes))
    assert (by_copy != alone).any()
    assert np.abs(by_copy.astype(int) - by_strokes).mean() < 1
    reference = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    assert (colorjax.colorize(picture, weights=weights, reference=reference) != alone).any()
    assert (colorjax.colorize(picture, weights=weights, vividness=1.0) != alone).any()
    np.testing.assert_array_equal(colorjax.colorize(picture, weights=weights, vividness=0.5), alone)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"reference": np.zeros((4, 4, 3), np.uint8)}, "the reference is gray"),
        ({"reference": np.zeros((4, 4, 1), np.uint8)}, "the reference is gray"),
        ({"vividness": -0.1}, "vividness=-0.1: must be from 0"),
        ({"hints": HintStrokes(81, 48, ())}, "the hints are 81x48 pixels and the picture 80x48 pixels"),
        ({"method": "scribble", "vividness": 0.5, "weights": ""}, "scribble has no vividness"),
    ],
)
def test_guidance_that_can_not_be_used_is_one_line(weights, arguments, line):
    with pytest.raises(UserError, match=line):
        colorjax.colorize(noise(7, (48, 80)), **{"weights": weights} | arguments)


def test_network_without_a_distribution_takes_hints_and_nothing_else(tmp_path):
    other = str(made_networks.write(tmp_path / "other.safetensors", "colorize"))
    picture = noise(7, (48, 80))
    marked = picture.copy()
    marked[:8, :8] = (255, 0, 0)
    plain, hinted = (colorjax.colorize(picture, weights=other, hints=hints) for hints in (None, marked))
    redness = [(one[:8, :8].astype(int) * [2, -1, -1]).mean() for one in (plain, hinted)]
    assert redness[1] > redness[0] + 10
    with pytest.raises(UserError, match="know no references"):
        colorjax.colorize(picture, weights=other, reference=marked)
    with pytest.raises(UserError, match="between which no vividness can choose"):
        colorjax.colorize(picture, weights=other, vividness=0.5)
    with pytest.raises(UserError, match=r"method\.reference: the network '.*other.safetensors' takes no reference"):
        _ = build_method({"name": "pretrained", "weights": other, "reference": True}).tasks
    with pytest.raises(UserError, match=r"method\.hints: the network 'denoise_color' takes no hints"):
        _ = build_method({"name": "pretrained", "hints": 3}).tasks


def test_method_is_told_hints_and_references_where_its_settings_say_so(weights):
    alone = build_method({"name": "pretrained", "weights": weights})
    told = build_method({"name": "pretrained", "weights": weights, "hints": 10, "reference": True})
    assert alone.needs == set()
    assert told.needs == {"hints", "references"}
    assert told.hint_drawing == ("squares", 10, 7)
    gray = np.repeat(np.random.default_rng(0).uniform(size=(40, 50, 1)).astype(np.float32), 3, -1)
    truth = np.random.default_rng(1).uniform(size=(40, 50, 3)).astype(np.float32)
    mask = np.zeros((40, 50), bool)
    mask[5:12, 5:12] = True
    results = [
        method.restore(Observation(gray, hints=hints, references=references)).image
        for method, hints, references in (
            (alone, None, ()),
            (told, Hints(truth, mask), ()),
            (told, None, (truth,)),
        )
    ]
    assert np.abs(results[0] - results[1]).max() > 1e-4
    assert np.abs(results[0] - results[2]).max() > 1e-4
    vivid = dataclasses.replace(alone, vividness=1.0).restore(Observation(gray)).image
    assert np.abs(vivid - results[0]).max() > 1e-4


def test_training_state_begins_with_the_encoder_and_has_no_moments_for_it(monkeypatch):
    weights = efficientnet_weights.random(0, seed=3)
    monkeypatch.setattr(guided_colorizer.efficientnet_weights, "load", lambda number: weights)
    model = build_model({"name": "guided_colorizer", "width": 4}, ab_bins.count())
    config = run_config()
    config.optimizer.modules = {"encoder": {"learning_rate": 0.0}}
    optimizer, _ = build_optimizer(config.optimizer, 10)
    state = jax.jit(lambda: create_state(0, Supervised(model, TASK), optimizer, False, {}))()
    stem = state.params["network"]["encoder"]["stem"]["kernel"]
    np.testing.assert_array_equal(stem, weights.variables["params"]["stem"]["kernel"])
    np.testing.assert_array_equal(
        state.batch_stats["network"]["encoder"]["stem_norm"]["var"],
        weights.variables["batch_stats"]["stem_norm"]["var"],
    )
    assert stem.shape not in {leaf.shape for leaf in jax.tree.leaves(state.optimizer)}
