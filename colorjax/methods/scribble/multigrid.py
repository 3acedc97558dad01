"""Multigrid for 3x3-stencil M-matrices on a grid: one V-cycle as a linear preconditioner.

A system is given by float32 `weights` [8, H, W] (to the neighbors in the order of `OFFSETS`, zero where the neighbor
lies outside) and `absorption` [H, W] (the row sum, non-negative), so that with x [R, H, W]

    (A x)_i = absorption_i x_i + sum over neighbors k of weights_k,i (x_i - x_k).

Row sums are stored instead of the diagonal, because a difference of neighbors loses no digits in float32, while
`diagonal * x - sum(weights * x)` loses all of them. A row of padding has zero weights and absorption 1.

The coarse grid is every second pixel of every second row. Interpolation is Dendy's operator-induced one, which adapts
to the weights across an edge of the image. Restriction is the transpose of the interpolation that the transposed
operator induces; the non-symmetric weights need this. Coarse operators are Galerkin products, again 3x3 stencils.

Smoothing is Gauss-Seidel in four colors. A block Jacobi step comes before it, on pairs of pixels that are each other's
strongest neighbor. The weights between such a pair and the rest are about a thousandth, so Gauss-Seidel hardly changes
the pair, and neither does a coarse grid, where the pair has no point of its own.

Internally, a grid is stored as four planes [..., 4, h, w] by the parity of row and column (00, 01, 10, 11). So each
color is a plane, the coarse grid is plane 0, and every access is contiguous.

References: J. E. Dendy, "Black box multigrid", J. Comput. Phys. 48 (1982), and "Black box multigrid for nonsymmetric
problems", Appl. Math. Comput. 13 (1983).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

OFFSETS = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0))
# Up to this many unknowns, a dense inverse solves the system; it compiles faster than another level.
COARSEST_PIXELS = 1024
_NO_PARTNER = len(OFFSETS)

Planes = tuple[Array, Array, Array, Array]  # [..., h, w] or, with a halo, [..., h + 2, w + 2]
Transfer = dict[
    tuple[int, int, int], Array
]  # (plane, cell offset dy, dx) -> weights [h + 2, w + 2] of the coarse point there


class Level(NamedTuple):
    """One grid of the hierarchy, in planes; `h` and `w` are the coarse grid's height and width."""

    weights: Array  # [8, 4, h, w]
    absorption: Array  # [4, h, w]
    inverse_diagonal: Array  # [4, h, w]
    partner: Array  # int8 [4, h, w], index in OFFSETS of the strongest neighbor where that is mutual, else 8
    inverse_pair: Array  # [4, h, w], one over the diagonal of the operator restricted to the pair
    interpolation: Transfer
    restriction: Transfer


class Hierarchy(NamedTuple):
    """All grids, finest first, and the dense inverse [n, n] of the coarsest operator."""

    levels: tuple[Level, ...]
    coarsest_inverse: Array


def pad_to_even(x: Array, value: float = 0.0) -> Array:
    """Return x [..., H, W], with another row below if H is odd and another column to the right if W is odd."""
    even = [(0, n % 2) for n in x.shape[-2:]]
    return jnp.pad(x, [(0, 0)] * (x.ndim - 2) + even, constant_values=value)


def to_planes(x: Array) -> Planes:
    """Convert [..., H, W] to four planes [..., h, w]; odd H and W are first padded with zeros to even."""
    x = pad_to_even(x)
    return tuple(x[..., row::2, column::2] for row in (0, 1) for column in (0, 1))


def from_planes(x: Planes) -> Array:
    """Convert four planes [..., h, w] to [..., 2h, 2w]."""
    *b, h, w = x[0].shape
    rows = [jnp.stack(x[i : i + 2], axis=-1).reshape(*b, h, 2 * w) for i in (0, 2)]
    return jnp.stack(rows, axis=-2).reshape(*b, 2 * h, 2 * w)


def halos(x: Planes) -> Planes:
    """Apply `halo` to every plane."""
    return tuple(halo(plane) for plane in x)


