"""CIEDE2000, the difference between two colors as people see it; about 1 is just noticeable.

Sharma, Wu and Dalal, "The CIEDE2000 color-difference formula", Color Research and Application 30(1), 2005. Equation
numbers below are those of the paper. kL = kC = kH = 1. Colors are Lab `[*b, 3]`, differences `[*b]`.

Hues are vectors (cosine and sine) instead of angles. So almost no trigonometry is left, differences of nearly equal
hues keep their precision in float32, and derivatives are finite everywhere, grays and equal colors included.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

TINY = 1e-30  # squares below this count as zero; not smaller, because 1 / sqrt(TINY) and its products must fit float32


def delta_e_ciede2000(lab_1: jax.Array, lab_2: jax.Array) -> jax.Array:
    """Return the CIEDE2000 difference `[*b]` of Lab colors `[*b, 3]`."""
    return delta_e_of_planes(*(tuple(lab[..., i] for i in range(3)) for lab in (lab_1, lab_2)))


def delta_e_of_planes(planes_1: tuple[jax.Array, ...], planes_2: tuple[jax.Array, ...]) -> jax.Array:
    """Return the CIEDE2000 difference `[*b]` of colors; each argument is three arrays L, a and b, `[*b]` each."""
    lightness_1, a_1, b_1 = planes_1
    lightness_2, a_2, b_2 = planes_2

    # Eqs. 2 to 6: a is stretched near the neutral axis.
    stretch = 1.5 - 0.5 * _saturating((_hypot(a_1, b_1) + _hypot(a_2, b_2)) / 2.0)
    a_1, a_2 = a_1 * stretch, a_2 * stretch
    chroma_1, chroma_2 = _hypot(a_1, b_1), _hypot(a_2, b_2)
    hue_difference, cos, sin = _hues(a_1, b_1, chroma_1, a_2, b_2, chroma_2)

    lightness = (lightness_1 + lightness_2) / 2.0 - 50.0
    chroma = (chroma_1 + chroma_2) / 2.0
    scale_l = 1.0 + 0.015 * lightness**2 / jnp.sqrt(20.0 + lightness**2)  # eq. 18
    scale_c = 1.0 + 0.045 * chroma  # eq. 19
    scale_h = 1.0 + 0.015 * chroma * _hue_weight(cos, sin)  # eq. 20
    l_term = (lightness_2 - lightness_1) / scale_l
    c_term = (chroma_2 - chroma_1) / scale_c
    h_term = hue_difference / scale_h
    rotation = -2.0 * _saturating(chroma) * _blue_rotation(cos, sin)
    return _safe_sqrt(l_term**2 + c_term**2 + h_term**2 + rotation * c_term * h_term)


def _hues(a_1, b_1, chroma_1, a_2, b_2, chroma_2):
    """Return dH' (eq. 11), and cosine and sine of the mean hue (eq. 14).

    A is the angle from color 1 to color 2. Then cross = C1 C2 sin A, dot = C1 C2 cos A, and
    dH' = 2 sqrt(C1 C2) sin(A / 2). Acute and obtuse angles each use the form without cancellation.
    """
    cross = a_1 * (b_2 - b_1) - b_1 * (a_2 - a_1)  # exactly 0 for equal colors, whatever the rounding
    dot, product = a_1 * a_2 + b_1 * b_2, chroma_1 * chroma_2
    acute = dot >= 0.0
    # Exactly opposite hues have two means. Eq. 14 takes the one between the two angles as written in [0, 360).
    opposite = jnp.abs(cross) <= 1e-6 * product
    first_is_smaller = (b_1 > 0.0) | ((b_1 == 0.0) & (a_1 > 0.0))
    turn = jnp.where(jnp.where(opposite, first_is_smaller, cross > 0.0), 1.0, -1.0).astype(cross.dtype)
    half_sum = _safe_sqrt((product + jnp.abs(dot)) / 2.0)
    positive = half_sum > 0.0
    hue_difference = jnp.where(acute, cross / jnp.where(positive, half_sum, 1.0), 2.0 * turn * half_sum)

    # The sum of the two unit vectors (times C1 C2), or, for obtuse angles, their difference turned by a right angle.
    x = jnp.where(acute, a_1 * chroma_2 + a_2 * chroma_1, turn * (b_2 * chroma_1 - b_1 * chroma_2))
    y = jnp.where(acute, b_1 * chroma_2 + b_2 * chroma_1, turn * (a_1 * chroma_2 - a_2 * chroma_1))
    # A gray has no hue: the mean hue is that of the other color.
    x, y = jnp.where(product > 0.0, x, a_1 + a_2), jnp.where(product > 0.0, y, b_1 + b_2)
    length = _hypot(x, y)
    hue = length > 0.0
    divisor = jnp.where(hue, length, 1.0)
    return hue_difference, jnp.where(hue, x / divisor, 1.0), jnp.where(hue, y / divisor, 0.0)


def _hue_weight(cos, sin):
    """Return T of eq. 15 for the mean hue's cosine and sine, by the formulas for multiple angles."""
    cos_2, sin_2 = 2.0 * cos**2 - 1.0, 2.0 * sin * cos
    cos_3, sin_3 = 4.0 * cos**3 - 3.0 * cos, 3.0 * sin - 4.0 * sin**3
    cos_4, sin_4 = 2.0 * cos_2**2 - 1.0, 2.0 * sin_2 * cos_2

    def shifted(cos, sin, degrees):
        return cos * float(np.cos(np.deg2rad(degrees))) + sin * float(np.sin(np.deg2rad(degrees)))

    return (
        1.0
        - 0.17 * shifted(cos, sin, 30)
        + 0.24 * cos_2
        + 0.32 * shifted(cos_3, sin_3, -6)
        - 0.20 * shifted(cos_4, sin_4, 63)
    )


def _blue_rotation(cos, sin):
    """Return sin(2 dtheta) of eqs. 16 and 21, where dtheta = 30 exp(-(d / 25)^2) for a mean hue d degrees from 275.

    With v = 2 (1 - cos d), d^2 is the sum over n of 2 v^n / (n^2 binomial(2n, n)). Where eight terms are not enough,
    the exponential is 0 to seven digits. (Eq. 16 does not measure d around the circle; the difference is less than 1e-5
    of dtheta.)
    """
    blue = np.deg2rad(275)
    v = 2.0 - 2.0 * (cos * float(np.cos(blue)) + sin * float(np.sin(blue)))
    squared_radians = 0.0
    for n in range(8, 0, -1):
        squared_radians = (squared_radians + 2.0 / (n**2 * math.comb(2 * n, n))) * v
    return jnp.sin(np.pi / 3.0 * jnp.exp(-squared_radians * float(np.rad2deg(1) / 25) ** 2))


def _saturating(chroma):
    """Return sqrt(C^7 / (C^7 + 25^7)) of eqs. 4 and 17, without the overflow of C^7 and the 0/0 in its derivative."""
    ratio = chroma / 25.0
    return ratio**3 * _safe_sqrt(ratio) / jnp.sqrt(1.0 + ratio**7)


def _hypot(x, y):
    return _safe_sqrt(x**2 + y**2)


def _safe_sqrt(x):
    """Return the square root; it is 0 with derivative 0 for x at most `TINY`."""
    positive = x > TINY
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, x, 1.0)), 0.0)
