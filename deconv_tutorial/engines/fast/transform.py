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

from deconv_tutorial.dtypes import Array, DType
from deconv_tutorial.engines.blocks import cuts
from deconv_tutorial.engines.fast.pool import share, share_count
from deconv_tutorial.engines.fast.products import PRODUCT
from deconv_tutorial.engines.fast.scratch import PAGE, Scratch
from deconv_tutorial.engines.fast.tiling import Lines, Tiling
from deconv_tutorial.engines.fast.windows import clear_around
from deconv_tutorial.geometry.settings import Index

Plan: TypeAlias = tuple[Tiling, ...]
"""A tiling for each axis."""

Run: TypeAlias = tuple[int, int, slice, slice]
"""Grid and group; positions, and the elements there."""

_MANY = 2**19  # elements; fewer are not worth another thread
_NEAR = 48 * 2**10  # bytes to turn at a time, so that they stay close by


class TilePart(NamedTuple):
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


def source_tiles(
    array: Array, plan: Plan, part: TilePart, scratch: Scratch, *busy: Array
) -> Array:
    """Return the tiles of the array that is read, times the factors for reading.

    Parameters
    ----------
    array : array of shape (n, c, *source_size)
        The array.
    plan, part
        How it is cut, and which part is wanted.
    scratch : Scratch
        Where the tiles are put.
    *busy : array
        What of it is in use.

    Returns
    -------
    array of shape (products, tiles, groups * c)
        In scratch memory.
    """
    factors = [_numbers(tiling, "read", array.dtype) for tiling in plan]
    return _tiles(array, plan, part, [t.source for t in plan], factors, scratch, *busy)


def target_tiles(
    array: Array, plan: Plan, part: TilePart, scratch: Scratch, *busy: Array
) -> Array:
    """Return the tiles of an array like the target, times the factors for writing.

    As `source_tiles`, but these tiles do not overlap.
    """
    factors = [_numbers(tiling, "write", array.dtype) for tiling in plan]
    return _tiles(array, plan, part, [t.target for t in plan], factors, scratch, *busy)


def put_tiles(
    tiles: Array, target: Array, plan: Plan, part: TilePart, scratch: Scratch
) -> None:
    """Multiply tiles with the factors for writing, and copy them to the target.

    Parameters
    ----------
    tiles : array of shape (products, tiles, groups * c)
        In scratch memory.
    target : array of shape (n, c, *target_size)
        All its elements that belong to the part are set.
    plan, part
        How it is cut, and which part is meant.
    scratch : Scratch
        That of the tiles.
    """
    target = target[part.samples]
    # of shape (*products[::-1], grids*n*tiles*groups*c)
    array = tiles.reshape(*(t.products for t in reversed(plan)), -1)
    for axis, tiling in enumerate(reversed(plan)):
        lead, rest = array.shape[:axis], array.shape[axis + 1 :]
        result = scratch.array((*lead, tiling.tile, *rest), tiles.dtype, array)
        _times(_numbers(tiling, "write", tiles.dtype).T, array, axis, result)
        array = result
    lines = [tiling.target for tiling in plan]
    counts, firsts = part.counts(plan), part.firsts(plan)
    lengths = [tiling.tile * count for tiling, count in zip(plan, counts, strict=True)]
    columns = list(zip(lines, firsts, lengths, strict=True))
    # The picture has the tiles that reach over its border whole: few copies do.
    ends = [line.ends(first, length) for line, first, length in columns]
    n, c = target.shape[:2]
    image = scratch.array(
        (n, *(end - start for start, end in ends), c), tiles.dtype, array
    )
    if any(line.step > len(line.starts) * len(line.starts[0]) for line in lines):
        image[...] = 0  # no tap reaches some elements
    for to, cells in _separate(array, image, plan, part):
        to[...] = cells
    spans = [line.span(first, length) for line, first, length in columns]
    starts = (start for start, _ in ends)
    inner = (slice(s.start - a, s.stop - a) for s, a in zip(spans, starts, strict=True))
    _to_channels_first(image[:, *inner], target[:, :, *spans])


