"""Which way the fast engine takes: of those that can be, the one that costs least."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

from deconv_tutorial.engines.engine import Engine
from deconv_tutorial.engines.fast import columns, depthwise, planes, tiled, tiny
from deconv_tutorial.engines.fast.scratch import BLOCK
from deconv_tutorial.engines.fast.transform import Plan
from deconv_tutorial.geometry import Axis, Geometry

MOVE = 28
"""How many multiplications take as long as moving one element to or from a column.

This and the next three depend on the machine: ``python -m benchmarks constants``
measures them. The rule needs no more than their order of magnitude.
"""
RUN = 16
"""The same where elements lie in long runs."""
STAGE = 12
"""The same from stage to stage of `tiled`."""
START = 2**24
"""How many multiplications take as long as what `tiled` needs for its first tile."""
SMALL = 2**15
"""How many elements all columns have at most, to be made at once."""

STRIP = 2 * BLOCK
"""How many bytes the columns for outputs of one row have at most, in one piece."""
LARGE = 2**20
"""How many elements the factors of the weights of `tiled` have at most."""
TAPS = 2**10
"""How many taps are walked through one by one at most."""

# The largest tile by rank, and the most products on an axis: more would round more.
_TILES = {1: (6, 8), 2: (4, 7), 3: (4, 6)}


@lru_cache(1024)
def way(
    geometry: Geometry,
    samples: int,
    groups: int,
    a: int,
    b: int,
    kind: str = "f",
    *,
    transposed: bool = False,
) -> Engine:
    """Return the engine to be taken: of those that can be, the one that costs least.

    Parameters
    ----------
    geometry : Geometry
        Which tap of which output reads which input.
    samples, groups, a, b : int
        The numbers of samples and of groups, and of channels of y and of x in each.
    kind : str
        The character of a floating-point dtype; anything else must not be rounded.
    transposed : bool
        Whether the map is the input gradient.

    Examples
    --------
    >>> from deconv_tutorial.geometry import conv_geometry
    >>> way(conv_geometry((56, 56), 3, padding=1), samples=8, groups=1, a=64, b=64)
    Tiled(sizes=((4, 3), (4, 3)))
    >>> way(conv_geometry((56, 56), 3, padding=1), 8, 1, a=64, b=3).__name__
    'deconv_tutorial.engines.fast.planes'
    >>> way(conv_geometry((5, 5), 3, padding=1), 2, 1, a=4, b=3).__name__
    'deconv_tutorial.engines.fast.tiny'
    """
    if not samples:
        return columns
    if _is_tiny(geometry, samples * groups * max(a, b)):
        return tiny
    if kind == "exact" or math.prod(geometry.kernel_size) > TAPS:
        return columns
    if a == b == 1:
        # Padding may make planes large; numbers that are not real would be conjugated.
        sizes = geometry.input_size, geometry.output_size, geometry.kernel_size
        room = 4 * geometry.kernel_size[-1] * sum(map(math.prod, sizes))
        elements = planes.layout_of(geometry).elements
        strip = 4 * elements // geometry.output_size[0]
        fits = elements <= room and strip <= STRIP
        return depthwise if kind in "fd" and fits else columns
    costs = _costs(geometry, samples, a, b, transposed=transposed)
    return min(costs, key=costs.__getitem__)


def _is_tiny(geometry: Geometry, channels: int) -> bool:
    """Return whether all columns, and what is padded for them, have few elements."""
    taps = math.prod(geometry.kernel_size)
    places = max(map(math.prod, (geometry.input_size, geometry.output_size)))
    if channels * taps * places > SMALL:
        return False
    frames = geometry.padded()[0], geometry.transposed().padded()[0]
    return all(math.prod(each.input_size) * channels <= SMALL for each in frames)


def _costs(
    geometry: Geometry, samples: int, a: int, b: int, *, transposed: bool
) -> dict[Engine, float]:
    """Return about how long each way takes, counted in multiplications."""
    layout = planes.layout_of(geometry)
    taps, outputs = math.prod(geometry.kernel_size), math.prod(geometry.output_size)
    y, x = samples * outputs * a, samples * layout.elements * b
    unfolded = samples * outputs * taps * b
    shifted = samples * layout.length * taps * b
    # Columns of one tap or one output are a view; far elements take longer.
    copied = unfolded * (min(taps, outputs) > 1) * (geometry.axes[-1].stride + 3) / 4
    short_run = 1 + 256 / min(layout.length, max(1, BLOCK // (4 * b * taps)))
    costs: dict[Engine, float] = {
        columns: unfolded * a * _loss(a, b * taps)
        + MOVE * (copied * (1 + 1.4 * transposed) + y),
    }
    if 4 * b * taps * math.prod(geometry.output_size[1:]) <= STRIP:
        costs[planes] = (
            shifted * a * _loss(a, b * taps, layout.length)
            + RUN * shifted * short_run * (1 + transposed)
            + MOVE * (x * (1 + transposed) + y)
        )
    source, target = (a, b) if transposed else (b, a)
    for sizes in _candidates(geometry):
        plan = tiled.plan_of(geometry, sizes, transposed=transposed)
        thin = 1 + 3 / min(a, b)  # runs of few channels
        costs[tiled.Tiled(sizes)] = START + thin * _short_cost(
            plan, samples, source, target
        )
    return costs


def _loss(*sizes: int) -> float:
    """Return how much longer a matrix product takes because it is thin."""
    return 1 + 16 / min(sizes)


def _candidates(geometry: Geometry) -> Iterator[tiled.Sizes]:
    """Yield the sizes that may pay."""
    splits = [_taps(axis) for axis in geometry.axes]
    if max(splits) == 1 or not all(map(_is_simple, geometry.axes)):
        return
    # About what `tiled` needs for the factors of the weights: a row for each product.
    if math.prod(3 * axis.kernel_size**2 for axis in geometry.axes) > LARGE:
        return
    largest, most = _TILES[len(splits)]
    for tile in range(2, min(largest, most + 1 - max(splits)) + 1):
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
    weights = products * source * target
    return tiles * weights * _loss(source, target) + STAGE * (
        tiles * stage_elements(plan, source, target) + 8 * weights
    )


def stage_elements(plan: Plan, source: int, target: int) -> int:
    """Return how many elements a tile of `tiled` has, in all stages together.

    Parameters
    ----------
    plan
        How the axes are cut.
    source, target : int
        The numbers of channels of what is read and of what is written.
    """
    sizes = [t.tile for t in plan]
    stages = 2 * math.prod(sizes)
    for n, tiling in enumerate(plan):
        sizes[n] = tiling.products
        stages += math.prod(sizes)
    return stages * (source + target) + 2 * math.prod(sizes) * source
