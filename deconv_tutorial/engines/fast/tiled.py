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
from dataclasses import dataclass
from functools import lru_cache, partial, reduce
from typing import TypeAlias

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines.blocks import blocks
from deconv_tutorial.engines.engine import empty_y, zeros_w, zeros_x
from deconv_tutorial.engines.fast.pool import share, share_count
from deconv_tutorial.engines.fast.products import product_parts
from deconv_tutorial.engines.fast.scratch import BLOCK, Scratch
from deconv_tutorial.engines.fast.tiling import tiling
from deconv_tutorial.engines.fast.transform import (
    Plan,
    TilePart,
    gather_weights,
    put_tiles,
    source_tiles,
    spread_weights,
    target_tiles,
)
from deconv_tutorial.geometry import Geometry

Sizes: TypeAlias = tuple[tuple[int, int], ...]
"""Of each axis, how many positions a tile has, and how many taps a group."""


@dataclass(frozen=True)
class Tiled:
    """The three maps with short convolutions of given sizes: an engine.

    Parameters
    ----------
    sizes : tuple of (int, int)
        Of each axis, how many positions a tile has, and how many taps a group.
    """

    sizes: Sizes

    @property
    def __name__(self) -> str:
        """What it is called in a proof."""
        tiles = ", ".join(f"{tile} of {taps} taps" for tile, taps in self.sizes)
        return f"tiled ({tiles})"

    def forward(self, x: Array, w: Array, geometry: Geometry) -> Array:
        """Return y, cut into tiles."""
        plan = plan_of(geometry, self.sizes, transposed=False)
        y = empty_y(x, w, geometry)
        for g, weights in enumerate(w):
            spread = spread_weights(weights, plan, transposed=False)
            matrices = spread.transpose(1, 2, 0)  # (products, groups*b, groups*a)
            run = partial(_tile_products, x[:, g], matrices, plan, y[:, g])
            share(run, parts(x[:, g], y[:, g], plan, 1))
        return y

    def input_grad(self, y: Array, w: Array, geometry: Geometry) -> Array:
        """Return x, cut into tiles."""
        plan = plan_of(geometry, self.sizes, transposed=True)
        x = zeros_x(y, w, geometry)
        for g, weights in enumerate(w):
            spread = spread_weights(weights, plan, transposed=True)
            matrices = spread.swapaxes(0, 1)  # (products, groups*a, groups*b)
            run = partial(_tile_products, y[:, g], matrices, plan, x[:, g])
            share(run, parts(y[:, g], x[:, g], plan, 1))
        return x

    def weight_grad(self, x: Array, y: Array, geometry: Geometry) -> Array:
        """Return w: of each tile of y, the products with the tiles of x."""
        plan = plan_of(geometry, self.sizes, transposed=False)
        w = zeros_w(x, y, geometry)
        if not y.size:
            return w
        for g, weights in enumerate(w):
            sums = share(
                partial(_sum_of_products, x[:, g], y[:, g], plan),
                parts(x[:, g], y[:, g], plan, 2),
            )
            gather_weights(reduce(np.add, sums), plan, weights)
        return w


@lru_cache(512)
def plan_of(geometry: Geometry, sizes: Sizes, *, transposed: bool) -> Plan:
    """Return the tiling of each axis; if transposed, of x and not of y."""
    pairs = zip(geometry.axes, sizes, strict=True)
    return tuple(tiling(axis, *size, transposed=transposed) for axis, size in pairs)


def _sum_of_products(
    source: Array, target: Array, plan: Plan, run: list[TilePart], scratch: Scratch
) -> Array:
    """Return the gradient of the weights times their factors, over some parts."""
    total = np.empty(0)
    for n, part in enumerate(run):
        left = target_tiles(target, plan, part, scratch)
        right = source_tiles(source, plan, part, scratch, left)
        shape = left.shape[2], len(left), right.shape[2]  # (a, products, groups*b)
        if not n:
            total = np.empty(shape, left.dtype)
            # of shape (products, a, tiles) @ (products, tiles, groups*b)
            np.matmul(left.mT, right, out=total.swapaxes(0, 1))
        else:
            product = scratch.array(shape, left.dtype, left, right)
            # the same, to (products, a, groups*b)
            np.matmul(left.mT, right, out=product.swapaxes(0, 1))
            total += product
    return total


def _tile_products(
    source: Array,
    weights: Array,
    plan: Plan,
    target: Array,
    run: list[TilePart],
    scratch: Scratch,
) -> None:
    """Set the elements of the target that some tiles reach to products with weights."""
    for part in run:
        tiles = source_tiles(source, plan, part, scratch)
        shape = (*tiles.shape[:2], weights.shape[2])
        result = scratch.array(shape, tiles.dtype, tiles)
        for factors in product_parts(tiles, weights, result):
            np.matmul(*factors)
        put_tiles(result, target, plan, part, scratch)


def parts(source: Array, target: Array, plan: Plan, arrays: int) -> Iterator[TilePart]:
    """Yield parts of about equal size, whose tiles fit the cache together.

    A part has several samples, or some rows of tiles of one sample. In a block of
    memory there is room for the tiles of so many `arrays`.
    """
    if not all(tiling.count for tiling in plan):
        return  # no tap reaches anything
    rows = plan[0].count
    products = math.prod(t.products * len(t.source.starts) for t in plan)
    row = products * math.prod(t.count for t in plan[1:]) * source.itemsize
    row *= max(
        source.shape[1] * math.prod(len(t.source.starts[0]) for t in plan),
        target.shape[1] * math.prod(len(t.target.starts[0]) for t in plan),
    )
    fit = BLOCK // (arrays * row)
    for samples, tiles in blocks((len(source), rows), fit, share_count()):
        yield TilePart(samples, tiles.start, tiles.stop - tiles.start)