def halo(x: Array) -> Array:
    """Return x [..., h, w] with a border of zeros, [..., h + 2, w + 2], for `shifted`.

    The barrier keeps XLA from repeating the padding inside every sum over a stencil, which would take minutes to
    compile.
    """
    return jax.lax.optimization_barrier(jnp.pad(x, [(0, 0)] * (x.ndim - 2) + [(1, 1), (1, 1)]))


def shifted(x: Array, dy: int, dx: int) -> Array:
    """Return the values [..., h, w] at (i + dy, j + dx) of x with its halo, [..., h + 2, w + 2]; dy, dx are -1, 0 or 1.

    Args:
      x: with its halo, [..., h + 2, w + 2].
      dy: rows to shift by.
      dx: columns to shift by.
    """
    h, w = x.shape[-2] - 2, x.shape[-1] - 2
    return x[..., 1 + dy : 1 + dy + h, 1 + dx : 1 + dx + w]


def _neighbor(plane: int, dy: int, dx: int) -> tuple[int, int, int]:
    """Return the plane and the cell offset of the neighbor (dy, dx) of a pixel of `plane`."""
    row, column = plane // 2 + dy, plane % 2 + dx
    return row % 2 * 2 + column % 2, row // 2, column // 2


def _neighbors(x: Planes, plane: int):
    """Yield the eight neighbors [..., h, w] of a plane's pixels, in the order of OFFSETS, from planes with halos."""
    for dy, dx in OFFSETS:
        source, sy, sx = _neighbor(plane, dy, dx)
        yield shifted(x[source], sy, sx)


def apply(weights: Array, absorption: Array, x: Planes) -> Planes:
    """Return A x in planes [R, h, w], for weights [8, 4, h, w], absorption [4, h, w] and x with halos."""
    rows = []
    for plane in range(4):
        center = shifted(x[plane], 0, 0)
        row = absorption[None, plane] * center
        for k, neighbor in enumerate(_neighbors(x, plane)):
            row += weights[None, k, plane] * (center - neighbor)
        rows.append(row)
    return tuple(rows)


def build(weights: Array, absorption: Array) -> Hierarchy:
    """Return the hierarchy, of at least one level, for weights [8, H, W] and absorption [H, W]; any H, W >= 1."""
    levels = []
    while not levels or absorption.size > COARSEST_PIXELS:
        # A row of padding has zero weights and absorption 1.
        level = _level(jnp.stack(to_planes(weights), 1), jnp.stack(to_planes(pad_to_even(absorption, 1.0))))
        levels.append(level)
        weights, absorption = _galerkin(level)
    return Hierarchy(tuple(levels), _dense_inverse(weights, absorption))


def _level(weights: Array, absorption: Array) -> Level:
    diagonal = absorption + sum(weights)
    partner, inverse_pair = _pairs(weights, absorption, diagonal)
    back = _transposed(weights)
    return Level(
        weights=weights,
        absorption=absorption,
        inverse_diagonal=1.0 / diagonal,
        partner=partner,
        inverse_pair=inverse_pair,
        interpolation=_interpolation(weights, absorption, diagonal),
        restriction=_interpolation(back, diagonal - sum(back), diagonal),
    )


def _transposed(weights: Array) -> Array:
    """Return the weights of the transposed operator, [8, 4, h, w]: those of each pixel in its neighbors' rows."""
    weights = halo(weights)
    planes = [
        [shifted(weights[len(OFFSETS) - 1 - k, source], sy, sx) for source, sy, sx in neighbors]
        for k, neighbors in enumerate([_neighbor(plane, *offset) for plane in range(4)] for offset in OFFSETS)
    ]
    return jax.lax.optimization_barrier(jnp.stack([jnp.stack(rows) for rows in planes]))


