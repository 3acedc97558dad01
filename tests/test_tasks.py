"""Tasks: the way from a clean picture to inputs, targets and back, against scikit-image's color conversions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.color
from ml_collections import ConfigDict
from PIL import Image

from colorjax.errors import UserError
from colorjax.noise import add_noise
from colorjax.tasks import TASKS, Colorize, Denoise, DenoiseGray, build_task
from colorjax.tasks.losses import LOSSES


def cube(levels=6):
    """All colors of a grid over the sRGB cube as two pictures [2, H, W, 3]; its corners are the gamut's extremes."""
    axis = np.linspace(0, 1, levels, dtype=np.float32)
    return jnp.asarray(np.stack(np.meshgrid(axis, axis, axis), -1).reshape(2, -1, levels, 3))


def keys(count=2):
    return jax.random.split(jax.random.key(3), count)


# A task is a static argument, as in the training step.
observe = jax.jit(lambda task, keys, clean: task.degrade(keys, clean), static_argnums=0)
make_example = jax.jit(lambda task, keys, clean: task.example(keys, clean), static_argnums=0)
make_picture = jax.jit(lambda task, outputs, inputs: task.picture(outputs, inputs), static_argnums=0)

DENOISE = Denoise("l1", "gaussian", (0.0, 0.3))
DENOISE_GRAY = DenoiseGray("l1", "gaussian", (0.0, 0.3))
COLORIZE = Colorize("l1")
COLORIZE_NOISY = Colorize("l1", "gaussian", (0.0, 0.3))


@pytest.fixture(scope="module", params=[DENOISE, DENOISE_GRAY, COLORIZE_NOISY], ids=lambda task: task.name)
def task_and_example(request):
    return request.param, make_example(request.param, keys(), cube())


def test_example_has_the_stated_shapes(task_and_example):
    task, example = task_and_example
    batch = cube().shape[:-1]
    assert example.inputs.shape == (*batch, task.input_channels)
    assert example.targets.shape == (*batch, task.output_channels)
    assert example.inputs.dtype == example.targets.dtype == jnp.float32
    assert jnp.isfinite(example.inputs).all()


def test_example_is_what_each_picture_gives_alone(task_and_example):
    task, example = task_and_example
    degraded = observe(task, keys()[1], cube()[1])
    alone = make_example(task, keys()[1], cube()[1])
    assert degraded.shape == cube()[1].shape
    np.testing.assert_allclose(example.inputs[1], task.inputs(degraded), atol=1e-5)
    for part in (0, 1):
        np.testing.assert_allclose(example[part][1], alone[part], atol=1e-5)


def test_perfect_outputs_give_the_clean_picture_back():
    for task, tolerance in ((DENOISE, 1e-6), (COLORIZE, 2e-3)):
        example = make_example(task, keys(), cube())
        restored = make_picture(task, example.targets, example.inputs)
        np.testing.assert_allclose(restored, cube(), atol=tolerance)


def test_gray_denoising_is_on_the_luma_that_pillow_computes():
    random = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    luma = np.asarray(Image.fromarray(random).convert("L"), np.float64)
    clean = jnp.asarray(random / np.float32(255))
    truth = np.asarray(DENOISE_GRAY.truth(clean), np.float64) * 255
    np.testing.assert_array_equal(truth, np.broadcast_to(truth[..., :1], truth.shape))
    np.testing.assert_allclose(truth, np.rint(truth), atol=1e-4)
    # Pillow truncates and not rounds where a value falls on a half.
    assert np.abs(truth[..., 0] - luma).max() <= 1 + 1e-4
    assert np.mean(np.rint(truth[..., 0]) == luma) > 0.99
    example = make_example(DENOISE_GRAY, keys()[0], clean)
    restored = make_picture(DENOISE_GRAY, example.targets, example.inputs)
    np.testing.assert_allclose(restored * 255, truth, atol=1e-3)


def test_denoise_observes_the_noise_of_its_kind():
    noise = ("clipped_blacks", (0.1, 0.4))
    degraded = observe(Denoise("l1", *noise), keys(), cube())
    np.testing.assert_allclose(degraded, add_noise(keys(), cube(), *noise), atol=1e-6)
    assert (degraded != cube()).any()


@pytest.mark.parametrize("loss", LOSSES)
def test_denoise_loss_is_that_between_the_restored_and_the_clean_picture(loss):
    task, random = Denoise(loss), np.random.default_rng(0)
    noisy, outputs = (cube() + 0.1 * random.standard_normal(cube().shape, np.float32) for _ in range(2))
    loss_of_outputs = task.loss(outputs, task.targets(cube(), noisy))
    assert loss_of_outputs.shape == (2,)
    np.testing.assert_allclose(loss_of_outputs, LOSSES[loss](task.picture(outputs, noisy), cube()), rtol=1e-5)


def test_colorize_observes_a_gray_copy_of_the_same_lightness():
    degraded = observe(COLORIZE, keys(), cube())
    assert degraded.shape == cube().shape
    np.testing.assert_array_equal(degraded, np.broadcast_to(degraded[..., :1], degraded.shape))
    lab = skimage.color.rgb2lab(np.asarray(degraded, np.float64))
    true_lab = skimage.color.rgb2lab(np.asarray(cube(), np.float64))
    np.testing.assert_allclose(lab[..., 0], true_lab[..., 0], atol=1e-3)
    # Gray pictures are their own gray copy, and a luma would not do: it is off by up to a fifth of the range.
    np.testing.assert_allclose(observe(COLORIZE, keys(), degraded), degraded, atol=1e-5)
    assert np.abs(skimage.color.rgb2gray(np.asarray(cube())) - np.asarray(degraded[..., 0])).max() > 0.1


