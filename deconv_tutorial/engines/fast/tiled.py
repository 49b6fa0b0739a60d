"""Short convolutions: the three maps in fewer products, with the factors of `winograd`.

With ``X``, ``W`` and ``Y`` the factors of all axes, applied tile by tile, the form is

    T(x, w, y) = sum over products p of  (X x)[p] * (W w)[p] * (Y y)[p]

and so its derivatives are ``Y^T [(X x) (W w)]``, ``X^T [(W w) (Y y)]`` and
``W^T [(X x) (Y y)]``. The product in brackets is a matrix product for each p: it sums
over channels or, in the weight gradient, over tiles. The input gradient cuts x into
tiles, and not y, so that what is added up does not overlap.

With rational numbers the results are exact. In floating point they are rounded more
than sums of products are, the more so the larger the tiles.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache, reduce
from itertools import product
from typing import TypeAlias

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines.engine import empty_w, empty_y, zeros_x
from deconv_tutorial.engines.fast.pool import blas_threads, even, one_thread_each, share
from deconv_tutorial.engines.fast.products import cuts, multiply
from deconv_tutorial.engines.fast.scratch import BLOCK, scratch
from deconv_tutorial.engines.fast.tiling import tiling
from deconv_tutorial.engines.fast.transform import (
    Part,
    Plan,
    gather_weights,
    put_tiles,
    source_tiles,
    spread_weights,
    target_tiles,
)
from deconv_tutorial.geometry import Geometry

Sizes: TypeAlias = tuple[tuple[int, int], ...]
"""Of each axis, how many positions a tile has, and how many taps a group."""


@lru_cache(512)
def plan_of(geometry: Geometry, sizes: Sizes, *, transposed: bool) -> Plan:
    """Return the tiling of each axis; if transposed, of x and not of y."""
    pairs = zip(geometry.axes, sizes, strict=True)
    return tuple(tiling(axis, *size, transposed=transposed) for axis, size in pairs)


@one_thread_each()
def forward(x: Array, w: Array, geometry: Geometry, sizes: Sizes) -> Array:
    """Return y, as `engine.Engine`, with tiles of y of the given sizes."""
    plan = plan_of(geometry, sizes, transposed=False)
    y = empty_y(x, w, geometry)
    for g, weights in enumerate(w):
        spread = spread_weights(weights, plan, transposed=False).transpose(1, 2, 0)
        _multiply(x[:, g], spread, plan, y[:, g])
    return y


@one_thread_each()
def input_grad(y: Array, w: Array, geometry: Geometry, sizes: Sizes) -> Array:
    """Return x, as `engine.Engine`, with tiles of x of the given sizes."""
    plan = plan_of(geometry, sizes, transposed=True)
    x = zeros_x(y, w, geometry)
    for g, weights in enumerate(w):
        spread = spread_weights(weights, plan, transposed=True).swapaxes(0, 1)
        _multiply(y[:, g], spread, plan, x[:, g])
    return x


@one_thread_each()
def weight_grad(x: Array, y: Array, geometry: Geometry, sizes: Sizes) -> Array:
    """Return w, as `engine.Engine`, with tiles of y of the given sizes."""
    plan = plan_of(geometry, sizes, transposed=False)
    w = empty_w(x, y, geometry)
    for g in range(len(w)):
        source, target = x[:, g], y[:, g]

        def work(
            run: list[Part], source: Array = source, target: Array = target
        ) -> Array:
            totals: list[Array] = []
            for part in run:
                left = target_tiles(target, plan, part)
                right = source_tiles(source, plan, part, left)
                shape = (left.shape[2], len(left), right.shape[2])
                grad = (
                    scratch(shape, left.dtype, left, right)
                    if totals
                    else np.empty(shape, left.dtype)
                )
                np.matmul(left.mT, right, out=grad.swapaxes(0, 1))
                if totals:
                    totals[0] += grad
                else:
                    totals.append(grad)
            return totals[0]

        spread = reduce(np.add, share(work, parts(source, target, plan, 2)))
        gather_weights(spread, plan, w[g])
    return w


def _multiply(source: Array, weights: Array, plan: Plan, target: Array) -> None:
    """Set the elements of the target that tiles reach to products with weights."""
    if not all(tiling.count for tiling in plan):
        return

    def work(run: list[Part]) -> None:
        for part in run:
            tiles = source_tiles(source, plan, part)
            shape = (*tiles.shape[:2], weights.shape[2])
            result = scratch(shape, tiles.dtype, tiles)
            multiply(tiles, weights, result)
            put_tiles(result, target, plan, part)

    share(work, parts(source, target, plan, 1))


def parts(source: Array, target: Array, plan: Plan, arrays: int) -> Iterator[Part]:
    """Yield parts of about equal size, whose tiles fit the cache together.

    A part has several samples, or some rows of tiles of one sample. In a block of
    memory there is room for the tiles of so many `arrays`.
    """
    rows, samples = plan[0].count, len(source)
    products = math.prod(t.products * len(t.source.starts) for t in plan)
    row = products * math.prod(t.count for t in plan[1:]) * source.itemsize
    row *= max(
        source.shape[1] * math.prod(len(t.source.starts[0]) for t in plan),
        target.shape[1] * math.prod(len(t.target.starts[0]) for t in plan),
    )
    fit, threads = max(1, BLOCK // (arrays * row)), blas_threads()
    # As many parts as threads, or a multiple: no thread waits for another.
    if fit >= rows and samples >= threads:
        count = even(-(-samples // (fit // rows)))
        for part in cuts(samples, min(samples, count)):
            yield Part(part, 0, rows)
    else:
        count = -(-rows // fit)
        count += -count % (threads // math.gcd(samples, threads))
        for n, part in product(range(samples), cuts(rows, min(rows, count))):
            yield Part(slice(n, n + 1), part.start, part.stop - part.start)
