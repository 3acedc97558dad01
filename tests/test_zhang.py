"""The colorizer of Zhang et al.: its weights, sizes, encoding, weighted gradient and decoding, and files of bins."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.distance import cdist

import launch
from colorjax.color import ab_bins
from colorjax.color.spaces import rgb2lab
from colorjax.commands.measuring import _measured_task
from colorjax.config.files import load
from colorjax.errors import UserError
from colorjax.evaluation.evaluate import evaluate
from colorjax.evaluation.protocol import build_protocol
from colorjax.methods import NetworkMethod
from colorjax.models import build_model
from colorjax.models.network import Network
from colorjax.pictures.images import Photograph
from colorjax.tasks import Colorize, ColorizeZhang, build_task


class Uniform(Network):
    """All bins are equally likely."""

    output_channels: int

    def __call__(self, inputs, train):
        return jnp.zeros((inputs.shape[0], inputs.shape[1] // 4, inputs.shape[2] // 4, self.output_channels))


TASK = ColorizeZhang("rarity_weighted_gradient")
SECTION = {"name": "colorize_zhang", "loss": "cross_entropy", "noise": {"kind": "none", "level": (0.0, 0.0)}}


def shapes(model, side=16):
    return jax.eval_shape(lambda key: model.init(key, jnp.zeros((1, side, side, 1)), train=False), jax.random.key(0))


def colors(*shape, seed=0, spread=30.0):
    return np.random.default_rng(seed).normal(0, spread, (*shape, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def hull(tmp_path_factory):
    """A file of 313 made-up bins in the form of the authors'."""
    grid = np.stack(np.meshgrid(np.arange(-90, 100, 10), np.arange(-90, 100, 10)), axis=-1).reshape(-1, 2)
    chosen = grid[np.argsort(np.hypot(*grid.T), kind="stable")[:313]]
    path = tmp_path_factory.mktemp("bins") / "pts_in_hull.npy"
    np.save(path, chosen)
    return str(path)