def test_colorize_inputs_and_targets_are_scikit_images_lab():
    example = make_example(COLORIZE, keys(), cube())
    lab = skimage.color.rgb2lab(np.asarray(cube(), np.float64))
    np.testing.assert_allclose(example.inputs, lab[..., :1] / 50 - 1, atol=1e-4)
    np.testing.assert_allclose(example.targets, lab[..., 1:] / 110, atol=1e-4)
    assert jnp.abs(example.inputs).max() <= 1 + 1e-4
    assert 0.9 < jnp.abs(example.targets).max() <= 1


@pytest.mark.parametrize("kind", ["gaussian", "salt_and_pepper"])
def test_colorize_noise_is_gray_and_of_the_stated_size(kind):
    level = 0.1
    clean = jnp.full((96, 96, 3), 0.5, jnp.float32)
    degraded = np.asarray(observe(Colorize("l1", kind, (level, level)), keys()[0], clean), np.float64)
    np.testing.assert_array_equal(degraded, np.broadcast_to(degraded[..., :1], degraded.shape))
    variance = {"gaussian": level**2, "salt_and_pepper": level * 0.5**2}[kind]
    # The standard error of a variance is sqrt(kurtosis - 1) / 96 of it; salt and pepper's kurtosis is 1 / level.
    bound = 5 * ({"gaussian": 3, "salt_and_pepper": 1 / level}[kind] - 1) ** 0.5 / 96
    assert degraded[..., 0].var() == pytest.approx(variance, rel=bound)


def test_colorize_keeps_the_lightness_it_was_given_whatever_the_outputs():
    example = make_example(COLORIZE_NOISY, keys(), cube())
    outputs = jax.random.uniform(jax.random.key(5), example.targets.shape, minval=-2.0, maxval=2.0)
    restored = np.asarray(make_picture(COLORIZE_NOISY, outputs, example.inputs), np.float64)
    assert restored.min() >= 0
    assert restored.max() <= 1
    lightness = skimage.color.rgb2lab(restored)[..., :1]
    np.testing.assert_allclose(lightness, np.clip((example.inputs + 1) * 50, 0, 100), atol=0.05)


def test_tasks_are_equal_and_hashable_by_value():
    config = {"name": "denoise", "loss": "l1", "noise": {"kind": "gaussian", "level": [0, 0.5]}}
    assert build_task(config) == build_task(ConfigDict(config)) == Denoise("l1", "gaussian", (0.0, 0.5))
    assert hash(build_task(config)) == hash(Denoise("l1", "gaussian", (0.0, 0.5)))
    assert build_task(config) != Colorize("l1", "gaussian", (0.0, 0.5))
    assert build_task({**config, "name": "colorize"}) == Colorize("l1", "gaussian", (0.0, 0.5))
    assert Denoise("l1", "none", (0.1, 0.2)) == Denoise("l1")


@pytest.mark.parametrize("name", TASKS)
def test_task_is_registered_under_its_own_name(name):
    assert TASKS[name].name == name


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"name": "colourize"}, r"config\.task\.name: no task is named 'colourize'; did you mean 'colorize'\?"),
        (
            {"loss": "squared"},
            r"config\.task\.loss: the task denoise has no loss 'squared'; did you mean 'squared_error'\?",
        ),
        ({"noise.kind": "speckles"}, r"config\.task\.noise\.kind: .* did you mean 'speckle'\?"),
        ({"noise.level": (0.2, 0.1)}, r"config\.task\.noise\.level = \(0\.2, 0\.1\): low is above high.*"),
        ({"noise.level": (-0.2, 0.1)}, r"config\.task\.noise\.level = \(-0\.2, 0\.1\): .* is not below 0"),
    ],
)
def test_bad_config_is_one_line_that_names_the_key(changes, line):
    config = ConfigDict(
        {"name": "denoise", "loss": "l1", "noise": {"kind": "gaussian", "level": (0.0, 0.5)}},
        convert_dict=True,
    )
    config.update_from_flattened_dict(changes)
    with pytest.raises(UserError, match=f"^{line}$"):
        build_task(config)


def test_colorize_rgb_takes_gray_in_three_channels_and_is_the_whole_picture():
    task = TASKS["colorize_rgb"]("l1")
    clean = jax.random.uniform(jax.random.key(0), (2, 5, 4, 3))
    example = task.example(jax.random.split(jax.random.key(1), 2), clean)
    assert example.inputs.shape == example.targets.shape == clean.shape
    np.testing.assert_array_equal(example.inputs, jnp.broadcast_to(example.inputs[..., :1], clean.shape))
    np.testing.assert_allclose(task.picture(example.targets, example.inputs), clean, atol=1e-6)
    gray = task.degrade(jax.random.key(0), clean)
    np.testing.assert_allclose(task.colors(2 * gray - 1), 0, atol=0.02)


def test_estimate_is_the_picture_in_the_scale_of_the_inputs():
    clean = jax.random.uniform(jax.random.key(0), (1, 5, 4, 3))
    keys = jax.random.split(jax.random.key(1), 1)
    for name, expected in (("denoise", clean), ("denoise_told", clean), ("colorize_rgb", 2 * clean - 1)):
        task = TASKS[name]("l1", "gaussian", (0.1, 0.1))
        example = task.example(keys, clean)
        np.testing.assert_allclose(task.estimate(example.targets, example.inputs), expected, atol=1e-6)
    task = TASKS["colorize"]("l1")
    example = task.example(keys, clean)
    np.testing.assert_array_equal(task.estimate(example.targets, example.inputs), example.targets)
