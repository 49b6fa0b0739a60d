"""Padded planes in a row, one for each phase of the stride: then a tap is a shift.

The planes of x are padded, and split into one plane for each phase of the stride. Every
tap of every output is then the same shift of one contiguous run. Rows are read across
their ends; what comes of the padding between them is left out at the end.

With few channels this beats unfolding them output by output: each row of the columns
is one long copy. With one channel in a group there is no sum to make a matrix product
of, and each tap is the product of a number and a plane.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import as_strided

from deconv_tutorial.engine import Array, zeros_w, zeros_x, zeros_y
from deconv_tutorial.geometry import Geometry
from deconv_tutorial.settings import Index
from deconv_tutorial.threads import blas_threads, share
from deconv_tutorial.tiles import Lines
from deconv_tutorial.views import row_steps
from deconv_tutorial.workspace import BLOCK, scratch

CACHE = 2**20
"""About how many bytes of planes to work on at a time."""

Block: TypeAlias = tuple[slice, slice]
"""Some samples and some groups: several of one of them at most."""


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
    y = zeros_y(x, w, geometry)
    layout = layout_of(geometry)

    def work(run: list[Block]) -> None:
        for block in run:
            planes = _planes(x[block], layout)
            target = y[block]
            shape = (math.prod(target.shape[:3]), layout.length)
            wide = scratch(shape, x.dtype, planes)
            if _depthwise(w):
                _add_taps(planes, w[block[1], 0, 0], layout, wide)
            else:
                matrix = w[block[1]].reshape(w.shape[1], -1)
                rows = _stack(wide, x[block])
                for places, columns in _columns(planes, layout, rows):
                    np.matmul(matrix, columns, out=rows[..., places])
            target[...] = _narrow(wide, layout, geometry).reshape(target.shape)

    share(work, _blocks(x, w, layout))
    return y


def input_grad(y: Array, w: Array, geometry: Geometry) -> Array:
    """Return x: the transposed weights times y, added up where taps shift it to."""
    if all(axis.stride == 1 for axis in geometry.axes):
        # The same from the side of x, which is faster: it never reads what it writes.
        flipped = np.flip(w, tuple(range(3, w.ndim))).swapaxes(1, 2)
        return forward(y, flipped, geometry.transposed())
    x = zeros_x(y, w, geometry)
    layout = layout_of(geometry)

    def work(run: list[Block]) -> None:
        for block in run:
            wide, target = _wide(y[block], layout, geometry), x[block]
            channels = math.prod(target.shape[:3])
            planes = scratch(_shape(layout, channels), y.dtype, wide)
            planes[...] = 0
            if _depthwise(w):
                _scatter_taps(planes, w[block[1], 0, 0], layout, wide)
            else:
                matrix = w[block[1]].reshape(w.shape[1], -1).T
                _scatter(matrix, _stack(wide, target), layout, planes)
            _crop(planes, layout, target)

    share(work, _blocks(x, w, layout))
    return x


def weight_grad(x: Array, y: Array, geometry: Geometry) -> Array:
    """Return w: y times the transposed columns of x, or planes times planes."""
    w = zeros_w(x, y, geometry)
    layout = layout_of(geometry)

    def work(run: list[Block]) -> Array:
        total = np.zeros_like(w)
        for block in run:
            wide = _wide(y[block], layout, geometry)
            planes = _planes(x[block], layout, wide)
            if _depthwise(w):
                for k, window in _shifted(planes, layout):
                    total[block[1], 0, 0, *k] += np.vecdot(window, wide)
            else:
                matrix = total[block[1]].reshape(w.shape[1], -1)
                rows = _stack(wide, x[block])
                for places, columns in _columns(planes, layout, rows):
                    matrix += (columns @ rows[..., places].mT).sum(axis=0).T
        return total

    return sum(share(work, _blocks(x, w, layout)), start=w)


def _shifted(planes: Array, layout: Layout) -> Iterator[tuple[Index, Array]]:
    """Yield each tap with the run of the planes that it shifts to."""
    for k, phase, shift in layout.taps:
        yield k, planes[*phase, :, shift : shift + layout.length]


def _add_taps(planes: Array, numbers: Array, layout: Layout, wide: Array) -> None:
    """Set rows to the sum over taps of a number times a shifted plane."""
    term = scratch(wide.shape, wide.dtype, planes, wide)
    for n, (k, window) in enumerate(_shifted(planes, layout)):
        np.multiply(window, numbers[:, *k, None], out=term if n else wide)
        if n:
            wide += term


def _scatter_taps(planes: Array, numbers: Array, layout: Layout, wide: Array) -> None:
    """Add rows times a number to the shifted plane of each tap."""
    term = scratch(wide.shape, wide.dtype, planes, wide)
    for k, window in _shifted(planes, layout):
        np.multiply(wide, numbers[:, *k, None], out=term)
        np.add(window, term, out=window)


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
def layout_of(geometry: Geometry) -> Layout:
    """Return how the planes of a geometry lie."""
    splits = [
        [divmod(axis.dilation * k, axis.stride) for k in range(axis.kernel_size)]
        for axis in geometry.axes
    ]
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


def _shape(layout: Layout, channels: int) -> Index:
    """Return the shape of the planes of some channels."""
    phases = (n + 1 for n in layout.phases[-1][0])
    return (*phases, channels, math.prod(layout.size))


def _depthwise(w: Array) -> bool:
    return w.shape[1:3] == (1, 1)


def _stack(wide: Array, x: Array) -> Array:
    """Return rows of all samples, (samples * a, length), as (samples, a, length)."""
    return wide.reshape(len(x), -1, wide.shape[1])


def _planes(x: Array, layout: Layout, *busy: Array) -> Array:
    """Return the padded planes of (samples, groups, b, *input_size), by phase."""
    x = x.reshape(-1, *x.shape[3:])
    planes = scratch(_shape(layout, len(x)), x.dtype, *busy)
    planes[...] = 0
    for phase, runs in layout.phases:
        places, elements = zip(*runs, strict=True)
        plane = planes[*phase].reshape(len(x), *layout.size)
        plane[:, *places] = x[:, *elements]
    return planes


def _crop(planes: Array, layout: Layout, x: Array) -> None:
    """Copy padded planes to (samples, groups, b, *input_size)."""
    for phase, runs in layout.phases:
        places, elements = zip(*runs, strict=True)
        plane = planes[*phase].reshape(*x.shape[:3], *layout.size)
        x[..., *elements] = plane[..., *places]


def _narrow(wide: Array, layout: Layout, geometry: Geometry) -> Array:
    """Return the view of rows as long as those of planes that has just the outputs."""
    steps = row_steps(layout.size)
    shape = (len(wide), *geometry.output_size)
    strides = (wide.strides[0], *(step * wide.itemsize for step in steps))
    return as_strided(wide, shape, strides)


def _wide(y: Array, layout: Layout, geometry: Geometry) -> Array:
    """Return rows of (samples, groups, a, *output_size), with zeros to the next row."""
    y = y.reshape(-1, *y.shape[3:])
    wide = scratch((len(y), layout.length), y.dtype)
    wide[...] = 0
    _narrow(wide, layout, geometry)[...] = y
    return wide


def _blocks(x: Array, w: Array, layout: Layout) -> Iterator[Block]:
    """Yield samples and groups, so many that their planes or columns fit."""
    samples, groups = 1, 1
    if _depthwise(w):
        groups = max(1, CACHE // (math.prod(_shape(layout, 1)) * w.itemsize))
    else:
        sample = w[0, 0].size * layout.length * w.itemsize
        samples = max(1, min(BLOCK // sample, len(x) // blas_threads()))
    for n, g in product(range(0, len(x), samples), range(0, len(w), groups)):
        yield slice(n, n + samples), slice(g, g + groups)
