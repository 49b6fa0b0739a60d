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
from functools import lru_cache, partial
from itertools import groupby, product
from operator import add
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from deconv_tutorial.dtypes import Array, DType
from deconv_tutorial.engines.blocks import blocks
from deconv_tutorial.engines.engine import empty_y, zeros_w, zeros_x
from deconv_tutorial.engines.fast.pool import share, share_count
from deconv_tutorial.engines.fast.products import product_parts
from deconv_tutorial.engines.fast.scratch import BLOCK, PAGE, Scratch
from deconv_tutorial.engines.fast.tiling import Lines
from deconv_tutorial.engines.fast.windows import clear_around, row_steps
from deconv_tutorial.geometry import Axis, Geometry
from deconv_tutorial.geometry.settings import Index

_APART = 16  # elements between rows that would take the same places in the cache


class Piece(NamedTuple):
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


class TapRow(NamedTuple):
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
    rows: list[TapRow]
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
    share(partial(_gather, x, w, y), _pieces(x, w, geometry))
    return y


def input_grad(y: Array, w: Array, geometry: Geometry) -> Array:
    """Return x: the transposed weights times y, added up where taps shift it to."""
    other = as_forward(w, geometry)
    if other is not None:
        w, geometry = other
        x = empty_y(y, w, geometry)  # x is the result of this forward map
        share(partial(_gather, y, w, x), _pieces(y, w, geometry))
        return x
    x = zeros_x(y, w, geometry)

    def work(runs: list[list[Piece]], scratch: Scratch) -> None:
        for piece in (piece for run in runs for piece in run):
            layout, target = layout_of(piece.geometry), x[piece.arrays]
            rows = filled_rows(piece.of_y(y), layout, scratch)
            matrix = w[piece.arrays[1]].reshape(w.shape[1], -1).T  # (b*taps, a)
            columns = _space(layout, target, y.dtype, scratch, rows)
            # of shape (samples, b*taps, length)
            flat = columns.reshape(len(target), len(matrix), layout.length)
            for factors in product_parts(matrix, rows[:, 0], flat):
                np.matmul(*factors)
            planes = scratch.array(shape_of(layout, target), y.dtype, rows, columns)
            planes[...] = 0
            for n, (_, phase, shift) in enumerate(layout.rows):
                planes[*phase, ..., shift : shift + layout.length] += columns[:, n]
            fold_planes(planes, layout, target)

    share(work, together(_pieces(x, w, geometry)))
    return x


def weight_grad(x: Array, y: Array, geometry: Geometry) -> Array:
    """Return w: y times the transposed columns of x."""
    w = zeros_w(x, y, geometry)

    def work(run: list[Piece], scratch: Scratch) -> Array:
        total = np.zeros_like(w)
        for piece in run:
            layout = layout_of(piece.geometry)
            columns = _columns(x[piece.arrays], layout, scratch)
            rows = filled_rows(piece.of_y(y), layout, scratch, columns)
            matrix = total[piece.arrays[1]].reshape(w.shape[1], -1)  # (a, b*taps)
            # of shape (samples, b*taps, length) @ (samples, length, a), then summed
            matrix += (columns @ rows[:, 0].mT).sum(axis=0).T
        return total

    return sum(share(work, _pieces(x, w, geometry)), start=w)


def _gather(x: Array, w: Array, y: Array, run: list[Piece], scratch: Scratch) -> None:
    """Set some pieces of y to the weights times shifted planes."""
    for piece in run:
        layout = layout_of(piece.geometry)
        columns = _columns(x[piece.arrays], layout, scratch)
        target = piece.of_y(y)
        rows = rows_of(target, layout, scratch, columns)
        matrix = w[piece.arrays[1]].reshape(w.shape[1], -1)  # (a, b*taps)
        for factors in product_parts(matrix, columns, rows[:, 0]):
            np.matmul(*factors)
        put_rows(rows, target, layout)


def as_forward(w: Array, geometry: Geometry) -> tuple[Array, Geometry] | None:
    """Return weights and geometry whose forward map is this input gradient.

    From the side of x it is faster: nothing is read where something is written. That is
    so with stride 1 only, else None is returned.
    """
    if any(axis.stride > 1 for axis in geometry.axes):
        return None
    flipped = np.flip(w, tuple(range(3, w.ndim))).swapaxes(1, 2)  # (g, b, a, *taps)
    return flipped, geometry.transposed()


def _columns(x: Array, layout: Layout, scratch: Scratch) -> Array:
    """Return columns (samples, b * taps, length) of (samples, 1, b, *input_size)."""
    planes = planes_of(x, layout, scratch)
    columns = _space(layout, x, x.dtype, scratch, planes)
    for n, (_, phase, shift) in enumerate(layout.rows):
        columns[:, n] = planes[*phase, ..., shift : shift + layout.length]
    return columns.reshape(len(x), -1, layout.length)  # (samples, b*taps, length)


