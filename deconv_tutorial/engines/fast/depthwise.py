"""One channel in each group: planes, and products with the kernel itself.

There is no sum over channels to make a matrix product of, but there is one over taps.
Along the last axis the input is unfolded: there is a padded plane for each tap. Along
the others a tap is a shift, as in `planes`. So the kernel, as a small matrix, times the
planes adds up the taps of the last axis, for all the others at once; and what comes of
these is added up where they shift it to.

That is less to walk through than a multiplication and an addition for each tap.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import groupby

import numpy as np
from numpy.lib.stride_tricks import as_strided

from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines.engine import empty_y, zeros_w, zeros_x
from deconv_tutorial.engines.fast.planes import (
    Layout,
    Piece,
    TapRow,
    as_forward,
    filled_rows,
    fold_planes,
    layout_of,
    pieces,
    planes_of,
    put_rows,
    rows_of,
    shape_of,
    together,
)
from deconv_tutorial.engines.fast.pool import share
from deconv_tutorial.engines.fast.scratch import Scratch
from deconv_tutorial.geometry import Geometry

CACHE = 3 * 2**20
"""About how many bytes of planes to work on at a time."""

_ROWS = 8  # so many taps of all axes but the last are taken at once, at most


def forward(x: Array, w: Array, geometry: Geometry) -> Array:
    """Return y: kernels times planes, added up where taps shift them to."""
    y = empty_y(x, w, geometry)
    share(partial(_gather, x, w, y), _pieces(x, geometry))
    return y


def input_grad(y: Array, w: Array, geometry: Geometry) -> Array:
    """Return x: transposed kernels times shifted y, added up where it belongs."""
    other = as_forward(w, geometry)
    if other is not None:
        w, geometry = other
        x = empty_y(y, w, geometry)  # x is the result of this forward map
        share(partial(_gather, y, w, x), _pieces(y, geometry))
        return x
    x = zeros_x(y, w, geometry)

    def work(runs: list[list[Piece]], scratch: Scratch) -> None:
        for piece in (piece for run in runs for piece in run):
            layout, target = layout_of(piece.geometry), x[piece.arrays]
            filled = filled_rows(piece.of_y(y), layout, scratch)[:, :, 0]
            planes = scratch.array(shape_of(layout, target), y.dtype, filled)
            planes[...] = 0
            for rows in _rows(layout, _ROWS):
                columns = _columns(planes, rows, target)
                shape = (*target.shape[:2], len(rows), columns.shape[-1])
                shifted = scratch.array(shape, y.dtype, filled, planes)
                shifted[...] = 0
                for n, row in enumerate(rows):
                    shifted[:, :, n, row.shift : row.shift + layout.length] = filled
                # of shape (groups, taps, rows) @ (samples, groups, rows, size)
                columns += _matrix(w[piece.arrays[1]], rows).mT @ shifted
            fold_planes(planes, layout, target)

    share(work, together(_pieces(x, geometry)))
    return x


def weight_grad(x: Array, y: Array, geometry: Geometry) -> Array:
    """Return w: shifted planes times y.

    Raises
    ------
    TypeError
        If the numbers are not real, or are symbols: `numpy.vecdot` conjugates them.
    """
    if x.dtype.kind not in "biuf":
        msg = f"weight_grad of depthwise needs real numbers, got dtype {x.dtype}"
        raise TypeError(msg)
    w = zeros_w(x, y, geometry)

    def work(run: list[Piece], scratch: Scratch) -> Array:
        total = np.zeros_like(w)
        for piece in run:
            layout, target = layout_of(piece.geometry), piece.of_y(y)
            filled = filled_rows(target, layout, scratch)
            planes = planes_of(x[piece.arrays], layout, scratch, filled)
            for rows in _rows(layout, len(layout.rows)):
                windows = _windows(_columns(planes, rows, target), rows, layout.length)
                at = (..., *[None] * (windows.ndim - 4), slice(None))
                # All shifts at once: for few results NumPy keeps other threads waiting.
                grads = np.vecdot(windows, filled[at]).sum(axis=0)
                grads = grads.reshape(*grads.shape[:2], -1)  # (groups, taps, rows)
                for n, row in enumerate(rows):
                    total[piece.arrays[1], 0, 0, *row.tap] += grads[..., n]
        return total

    return sum(share(work, _pieces(x, geometry)), start=w)


def _gather(x: Array, w: Array, y: Array, run: list[Piece], scratch: Scratch) -> None:
    """Set some pieces of y: kernels times planes, added up where taps shift them to."""
    for piece in run:
        layout, target = layout_of(piece.geometry), piece.of_y(y)
        planes = planes_of(x[piece.arrays], layout, scratch)
        total = rows_of(target, layout, scratch, planes)
        for n, rows in enumerate(_rows(layout, _ROWS)):
            columns = _columns(planes, rows, target)
            shape = (*target.shape[:2], len(rows), columns.shape[-1])
            sums = scratch.array(shape, x.dtype, planes, total)
            np.matmul(_matrix(w[piece.arrays[1]], rows), columns, out=sums)
            for m, row in enumerate(rows):
                part = sums[:, :, m : m + 1, row.shift : row.shift + layout.length]
                if n + m:
                    total += part
                else:
                    total[...] = part
        put_rows(total, target, layout)


def _rows(layout: Layout, most: int) -> Iterator[list[TapRow]]:
    """Yield rows that read the same planes, so many at a time at most."""
    by_phase = sorted(layout.rows, key=lambda row: row.phase)
    for _, rows in groupby(by_phase, key=lambda row: row.phase):
        some = [*rows]
        yield from (some[n : n + most] for n in range(0, len(some), most))


def _matrix(w: Array, rows: list[TapRow]) -> Array:
    """Return the weights of some rows, (groups, rows, taps)."""
    # of shape (groups, rows, taps)
    return np.stack([w[:, 0, 0, *row.tap] for row in rows], axis=1)


def _columns(planes: Array, rows: list[TapRow], target: Array) -> Array:
    """Return the planes that rows read, (samples, groups, taps, size)."""
    of_phase = planes[*rows[0].phase]
    # of shape (samples*groups, taps, size) to (samples, groups, taps, size)
    return of_phase.reshape(*target.shape[:2], *of_phase.shape[1:])


def _windows(columns: Array, rows: list[TapRow], length: int) -> Array:
    """Return the view of columns that has a run for each shift of all rows of a phase.

    Parameters
    ----------
    columns : array of shape (samples, groups, taps, size)
        The planes of the phase of the rows.
    rows, length
        Which rows, and how long a run is.

    Returns
    -------
    array of shape (samples, groups, taps, *rows, length)
        With an axis for each axis of the kernel but the last.
    """
    counts = tuple(
        len(set(axis)) for axis in zip(*(row.tap for row in rows), strict=True)
    )
    # On each axis the taps of a phase are evenly spaced, and so are their shifts.
    table = np.reshape([row.shift for row in rows], counts)  # (*rows)
    steps = (
        int(np.diff(table, axis=n).flat[0]) if count > 1 else 0
        for n, count in enumerate(counts)
    )
    return as_strided(  # (samples, groups, taps, *rows, length)
        columns[..., rows[0].shift :],
        (*columns.shape[:3], *counts, length),
        (
            *columns.strides[:3],
            *(n * columns.itemsize for n in steps),
            columns.itemsize,
        ),
    )


def _pieces(x: Array, geometry: Geometry) -> Iterator[Piece]:
    """Yield pieces whose planes fit."""
    size = layout_of(geometry).elements * x.itemsize
    row = -(-size // geometry.output_size[0])
    return pieces(x, x.shape[1], geometry, row, CACHE)
