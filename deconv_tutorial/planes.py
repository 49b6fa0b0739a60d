"""Padded planes in a row, one for each phase of the stride: then a tap is a shift.

The planes of x are padded, and split into one plane for each phase of the stride. Every
tap of every output is then the same shift of one contiguous run. Rows are read across
their ends; what comes of the padding between them is left out at the end.

With few channels this beats unfolding them output by output: each row of the columns
is one long copy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import as_strided

from deconv_tutorial.engine import Array, empty_y, zeros_w, zeros_x
from deconv_tutorial.geometry import Geometry
from deconv_tutorial.settings import Index
from deconv_tutorial.threads import blas_threads, share
from deconv_tutorial.tiles import Lines
from deconv_tutorial.views import clear_around, row_steps
from deconv_tutorial.workspace import BLOCK, scratch

Block: TypeAlias = tuple[slice, slice]
"""Some samples and some groups."""


class Layout(NamedTuple):
    """How the planes of a geometry lie in a row."""

    size: Index
    """Of a padded plane, one for each phase."""
    length: int
    """From the first output to the last."""
    phases: list[tuple[Index, list[tuple[slice, slice]]]]
    """Of each phase: its place on each axis; the places and elements that it has."""
    taps: list[tuple[Index, Index, int]]
    """Each tap, with its phase and its shift."""

    @property
    def elements(self) -> int:
        """How many elements the planes of all phases have together."""
        return len(self.phases) * math.prod(self.size)


def forward(x: Array, w: Array, geometry: Geometry) -> Array:
    """Return y: the weights times shifted planes, added up."""
    y = empty_y(x, w, geometry)
    layout = layout_of(geometry)

    def work(run: list[Block]) -> None:
        for block in run:
            planes = planes_of(x[block], layout)
            target = y[block]
            shape = (math.prod(target.shape[:3]), layout.length)
            wide = scratch(shape, x.dtype, planes)
            matrix = w[block[1]].reshape(w.shape[1], -1)
            rows = _stack(wide, x[block])
            for places, columns in _columns(planes, layout, rows):
                np.matmul(matrix, columns, out=rows[..., places])
            target[...] = narrow(wide, layout, geometry).reshape(target.shape)

    share(work, _blocks(x, w, layout))
    return y


def input_grad(y: Array, w: Array, geometry: Geometry) -> Array:
    """Return x: the transposed weights times y, added up where taps shift it to."""
    other = turned(w, geometry)
    if other is not None:
        return forward(y, *other)
    x = zeros_x(y, w, geometry)
    layout = layout_of(geometry)

    def work(run: list[Block]) -> None:
        for block in run:
            wide, target = wide_of(y[block], layout, geometry), x[block]
            channels = math.prod(target.shape[:3])
            planes = scratch(shape_of(layout, channels), y.dtype, wide)
            planes[...] = 0
            matrix = w[block[1]].reshape(w.shape[1], -1).T
            _scatter(matrix, _stack(wide, target), layout, planes)
            crop(planes, layout, target)

    share(work, _blocks(x, w, layout))
    return x


def weight_grad(x: Array, y: Array, geometry: Geometry) -> Array:
    """Return w: y times the transposed columns of x, or planes times planes."""
    w = zeros_w(x, y, geometry)
    layout = layout_of(geometry)

    def work(run: list[Block]) -> Array:
        total = np.zeros_like(w)
        for block in run:
            wide = wide_of(y[block], layout, geometry)
            planes = planes_of(x[block], layout, wide)
            matrix = total[block[1]].reshape(w.shape[1], -1)
            rows = _stack(wide, x[block])
            for places, columns in _columns(planes, layout, rows):
                matrix += (columns @ rows[..., places].mT).sum(axis=0).T
        return total

    return sum(share(work, _blocks(x, w, layout)), start=w)


def turned(w: Array, geometry: Geometry) -> tuple[Array, Geometry] | None:
    """Return weights and geometry whose forward map is this input gradient.

    From the side of x it is faster: nothing is read where something is written. That is
    so with stride 1 only, else None is returned.
    """
    if any(axis.stride > 1 for axis in geometry.axes):
        return None
    flipped = np.flip(w, tuple(range(3, w.ndim))).swapaxes(1, 2)
    return flipped, geometry.transposed()


def _columns(
    planes: Array, layout: Layout, rows: Array
) -> Iterator[tuple[slice, Array]]:
    """Yield the columns of planes for each sample, a chunk of places at a time."""
    samples, taps = len(rows), len(layout.taps)
    channels = planes.shape[-2]
    for places in _chunks(layout, channels, planes.itemsize):
        size = places.stop - places.start
        columns = scratch((channels, taps, size), planes.dtype, planes, rows)
        for n, (_, phase, shift) in enumerate(layout.taps):
            start = shift + places.start
            columns[:, n] = planes[*phase, :, start : start + size]
        yield places, columns.reshape(samples, channels // samples * taps, size)


def _scatter(matrix: Array, rows: Array, layout: Layout, planes: Array) -> None:
    """Add a matrix times rows to shifted planes: the transpose of `_columns`."""
    samples, taps = len(rows), len(layout.taps)
    channels = planes.shape[-2]
    for places in _chunks(layout, channels, planes.itemsize):
        size = places.stop - places.start
        columns = scratch((channels, taps, size), planes.dtype, planes, rows)
        flat = columns.reshape(samples, channels // samples * taps, size)
        np.matmul(matrix, rows[..., places], out=flat)
        for n, (_, phase, shift) in enumerate(layout.taps):
            start = shift + places.start
            planes[*phase, :, start : start + size] += columns[:, n]


def chunk_size(layout: Layout, channels: int, itemsize: int = 4) -> int:
    """Return for how many places the columns of some channels fill a block at most."""
    return max(1, min(layout.length, BLOCK // (channels * len(layout.taps) * itemsize)))


def _chunks(layout: Layout, channels: int, itemsize: int) -> Iterator[slice]:
    """Yield runs of places, so many that their columns fill a block at most."""
    step = chunk_size(layout, channels, itemsize)
    for start in range(0, layout.length, step):
        yield slice(start, min(start + step, layout.length))


@lru_cache(64)
def layout_of(geometry: Geometry, *, unfolded: bool = False) -> Layout:
    """Return how the planes of a geometry lie.

    If unfolded, there is a plane for each tap of the last axis, and not for each phase.
    """
    splits = [
        [divmod(axis.dilation * k, axis.stride) for k in range(axis.kernel_size)]
        for axis in geometry.axes
    ]
    if unfolded:
        last = geometry.axes[-1]
        splits[-1] = [(0, last.dilation * k) for k in range(last.kernel_size)]
    # Phases that no tap reads have no plane.
    used = [sorted({phase for _, phase in split}) for split in splits]
    size = tuple(
        axis.output_size + max(shift for shift, _ in split)
        for axis, split in zip(geometry.axes, splits, strict=True)
    )
    steps = row_steps(size)
    columns = zip(geometry.output_size, steps, strict=True)
    length = 1 + sum((outputs - 1) * step for outputs, step in columns)
    runs = [
        [
            Lines(axis.input_size, axis.stride, ((axis.input_index(0, 0) + n,),)).run(
                0, 0, 0, count
            )
            for n in phases
        ]
        for axis, phases, count in zip(geometry.axes, used, size, strict=True)
    ]
    phases = [
        (place, [each[n] for each, n in zip(runs, place, strict=True)])
        for place in product(*(range(len(each)) for each in used))
    ]
    taps: list[tuple[Index, Index, int]] = []
    for k in product(*(range(axis.kernel_size) for axis in geometry.axes)):
        split = [each[at] for each, at in zip(splits, k, strict=True)]
        shift = sum(q * step for (q, _), step in zip(split, steps, strict=True))
        pairs = zip(used, split, strict=True)
        place = tuple(each.index(phase) for each, (_, phase) in pairs)
        taps.append((k, place, shift))
    return Layout(size, length, phases, taps)


def shape_of(layout: Layout, channels: int) -> Index:
    """Return the shape of the planes of some channels."""
    phases = (n + 1 for n in layout.phases[-1][0])
    return (*phases, channels, math.prod(layout.size))


def _stack(wide: Array, x: Array) -> Array:
    """Return rows of all samples, (samples * a, length), as (samples, a, length)."""
    return wide.reshape(len(x), -1, wide.shape[1])


def planes_of(x: Array, layout: Layout, *busy: Array) -> Array:
    """Return the padded planes of (samples, groups, b, *input_size), by phase."""
    x = x.reshape(-1, *x.shape[3:])
    planes = scratch(shape_of(layout, len(x)), x.dtype, *busy)
    for phase, runs in layout.phases:
        places, elements = zip(*runs, strict=True)
        plane = planes[*phase].reshape(len(x), *layout.size)
        clear_around(plane, places)
        plane[:, *places] = x[:, *elements]
    return planes


def crop(planes: Array, layout: Layout, x: Array) -> None:
    """Add padded planes to (samples, groups, b, *input_size)."""
    for phase, runs in layout.phases:
        places, elements = zip(*runs, strict=True)
        plane = planes[*phase].reshape(*x.shape[:3], *layout.size)
        x[..., *elements] += plane[..., *places]


def narrow(wide: Array, layout: Layout, geometry: Geometry) -> Array:
    """Return the view of rows as long as those of planes that has just the outputs."""
    steps = row_steps(layout.size)
    shape = (len(wide), *geometry.output_size)
    strides = (wide.strides[0], *(step * wide.itemsize for step in steps))
    return as_strided(wide, shape, strides)


def wide_of(y: Array, layout: Layout, geometry: Geometry) -> Array:
    """Return rows of (samples, groups, a, *output_size), with zeros to the next row."""
    y = y.reshape(-1, *y.shape[3:])
    plane = scratch((len(y), geometry.output_size[0], *layout.size[1:]), y.dtype)
    window = tuple(slice(0, size) for size in geometry.output_size)
    clear_around(plane, window)
    plane[:, *window] = y
    return plane.reshape(len(y), -1)[:, : layout.length]


def _blocks(x: Array, w: Array, layout: Layout) -> Iterator[Block]:
    """Yield some samples and a group each, so many that their columns fit."""
    sample = w[0, 0].size * layout.length * w.itemsize
    samples = max(1, min(BLOCK // sample, len(x) // blas_threads()))
    for n, g in product(range(0, len(x), samples), range(len(w))):
        yield slice(n, n + samples), slice(g, g + 1)