def _pairs(weights: Array, absorption: Array, diagonal: Array) -> tuple[Array, Array]:
    """Return `partner` and `inverse_pair` of a Level."""
    largest = jnp.zeros_like(absorption)
    strongest = jnp.full(absorption.shape, _NO_PARTNER, jnp.int8)
    for k, weight in enumerate(weights):  # argmax over a leading axis is slow on a CPU
        strongest = jnp.where(weight > largest, jnp.int8(k), strongest)
        largest = jnp.maximum(weight, largest)
    leak = absorption + sum(jnp.where(strongest == k, 0.0, weight) for k, weight in enumerate(weights))

    def of_strongest(x: Array) -> Array:
        haloed, picks = halos(x), []
        for plane in range(4):
            pick = jnp.zeros_like(x[plane])
            for k, neighbor in enumerate(_neighbors(haloed, plane)):
                pick = jnp.where(strongest[plane] == k, neighbor, pick)
            picks.append(pick)
        return jnp.stack(picks)

    pair_diagonal = leak + of_strongest(leak)
    # The opposite of offset k is offset 7 - k.
    looks_back = of_strongest(strongest) == len(OFFSETS) - 1 - strongest
    is_pair = looks_back & (strongest < _NO_PARTNER) & (pair_diagonal > 0)
    inverse = 1.0 / jnp.where(is_pair, pair_diagonal, diagonal)
    return jnp.where(is_pair, strongest, jnp.int8(_NO_PARTNER)), inverse


def _interpolation(weights: Array, absorption: Array, diagonal: Array) -> Transfer:
    """Return Dendy's operator-induced interpolation from plane 0 to the others.

    For a pixel between two coarse points, the stencil is summed across the line that joins them. For a pixel between
    four, its own row of A is used, with its neighbors already interpolated.
    """
    absorption = jnp.maximum(absorption, 0.0)
    by_offset = dict(zip(OFFSETS, weights, strict=True))
    transfer = {(0, 0, 0): jnp.ones_like(diagonal[0])}
    for plane, along_x in ((1, True), (2, False)):
        before, after = (
            sum(by_offset[(t, side) if along_x else (side, t)][plane] for t in (-1, 0, 1)) for side in (-1, 1)
        )
        total = before + after + absorption[plane]
        total = jnp.where(total > 0, total, 1.0)
        transfer[plane, 0, 0] = before / total
        transfer[(plane, 0, 1) if along_x else (plane, 1, 0)] = after / total
    transfer = _with_halo(transfer)
    corner = {(cy, cx): jnp.zeros_like(diagonal[0]) for cy in (0, 1) for cx in (0, 1)}
    for offset in OFFSETS:
        source, sy, sx = _neighbor(3, *offset)
        for (plane, cy, cx), weight in transfer.items():
            if plane == source:
                corner[sy + cy, sx + cx] += by_offset[offset][3] * shifted(weight, sy, sx) / diagonal[3]
    return transfer | _with_halo({(3, cy, cx): weight for (cy, cx), weight in corner.items()})


def _with_halo(transfer: Transfer) -> Transfer:
    return {key: halo(weight) for key, weight in transfer.items()}


def _galerkin(level: Level) -> tuple[Array, Array]:
    """Return weights [8, h, w] and absorption [h, w] of restriction * A * interpolation."""
    diagonal = 1.0 / level.inverse_diagonal
    product: Transfer = {}  # A * interpolation
    for plane in range(4):
        columns = [
            (_neighbor(plane, *offset), -weight[plane]) for offset, weight in zip(OFFSETS, level.weights, strict=True)
        ]
        columns.append(((plane, 0, 0), diagonal[plane]))
        for (source, sy, sx), entry in columns:
            for (other, cy, cx), weight in level.interpolation.items():
                if other == source:
                    key = plane, sy + cy, sx + cx
                    product[key] = product.get(key, 0.0) + entry * shifted(weight, sy, sx)
    product = _with_halo(product)
    coarse = {offset: jnp.zeros_like(level.absorption[0]) for offset in OFFSETS}
    for (plane, ry, rx), weight in level.restriction.items():
        for (other, dy, dx), value in product.items():
            if other == plane and (dy - ry, dx - rx) in coarse:
                coarse[dy - ry, dx - rx] -= shifted(weight, -ry, -rx) * shifted(value, -ry, -rx)
    # The row sums of the product are computed as A applied to the interpolated constant, which loses no digits.
    constant = interpolate(level, jnp.ones((1, *level.absorption.shape[1:]), level.absorption.dtype))
    absorption = restrict(level, apply(level.weights, level.absorption, halos(constant)))[0]
    return jax.lax.optimization_barrier((jnp.stack(list(coarse.values())), absorption))


