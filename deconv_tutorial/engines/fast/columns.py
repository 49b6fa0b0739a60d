"""Unfolded columns, as in `im2col`, with shortcuts: views, scratch memory, threads.

Where columns are a view of the picture, such as those of a single tap, nothing is
copied. Where windows do not overlap, columns are copied back, not added. Columns are
made in blocks that stay close to the processor.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby
from typing import TypeAlias

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines.blocks import output_blocks
from deconv_tutorial.engines.engine import empty_x, empty_y, zeros_w, zeros_x
from deconv_tutorial.engines.fast.pool import share, share_count
from deconv_tutorial.engines.fast.products import product_parts
from deconv_tutorial.engines.fast.scratch import BLOCK, Scratch
from deconv_tutorial.engines.fast.windows import padded_copy, tap_views, windows
from deconv_tutorial.engines.views import channels_first, matrices
from deconv_tutorial.geometry import Geometry, Window

Block: TypeAlias = tuple[slice, Window, Geometry]
"""Some samples, some outputs, and the geometry that has only those outputs."""

_WIDE = 200  # outputs; with fewer, one product for all samples is faster
_SMALL = 2**12  # elements; up to here, one copy of all taps is worth padding first


def forward(x: Array, w: Array, geometry: Geometry) -> Array:
    """Return y: the weights times the columns of x."""
    y = empty_y(x, w, geometry)
    x_view, y_view, rows = channels_first(x), channels_first(y), matrices(w)

    def work(run: list[Block], scratch: Scratch) -> None:
        for samples, outputs, part in run:
            columns = _columns(x_view[:, :, samples], part, scratch)
            direct = _by_sample(y[samples, ..., *outputs])
            if direct is not None:
                for factors in product_parts(
                    rows, _of_samples(columns, len(direct)), direct
                ):
                    np.matmul(*factors)
                continue
            target = y_view[:, :, samples, *outputs]  # (g, a, n, *outputs)
            shape = (*rows.shape[:2], columns.shape[2])  # (g, a, n*outputs)
            values = scratch.array(shape, y.dtype, columns)
            for factors in product_parts(rows, columns, values):
                np.matmul(*factors)
            target[...] = values.reshape(target.shape)  # (g, a, n, *outputs)

    share(work, _blocks(y, w.shape[2], geometry))
    return y


def input_grad(y: Array, w: Array, geometry: Geometry) -> Array:
    """Return x: the transposed weights times y, folded."""
    x = _room_for_x(y, w, geometry)
    x_view, y_view, rows = channels_first(x), channels_first(y), matrices(w)

    def work(runs: list[list[Block]], scratch: Scratch) -> None:
        for samples, outputs, part in (block for run in runs for block in run):
            into = x_view[:, :, samples]  # (g, b, n, *inputs)
            view = _view(into, part) if geometry.separate else None
            if view is not None:
                for factors in product_parts(
                    rows.mT, matrices(y_view[:, :, samples, *outputs]), view
                ):
                    np.matmul(*factors)
                continue
            columns = scratch.array(_shape(into, part), x.dtype)
            direct = _by_sample(y[samples, ..., *outputs])
            if direct is not None:
                for factors in product_parts(
                    rows.mT, direct, _of_samples(columns, len(direct))
                ):
                    np.matmul(*factors)
            else:
                values = matrices(y_view[:, :, samples, *outputs])
                for factors in product_parts(rows.mT, values, columns):
                    np.matmul(*factors)
            _put(columns, part, into, add=not geometry.separate)

    # Blocks of the same samples add to the same places: they stay in one thread.
    runs = groupby(_blocks(y, w.shape[2], geometry), key=lambda block: block[0].start)
    share(work, (list(run) for _, run in runs))
    return x


def weight_grad(x: Array, y: Array, geometry: Geometry) -> Array:
    """Return w: y times the transposed columns of x."""
    if not y.size:
        return zeros_w(x, y, geometry)
    dtype = np.result_type(x, y)
    x_view, y_view = channels_first(x), channels_first(y)
    # BLAS is faster with the larger matrix to the left.
    tall = math.prod(y.shape[3:]) * y.shape[0] > 4 * y.shape[2]

    def products(run: list[Block], scratch: Scratch) -> Iterator[Array]:
        for samples, outputs, part in run:
            columns = _columns(x_view[:, :, samples], part, scratch)
            values = matrices(y_view[:, :, samples, *outputs])  # (g, a, n*outputs)
            left, right = (columns, values) if tall else (values, columns)
            product = np.empty((*left.shape[:2], right.shape[1]), dtype)
            for factors in product_parts(left, right.mT, product):
                np.matmul(*factors)
            yield product

    parts = share(
        lambda run, scratch: _sum(products(run, scratch)),
        _blocks(y, x.shape[2], geometry),
    )
    total = _sum(iter(parts))  # (g, b*taps, a) if tall, else (g, a, b*taps)
    w = np.ascontiguousarray(total.mT if tall else total)  # (g, a, b*taps)
    # of shape (g, a, b, *taps)
    return w.reshape(*y.shape[1:3], x.shape[2], *geometry.kernel_size)


def unfold(x: Array, geometry: Geometry, into: Array) -> Array:
    """Return the columns of x, put into an array: for each output what its taps read.

    Parameters
    ----------
    x : array of shape (g, b, n, *input_size)
        The picture: groups, channels, samples, space.
    geometry : Geometry
        Which tap of which output reads which input.
    into : array of shape (g, b * taps, n * outputs)
        Where to put the columns; contiguous.
    """
    g, b, n = x.shape[:3]
    # of shape (g, b, *taps, n, *outputs)
    columns = into.reshape(g, b, *geometry.kernel_size, n, *geometry.output_size)
    if x.size < _SMALL and not geometry.inside:
        small = padded_copy(x, geometry, most=_SMALL)
        if small is not None:
            x, geometry = small
    if geometry.inside:
        columns[...] = windows(x, geometry)
        return into
    columns[...] = 0
    for column, pixels in tap_views(columns, x, geometry):
        column[...] = pixels
    return into


def _put(columns: Array, geometry: Geometry, into: Array, *, add: bool) -> None:
    """Add columns to a picture, or copy them if they do not overlap there."""
    g, b, n = into.shape[:3]
    shape = (g, b, *geometry.kernel_size, n, *geometry.output_size)
    columns = columns.reshape(shape)  # (g, b, *taps, n, *outputs)
    for column, pixels in tap_views(columns, into, geometry):
        if add:
            pixels[...] += column
        else:
            pixels[...] = column


def _room_for_x(y: Array, w: Array, geometry: Geometry) -> Array:
    """Return an array for x, of zeros unless each element is written exactly once."""
    sizes = geometry.kernel_size, geometry.output_size
    size = math.prod(map(math.prod, sizes))
    once = geometry.separate and geometry.inside
    if once and size == math.prod(geometry.input_size):
        return empty_x(y, w, geometry)
    return zeros_x(y, w, geometry)


def _by_sample(y: Array) -> Array | None:
    """Return the view (n, g, a, outputs) of some outputs, if it is one and pays."""
    shape = (*y.shape[:3], math.prod(y.shape[3:]))
    if shape[-1] < _WIDE:
        return None
    try:
        return y.reshape(shape, copy=False)  # (n, g, a, outputs)
    except ValueError:  # they do not lie in a row
        return None


def _of_samples(columns: Array, samples: int) -> Array:
    """Return columns (g, b * taps, n * outputs) as (n, g, b * taps, outputs)."""
    split = columns.reshape(*columns.shape[:2], samples, -1)  # (g, b*taps, n, outputs)
    return split.transpose(2, 0, 1, 3)  # (n, g, b*taps, outputs)


def _sum(arrays: Iterator[Array]) -> Array:
    """Return the sum of some arrays, added up in the first."""
    total = next(arrays)
    for array in arrays:
        total += array
    return total


def _columns(x: Array, geometry: Geometry, scratch: Scratch) -> Array:
    """Return the columns of x as a view, where they are one, or in scratch memory."""
    view = _view(x, geometry)
    if view is not None:
        return view
    return unfold(x, geometry, scratch.array(_shape(x, geometry), x.dtype))


def _view(x: Array, geometry: Geometry) -> Array | None:
    """Return the columns of x as a view of x, if there is one."""
    if not geometry.inside:
        return None
    if geometry.kernel_size == geometry.input_size:  # a column is a whole picture
        shown = x.transpose(0, 1, *range(3, x.ndim), 2)  # (g, b, *taps, n)
    else:
        shown = windows(x, geometry)  # (g, b, *taps, n, *outputs)
    try:
        # of shape (g, b*taps, n*outputs)
        return shown.reshape(_shape(x, geometry), copy=False)
    except ValueError:  # they do not lie in a row
        return None


def _shape(x: Array, geometry: Geometry) -> tuple[int, int, int]:
    """Return the shape of the columns of x."""
    g, b, n = x.shape[:3]
    taps, outputs = math.prod(geometry.kernel_size), math.prod(geometry.output_size)
    return g, b * taps, n * outputs


def _blocks(y: Array, b: int, geometry: Geometry) -> Iterator[Block]:
    """Yield blocks whose columns and values fit: with large weights, as many again.

    The picture has `b` channels in each group.
    """
    n, g, a = y.shape[:3]
    column = b * math.prod(geometry.kernel_size)  # elements
    room = max(BLOCK // y.itemsize, 2 * g * a * column)
    fit = room // (g * (column + a))
    total = n * math.prod(geometry.output_size)
    shares = share_count() if fit < 4 * total else 1  # else too little for several
    return output_blocks(n, geometry, fit, shares)
