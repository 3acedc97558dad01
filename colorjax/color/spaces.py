"""Color spaces: sRGB, linear RGB, CIE XYZ, CIE Lab (D65, 2 degrees), YIQ, HSV, gray.

Every function takes floating-point colors `[*b, 3]`, channels last, and returns the same shape and dtype
(`rgb2gray` returns `[*b]`). RGB, XYZ, HSV and Y are in [0, 1]; L is in 0..100, a and b in about -108..99.
Names, constants and conventions are those of scikit-image, and the values agree with it to within 1e-3. All functions
work under `jit`, `vmap` and `grad`, with finite derivatives everywhere, black and gray included.
An array that isn't floating-point raises TypeError; an array without three channels raises ValueError.

Implementation: a 3x3 matrix is applied as three multiply-adds on broadcast channels. A dot product would run in TF32
or bfloat16 on accelerators, and on a CPU this form was the fastest that was tried. Powers are `exp(p * log(x))`, which
XLA's CPU backend vectorizes. `x**p` and `cbrt` call the scalar C library there (6 and 18 times slower).
"""

import jax
import jax.numpy as jnp
import numpy as np

# Rec. 709 primaries to XYZ, and the D65 white of the 2 degree observer: scikit-image's digits.
XYZ_FROM_RGB = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
RGB_FROM_XYZ = np.linalg.inv(XYZ_FROM_RGB)
D65_WHITE = np.array([0.95047, 1.0, 1.08883])

# CIE 15: L = 116 f(Y) - 16, a = 500 (f(X) - f(Y)), b = 200 (f(Y) - f(Z)).
LAB_FROM_F = np.array([[0.0, 116.0, 0.0], [500.0, -500.0, 0.0], [0.0, 200.0, -200.0]])
F_FROM_LAB = np.linalg.inv(LAB_FROM_F)
LAB_OFFSET = np.array([16.0, 0.0, 0.0])

YIQ_FROM_RGB = np.array(
    [[0.299, 0.587, 0.114], [0.59590059, -0.27455667, -0.32134392], [0.21153661, -0.52273617, 0.31119955]]
)
RGB_FROM_YIQ = np.linalg.inv(YIQ_FROM_RGB)
GRAY_FROM_RGB = (0.2125, 0.7154, 0.0721)

# No sRGB color has a larger Lab chroma than blue's 133.8.
LARGEST_CHROMA = 134.0
CHROMA_BISECTIONS = 14  # leaves 134 / 2**14 = 0.008 units of chroma, far below what can be seen
# Rounding in float32 puts colors of the gamut's surface this far outside it (linear RGB).
GAMUT_TOLERANCE = 1e-5

# A color counts as gray up to this difference of channels. 1 / SMALLEST_CHROMA**2 still fits float32.
SMALLEST_CHROMA = 1e-15


def srgb_to_linear(rgb: jax.Array) -> jax.Array:
    """Undo the sRGB transfer curve (IEC 61966-2-1)."""
    return _linearized(_colors(rgb))


def linear_to_srgb(linear: jax.Array) -> jax.Array:
    """Apply the sRGB transfer curve (IEC 61966-2-1); its straight part continues below 0."""
    linear = _colors(linear)
    curved = linear > 0.0031308
    base = jnp.where(curved, linear, 1.0)
    return jnp.where(curved, 1.055 * _power(base, 1 / 2.4) - 0.055, 12.92 * linear)


def rgb2xyz(rgb: jax.Array) -> jax.Array:
    """Return the CIE XYZ of sRGB colors; Y of white is 1."""
    return _transform(XYZ_FROM_RGB, srgb_to_linear(rgb))


def xyz2rgb(xyz: jax.Array) -> jax.Array:
    """Return the sRGB of XYZ colors, clipped to [0, 1]."""
    return jnp.clip(linear_to_srgb(_transform(RGB_FROM_XYZ, _colors(xyz))), 0.0, 1.0)


def xyz2lab(xyz: jax.Array) -> jax.Array:
    """Return the CIE Lab of XYZ colors."""
    xyz = _colors(xyz)
    f = _f(xyz / _channel_constant(D65_WHITE, xyz))
    return _transform(LAB_FROM_F, f) - _channel_constant(LAB_OFFSET, f)