def _dense_inverse(weights: Array, absorption: Array) -> Array:
    n = absorption.size
    x = jnp.eye(n, dtype=absorption.dtype).reshape(n, *absorption.shape)
    haloed = halo(x)
    columns = absorption[None] * x
    for weight, (dy, dx) in zip(weights, OFFSETS, strict=True):
        columns += weight[None] * (x - shifted(haloed, dy, dx))
    return jnp.linalg.inv(columns.reshape(n, n).T)


def interpolate(level: Level, coarse: Array) -> Planes:
    """Interpolate from the coarse grid [R, h, w] to the four planes [R, h, w] of the fine one."""
    planes = [jnp.zeros_like(coarse)] * 4
    coarse = halo(coarse)
    for (plane, cy, cx), weight in level.interpolation.items():
        planes[plane] += shifted(weight, 0, 0)[None] * shifted(coarse, cy, cx)
    return tuple(planes)


def restrict(level: Level, fine: Planes) -> Array:
    """Restrict from the four planes [R, h, w] of the fine grid to the coarse one, [R, h, w]."""
    coarse = jnp.zeros_like(fine[0])
    fine = halos(fine)
    for (plane, cy, cx), weight in level.restriction.items():
        coarse += shifted(weight, -cy, -cx)[None] * shifted(fine[plane], -cy, -cx)
    return coarse


def _relax_pairs(level: Level, right: Planes) -> Planes:
    """Return a step of block Jacobi on the pairs, from zero. For a pixel without a partner it is plain Jacobi."""
    planes, haloed = [], halos(right)
    for plane in range(4):
        total = right[plane]
        for k, neighbor in enumerate(_neighbors(haloed, plane)):
            total += jnp.where(level.partner[None, plane] == k, neighbor, 0.0)
        planes.append(level.inverse_pair[None, plane] * total)
    return tuple(planes)


def _gauss_seidel(level: Level, x: Planes, right: Planes) -> Planes:
    """Return x after one sweep over the four colors, the coarse points last; x has halos."""
    x = list(x)
    for plane in (3, 2, 1, 0):
        total = right[plane]
        for k, neighbor in enumerate(_neighbors(x, plane)):
            total += level.weights[None, k, plane] * neighbor
        x[plane] = halo(level.inverse_diagonal[None, plane] * total)
    return tuple(x)


def cycle(hierarchy: Hierarchy, right: Array, depth: int = 0) -> Array:
    """Return the approximation [R, H, W] to the solution of A x = right by one V-cycle from zero; linear in `right`."""
    if depth == len(hierarchy.levels):
        flat = right.reshape(right.shape[0], -1)
        return (flat @ hierarchy.coarsest_inverse.T).reshape(right.shape)
    height, width = right.shape[1:]
    x = cycle_in_planes(hierarchy, to_planes(right), depth)
    return from_planes(tuple(shifted(plane, 0, 0) for plane in x))[:, :height, :width]


def cycle_in_planes(hierarchy: Hierarchy, right: Planes, depth: int = 0) -> Planes:
    """Return `cycle` for a right side in planes [R, h, w]; the planes of the result have halos."""
    level = hierarchy.levels[depth]
    x = _gauss_seidel(level, halos(_relax_pairs(level, right)), right)
    image = apply(level.weights, level.absorption, x)
    residual = tuple(b - a for b, a in zip(right, image, strict=True))
    correction = interpolate(level, cycle(hierarchy, restrict(level, residual), depth + 1))
    x = tuple(halo(shifted(a, 0, 0) + b) for a, b in zip(x, correction, strict=True))
    return _gauss_seidel(level, x, right)
