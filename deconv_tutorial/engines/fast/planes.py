"""Padded planes in a row, unfolded along the last axis: then a tap is a shift.

Of x there is a padded plane for each tap of the last axis, with just the elements that
this tap reads, and for each phase of the strides of the other axes. There a tap is the
same shift of one contiguous run for all outputs, and such a run has the order of y.

With few channels this beats unfolding all axes at once: each row of the columns is one
long copy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby, product
from operator import add
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from deconv_tutorial.dtypes import Array, DType
from deconv_tutorial.engines.engine import empty_y, zeros_w, zeros_x
from deconv_tutorial.engines.fast.pool import blas_threads, share
from deconv_tutorial.engines.fast.products import cuts, multiply
from deconv_tutorial.engines.fast.scratch import BLOCK, PAGE, scratch
from deconv_tutorial.engines.fast.tiling import Lines
from deconv_tutorial.engines.views import clear_around, row_steps
from deconv_tutorial.geometry import Axis, Geometry
from deconv_tutorial.geometry.settings import Index

_APART = 16  # elements between rows that would take the same places in the cache


class Block(NamedTuple):
    """Some samples and groups, and some outputs along the first axis."""

    arrays: tuple[slice, slice]
    """The samples and the groups."""
    outputs: slice
    """Along the first axis."""
    geometry: Geometry
    """With those outputs only."""

    @property
    def starts(self) -> tuple[int, int]:
        """The first sample and the first group."""
        samples, groups = self.arrays
        return samples.start, groups.start

    def of_y(self, y: Array) -> Array:
        """Return the part of y."""
        return y[*self.arrays, :, self.outputs]


class Row(NamedTuple):
    """A tap of all axes but the last."""

    tap: Index
    """Its place in the kernel."""
    phase: Index
    """Which planes it reads."""
    shift: int
    """How far from the first output."""


class Layout(NamedTuple):
    """How the planes of a geometry lie in a row."""

    outputs: Index
    """The size of the output."""
    size: Index
    """Of a plane."""
    length: int
    """From the first output to the last."""
    lines: list[list[tuple[slice, slice]]]
    """On each axis, of each phase: the places and elements that it has.

    On the last axis each tap is a phase of its own.
    """
    rows: list[Row]
    """The taps of all axes but the last."""

    @property
    def elements(self) -> int:
        """How many elements all planes have together."""
        return math.prod(map(len, self.lines)) * math.prod(self.size)

    @property
    def dense(self) -> bool:
        """Whether nothing lies between the rows of planes, as in the output."""
        return self.length == math.prod(self.outputs)


def forward(x: Array, w: Array, geometry: Geometry) -> Array:
    """Return y: the weights times shifted planes."""
    y = empty_y(x, w, geometry)

    def work(run: list[Block]) -> None:
        for block in run:
            layout = layout_of(block.geometry)
            columns = _columns(x[block.arrays], layout)
            target = block.of_y(y)
            rows = rows_of(target, layout, columns)
            matrix = w[block.arrays[1]].reshape(w.shape[1], -1)
            multiply(matrix, columns, rows[:, 0])
            put_rows(rows, target, layout)

    share(work, _blocks(x, w, geometry))
    return y


def input_grad(y: Array, w: Array, geometry: Geometry) -> Array:
    """Return x: the transposed weights times y, added up where taps shift it to."""
    other = turned(w, geometry)
    if other is not None:
        return forward(y, *other)
    x = zeros_x(y, w, geometry)

    def work(runs: list[list[Block]]) -> None:
        for block in (block for run in runs for block in run):
            layout, target = layout_of(block.geometry), x[block.arrays]
            rows = filled_rows(block.of_y(y), layout)
            matrix = w[block.arrays[1]].reshape(w.shape[1], -1).T
            columns = _space(layout, target, y.dtype, rows)
            flat = columns.reshape(len(target), len(matrix), layout.length)
            multiply(matrix, rows[:, 0], flat)
            planes = scratch(shape_of(layout, target), y.dtype, rows, columns)
            planes[...] = 0
            for n, (_, phase, shift) in enumerate(layout.rows):
                planes[*phase, ..., shift : shift + layout.length] += columns[:, n]
            fold_planes(planes, layout, target)

    share(work, together(_blocks(x, w, geometry)))
    return x


def weight_grad(x: Array, y: Array, geometry: Geometry) -> Array:
    """Return w: y times the transposed columns of x."""
    w = zeros_w(x, y, geometry)

    def work(run: list[Block]) -> Array:
        total = np.zeros_like(w)
        for block in run:
            layout = layout_of(block.geometry)
            columns = _columns(x[block.arrays], layout)
            rows = filled_rows(block.of_y(y), layout, columns)
            matrix = total[block.arrays[1]].reshape(w.shape[1], -1)
            matrix += (columns @ rows[:, 0].mT).sum(axis=0).T
        return total

    return sum(share(work, _blocks(x, w, geometry)), start=w)


def turned(w: Array, geometry: Geometry) -> tuple[Array, Geometry] | None:
    """Return weights and geometry whose forward map is this input gradient.

    From the side of x it is faster: nothing is read where something is written. That is
    so with stride 1 only, else None is returned.
    """
    if any(axis.stride > 1 for axis in geometry.axes):
        return None
    flipped = np.flip(w, tuple(range(3, w.ndim))).swapaxes(1, 2)
    return flipped, geometry.transposed()


def _columns(x: Array, layout: Layout) -> Array:
    """Return columns (samples, b * taps, length) of (samples, 1, b, *input_size)."""
    planes = planes_of(x, layout)
    columns = _space(layout, x, x.dtype, planes)
    for n, (_, phase, shift) in enumerate(layout.rows):
        columns[:, n] = planes[*phase, ..., shift : shift + layout.length]
    return columns.reshape(len(x), -1, layout.length)


def _space(layout: Layout, x: Array, dtype: DType, *busy: Array) -> Array:
    """Return scratch memory for columns: (samples * b, rows, columns, length)."""
    shape = (math.prod(x.shape[:3]), len(layout.rows), len(layout.lines[-1]))
    aligned = layout.length * dtype.itemsize % PAGE == 0
    space = scratch((*shape, layout.length + aligned * _APART), dtype, *busy)
    return space[..., : layout.length]


@lru_cache(256)
def layout_of(geometry: Geometry) -> Layout:
    """Return how the planes of a geometry lie."""
    *axes, last = geometry.axes
    splits = [
        [divmod(axis.dilation * k, axis.stride) for k in range(axis.kernel_size)]
        for axis in axes
    ]
    # Phases that no tap reads have no plane.
    used = [sorted({phase for _, phase in split}) for split in splits]
    margins = [max(shift for shift, _ in split) for split in splits] + [0]
    size = tuple(map(add, geometry.output_size, margins))
    steps = row_steps(size)
    columns = zip(geometry.output_size, steps, strict=True)
    length = 1 + sum((outputs - 1) * step for outputs, step in columns)
    places = [*used, [last.dilation * k for k in range(last.kernel_size)]]
    lines = [
        [_line(axis, n).run(0, 0, 0, count) for n in each]
        for axis, each, count in zip(geometry.axes, places, size, strict=True)
    ]
    rows: list[Row] = []
    for k in product(*(range(axis.kernel_size) for axis in axes)):
        split = [each[at] for each, at in zip(splits, k, strict=True)]
        phase = (each.index(n) for each, (_, n) in zip(used, split, strict=True))
        shift = sum(q * step for (q, _), step in zip(split, steps, strict=False))
        rows.append(Row(k, tuple(phase), shift))
    return Layout(geometry.output_size, size, length, lines, rows)


def _line(axis: Axis, offset: int) -> Lines:
    """Return every stride-th element of an axis, from the first output's on."""
    return Lines(axis.input_size, axis.stride, ((axis.input_index(0, 0) + offset,),))