def test_network_has_the_published_number_of_weights():
    model = build_model({"name": "zhang"}, 313)
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes(model)["params"])) == 32_230_393


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (19, 30)])
def test_network_predicts_at_a_quarter_of_any_size(size):
    model = build_model({"name": "zhang", "width": 2}, 7)
    inputs = jax.ShapeDtypeStruct((2, *size, 1), jnp.float32)
    outputs = jax.eval_shape(lambda v, x: model.apply(v, x, train=False), shapes(model), inputs)
    assert (outputs.shape, outputs.dtype) == ((2, -(-size[0] // 4), -(-size[1] // 4), 7), jnp.float32)


def test_network_sees_as_far_as_its_kernels_and_dilations():
    model = build_model({"name": "zhang", "width": 1, "norm": "none"}, 1)
    variables = jax.tree.map(lambda leaf: jnp.full(leaf.shape, float(leaf.ndim > 1)), shapes(model))
    inputs = jnp.ones((1, 8, 480, 1))
    gradient = jax.grad(lambda x: model.apply(variables, x, train=False)[0, 0, 60, 0])(inputs)[0, :, :, 0]
    (seen,) = np.nonzero(np.asarray(gradient).sum(axis=0))
    first, last = 60 - 2, 60 + 2  # at a quarter: conv8_3 and conv8_2
    first, last = -(-(first - 2) // 2), (last + 1) // 2  # at an eighth: output 2n + k - 1 reads n, with 0 <= k < 4
    first, last = first - 18, last + 18  # conv7 and conv4 3 each, the dilated conv6 and conv5 6 each
    for kept in (2, 1, 1):  # of conv3, conv2 and conv1: a convolution that halves the sides, and those before it
        first, last = 2 * first - 1 - kept, 2 * last + 1 + kept
    assert (seen[0], seen[-1], len(seen)) == (first, last, last - first + 1)


def test_network_sees_lightness_less_50():
    model = build_model({"name": "zhang", "width": 1, "norm": "none"}, 1)
    variables = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape), shapes(model))
    kernel = variables["params"]["conv1_1"]["kernel"].at[1, 1].set(1)  # the layer returns what it sees
    variables["params"]["conv1_1"]["kernel"] = kernel
    lightness = np.linspace(0, 100, 64, dtype=np.float32).reshape(1, 8, 8, 1)
    _, state = model.apply(
        variables, lightness / 50 - 1, train=False, capture_intermediates=True, mutable=["intermediates"]
    )
    (seen,) = state["intermediates"]["conv1_1"]["__call__"]
    np.testing.assert_allclose(seen, lightness - 50, atol=1e-4)


def test_encoding_has_the_nearest_bins_alone():
    ab, centers = colors(50), ab_bins.centers()
    found = np.asarray(jax.nn.softmax(ab_bins.encode(jnp.asarray(ab), nearest=10), axis=-1))
    for color, shares in zip(ab.astype(np.float64), found, strict=True):
        distances = np.sum((centers - color) ** 2, axis=-1)
        nearest = np.argsort(distances)[:10]
        expected = np.zeros(len(centers))
        expected[nearest] = np.exp(-(distances[nearest] - distances.min()) / (2 * 5**2))
        np.testing.assert_allclose(shares, expected / expected.sum(), atol=1e-4)


def test_encoding_of_a_center_is_largest_at_its_bin():
    centers = ab_bins.centers()
    assert np.argmax(ab_bins.encode(jnp.asarray(centers), nearest=10), axis=-1).tolist() == list(range(len(centers)))


def test_rarity_weights_are_those_of_equation_4():
    weights, (*axes, shares) = ab_bins.rarity_weights(uniform_share=0.5), ab_bins.table().T
    kernel = np.exp(-(cdist(np.transpose(axes), np.transpose(axes)) ** 2) / (2 * 5**2))  # 5 units of Lab
    smoothed = sum(share * row / row.sum() for share, row in zip(shares, kernel, strict=True))
    expected = 1 / (0.5 * smoothed + 0.5 / len(shares))
    np.testing.assert_allclose(weights, expected / (smoothed @ expected), rtol=1e-5)
    np.testing.assert_allclose(ab_bins.rarity_weights(uniform_share=1.0), 1, rtol=1e-6)


def test_loss_is_plain_and_its_gradient_weighted():
    ab = jnp.asarray(colors(2, 3, 4))
    logits = jnp.asarray(np.random.default_rng(1).normal(size=(2, 3, 4, ab_bins.count())), jnp.float32)
    plain = ColorizeZhang("cross_entropy")
    np.testing.assert_allclose(TASK.loss(logits, ab), plain.loss(logits, ab), rtol=1e-6)
    weighted, unweighted = (np.asarray(jax.grad(lambda x, t=t: t.loss(x, ab).sum())(logits)) for t in (TASK, plain))
    nearest = np.argmin(np.sum((np.asarray(ab)[..., None, :] - ab_bins.centers()) ** 2, axis=-1), axis=-1)
    weights = ab_bins.rarity_weights(uniform_share=0.5)[nearest]
    np.testing.assert_allclose(weighted, weights[..., None] * unweighted, atol=1e-5 * np.abs(weighted).max())
    assert np.ptp(weights) > 0.1


def test_nothing_is_learned_from_a_gray_image():
    ab = jnp.asarray(np.stack([colors(4, 4, spread=1.0), colors(4, 4)]))
    logits = jnp.asarray(np.random.default_rng(1).normal(size=(2, 4, 4, ab_bins.count())), jnp.float32)
    gradient = jax.grad(lambda x: TASK.loss(x, ab).sum())(logits)
    assert not gradient[0].any()
    assert gradient[1].any()


def test_label_of_an_output_is_its_upper_left_pixel():
    ab, logits = colors(1, 8, 12), np.random.default_rng(1).normal(size=(1, 2, 3, ab_bins.count())).astype(np.float32)
    np.testing.assert_array_equal(TASK.loss(logits, ab), TASK.loss(logits, ab[:, ::4, ::4]))
    with pytest.raises(UserError, match="8x12 pixels can't be divided into the network's 3x3 outputs"):
        TASK.loss(jnp.zeros((1, 3, 3, ab_bins.count())), jnp.asarray(ab))


def test_colors_are_the_annealed_mean_from_the_mean_to_the_mode():
    logits = np.random.default_rng(2).normal(0, 3, (5, ab_bins.count())).astype(np.float32)
    centers = ab_bins.centers().astype(np.float64)

    def mean(temperature):
        shares = np.exp((logits - logits.max(axis=-1, keepdims=True)).astype(np.float64) / temperature)
        return shares @ centers / shares.sum(axis=-1, keepdims=True)

    found = TASK.colors(jnp.asarray(logits)[:, None, None])[:, 0, 0]
    np.testing.assert_allclose(found, mean(0.38), atol=1e-3)
    np.testing.assert_allclose(TASK.colors(jnp.asarray(logits), 0.0), mean(1.0), atol=1e-3)
    uniform = TASK.colors(jnp.zeros((1, ab_bins.count())))
    np.testing.assert_allclose(uniform[0], centers.mean(axis=0), atol=1e-4)


def test_bins_of_a_file_take_the_place_of_ours(hull):
    task = build_task(SECTION | {"bins": hull})
    assert task.output_channels == 313
    ab = jnp.asarray(colors(1, 2, 2))
    assert task.loss(jnp.zeros((1, 2, 2, 313)), ab)[0] == pytest.approx(np.log(313), rel=1e-5)
    own = {tuple(color): share for *color, share in ab_bins.table()}
    found = ab_bins.table(hull)
    shares = np.array([own.get((a, b), 0.0) for a, b, _ in found])
    np.testing.assert_allclose(found[:, 2], shares / shares.sum(), rtol=1e-12)
    assert np.isfinite(ab_bins.rarity_weights(hull, 0.5)).all()


def test_shares_of_a_file_may_be_counts(tmp_path):
    np.save(tmp_path / "counts.npy", ab_bins.table() * [1, 1, 1e6])
    weights = ab_bins.rarity_weights(str(tmp_path / "counts.npy"), 0.5)
    np.testing.assert_allclose(weights, ab_bins.rarity_weights("", 0.5), rtol=1e-5)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        (np.zeros((313, 4)), r"has \[313, 4\]; expected is a NumPy array \[bins, 2\]"),
        (np.full((313, 2), 500.0), "has values that are no a and b of Lab"),
        (np.zeros((3, 2)), "has the same center twice"),
        (np.array([[0, 0, -1.0], [10, 0, 1], [20, 0, 1]]), "has shares of pixels that are below 0"),
        (None, "is no file of NumPy"),
    ],
)
def test_file_of_another_format_is_one_line(values, line, tmp_path):
    path = tmp_path / "bins.npy"
    path.write_bytes(b"a,b\n1,2\n") if values is None else np.save(path, values)
    with pytest.raises(UserError, match=line):
        build_task(SECTION | {"bins": str(path)})
    with pytest.raises(UserError, match="there is no file"):
        build_task(SECTION | {"bins": str(tmp_path / "other.npy")})


