"""Arrays to tiles and back: all of the short convolutions but the product.

An array has its channels first, ``(n, c, *size)``. Its tiles have them last, as
``(products, tiles, groups * c)``: then copies are of long runs, and the sum over
channels is one matrix product for each of the products of the short form.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache, reduce
from itertools import product
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import as_strided

from deconv_tutorial.arrays import DType
from deconv_tutorial.engine import Array
from deconv_tutorial.settings import Index
from deconv_tutorial.tiles import Lines, Tiling
from deconv_tutorial.workspace import scratch

Plan: TypeAlias = tuple[Tiling, ...]
"""A tiling for each axis."""

Run: TypeAlias = tuple[int, int, int, slice, slice]
"""Grid, group, place in the tile; positions, and the elements there."""

_PAGE = 4096  # bytes; elements at such distances take the same places in the cache
_ROW = 96  # positions to turn at a time, so that all their channels stay in the cache


class Part(NamedTuple):
    """A part of the work: some samples, and some tiles of the first axis."""

    samples: slice
    first: int
    tiles: int

    def counts(self, plan: Plan) -> Index:
        """Return the number of tiles on each axis."""
        return (self.tiles, *(tiling.count for tiling in plan[1:]))

    def firsts(self, plan: Plan) -> Index:
        """Return the first position on each axis."""
        return (self.first * plan[0].tile, *[0] * (len(plan) - 1))


def source_tiles(array: Array, plan: Plan, part: Part, *busy: Array) -> Array:
    """Return the tiles of the array that is read, times the factors for reading.

    Parameters
    ----------
    array : array of shape (n, c, *source_size)
        The array.
    plan, part
        How it is cut, and which part is wanted.
    *busy : array
        Scratch memory in use.

    Returns
    -------
    array of shape (products, tiles, groups * c)
        In scratch memory.
    """
    factors = [_numbers(tiling, "read", array.dtype) for tiling in plan]
    return _tiles(array, plan, part, [t.source for t in plan], factors, *busy)


def target_tiles(array: Array, plan: Plan, part: Part, *busy: Array) -> Array:
    """Return the tiles of an array like the target, times the factors for writing.

    As `source_tiles`, but these tiles do not overlap.
    """
    factors = [_numbers(tiling, "write", array.dtype) for tiling in plan]
    return _tiles(array, plan, part, [t.target for t in plan], factors, *busy)


def put_tiles(tiles: Array, target: Array, plan: Plan, part: Part) -> None:
    """Multiply tiles with the factors for writing, and copy them to the target.

    Parameters
    ----------
    tiles : array of shape (products, tiles, groups * c)
        In scratch memory.
    target : array of shape (n, c, *target_size)
        All its elements that belong to the part are set.
    plan, part
        How it is cut, and which part is meant.
    """
    target = target[part.samples]
    n, c = target.shape[:2]
    array = tiles.reshape(*(t.products for t in reversed(plan)), -1)
    for axis, tiling in enumerate(reversed(plan)):
        lead, rest = array.shape[:axis], array.shape[axis + 1 :]
        result = scratch((*lead, tiling.tile, *rest), tiles.dtype, array)
        factor = _numbers(tiling, "write", tiles.dtype)
        np.matmul(factor.T, _flat(array, axis), out=_flat(result, axis))
        array = result
    lines = [tiling.target for tiling in plan]
    grids, groups = _lengths(lines)
    counts, firsts = part.counts(plan), part.firsts(plan)
    array = array.reshape(
        *(t.tile for t in reversed(plan)), *grids, n, *counts, *groups, c
    )
    columns = list(zip(plan, firsts, counts, strict=True))
    spans = [t.target.span(first, t.tile * count) for t, first, count in columns]
    image = scratch((n, *(s.stop - s.start for s in spans), c), tiles.dtype, array)
    if any(line.step > len(line.starts) * len(line.starts[0]) for line in lines):
        image[...] = 0  # no tap reaches some elements
    runs = (_runs(t.target, first, count, t.tile) for t, first, count in columns)
    for each in product(*runs):
        grid, group, place, positions, elements = zip(*each, strict=True)
        to = _moved(elements, spans)
        image[:, *to] = array[*reversed(place), *grid, :, *positions, *group]
    _turn_back(image, target[:, :, *spans])


def spread_weights(w: Array, plan: Plan, *, transposed: bool) -> Array:
    """Return the weights times their factors.

    Parameters
    ----------
    w : array of shape (a, b, *kernel_size)
        The weights of one group of channels.
    plan, transposed
        How the axes are cut, and whether y is the source.

    Returns
    -------
    array of shape (products, groups of y * a, groups of x * b)
        One of the two numbers of groups is 1, unless `transposed`.
    """
    factors = _weight_factors(plan, w.dtype, transposed=transposed)
    groups_y, groups_x, products, taps = factors.shape
    a, b = w.shape[:2]
    result = np.empty((products, groups_y, a, groups_x, b), w.dtype)
    if groups_y * groups_x == 1:
        out = result.reshape(products, a * b)
        np.matmul(factors[0, 0], w.reshape(a * b, taps).T, out=out)
    else:
        out = result.transpose(1, 3, 2, 0, 4)
        np.matmul(factors[:, :, None], w.reshape(a, b, taps).mT, out=out)
    return result.reshape(products, groups_y * a, groups_x * b)


def gather_weights(spread: Array, plan: Plan, shape: Index) -> Array:
    """Return the transpose of `spread_weights`, for a plan that is not transposed.

    Parameters
    ----------
    spread : array of shape (products, a, groups of x * b)
        The gradient of what `spread_weights` returns.
    plan
        How the axes are cut.
    shape : tuple of int
        That of the weights, ``(a, b, *kernel_size)``.
    """
    factors = _weight_factors(plan, spread.dtype, transposed=False)[0]
    groups, products, taps = factors.shape
    a, b = shape[:2]
    spread = spread.reshape(products, a, groups, b).transpose(2, 0, 1, 3)
    spread = spread.reshape(groups * products, a * b)
    return np.matmul(spread.T, factors.reshape(-1, taps)).reshape(shape)


@lru_cache(512)
def _numbers(tiling: Tiling, name: str, dtype: DType) -> Array:
    """Return factors of a tiling as numbers of a dtype, fractions for objects."""
    fractions = getattr(tiling, name)
    return fractions if dtype.hasobject else fractions.astype(float).astype(dtype)


@lru_cache(16)
def _weight_factors(plan: Plan, dtype: DType, *, transposed: bool) -> Array:
    """Return the factors of all axes, (groups of y, of x, products, taps)."""
    kind = object if dtype.hasobject else float
    factors = reduce(_nested, (tiling.weights.astype(kind) for tiling in plan))
    factors = factors if transposed else factors.swapaxes(0, 1)
    return factors.astype(dtype, copy=False)


def _nested(outer: Array, inner: Array) -> Array:
    outer_axes = outer[:, None, :, None, None, :, :, None]
    inner_axes = inner[None, :, None, :, :, None, None, :]
    joint = outer_axes * inner_axes
    pairs = zip(outer.shape, inner.shape, strict=True)
    return joint.reshape([m * n for m, n in pairs])


def _tiles(
    array: Array,
    plan: Plan,
    part: Part,
    lines: list[Lines],
    factors: list[Array],
    *busy: Array,
) -> Array:
    """Return tiles times factors; of each axis, a tile has as many as factors take."""
    counts = part.counts(plan)
    columns = zip(plan, counts, factors, strict=True)
    sizes = [t.tile * (count - 1) + f.shape[1] for t, count, f in columns]
    cells = _cells(array[part.samples], lines, part.firsts(plan), sizes, *busy)
    for axis, tiling in enumerate(plan):
        at = 2 * axis + 1  # after the products and grids so far
        cells = _windows_times(
            factors[axis], cells, at, tiling.tile, counts[axis], *busy
        )
    return cells.reshape(-1, math.prod(cells.shape[len(plan) : -1]), cells.shape[-1])


def _windows_times(
    factor: Array, cells: Array, axis: int, step: int, count: int, *busy: Array
) -> Array:
    """Return factor @ windows of one axis, with the products on a new first axis."""
    products, size = factor.shape
    lead, rest = cells.shape[:axis], cells.shape[axis + 1 :]
    outer, inner = math.prod(lead), math.prod(rest)
    stride = inner * cells.itemsize
    windows = as_strided(
        cells,
        (size, outer, count, inner),
        (stride, cells.shape[axis] * stride, step * stride, cells.itemsize),
    )
    shape = (products, *lead, count, *rest)
    if len(rest) > 1:
        # Long rows: BLAS can read the windows where they are, though they overlap.
        result = scratch(shape, cells.dtype, cells, *busy)
        out = result.reshape(products, outer, count, inner)
        np.matmul(factor, np.moveaxis(windows, 0, 2), out=np.moveaxis(out, 0, 2))
        return result
    planes = scratch(windows.shape, cells.dtype, cells, *busy)
    planes[...] = windows
    result = scratch(shape, cells.dtype, planes, *busy)
    np.matmul(factor, planes.reshape(size, -1), out=result.reshape(products, -1))
    return result


def _cells(
    array: Array, lines: list[Lines], firsts: Index, sizes: list[int], *busy: Array
) -> Array:
    """Return the lines of an array as rows of cells, zero outside.

    Returns
    -------
    array of shape (grids * n, *sizes, groups * c)
        In scratch memory.
    """
    grids, groups = _lengths(lines)
    n, c = array.shape[:2]
    columns = list(zip(lines, firsts, sizes, strict=True))
    spans = [line.span(first, size) for line, first, size in columns]
    array = array[:, :, *spans]
    single = math.prod(groups) == 1
    if not single:
        image = scratch((n, *array.shape[2:], c), array.dtype, *busy)
        _turn(array, image)
        array, busy = image, (*busy, image)
    cells = scratch((*grids, n, *sizes, *groups, c), array.dtype, *busy)
    runs = [list(_runs(line, first, size)) for line, first, size in columns]
    if any(_clipped(axis, size) for axis, size in zip(runs, sizes, strict=True)):
        cells[...] = 0
    for each in product(*runs):
        grid, group, _, positions, elements = zip(*each, strict=True)
        found = _moved(elements, spans)
        to = cells[*grid, :, *positions, *group]
        if single:
            _turn(array[:, :, *found], to)
        else:
            to[...] = array[:, *found]
    return cells.reshape(-1, *sizes, math.prod(groups) * c)


def _runs(line: Lines, first: int, count: int, tile: int = 1) -> Iterator[Run]:
    """Yield grid, group, place in the tile, and the positions and elements there."""
    grids, groups = len(line.starts), len(line.starts[0])
    for grid, group, place in product(range(grids), range(groups), range(tile)):
        yield grid, group, place, *line.run(grid, group, first + place, count, tile)


def _lengths(lines: list[Lines]) -> tuple[Index, Index]:
    """Return the numbers of grids and of groups."""
    grids = tuple(len(line.starts) for line in lines)
    return grids, tuple(len(line.starts[0]) for line in lines)


def _moved(elements: Sequence[slice], spans: Sequence[slice]) -> list[slice]:
    """Return the slices, counted from the start of the spans."""
    pairs = zip(elements, spans, strict=True)
    return [slice(e.start - s.start, e.stop - s.start, e.step) for e, s in pairs]


def _clipped(runs: list[Run], size: int) -> bool:
    """Return whether some positions are outside the array."""
    return any(positions.stop - positions.start < size for *_, positions, _ in runs)


def _flat(array: Array, axis: int) -> Array:
    """Return an array with all axes after one as a single one."""
    return array.reshape(*array.shape[: axis + 1], -1)


def _turn(source: Array, target: Array) -> None:
    """Copy (n, c, *size) to (n, *size, c)."""
    source = np.moveaxis(source, 1, -1)
    channels = source.shape[-1]
    step = channels if source.strides[-1] % _PAGE else 16
    for c in range(0, channels, step):
        target[..., c : c + step] = source[..., c : c + step]


def _turn_back(source: Array, target: Array) -> None:
    """Copy (n, *size, c) to (n, c, *size)."""
    target = np.moveaxis(target, 1, -1)
    step = max(1, _ROW // math.prod(source.shape[2:-1]))
    for n, row in product(range(len(source)), range(0, source.shape[1], step)):
        target[n, row : row + step] = source[n, row : row + step]
