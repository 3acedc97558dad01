"""The colorizer of Iizuka et al.: its weights, shared layers, fusion, classes, the scale of its loss, and styles."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.pictures import make

import launch
from colorjax.errors import UserError
from colorjax.methods import NetworkMethod, Observation
from colorjax.models import build_model
from colorjax.models.iizuka import classification_weight
from colorjax.models.network import AUXILIARY, CLASS_LOGITS
from colorjax.objectives import build_objective
from colorjax.tasks import Colorize, Example

pytestmark = pytest.mark.slow  # its networks compile for long

SMALL = {"name": "iizuka", "width": 2, "classes": 3, "side": 32, "norm": "none"}
TASK = Colorize("squared_error")


def shapes(model, side=16):
    return jax.eval_shape(lambda key: model.init(key, jnp.zeros((1, side, side, 1)), train=False), jax.random.key(0))


def count(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


@pytest.fixture(scope="module")
def small():
    """A small network with random variables, those of the last layer too, whose ReLUs are not idle."""
    model, random = build_model(SMALL, 2), np.random.default_rng(0)

    def draw(leaf):
        if leaf.ndim == 1:
            return jnp.zeros(leaf.shape)
        return jnp.asarray(random.normal(0, (2 / np.prod(leaf.shape[:-1])) ** 0.5, leaf.shape), jnp.float32)

    variables = jax.tree.map(draw, shapes(model))
    return model, {"params": variables["params"]}


def lightness(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (*shape, 1)).astype(np.float32)


def test_network_has_the_published_numbers_of_weights():
    params = shapes(build_model({"name": "iizuka", "norm": "none"}, 2), 224)["params"]
    found = {
        "low": count(params["low"]),
        "mid": count(params["mid"]),
        "global": count([params[name] for name in ("global", "global_1", "global_2", "global_3")]),
        "fusion": count(params["fusion"]),
        "color": count([params[name] for name in ("color_1", "color_2", "color_3", "output")]),
        "classifier": count([params[name] for name in ("classifier", "classes")]),
    }
    assert found == {
        "low": 2_287_488,
        "mid": 3_539_712,
        "global": 35_786_496,
        "fusion": 131_328,
        "color": 424_802,
        "classifier": 184_013,
    }
    assert count(params) == 42_353_839


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (9, 26)])
def test_network_keeps_any_size_beside_that_of_its_global_branch(size):
    model = build_model(SMALL, 2)
    inputs = jax.ShapeDtypeStruct((2, *size, 1), jnp.float32)
    outputs = jax.eval_shape(lambda v, x: model.apply(v, x, train=False), shapes(model), inputs)
    assert (outputs.shape, outputs.dtype) == ((2, *size, 2), jnp.float32)


def test_output_of_a_half_is_gray(small):
    model, variables = small
    output = jax.tree.map(jnp.zeros_like, variables["params"]["output"])
    assert not model.apply({"params": variables["params"] | {"output": output}}, lightness(1, 16, 16), False).any()


def test_output_stays_within_a_hundred_of_lab(small):
    model, variables = small
    params = variables["params"] | {"output": variables["params"]["output"] | {"bias": jnp.float32([1e3, -1e3])}}
    outputs = model.apply({"params": params}, lightness(1, 16, 16), train=False)
    np.testing.assert_allclose(TASK.colors(outputs)[0, 3, 5], [100, -100], rtol=1e-5)


def test_global_features_reach_every_place_alike(small):
    """With the local half of the fusion cut off, the colors are the same everywhere, and those of the whole picture."""
    model, variables = small
    fusion = variables["params"]["fusion"]
    kernel = fusion["kernel"].at[:, :, : 4 * SMALL["width"]].set(0.0)
    cut = {"params": variables["params"] | {"fusion": fusion | {"kernel": kernel}}}
    both = np.stack([lightness(64, 64, seed=seed) for seed in (0, 1)])
    inside = np.asarray(jax.jit(lambda x: model.apply(cut, x, train=False))(both))[
        :, 28:36, 28:36
    ]  # away from the zeros at the edges
    assert np.ptp(inside, axis=(1, 2)).max() < 1e-6
    assert np.abs(inside[0] - inside[1]).max() > 1e-4


def test_style_takes_the_place_of_the_pictures_global_features(small):
    model, variables = small
    own, other = lightness(1, 16, 16), lightness(1, 24, 8, seed=1)
    alone = model.apply(variables, own, train=False)
    np.testing.assert_allclose(model.apply(variables, own, train=False, style=own), alone, atol=1e-6)
    styled = model.apply(variables, own, train=False, style=other)
    assert jnp.abs(styled - alone).max() > 1e-3
    # It goes through the global vector alone: without that half of the fusion nothing changes.
    fusion = variables["params"]["fusion"]
    kernel = fusion["kernel"].at[:, :, 4 * SMALL["width"] :].set(0.0)
    cut = {"params": variables["params"] | {"fusion": fusion | {"kernel": kernel}}}
    np.testing.assert_array_equal(model.apply(cut, own, train=False), model.apply(cut, own, train=False, style=other))


def test_method_takes_a_reference_for_the_style(small):
    model, variables = small
    method = NetworkMethod("iizuka", model, variables, TASK, 16, 0, 1, picture="reduced")
    image, reference = (np.random.default_rng(seed).random((20, 24, 3), np.float32) for seed in (0, 1))
    plain = method.restore(Observation(image)).image
    styled = method.restore(Observation(image, references=(reference,))).image
    assert np.abs(plain - styled).max() > 1e-3


def test_low_level_features_are_shared(small):
    """Both branches move them: a gradient reaches `low` from the colors with either half of the fusion alone."""
    model, variables = small
    fusion, half = variables["params"]["fusion"], 4 * SMALL["width"]

    @jax.jit
    @jax.grad
    def gradient(low, kernel):
        params = variables["params"] | {"fusion": fusion | {"kernel": kernel}, "low": low}
        return jnp.sum(model.apply({"params": params}, lightness(1, 16, 16), train=False))

    for where in (np.s_[:, :, :half], np.s_[:, :, half:]):
        found = gradient(variables["params"]["low"], fusion["kernel"].at[where].set(0.0))
        assert all(jnp.abs(leaf).max() > 0 for leaf in jax.tree.leaves(found))


def test_classifier_learns_by_the_classification_alone(small):
    model, variables = small
    example = Example(jnp.asarray(lightness(2, 32, 32)), jnp.zeros((2, 32, 32, 2)), {"class": jnp.eye(3)[:2]})
    classifier = {name: variables["params"][name] for name in ("classifier", "classes")}

    def gradient(terms):
        objective = build_objective({"name": "supervised", "terms": terms}, model, TASK)

        def loss(classifier):
            params = {"network": variables["params"] | classifier}
            return objective(params, {"network": {}}, example, {}, None, ()).losses["network"]

        return jax.tree.leaves(jax.jit(jax.grad(loss))(classifier))

    assert all(jnp.abs(leaf).max() > 0 for leaf in gradient({"task": 1.0, "classification": 0.1}))
    assert not any(leaf.any() for leaf in gradient({"task": 1.0, "classification": 0.0}))


def test_weight_of_the_classification_is_that_of_the_summed_norm():
    """Beside the mean the weight makes the same loss, but for a factor, as 1/300 beside the paper's sum."""
    random = np.random.default_rng(0)
    side, cross_entropy = 32, 2.5
    errors = random.normal(0, 0.1, (side // 2, side // 2, 2))  # of a and b over 110, at half size
    summed = np.sum((errors * 110 / 200) ** 2) - (-cross_entropy) / 300
    mean = np.mean(errors**2) + classification_weight(side) * cross_entropy
    assert mean / np.mean(errors**2) == pytest.approx(summed / np.sum((errors * 110 / 200) ** 2), rel=1e-12)


def test_logits_are_sown_for_the_classification(small):
    model, variables = small
    _, sown = model.apply(variables, lightness(2, 16, 16), train=False, mutable=[AUXILIARY])
    assert sown[AUXILIARY][CLASS_LOGITS][0].shape == (2, 3)


def test_network_refuses_other_tasks_and_a_global_view_too_small_to_halve():
    with pytest.raises(UserError, match=r"model.side: 16 pixels; .* needs 32 or more"):
        build_model(SMALL | {"side": 16}, 2)
    with pytest.raises(UserError, match=r"it is for config\.task\.name=colorize"):
        build_model(SMALL, 3)


def test_classes_that_the_data_has_not_are_one_line(tmp_path, capsys):
    source = make(tmp_path / "photos", *(f"{kind}/{i}.png" for kind in ("bus", "car") for i in range(6)))
    plain = make(tmp_path / "plain", *(f"{i}.png" for i in range(6)))
    for folder, line in (
        (source, "the model has 12 classes and the training photographs 2; give the model as many"),
        (plain, "the training photographs have no classes; use a data set that has"),
    ):
        words = [f"--config.data.source={folder}", f"--workdir={tmp_path / 'run'}", "--config.data.workers=0"]
        assert launch.main(["train", "--config=experiments/iizuka.py:small", *words]) == 2
        assert line in capsys.readouterr().err
        assert not (tmp_path / "run").exists()


def test_table_with_a_row_that_the_data_can_not_train_is_one_line(tmp_path, capsys):
    plain = make(tmp_path / "plain", *(f"{i}.png" for i in range(6)))
    (tmp_path / "fewer.py").write_text(
        "from experiments import colorizers\n"
        "def get_config(variant=''):\n"
        "    config = colorizers.get_config('folder').unlock()\n"
        "    for row in set(config.rows) - {'observed', 'mean_color', 'iizuka'}:\n"
        "        del config.rows[row]\n"
        "    return config.lock()\n"
    )
    words = [f"--config.data.source={plain}", f"--workdir={tmp_path / 'run'}", "--config.data.workers=0"]
    assert launch.main(["table", f"--config={tmp_path / 'fewer.py'}", *words]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("launch.py table: ")]
    assert "row 'Iizuka et al. 2016" in line
    assert "the training photographs have no classes" in line
    assert not (tmp_path / "run").exists()