def shape_of(layout: Layout, x: Array) -> Index:
    """Return the shape of the planes of ``(samples, groups, b, *input_size)``.

    That is ``(*phases, samples * groups * b, taps of the last axis, elements)``.
    """
    *phases, taps = map(len, layout.lines)
    return (*phases, math.prod(x.shape[:3]), taps, math.prod(layout.size))


def planes_of(x: Array, layout: Layout, *busy: Array) -> Array:
    """Return the planes of ``(samples, groups, b, *input_size)``, zero outside."""
    planes = scratch(shape_of(layout, x), x.dtype, *busy)
    x = x.reshape(-1, *x.shape[3:])
    for plane, places, elements in _each_plane(planes, layout):
        clear_around(plane, places)
        plane[:, *places] = x[:, *elements]
    return planes


def fold_planes(planes: Array, layout: Layout, x: Array) -> None:
    """Add planes to ``(samples, groups, b, *input_size)``."""
    for plane, places, elements in _each_plane(planes, layout):
        part = plane[:, *places]
        x[..., *elements] += part.reshape(*x.shape[:3], *part.shape[1:])


def _each_plane(
    planes: Array, layout: Layout
) -> Iterator[tuple[Array, tuple[slice, ...], tuple[slice, ...]]]:
    """Yield each plane of all channels, the places it has of x, and their elements."""
    for joint in product(*(enumerate(line) for line in layout.lines)):
        (*phase, tap), runs = zip(*joint, strict=True)
        places, elements = zip(*runs, strict=True)
        plane = planes[*phase, :, tap]
        yield plane.reshape(len(plane), *layout.size), places, elements