def _separate(
    array: Array, image: Array, plan: Plan, part: TilePart
) -> Iterator[tuple[Array, Array]]:
    """Yield views of a picture and of its tiles, for each grid and group.

    Parameters
    ----------
    array : array of shape (*tile[::-1], grids * n * tiles * groups * c)
        The tiles.
    image : array of shape (n, *size, c)
        The picture, from the first element of the lines to the last.
    plan, part
        How it is cut, and which part it is.

    Yields
    ------
    two arrays of shape (n, count_0, tile_0, count_1, tile_1, ..., c)
    """
    rank, n, c = len(plan), len(image), image.shape[-1]
    counts, sizes = part.counts(plan), [tiling.tile for tiling in plan]
    lines = [tiling.target for tiling in plan]
    grids, groups = _lengths(lines)
    # of shape (*tile[::-1], *grids, n, *counts, *groups, c)
    array = array.reshape(*reversed(sizes), *grids, n, *counts, *groups, c)
    shape = [size for pair in zip(counts, sizes, strict=True) for size in pair]
    order = [at for k in range(rank) for at in (rank + 1 + k, rank - 1 - k)]
    for grid in product(*map(range, grids)):
        for group in product(*map(range, groups)):
            each = zip(lines, grid, group, counts, sizes, strict=True)
            to = (line.place(m, k, count * size) for line, m, k, count, size in each)
            cells = array[*[slice(None)] * rank, *grid, ..., *group, :]
            # both of shape (n, count_0, tile_0, count_1, tile_1, ..., c)
            yield image[:, *to].reshape(n, *shape, c), cells.transpose(rank, *order, -1)


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
    array of shape (groups of y * a, products, groups of x * b)
        One of the two numbers of groups is 1, unless `transposed`.
    """
    factors = _weight_factors(plan, w.dtype, transposed=transposed)
    groups_y, products, groups_x, taps = factors.shape
    a, b = w.shape[:2]
    result = np.empty((groups_y, a, products * groups_x, b), w.dtype)
    # of shape (groups_y, 1, products*groups_x, taps)
    rows = factors.reshape(groups_y, 1, -1, taps)
    _multiply_each(rows, w.reshape(a, b, taps).mT, result)  # with (a, taps, b)
    # of shape (groups_y*a, products, groups_x*b)
    return result.reshape(groups_y * a, products, groups_x * b)


def gather_weights(spread: Array, plan: Plan, w: Array) -> None:
    """Set weights to the transpose of `spread_weights`, for a plan not transposed.

    Parameters
    ----------
    spread : array of shape (a, products, groups of x * b)
        The gradient of what `spread_weights` returns.
    plan
        How the axes are cut.
    w : array of shape (a, b, *kernel_size)
        The weights of one group of channels.
    """
    factors = _weight_factors(plan, spread.dtype, transposed=False)
    taps = factors.shape[-1]
    a, b = w.shape[:2]
    rows = factors.reshape(-1, taps).T  # (taps, products*groups)
    # with (a, products*groups, b), to (a, taps, b)
    _multiply_each(rows, spread.reshape(a, -1, b), w.reshape(a, b, taps).mT)


def _multiply_each(rows: Array, columns: Array, out: Array) -> None:
    """Set out to rows @ columns, for each channel of columns (a, taps, b).

    If there is much to do, each thread has a share of the channels.
    """
    a, many = len(columns), max(columns.size, out.size) > _MANY

    def work(run: list[slice], _: Scratch) -> None:
        for part in run:
            np.matmul(rows, columns[part], out=out[..., part, :, :])

    share(work, cuts(a, min(a, share_count()) if many else 1))


@lru_cache(512)
def _numbers(tiling: Tiling, name: str, dtype: DType) -> Array:
    """Return factors of a tiling as numbers of a dtype, fractions for objects."""
    fractions = getattr(tiling, name)
    return fractions if dtype.hasobject else fractions.astype(float).astype(dtype)


@lru_cache(16)
def _weight_factors(plan: Plan, dtype: DType, *, transposed: bool) -> Array:
    """Return the factors of all axes, (groups of y, products, groups of x, taps)."""
    kind = object if dtype.hasobject else float
    factors = reduce(_nested, (tiling.weights.astype(kind) for tiling in plan))
    # of shape (groups of y, groups of x, products, taps)
    factors = factors if transposed else factors.swapaxes(0, 1)
    # of shape (groups of y, products, groups of x, taps)
    factors = np.ascontiguousarray(factors.swapaxes(1, 2))
    return factors.astype(dtype, copy=False)


def _nested(outer: Array, inner: Array) -> Array:
    outer_axes = outer[:, None, :, None, None, :, :, None]
    inner_axes = inner[None, :, None, :, :, None, None, :]
    joint = outer_axes * inner_axes
    pairs = zip(outer.shape, inner.shape, strict=True)
    # each axis of outer joined with that of inner: (m*n, ...)
    return joint.reshape([m * n for m, n in pairs])


def _tiles(
    array: Array,
    plan: Plan,
    part: TilePart,
    lines: list[Lines],
    factors: list[Array],
    scratch: Scratch,
    *busy: Array,
) -> Array:
    """Return tiles times factors; of each axis, a tile has as many as factors take."""
    counts = part.counts(plan)
    columns = zip(plan, counts, factors, strict=True)
    sizes = [t.tile * (count - 1) + f.shape[1] for t, count, f in columns]
    cells = _cells(array[part.samples], lines, part.firsts(plan), sizes, scratch, *busy)
    for axis, tiling in enumerate(plan):
        at = 2 * axis + 1  # after the products and grids so far
        cells = _windows_times(
            factors[axis], cells, at, tiling.tile, counts[axis], scratch, *busy
        )
    # of shape (products, tiles, groups*c)
    return cells.reshape(-1, math.prod(cells.shape[len(plan) : -1]), cells.shape[-1])


def _windows_times(
    factor: Array,
    cells: Array,
    axis: int,
    step: int,
    count: int,
    scratch: Scratch,
    *busy: Array,
) -> Array:
    """Return factor @ windows of one axis, with the products on a new first axis."""
    lead, rest = cells.shape[:axis], cells.shape[axis + 1 :]
    stride = cells.strides[axis]
    # BLAS can read the windows where they are, though they overlap.
    shape = (*lead, count, factor.shape[1], *rest)
    steps = (*cells.strides[:axis], step * stride, *cells.strides[axis:])
    # of shape (*lead, count, read, *rest)
    windows = np.ndarray(shape, cells.dtype, cells, 0, steps)
    result = scratch.array(
        (len(factor), *lead, count, *rest), cells.dtype, cells, *busy
    )
    last = tuple(range(1, axis + 2))
    # of shape (*lead, count, products, *rest)
    out = result.transpose(*last, 0, *range(axis + 2, result.ndim))
    _times(factor, windows, axis + 1, out)
    return result


def _times(factor: Array, array: Array, axis: int, out: Array) -> None:
    """Set an array to factor @ array along an axis; all after it lies in a row."""
    at = axis + 1
    while at + 1 < array.ndim and factor.size * math.prod(array.shape[at:]) > PRODUCT:
        at += 1
    order = (*range(axis), *range(axis + 1, at), axis, at)
    source, target = (
        # of shape (*lead, *between, axis, all the rest)
        each.reshape(*each.shape[:at], math.prod(each.shape[at:])).transpose(order)
        for each in (array, out)
    )
    np.matmul(factor, source, out=target)


def _cells(
    array: Array,
    lines: list[Lines],
    firsts: Index,
    sizes: list[int],
    scratch: Scratch,
    *busy: Array,
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
        image = scratch.array((n, *array.shape[2:], c), array.dtype, *busy)
        _to_channels_last(array, image)
        array, busy = image, (*busy, image)
    cells = scratch.array((*grids, n, *sizes, *groups, c), array.dtype, *busy)
    for each in product(*(_runs(*column) for column in columns)):
        grid, group, positions, elements = zip(*each, strict=True)
        found = _relative(elements, spans)
        whole = cells[*grid, :, *[slice(None)] * len(lines), *group, :]
        clear_around(whole, positions)
        to = whole[:, *positions]
        if single:
            _to_channels_last(array[:, :, *found], to)
        else:
            to[...] = array[:, *found]
    # of shape (grids*n, *sizes, groups*c)
    return cells.reshape(-1, *sizes, math.prod(groups) * c)


def _runs(line: Lines, first: int, count: int) -> Iterator[Run]:
    """Yield grid and group, and the positions and elements there."""
    for grid, group in product(range(len(line.starts)), range(len(line.starts[0]))):
        yield grid, group, *line.run(grid, group, first, count)


def _lengths(lines: list[Lines]) -> tuple[Index, Index]:
    """Return the numbers of grids and of groups."""
    grids = tuple(len(line.starts) for line in lines)
    return grids, tuple(len(line.starts[0]) for line in lines)


def _relative(elements: Sequence[slice], spans: Sequence[slice]) -> list[slice]:
    """Return the slices, counted from the start of the spans."""
    pairs = zip(elements, spans, strict=True)
    return [slice(e.start - s.start, e.stop - s.start, e.step) for e, s in pairs]


def _to_channels_last(source: Array, target: Array) -> None:
    """Copy (n, c, *size) to (n, *size, c)."""
    source = np.moveaxis(source, 1, -1)  # (n, *size, c)
    channels = source.shape[-1]
    step = channels if source.strides[-1] % PAGE else 16
    for c in range(0, channels, step):
        target[..., c : c + step] = source[..., c : c + step]


def _to_channels_first(source: Array, target: Array) -> None:
    """Copy (n, *size, c) to (n, c, *size)."""
    target = np.moveaxis(target, 1, -1)  # (n, *size, c)
    step = max(1, _NEAR // max(1, source[:1, :1].nbytes))
    for row in range(0, source.shape[1], step):
        target[:, row : row + step] = source[:, row : row + step]
