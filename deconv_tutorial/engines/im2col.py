"""One matrix product per group: unfold the picture into columns, multiply, fold.

`unfold` (im2col) copies the inputs under each output into a column; `fold` (col2im)
adds each column back to where it came from. They are adjoints of each other, not
inverses: an input that lies under several outputs is copied several times, and what
comes back is added up as many times.

Memory stays bounded, and close to the processor: the columns are made and used in
blocks of samples and outputs, in scratch memory that is used again. Blocks are shared
out to threads, as many as the BLAS library may use.

Places outside the input count as zeros here. With infinite or undefined numbers in w,
or in the y of ``weight_grad``, the places at the border are ``nan`` therefore, since
``inf * 0`` is; `naive` skips them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby, product
from typing import TypeAlias

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines.engine import empty_x, empty_y, like_w, zeros_w, zeros_x
from deconv_tutorial.engines.fast.pool import even, share
from deconv_tutorial.engines.fast.products import multiply
from deconv_tutorial.engines.fast.scratch import BLOCK, scratch
from deconv_tutorial.engines.views import channels_first, padded, tap_views, windows
from deconv_tutorial.geometry import Geometry, Window

Block: TypeAlias = tuple[slice, Window, Geometry]
"""Some samples, some outputs, and the geometry that has only those outputs."""

_WIDE = 200  # outputs; with fewer, one product for all samples is faster
_SMALL = 2**12  # elements; up to here, one copy of all taps is worth padding first


def forward(x: Array, w: Array, geometry: Geometry) -> Array:
    """Return y: the weights times the columns of x."""
    y = empty_y(x, w, geometry)
    x_view, y_view, rows = channels_first(x), channels_first(y), _rows(w)

    def work(run: list[Block]) -> None:
        for samples, outputs, part in run:
            columns = _columns(x_view[:, :, samples], part)
            direct = _by_sample(y[samples, ..., *outputs])
            if direct is not None:
                multiply(rows, _of_samples(columns, len(direct)), direct)
                continue
            target = y_view[:, :, samples, *outputs]
            shape = (*rows.shape[:2], columns.shape[2])
            values = scratch(shape, y.dtype, columns)
            multiply(rows, columns, values)
            target[...] = values.reshape(target.shape)

    share(work, blocks(y, w, geometry, _room(w)))
    return y


def input_grad(y: Array, w: Array, geometry: Geometry) -> Array:
    """Return x: the transposed weights times y, folded."""
    x = _room_for_x(y, w, geometry)
    x_view, y_view, rows = channels_first(x), channels_first(y), _rows(w)

    def work(runs: list[list[Block]]) -> None:
        for samples, outputs, part in (block for run in runs for block in run):
            into = x_view[:, :, samples]
            view = _view(into, part) if geometry.separate else None
            if view is not None:
                multiply(rows.mT, _rows(y_view[:, :, samples, *outputs]), view)
                continue
            columns = scratch(_shape(into, part), x.dtype)
            direct = _by_sample(y[samples, ..., *outputs])
            if direct is not None:
                multiply(rows.mT, direct, _of_samples(columns, len(direct)))
            else:
                values = _rows(y_view[:, :, samples, *outputs])
                multiply(rows.mT, values, columns)
            if geometry.separate:
                _put_back(columns, part, into=into)
            else:
                fold(columns, part, into=into)

    # Blocks of the same samples add to the same places: they stay in one thread.
    runs = groupby(blocks(y, w, geometry, _room(w)), key=lambda block: block[0].start)
    share(work, (list(run) for _, run in runs))
    return x


def weight_grad(x: Array, y: Array, geometry: Geometry) -> Array:
    """Return w: y times the transposed columns of x."""
    if not y.size:
        return zeros_w(x, y, geometry)
    w = like_w(x, y, geometry)
    x_view, y_view = channels_first(x), channels_first(y)
    # BLAS is faster with the larger matrix to the left.
    tall = math.prod(y.shape[3:]) * y.shape[0] > 4 * y.shape[2]

    def products(run: list[Block]) -> Iterator[Array]:
        for samples, outputs, part in run:
            columns = _columns(x_view[:, :, samples], part)
            values = _rows(y_view[:, :, samples, *outputs])
            left, right = (columns, values) if tall else (values, columns)
            dtype = np.result_type(left, right)
            product = np.empty((*left.shape[:2], right.shape[1]), dtype)
            multiply(left, right.mT, product)
            yield product

    parts = share(lambda run: _sum(products(run)), blocks(y, w, geometry, _room(w)))
    total = _sum(iter(parts))
    return np.ascontiguousarray(total.mT if tall else total).reshape(w.shape)


def _room_for_x(y: Array, w: Array, geometry: Geometry) -> Array:
    """Return an array for x: of zeros, unless each element will be set just once."""
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
        return y.reshape(shape, copy=False)
    except ValueError:  # they do not lie in a row
        return None


def _of_samples(columns: Array, samples: int) -> Array:
    """Return columns (g, b * taps, n * outputs) as (n, g, b * taps, outputs)."""
    return columns.reshape(*columns.shape[:2], samples, -1).transpose(2, 0, 1, 3)


def _sum(arrays: Iterator[Array]) -> Array:
    """Return the sum of some arrays, added up in the first."""
    total = next(arrays)
    for array in arrays:
        total += array
    return total


def _room(w: Array) -> int:
    """Return how many bytes a block may fill: with large weights, as many again."""
    return max(BLOCK, 2 * w.nbytes)


def _columns(x: Array, geometry: Geometry) -> Array:
    """Return the columns of x as a view, where they are one, or in scratch memory."""
    view = _view(x, geometry)
    if view is not None:
        return view
    return unfold(x, geometry, into=scratch(_shape(x, geometry), x.dtype))


def _view(x: Array, geometry: Geometry) -> Array | None:
    """Return the columns of x as a view of x, if there is one."""
    if not geometry.inside:
        return None
    if geometry.kernel_size == geometry.input_size:  # a column is a whole picture
        shown = x.transpose(0, 1, *range(3, x.ndim), 2)
    else:
        shown = windows(x, geometry)
    try:
        return shown.reshape(_shape(x, geometry), copy=False)
    except ValueError:  # they do not lie in a row
        return None


def _shape(x: Array, geometry: Geometry) -> tuple[int, int, int]:
    """Return the shape of the columns of x."""
    g, b, n = x.shape[:3]
    taps, outputs = math.prod(geometry.kernel_size), math.prod(geometry.output_size)
    return g, b * taps, n * outputs


def unfold(x: Array, geometry: Geometry, into: Array | None = None) -> Array:
    """Return the columns of x: for every output, the inputs under its taps.

    Parameters
    ----------
    x : array of shape (g, b, n, *input_size)
        The picture: groups, channels, samples, space.
    geometry : Geometry
        Which tap of which output reads which input.
    into : array of shape (g, b * taps, n * outputs), optional
        Where to put the columns, contiguous, instead of a new array.

    Returns
    -------
    array of shape (g, b * taps, n * outputs)
        A column for each output of each sample; zero where a tap reads outside.

    Examples
    --------
    >>> from deconv_tutorial.geometry import conv_geometry
    >>> x = np.array([1, 2, 3, 4, 5, 6]).reshape(1, 1, 1, 6)
    >>> unfold(x, conv_geometry(6, kernel_size=3, stride=2, padding=1))
    array([[[0, 2, 4],
            [1, 3, 5],
            [2, 4, 6]]])
    """
    g, b, n = x.shape[:3]
    if into is None:
        into = np.empty(_shape(x, geometry), x.dtype)
    columns = into.reshape(g, b, *geometry.kernel_size, n, *geometry.output_size)
    if x.size < _SMALL and not geometry.inside:
        x, geometry = padded(x, geometry)
    if geometry.inside:
        columns[...] = windows(x, geometry)
        return into
    columns[...] = 0
    for column, pixels in tap_views(columns, x, geometry):
        column[...] = pixels
    return into


def fold(columns: Array, geometry: Geometry, into: Array) -> None:
    """Add columns to a picture: the adjoint of `unfold`.

    Parameters
    ----------
    columns : array of shape (g, b * taps, n * outputs)
        A column for each output of each sample.
    geometry : Geometry
        Which tap of which output reads which input.
    into : array of shape (g, b, n, *input_size)
        The picture that the columns are added to.

    Examples
    --------
    >>> from deconv_tutorial.geometry import conv_geometry
    >>> geometry = conv_geometry(6, kernel_size=3, stride=2, padding=1)
    >>> x = np.zeros((1, 1, 1, 6), int)
    >>> fold(np.ones((1, 3, 3), int), geometry, into=x)
    >>> x[0, 0, 0]
    array([1, 2, 1, 2, 1, 1])
    """
    g, b, n = into.shape[:3]
    shape = (g, b, *geometry.kernel_size, n, *geometry.output_size)
    for column, pixels in tap_views(columns.reshape(shape), into, geometry):
        pixels[...] += column


def _put_back(columns: Array, geometry: Geometry, into: Array) -> None:
    """Copy columns to a picture, on which they do not overlap."""
    g, b, n = into.shape[:3]
    shape = (g, b, *geometry.kernel_size, n, *geometry.output_size)
    for column, pixels in tap_views(columns.reshape(shape), into, geometry):
        pixels[...] = column


def blocks(y: Array, w: Array, geometry: Geometry, room: int) -> Iterator[Block]:
    """Yield blocks whose columns fit in `room` bytes: samples, outputs, geometry.

    A block takes as many outputs as fit, the innermost axis first and the samples
    last. Its geometry has only those outputs, and still the whole input.
    """
    if not y.size:
        return
    column_and_output = w.size // w.shape[1] + y.shape[1] * y.shape[2]
    total = y.shape[0] * math.prod(geometry.output_size)
    fit = max(1, room // (column_and_output * y.itemsize))
    if fit >= 4 * total:  # too little for several threads
        yield slice(0, len(y)), tuple(slice(0, n) for n in y.shape[3:]), geometry
        return
    fit = -(-total // even(-(-total // fit)))
    steps: list[int] = []
    sizes = [y.shape[0], *geometry.output_size]
    for size in reversed(sizes):
        steps.insert(0, max(1, min(size, fit)))
        fit //= size
    runs = (
        [slice(start, min(start + step, size)) for start in range(0, size, step)]
        for size, step in zip(sizes, steps, strict=True)
    )
    for samples, *window in product(*runs):
        outputs = tuple(window)
        whole = steps[1:] == sizes[1:]
        yield samples, outputs, geometry if whole else geometry.between(outputs)


def _rows(array: Array) -> Array:
    """Return an array ``(g, a, ...)`` as one matrix per group, a row per ``a``."""
    return array.reshape(*array.shape[:2], math.prod(array.shape[2:]))
