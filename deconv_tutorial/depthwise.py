"""One channel in each group: planes, and products with the kernel itself.

There is no sum over channels to make a matrix product of, but there is one over taps.
Along the last axis the input is unfolded: there is a padded plane for each tap. Along
the others a tap is a shift, as in `planes`. So the kernel, as a small matrix, times the
planes adds up the taps of the last axis, for all the others at once; and what comes of
these is added up where they shift it to.

That is less to walk through than a multiplication and an addition for each tap.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from deconv_tutorial.engine import Array, empty_y, zeros_w, zeros_x
from deconv_tutorial.geometry import Geometry
from deconv_tutorial.planes import (
    Block,
    Layout,
    crop,
    layout_of,
    narrow,
    planes_of,
    shape_of,
    turned,
    wide_of,
)
from deconv_tutorial.settings import Index
from deconv_tutorial.threads import blas_threads, share
from deconv_tutorial.workspace import scratch

CACHE = 3 * 2**20
"""About how many bytes of planes to work on at a time."""

_ROWS = 8  # so many taps of all axes but the last are taken at once, at most


class Rows(NamedTuple):
    """Taps of all axes but the last that read the same planes."""

    phase: Index
    """Of the planes, on all axes but the last."""
    taps: list[Index]
    """Each tap."""
    shifts: list[int]
    """Its shift, on each axis a multiple of one step."""


def forward(x: Array, w: Array, geometry: Geometry) -> Array:
    """Return y: kernels times planes, added up where taps shift them to."""
    y = empty_y(x, w, geometry)
    layout = layout_of(geometry, unfolded=True)

    def work(run: list[Block]) -> None:
        for block in run:
            planes, target = planes_of(x[block], layout), y[block]
            direct = _in_a_row(layout, geometry)
            shape = (*target.shape[:2], layout.length)
            wide = target.reshape(shape) if direct else scratch(shape, x.dtype, planes)
            begun = False
            for phase, shifts, matrix in _matrices(w[block[1]], geometry):
                columns = _columns(planes[*phase], target)
                shape = (*wide.shape[:2], len(shifts), columns.shape[-1])
                sums = scratch(shape, x.dtype, planes, wide)
                np.matmul(matrix, columns, out=sums)
                for n, shift in enumerate(shifts):
                    part = sums[:, :, n, shift : shift + layout.length]
                    if begun:
                        wide += part
                    else:
                        wide[...] = part
                    begun = True
            if not direct:
                rows = wide.reshape(-1, layout.length)
                target[...] = narrow(rows, layout, geometry).reshape(target.shape)

    share(work, _blocks(x, w, layout))
    return y


def input_grad(y: Array, w: Array, geometry: Geometry) -> Array:
    """Return x: transposed kernels times shifted y, added up where it belongs."""
    other = turned(w, geometry)
    if other is not None:
        return forward(y, *other)
    x = zeros_x(y, w, geometry)
    layout = layout_of(geometry, unfolded=True)

    def work(run: list[Block]) -> None:
        for block in run:
            wide, target = _wide(y[block], layout, geometry), x[block]
            planes = scratch(shape_of(layout, math.prod(wide.shape[:2])), y.dtype, wide)
            planes[...] = 0
            for phase, shifts, matrix in _matrices(w[block[1]], geometry):
                columns = _columns(planes[*phase], target)
                shape = (*wide.shape[:2], len(shifts), columns.shape[-1])
                shifted = scratch(shape, y.dtype, wide, planes)
                shifted[...] = 0
                for n, shift in enumerate(shifts):
                    shifted[:, :, n, shift : shift + layout.length] = wide
                columns += matrix.mT @ shifted
            crop(planes, layout, target)

    share(work, _blocks(x, w, layout))
    return x


def weight_grad(x: Array, y: Array, geometry: Geometry) -> Array:
    """Return w: planes times y, for each shift."""
    w = zeros_w(x, y, geometry)
    layout = layout_of(geometry, unfolded=True)

    def work(run: list[Block]) -> Array:
        total = np.zeros_like(w)
        for block in run:
            wide = _wide(y[block], layout, geometry)
            planes = planes_of(x[block], layout, wide)
            for rows in _rows(geometry):
                columns = _columns(planes[*rows.phase], y[block])
                windows = _windows(columns, rows, layout.length)
                at = (slice(None), slice(None), *[None] * (windows.ndim - 3))
                # All shifts at once: for few results NumPy keeps other threads waiting.
                grads = np.vecdot(windows, wide[at]).sum(axis=0)
                grads = grads.reshape(*grads.shape[:2], -1)
                for n, k in enumerate(rows.taps):
                    total[block[1], 0, 0, *k] += grads[..., n]
        return total

    return sum(share(work, _blocks(x, w, layout)), start=w)


@lru_cache(64)
def _rows(geometry: Geometry) -> list[Rows]:
    """Return the taps of all axes but the last, by their phase."""
    rows: dict[Index, Rows] = {}
    for k, phase, shift in layout_of(geometry, unfolded=True).taps:
        if not k[-1]:
            some = rows.setdefault(phase[:-1], Rows(phase[:-1], [], []))
            some.taps.append(k[:-1])
            some.shifts.append(shift)
    return [*rows.values()]


def _matrices(w: Array, geometry: Geometry) -> Iterator[tuple[Index, list[int], Array]]:
    """Yield the phase, the shifts and the weights of some rows."""
    for phase, taps, shifts in _rows(geometry):
        for n in range(0, len(taps), _ROWS):
            matrix = [w[:, 0, 0, *k] for k in taps[n : n + _ROWS]]
            yield phase, shifts[n : n + _ROWS], np.stack(matrix, axis=1)


def _windows(columns: Array, rows: Rows, length: int) -> Array:
    """Return the view of columns that has a row for each shift.

    Parameters
    ----------
    columns : array of shape (n, g, taps, size)
        The planes of the phase of the rows.
    rows, length
        Which rows, and how long a shift is.

    Returns
    -------
    array of shape (n, g, taps, *rows, length)
        An axis for each axis of the kernel but the last.
    """
    counts = tuple(len(set(axis)) for axis in zip(*rows.taps, strict=True))
    table = np.reshape(rows.shifts, counts)
    steps = (
        int(np.diff(table, axis=n).flat[0]) if count > 1 else 0
        for n, count in enumerate(counts)
    )
    return as_strided(
        columns[..., rows.shifts[0] :],
        (*columns.shape[:3], *counts, length),
        (
            *columns.strides[:3],
            *(n * columns.itemsize for n in steps),
            columns.itemsize,
        ),
    )


def _columns(planes: Array, target: Array) -> Array:
    """Return planes (taps, n * g, size) as columns for the groups of each sample."""
    taps, _, size = planes.shape
    return planes.reshape(taps, *target.shape[:2], size).transpose(1, 2, 0, 3)


def _in_a_row(layout: Layout, geometry: Geometry) -> bool:
    """Return whether the rows of planes lie as those of y, with nothing in between."""
    return layout.length == math.prod(geometry.output_size)


def _wide(y: Array, layout: Layout, geometry: Geometry) -> Array:
    """Return the rows of y, as (n, g, length)."""
    if not _in_a_row(layout, geometry):
        y = wide_of(y, layout, geometry).reshape(*y.shape[:2], -1)
    return y.reshape(*y.shape[:2], layout.length)


def _blocks(x: Array, w: Array, layout: Layout) -> Iterator[Block]:
    """Yield samples and groups, so many that their planes fit."""
    fit = max(1, CACHE // (layout.elements * x.itemsize))
    groups = min(fit, len(w))
    samples = max(1, min(fit // len(w), len(x) // blas_threads()))
    for n, g in product(range(0, len(x), samples), range(0, len(w), groups)):
        yield slice(n, n + samples), slice(g, g + groups)