def lab2xyz(lab: jax.Array) -> jax.Array:
    """Return the XYZ of Lab colors; f(Z) below 0 counts as 0, as in scikit-image."""
    lab = _colors(lab)
    f = _transform(F_FROM_LAB, lab + _channel_constant(LAB_OFFSET, lab))
    f = jnp.maximum(f, _channel_constant([-np.inf, -np.inf, 0.0], f))
    xyz = jnp.where(f > 0.2068966, f * f * f, (f - 16 / 116) / 7.787)
    return xyz * _channel_constant(D65_WHITE, xyz)


def rgb2lab(rgb: jax.Array) -> jax.Array:
    """Return the CIE Lab (D65) of sRGB colors."""
    return xyz2lab(rgb2xyz(rgb))


def rgb2lab_planes(rgb: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return L, a and b of sRGB colors, each `[*b]`: `rgb2lab` for formulas with separate channels.

    XLA can't fuse across the loops over the three channels. Without these loops a long formula such as CIEDE2000
    computes the powers again in each of its parts, and takes three times as long on a CPU.
    """
    linear = jax.lax.map(_linearized, jnp.moveaxis(_colors(rgb), -1, 0))
    rows = (XYZ_FROM_RGB / D65_WHITE[:, None]).tolist()
    xyz = [sum(weight * linear[i] for i, weight in enumerate(row)) for row in rows]
    x, y, z = jax.lax.map(_f, jnp.stack(xyz))
    return 116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)


def lab2rgb(lab: jax.Array) -> jax.Array:
    """Return the sRGB of Lab colors; colors outside the gamut are clipped, which changes their lightness and hue."""
    return xyz2rgb(lab2xyz(lab))


def lab2rgb_gamut(lab: jax.Array) -> jax.Array:
    """Return the sRGB of Lab colors with lightness and hue kept: only chroma is reduced, until it is in the gamut.

    For colors inside the gamut the result is that of `lab2rgb`. L is clipped to 0..100. A bisection between gray and
    the color finds the chroma. Its factor counts as a constant in derivatives: so a color outside the gamut still gets
    a gradient toward less chroma, while the derivative of the exact projection is zero along the chroma.
    """
    lab = _colors(lab)
    lightness, ab = jnp.clip(lab[..., :1], 0.0, 100.0), lab[..., 1:]
    lab = jnp.concatenate([lightness, ab * _gamut_factor(lightness, ab)], axis=-1)
    return lab2rgb(lab)


def recolor(rgb: jax.Array, ab: jax.Array) -> jax.Array:
    """Return the sRGB with the Lab lightness of `rgb` `[*b, 3]` and the color `ab` `[*b, 2]`, reduced to the gamut."""
    return lab2rgb_gamut(jnp.concatenate([rgb2lab(rgb)[..., :1], ab], axis=-1))


def rgb2yiq(rgb: jax.Array) -> jax.Array:
    """Return the YIQ (NTSC) of RGB colors; Y in [0, 1], I in about +-0.6, Q in about +-0.53."""
    return _transform(YIQ_FROM_RGB, _colors(rgb))


def yiq2rgb(yiq: jax.Array) -> jax.Array:
    """Return the RGB of YIQ colors, not clipped."""
    return _transform(RGB_FROM_YIQ, _colors(yiq))


def rgb2hsv(rgb: jax.Array) -> jax.Array:
    """Return hue (a turn is 1), saturation and value of RGB colors; gray has hue and saturation 0."""
    red, green, blue = _channels(rgb)
    value = jnp.maximum(jnp.maximum(red, green), blue)
    chroma = value - jnp.minimum(jnp.minimum(red, green), blue)
    colored = chroma > SMALLEST_CHROMA
    divisor = jnp.where(colored, chroma, 1.0)
    sextant = jnp.where(
        value == blue,
        4.0 + (red - green) / divisor,
        jnp.where(value == green, 2.0 + (blue - red) / divisor, (green - blue) / divisor),
    )
    hue = jnp.where(colored, _remainder(sextant / 6.0, 1.0), 0.0)
    saturation = jnp.where(colored, chroma / jnp.where(colored, value, 1.0), 0.0)
    return jnp.stack([hue, saturation, value], axis=-1)


def hsv2rgb(hsv: jax.Array) -> jax.Array:
    """Return the RGB of hue, saturation and value; hue is periodic with period 1."""
    hue, saturation, value = _channels(hsv)

    def channel(offset):
        # One formula for the six linear pieces along the turn: full, falling, zero, rising.
        k = _remainder(offset + 6.0 * hue, 6.0)
        return value - value * saturation * jnp.clip(jnp.minimum(k, 4.0 - k), 0.0, 1.0)

    return jnp.stack([channel(5.0), channel(3.0), channel(1.0)], axis=-1)


def rgb2gray(rgb: jax.Array) -> jax.Array:
    """Return the weighted sum `[*b]` of RGB values, with scikit-image's weights and without linearization."""
    red, green, blue = _channels(rgb)
    return GRAY_FROM_RGB[0] * red + GRAY_FROM_RGB[1] * green + GRAY_FROM_RGB[2] * blue


def _gamut_factor(lightness, ab):
    """Return `[*b, 1]`: the factor in [0, 1] that brings the chroma of `ab` `[*b, 2]` into sRGB's gamut."""
    lightness, ab = jax.lax.stop_gradient((lightness, ab))
    largest = jnp.max(jnp.abs(ab), axis=-1, keepdims=True)  # squares of huge numbers would overflow
    scaled = ab / jnp.where(largest > 0.0, largest, 1.0)
    chroma = largest * jnp.sqrt(jnp.sum(scaled * scaled, axis=-1, keepdims=True))
    direction = ab / jnp.where(chroma > 0.0, chroma, 1.0)

    def inside(chroma):
        colors = jnp.concatenate([lightness, chroma * direction], axis=-1)
        linear = _transform(RGB_FROM_XYZ, lab2xyz(colors))
        within = (linear >= -GAMUT_TOLERANCE) & (linear <= 1.0 + GAMUT_TOLERANCE)
        return jnp.all(within, axis=-1, keepdims=True)

    def halve(_, state):
        reached, step = state
        candidate = reached + step
        return jnp.where(inside(candidate), candidate, reached), step / 2.0

    first_step = jnp.minimum(chroma, LARGEST_CHROMA) / 2.0
    reached, _ = jax.lax.fori_loop(0, CHROMA_BISECTIONS, halve, (jnp.zeros_like(chroma), first_step))
    unchanged = inside(chroma) | (chroma == 0.0)  # grays too, because rounding puts white outside
    return jnp.where(unchanged, 1.0, reached / jnp.where(unchanged, 1.0, chroma))


def _linearized(srgb):
    curved = srgb > 0.04045
    base = jnp.where(curved, (srgb + 0.055) / 1.055, 1.0)
    return jnp.where(curved, _power(base, 2.4), srgb / 12.92)


def _f(ratio):
    """Return CIE Lab's f: the cube root, and a straight line near 0."""
    curved = ratio > 0.008856
    return jnp.where(curved, _power(jnp.where(curved, ratio, 1.0), 1 / 3), 7.787 * ratio + 16 / 116)


def _power(base, exponent):
    """Return `base ** exponent` for a base above 0."""
    return jnp.exp(exponent * jnp.log(base))


def _remainder(x, period):
    """Return `x % period`, with arithmetic that XLA's CPU backend vectorizes."""
    return x - period * jnp.floor(x / period)


def _transform(matrix, colors):
    """Return each color of `colors` multiplied by the 3x3 `matrix`."""
    return sum(colors[..., i : i + 1] * _channel_constant(matrix[:, i], colors) for i in range(3))


def _channel_constant(values, colors):
    """Return `values` `[3]` with the rank and dtype of `colors`."""
    return jnp.asarray(values, colors.dtype).reshape((1,) * (colors.ndim - 1) + (3,))


def _channels(colors):
    colors = _colors(colors)
    return colors[..., 0], colors[..., 1], colors[..., 2]


def _colors(colors):
    colors = jnp.asarray(colors)
    if not jnp.issubdtype(colors.dtype, jnp.floating):
        raise TypeError(f"colors must be floating-point, in [0, 1] if RGB, not {colors.dtype}")
    if colors.ndim == 0 or colors.shape[-1] != 3:
        raise ValueError(f"colors must have 3 channels in the last axis, not the shape {colors.shape}")
    return colors