@pytest.mark.parametrize(
    ("command", "config", "key"),
    [
        ("train", "zhang.py:smoke", "task.bins"),
        ("table", "colorizers.py:small-random_weights", "rows.zhang.task.bins"),
    ],
)
def test_commands_stop_at_a_file_of_another_format_before_they_begin(command, config, key, tmp_path, capsys):
    (tmp_path / "bins.csv").write_text("a,b\n1,2\n")
    words = [f"--config.{key}={tmp_path / 'bins.csv'}", f"--workdir={tmp_path / 'run'}"]
    assert launch.main([command, f"--config=experiments/{config}", *words]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"launch.py {command}: ")
    assert "bins.csv is no file of NumPy (.npy); expected is a NumPy array [bins, 2]" in line
    assert not (tmp_path / "run").exists()


def test_patch_that_the_network_cannot_divide_is_one_line(tmp_path, capsys):
    words = ["--config=experiments/zhang.py:smoke", "--config.data.patch_size=30", f"--workdir={tmp_path / 'run'}"]
    assert launch.main(["train", *words]) == 2
    assert "30x30 pixels can't be divided into the network's 8x8 outputs" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_task_without_bins_refuses_a_file_of_them(hull):
    with pytest.raises(UserError, match=r"config.task.bins=.*the task 'colorize' reads no bins"):
        build_task(SECTION | {"name": "colorize", "loss": "l1", "bins": hull})


def test_papers_config_has_the_papers_settings():
    config = load("experiments/zhang.py:paper")
    assert (config.data.patch_size, config.training.batch_size, config.model.width) == (176, 40, 64)
    assert config.optimizer.learning_rate == 3e-5
    steps = config.training.epochs * config.data.patches_per_epoch / config.training.batch_size
    assert steps == pytest.approx(500_000, rel=0.05)


def test_row_of_bins_is_measured_by_the_loss_of_its_table(hull):
    """In a table of colorize, whatever it was trained with."""
    photographs = [Photograph("a", np.random.default_rng(0).integers(0, 256, (20, 16, 3), np.uint8))]
    protocol = build_protocol({}, "made up", "colorize", photographs)
    task = _measured_task(SECTION | {"bins": hull}, protocol, "squared_error")
    assert task == Colorize("squared_error")
    own = build_task(SECTION | {"bins": hull})
    variables = {"params": {}}
    method = NetworkMethod("bins", Uniform(313), variables, own, 16, 0, 1, picture="reduced")
    (row,) = evaluate(method, task, protocol, photographs).rows
    colors = ab_bins.centers(hull).mean(axis=0)  # of a uniform distribution
    truth = np.asarray(rgb2lab(photographs[0].picture / np.float32(255)))[..., 1:]
    # What sRGB can't show of the mean color at each lightness is lost, which a network's own a and b would have.
    assert row["loss"] == pytest.approx(np.mean((truth - colors) ** 2) / 110**2, rel=0.2)
    of_bins = dataclasses.replace(protocol, task="colorize_zhang")
    assert _measured_task(SECTION | {"bins": hull}, of_bins, "cross_entropy") == own