def _space(
    layout: Layout, x: Array, dtype: DType, scratch: Scratch, *busy: Array
) -> Array:
    """Return scratch memory for columns: (samples * b, rows, columns, length)."""
    shape = (math.prod(x.shape[:3]), len(layout.rows), len(layout.lines[-1]))
    aligned = layout.length * dtype.itemsize % PAGE == 0
    space = scratch.array((*shape, layout.length + aligned * _APART), dtype, *busy)
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
    rows: list[TapRow] = []
    for k in product(*(range(axis.kernel_size) for axis in axes)):
        split = [each[at] for each, at in zip(splits, k, strict=True)]
        phase = (each.index(n) for each, (_, n) in zip(used, split, strict=True))
        shift = sum(q * step for (q, _), step in zip(split, steps, strict=False))
        rows.append(TapRow(k, tuple(phase), shift))
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


def planes_of(x: Array, layout: Layout, scratch: Scratch, *busy: Array) -> Array:
    """Return the planes of ``(samples, groups, b, *input_size)``, zero outside."""
    planes = scratch.array(shape_of(layout, x), x.dtype, *busy)
    x = x.reshape(-1, *x.shape[3:])  # (samples*groups*b, *inputs)
    for plane, places, elements in _each_plane(planes, layout):
        clear_around(plane, places)
        plane[:, *places] = x[:, *elements]
    return planes


def fold_planes(planes: Array, layout: Layout, x: Array) -> None:
    """Add planes to ``(samples, groups, b, *input_size)``."""
    for plane, places, elements in _each_plane(planes, layout):
        part = plane[:, *places]
        # of shape (samples, groups, b, *elements)
        x[..., *elements] += part.reshape(*x.shape[:3], *part.shape[1:])


def _each_plane(
    planes: Array, layout: Layout
) -> Iterator[tuple[Array, tuple[slice, ...], tuple[slice, ...]]]:
    """Yield each plane of all channels, the places it has of x, and their elements."""
    for joint in product(*(enumerate(line) for line in layout.lines)):
        (*phase, tap), runs = zip(*joint, strict=True)
        places, elements = zip(*runs, strict=True)
        plane = planes[*phase, :, tap]
        plane = plane.reshape(len(plane), *layout.size)  # (samples*groups*b, *size)
        yield plane, places, elements


def rows_of(y: Array, layout: Layout, scratch: Scratch, *busy: Array) -> Array:
    """Return where to put y as rows, (samples, groups, a, length).

    If nothing lies between the rows of planes, that is y itself, else scratch memory.
    """
    shape = (*y.shape[:3], layout.length)  # (samples, groups, a, length)
    return y.reshape(shape) if layout.dense else scratch.array(shape, y.dtype, *busy)


def put_rows(rows: Array, y: Array, layout: Layout) -> None:
    """Copy rows to y, unless they are y itself."""
    if not layout.dense:
        y[...] = _narrow(rows, layout)


def filled_rows(y: Array, layout: Layout, scratch: Scratch, *busy: Array) -> Array:
    """Return y as rows, (samples, groups, a, length), with zeros in between."""
    if layout.dense:
        return y.reshape(*y.shape[:3], layout.length)  # (samples, groups, a, length)
    rows = scratch.array((*y.shape[:3], layout.length), y.dtype, *busy)
    rows[...] = 0
    _narrow(rows, layout)[...] = y
    return rows


def _narrow(rows: Array, layout: Layout) -> Array:
    """Return the view of rows that has just the outputs."""
    steps = (step * rows.itemsize for step in row_steps(layout.size))
    shape = (*rows.shape[:3], *layout.outputs)
    # of shape (samples, groups, a, *outputs)
    return as_strided(rows, shape, (*rows.strides[:3], *steps))


def pieces(
    x: Array, groups: int, geometry: Geometry, row: int, room: int
) -> Iterator[Piece]:
    """Yield pieces that fit a room of so many bytes: samples, groups, and some rows.

    Parameters
    ----------
    x : array of shape (samples, groups, b, *input_size)
        The input.
    groups : int
        How many groups may be in a piece.
    geometry : Geometry
        Which tap of which output reads which input.
    row, room : int
        How many bytes an output on the first axis takes, in a group of a sample, and
        how many there are.
    """
    first, *rest = geometry.output_size
    others = [slice(0, size) for size in rest]
    sizes = len(x), groups, first
    for start in range(0, x.shape[1], groups):
        for samples, some, outputs in blocks(sizes, room // row, share_count()):
            arrays = samples, slice(start + some.start, start + some.stop)
            whole = outputs == slice(0, first)
            part = geometry if whole else geometry.between((outputs, *others))
            yield Piece(arrays, outputs, part)


def together(several: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Yield the pieces of the same samples and groups, which add to the same places."""
    for _, run in groupby(several, key=lambda piece: piece.starts):
        yield list(run)


def _pieces(x: Array, w: Array, geometry: Geometry) -> Iterator[Piece]:
    """Yield pieces of one group whose columns fit."""
    row = w[0, 0].size * math.prod(geometry.output_size[1:]) * w.itemsize
    return pieces(x, 1, geometry, row, BLOCK)
