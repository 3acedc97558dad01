"""Color spaces against scikit-image over the whole cube, their inverses, their derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage import color as skimage_color

from colorjax.color import spaces

STEPS = np.concatenate([[0.0, 0.001, 0.04045, 0.0405], np.linspace(0, 1, 18)[1:]])
CUBE = np.stack(np.meshgrid(STEPS, STEPS, STEPS, indexing="ij"), axis=-1).reshape(-1, 3)
# Black, white, grays, the corners, the edge of the straight part, denormal-dark and nearly gray colors.
HARD = np.array(
    [[0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.5], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1], [1, 0, 1]]
    + [[0.04045] * 3, [1e-30, 0, 0], [1e-12, 0, 1e-12], [0.5, 0.5, 0.50000006], [1, 1, 0.99999994]],
    np.float32,
)
colors = hnp.arrays(np.float32, (4, 3), elements=st.floats(0, 1, width=32, allow_subnormal=False))

# compiled once a function and shape
names = "srgb_to_linear linear_to_srgb rgb2xyz xyz2rgb rgb2lab lab2rgb lab2xyz xyz2lab"
names += " rgb2yiq yiq2rgb rgb2hsv hsv2rgb rgb2gray lab2rgb_gamut"
jitted = {name: jax.jit(getattr(spaces, name)) for name in names.split()}


@pytest.mark.parametrize("name", ["rgb2xyz", "rgb2lab", "rgb2yiq", "rgb2hsv", "hsv2rgb", "rgb2gray"])
def test_color_from_rgb_equals_scikit_image_over_the_cube(name):
    ours = jitted[name](CUBE.astype(np.float32))
    assert ours.dtype == jnp.float32
    np.testing.assert_allclose(ours, getattr(skimage_color, name)(CUBE), atol=1e-3, rtol=0)


@pytest.mark.parametrize(("there", "back"), [("xyz", "xyz2rgb"), ("lab", "lab2rgb"), ("yiq", "yiq2rgb")])
def test_color_to_rgb_equals_scikit_image_over_the_cube(there, back):
    values = getattr(skimage_color, f"rgb2{there}")(CUBE)
    ours = jitted[back](values.astype(np.float32))
    np.testing.assert_allclose(ours, getattr(skimage_color, back)(values), atol=1e-3, rtol=0)
    np.testing.assert_allclose(ours, CUBE, atol=1e-3, rtol=0)


@pytest.mark.filterwarnings("ignore:Conversion from CIE-LAB")  # scikit-image clips Z too, and says so
def test_lab_outside_the_gamut_clips_as_scikit_image():
    lab = np.stack(np.meshgrid([0, 5, 50, 95, 100], [-120, -30, 0, 100], [-110, -5, 0, 110]), axis=-1) * 1.0
    np.testing.assert_allclose(jitted["lab2rgb"](lab.astype(np.float32)), skimage_color.lab2rgb(lab), atol=1e-3, rtol=0)


def test_transfer_curve_equals_its_definition():
    linear = np.where(STEPS <= 0.04045, STEPS / 12.92, ((STEPS + 0.055) / 1.055) ** 2.4)
    ours = jitted["srgb_to_linear"](np.repeat(STEPS[:, None], 3, axis=1).astype(np.float32))
    np.testing.assert_allclose(ours, np.repeat(linear[:, None], 3, axis=1), atol=1e-6)


@given(rgb=colors)
@pytest.mark.parametrize("space", ["xyz", "lab", "yiq", "hsv"])
def test_there_and_back_is_the_identity(space, rgb):
    back = jitted[f"{space}2rgb"](jitted[f"rgb2{space}"](rgb))
    np.testing.assert_allclose(back, rgb, atol=1e-3)


@given(rgb=colors)
def test_linear_round_trip_and_range(rgb):
    linear = jitted["srgb_to_linear"](rgb)
    assert np.all((np.asarray(linear) >= 0) & (np.asarray(linear) <= 1.000001))
    np.testing.assert_allclose(jitted["linear_to_srgb"](linear), rgb, atol=1e-5)


@given(rgb=colors)
def test_gamut_safe_way_back_leaves_colors_of_the_gamut_alone(rgb):
    np.testing.assert_allclose(jitted["lab2rgb_gamut"](jitted["rgb2lab"](rgb)), rgb, atol=1e-3)


@given(
    lightness=hnp.arrays(np.float32, (4, 1), elements=st.floats(0, 100, width=32)),
    ab=hnp.arrays(np.float32, (4, 2), elements=st.floats(-200, 200, width=32)),
)
def test_gamut_safe_way_back_keeps_lightness_and_hue(lightness, ab):
    lab = np.concatenate([lightness, ab], axis=-1)
    rgb = np.asarray(jitted["lab2rgb_gamut"](lab))
    assert np.all((rgb >= 0) & (rgb <= 1))
    back = skimage_color.rgb2lab(rgb.astype(np.float64))
    np.testing.assert_allclose(back[:, :1], lightness, atol=0.05)
    chroma, chroma_back = np.hypot(*ab.T), np.hypot(*back[:, 1:].T)
    assert np.all(chroma_back <= chroma + 0.2)
    # the same direction in the ab plane: the component across it vanishes
    across = (ab[:, 0] * back[:, 2] - ab[:, 1] * back[:, 1]) / np.maximum(chroma, 1e-6)
    assert np.all(np.abs(across[chroma > 1]) < 0.2)


def test_gamut_safe_way_back_keeps_lightness_to_a_hundredth_and_hue_to_half_a_degree():
    lightness, chroma, hue = np.meshgrid(np.linspace(0.5, 99.5, 45), [3, 30, 90, 200], np.radians(np.arange(0, 360, 4)))
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=-1).reshape(-1, 3)
    back = skimage_color.rgb2lab(np.asarray(jitted["lab2rgb_gamut"](lab.astype(np.float32)), np.float64))
    np.testing.assert_allclose(back[:, 0], lab[:, 0], atol=0.01)
    turned = np.angle(np.exp(1j * (np.arctan2(back[:, 2], back[:, 1]) - hue.ravel())), deg=True)
    # where next to no chroma is left, near black and white, float32 decides its angle: 0.02 units of ab at most
    assert np.all(np.abs(turned[np.hypot(back[:, 1], back[:, 2]) > 2]) < 0.5)


def test_gamut_safe_way_back_shrinks_chroma_no_further_than_needed():
    # along the hue of sRGB's red, green and blue at their lightness, the gamut ends at those colors
    corners = skimage_color.rgb2lab(np.eye(3))
    beyond = corners * [1, 1.3, 1.3]
    rgb = jitted["lab2rgb_gamut"](beyond.astype(np.float32))
    np.testing.assert_allclose(skimage_color.rgb2lab(np.asarray(rgb, np.float64)), corners, atol=0.3)


def test_gamut_safe_way_back_survives_absurd_predictions():
    lab = np.array([[50, 1e30, -1e30], [50, 1e6, 0], [-20, 10, 10], [140, 10, 10]], np.float32)
    rgb = np.asarray(jitted["lab2rgb_gamut"](lab))
    assert np.all((rgb >= 0) & (rgb <= 1))
    np.testing.assert_allclose(skimage_color.rgb2lab(rgb * 1.0)[:, 0], [50, 50, 0, 100], atol=0.05)


@pytest.mark.parametrize("name", sorted(set(jitted) - {"xyz2rgb", "lab2rgb", "lab2xyz", "xyz2lab", "yiq2rgb"}))
def test_derivatives_are_finite_everywhere(name):
    function = getattr(spaces, name)
    gradient = jax.jit(jax.grad(lambda x: jnp.sum(function(x) ** 2)))(
        np.concatenate([HARD, CUBE[::7]], dtype=np.float32)
    )
    assert np.all(np.isfinite(gradient))


@pytest.mark.parametrize("space", ["xyz", "lab", "yiq", "hsv"])
def test_derivatives_of_the_way_back_are_finite_everywhere(space):
    back = getattr(spaces, f"{space}2rgb")
    values = jitted[f"rgb2{space}"](np.concatenate([HARD, CUBE[::7]], dtype=np.float32))
    values = jnp.concatenate([values, 2 * values, -values])
    assert np.all(np.isfinite(jax.jit(jax.grad(lambda x: jnp.sum(back(x) ** 2)))(values)))


def test_derivative_of_lab_equals_a_finite_difference():
    rgb, step = np.array([0.3, 0.02, 0.8]), 1e-6
    numeric = [
        (skimage_color.rgb2lab(rgb + step * e) - skimage_color.rgb2lab(rgb - step * e)) / (2 * step) for e in np.eye(3)
    ]
    jacobian = jax.jit(jax.jacfwd(spaces.rgb2lab))(rgb.astype(np.float32))
    np.testing.assert_allclose(jacobian, np.transpose(numeric), rtol=1e-3, atol=1e-2)


def test_color_of_any_leading_dimensions_agrees_with_vmap():
    lab = np.random.default_rng(0).uniform([0, -99, -99], [100, 99, 99], (2, 2, 3, 3)).astype(np.float32)
    whole = jitted["lab2rgb_gamut"](lab)
    np.testing.assert_allclose(jax.jit(jax.vmap(spaces.lab2rgb_gamut))(lab), whole, atol=1e-5)
    np.testing.assert_allclose(jitted["lab2rgb_gamut"](lab[0, 0, 0]), whole[0, 0, 0], atol=1e-5)


def test_bad_colors_are_told():
    with pytest.raises(TypeError, match="floating-point, .*uint8"):
        spaces.rgb2lab(np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(ValueError, match=r"3 channels .*\(2, 2, 4\)"):
        spaces.rgb2hsv(np.zeros((2, 2, 4), np.float32))