def rows_of(y: Array, layout: Layout, *busy: Array) -> Array:
    """Return where to put y as rows, (samples, groups, a, length).

    If nothing lies between the rows of planes, that is y itself, else scratch memory.
    """
    shape = (*y.shape[:3], layout.length)
    return y.reshape(shape) if layout.dense else scratch(shape, y.dtype, *busy)


def put_rows(rows: Array, y: Array, layout: Layout) -> None:
    """Copy rows to y, unless they are y itself."""
    if not layout.dense:
        y[...] = _narrow(rows, layout)


def filled_rows(y: Array, layout: Layout, *busy: Array) -> Array:
    """Return y as rows, (samples, groups, a, length), with zeros in between."""
    if layout.dense:
        return y.reshape(*y.shape[:3], layout.length)
    rows = scratch((*y.shape[:3], layout.length), y.dtype, *busy)
    rows[...] = 0
    _narrow(rows, layout)[...] = y
    return rows


def _narrow(rows: Array, layout: Layout) -> Array:
    """Return the view of rows that has just the outputs."""
    steps = (step * rows.itemsize for step in row_steps(layout.size))
    shape = (*rows.shape[:3], *layout.outputs)
    return as_strided(rows, shape, (*rows.strides[:3], *steps))


def blocks(
    x: Array, groups: int, geometry: Geometry, row: int, room: int
) -> Iterator[Block]:
    """Yield blocks that fit a room of so many bytes: groups, samples, or some rows.

    Parameters
    ----------
    x : array of shape (samples, groups, b, *input_size)
        The input.
    groups : int
        How many groups may be in a block.
    geometry : Geometry
        Which tap of which output reads which input.
    row, room : int
        How many bytes an output on the first axis takes, in a group of a sample, and
        how many there are.
    """
    samples, total = x.shape[:2]
    outputs, *rest = (slice(0, size) for size in geometry.output_size)
    fit = max(1, room // row)
    if fit < outputs.stop:
        for n, g in product(range(samples), range(total)):
            for part in cuts(outputs.stop, -(-outputs.stop // fit)):
                some = geometry.between((part, *rest))
                yield Block((slice(n, n + 1), slice(g, g + 1)), part, some)
        return
    fit //= outputs.stop
    groups = min(fit, groups)
    step = max(1, min(fit // groups, samples // blas_threads()))
    for n, g in product(range(0, samples, step), range(0, total, groups)):
        yield Block((slice(n, n + step), slice(g, g + groups)), outputs, geometry)


def together(several: Iterable[Block]) -> Iterator[list[Block]]:
    """Yield the blocks of the same samples and groups, which add to the same places."""
    for _, run in groupby(several, key=lambda block: block.starts):
        yield list(run)


def _blocks(x: Array, w: Array, geometry: Geometry) -> Iterator[Block]:
    """Yield blocks of one group whose columns fit."""
    row = w[0, 0].size * math.prod(geometry.output_size[1:]) * w.itemsize
    return blocks(x, 1, geometry, row, BLOCK)
