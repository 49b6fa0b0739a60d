"""The fastest way for each layer: short convolutions, planes, or unfolded columns.

==========  ================================================  ========================
way         what it does                                      where it pays
==========  ================================================  ========================
`short`     Winograd's short convolutions, on tiles           many channels and taps
`planes`    shifts of padded planes, then a matrix product    few channels, or one
`im2col`    unfolded columns, then a matrix product           small planes
`small`     the same, all at once and in few calls            small arrays
==========  ================================================  ========================

Only `short` rounds more than a sum of products does. As a share of the largest element
its error stays below 2e-5 in float32 and 1e-12 in float64 on all workloads of
``benchmarks``, where `im2col` has 2e-6 and 1e-14. It takes floating-point arrays only:
integers, fractions and symbols stay exact. Where floats must not be rounded, such as
integers held in floats, take `im2col`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, TypeAlias

from deconv_tutorial import im2col, planes, short, small
from deconv_tutorial.engine import Array
from deconv_tutorial.geometry import Axis, Geometry
from deconv_tutorial.settings import Index
from deconv_tutorial.transform import Plan

MOVE = 28
"""How many multiplications take as long as moving one element between stages."""
RUN = 16
"""The same where elements lie in long runs."""
START = 2**22
"""How many multiplications take as long as what `short` needs for its first tile."""
SMALL = 2**15
"""How many elements all columns have at most, to be made at once."""

Way: TypeAlias = Literal["planes", "im2col"] | short.Sizes
"""What to do; the sizes are those of a short convolution."""

_TILES = {
    1: (2, 3, 4, 6),
    2: (2, 3, 4),
    3: (2, 3, 4),
}  # by rank: larger ones round more


def forward(x: Array, w: Array, geometry: Geometry) -> Array:
    """Return y: each output gathers the inputs under its taps."""
    if _is_small(x, geometry, geometry.output_size):
        return small.forward(x, w, geometry)
    way = _way(x, w.shape, geometry, transposed=False)
    if way == "im2col":
        return im2col.forward(x, w, geometry)
    if way == "planes":
        return planes.forward(x, w, geometry)
    return short.forward(x, w, geometry, way)


def input_grad(y: Array, w: Array, geometry: Geometry) -> Array:
    """Return x: each output scatters its value to the inputs under its taps."""
    if _is_small(y, geometry, geometry.input_size):
        return small.input_grad(y, w, geometry)
    way = _way(y, w.shape, geometry, transposed=True)
    if way == "im2col":
        return im2col.input_grad(y, w, geometry)
    if way == "planes":
        return planes.input_grad(y, w, geometry)
    return short.input_grad(y, w, geometry, way)


def weight_grad(x: Array, y: Array, geometry: Geometry) -> Array:
    """Return w: each tap adds up the inputs it met times the outputs it served."""
    if _is_small(x, geometry, geometry.output_size):
        return small.weight_grad(x, y, geometry)
    shape = (*y.shape[1:3], x.shape[2], *geometry.kernel_size)
    way = _way(x, shape, geometry, transposed=False)
    if way == "im2col":
        return im2col.weight_grad(x, y, geometry)
    if way == "planes":
        return planes.weight_grad(x, y, geometry)
    return short.weight_grad(x, y, geometry, way)


def _is_small(array: Array, geometry: Geometry, outputs: Index) -> bool:
    """Return whether all columns together have few elements, and there are some."""
    if not array.size or array.size > SMALL:
        return False
    columns = math.prod(array.shape[:3]) * math.prod(outputs)
    return columns * math.prod(geometry.kernel_size) <= SMALL


def _way(array: Array, w_shape: Index, geometry: Geometry, *, transposed: bool) -> Way:
    kind, samples = array.dtype.char, len(array)
    if kind not in "fdFD" or not samples:
        return "im2col"
    _, a, b, *_ = w_shape
    if a == b == 1:
        return "planes" if kind in "fd" else "im2col"
    return way(geometry, samples, a, b, transposed=transposed)


@lru_cache(512)
def way(geometry: Geometry, samples: int, a: int, b: int, *, transposed: bool) -> Way:
    """Return the way that costs least, counted in multiplications.

    Parameters
    ----------
    geometry : Geometry
        Which tap of which output reads which input.
    samples, a, b : int
        The numbers of samples, of channels of y and of channels of x.
    transposed : bool
        Whether the map is the input gradient.

    Examples
    --------
    >>> from deconv_tutorial.geometry import conv_geometry
    >>> way(conv_geometry((56, 56), 3, padding=1), 8, 64, 64, transposed=False)
    ((4, 3), (4, 3))
    >>> way(conv_geometry((56, 56), 3, padding=1), 8, 64, 3, transposed=False)
    'planes'
    """
    layout = planes.layout_of(geometry)
    taps, outputs = math.prod(geometry.kernel_size), math.prod(geometry.output_size)
    y, x = (
        samples * outputs * a,
        samples * len(layout.phases) * math.prod(layout.size) * b,
    )
    unfolded = samples * outputs * taps * b
    shifted = samples * layout.length * taps * b
    # Columns of one tap or one output are a view; far elements take longer.
    copied = unfolded * (min(taps, outputs) > 1) * (geometry.axes[-1].stride + 3) / 4
    costs: dict[Way, float] = {
        "im2col": unfolded * a * _loss(a, b * taps)
        + MOVE * (copied * (1 + 1.4 * transposed) + y),
        "planes": shifted * a * _loss(a, b * taps, layout.length)
        + RUN * shifted * (1 + 256 / planes.chunk_size(layout, b)) * (1 + transposed)
        + MOVE * (x + y),
    }
    source, target = (a, b) if transposed else (b, a)
    for sizes in _candidates(geometry):
        plan = short.plan_of(geometry, sizes, transposed=transposed)
        costs[sizes] = START + _short_cost(plan, samples, source, target)
    return min(costs, key=costs.__getitem__)


def _loss(*sizes: int) -> float:
    """Return how much longer a matrix product takes because it is thin."""
    return 1 + 16 / min(sizes)


def _candidates(geometry: Geometry) -> Iterator[short.Sizes]:
    """Yield the sizes that may pay."""
    splits = [_taps(axis) for axis in geometry.axes]
    if max(splits) == 1 or not all(map(_is_simple, geometry.axes)):
        return
    for tile in _TILES[len(splits)]:
        yield tuple((tile, taps) if taps > 1 else (1, 1) for taps in splits)


def _taps(axis: Axis) -> int:
    """Return how many taps to take as a group: all of a phase, or equal shares."""
    stride = axis.stride // math.gcd(axis.stride, axis.dilation)
    taps = -(-axis.kernel_size // stride)
    return -(-taps // -(-taps // 4))


def _is_simple(axis: Axis) -> bool:
    """Return whether stride or dilation is a multiple of the other."""
    return math.gcd(axis.stride, axis.dilation) == min(axis.stride, axis.dilation)


def _short_cost(plan: Plan, samples: int, source: int, target: int) -> float:
    """Return about how long a short convolution takes, counted in multiplications."""
    products = math.prod(t.products for t in plan)
    tiles = samples * math.prod(t.count * len(t.source.starts) for t in plan)
    source *= math.prod(len(t.source.starts[0]) for t in plan)
    target *= math.prod(len(t.target.starts[0]) for t in plan)
    moved = _moved(plan) * (source + target) + 2 * products * source
    weights = products * source * target
    return tiles * weights * _loss(source, target) + MOVE * (
        tiles * moved + 4 * weights
    )


def _moved(plan: Plan) -> int:
    """Return how many elements a tile has, in all stages together."""
    sizes = [t.tile for t in plan]
    moved = 2 * math.prod(sizes)
    for n, tiling in enumerate(plan):
        sizes[n] = tiling.products
        moved += math.prod(sizes)
    return moved
