"""One matrix product per group: unfold the picture into columns, multiply, fold.

`unfold` (im2col) copies the inputs under each output into a column; `fold` (col2im)
adds each column back to where it came from. They are adjoints of each other, not
inverses: an input that lies under several outputs is copied several times, and what
comes back is added up as many times.

Memory stays bounded. When the columns of the whole batch would need more than
`WORKSPACE` bytes, they are made and used in blocks of samples and outputs.

Places outside the input count as zeros here. With infinite or undefined numbers in w,
or in the y of ``weight_grad``, the places at the border are ``nan`` therefore, since
``inf * 0`` is; `naive` skips them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product

import numpy as np

from deconv_tutorial.engine import Array, zeros_w, zeros_x, zeros_y
from deconv_tutorial.geometry import Geometry, Window
from deconv_tutorial.views import channels_first, tap_views

WORKSPACE = 64 * 2**20
"""The most bytes that columns, and the outputs beside them, may take at a time."""


def forward(x: Array, w: Array, geometry: Geometry) -> Array:
    """Return y: the weights times the columns of x."""
    y = zeros_y(x, w, geometry)
    x_view, y_view = channels_first(x), channels_first(y)
    for samples, outputs, part in blocks(y, w, geometry):
        target = y_view[:, :, samples, *outputs]
        values = _rows(w) @ unfold(x_view[:, :, samples], part)
        target[...] = values.reshape(target.shape)
    return y


def input_grad(y: Array, w: Array, geometry: Geometry) -> Array:
    """Return x: the transposed weights times y, folded."""
    x = zeros_x(y, w, geometry)
    x_view, y_view = channels_first(x), channels_first(y)
    for samples, outputs, part in blocks(y, w, geometry):
        rows = _rows(y_view[:, :, samples, *outputs])
        fold(_rows(w).mT @ rows, part, into=x_view[:, :, samples])
    return x


def weight_grad(x: Array, y: Array, geometry: Geometry) -> Array:
    """Return w: y times the transposed columns of x."""
    w = zeros_w(x, y, geometry)
    x_view, y_view = channels_first(x), channels_first(y)
    for samples, outputs, part in blocks(y, w, geometry):
        rows = _rows(y_view[:, :, samples, *outputs])
        values = rows @ unfold(x_view[:, :, samples], part).mT
        w += values.reshape(w.shape)
    return w


def unfold(x: Array, geometry: Geometry) -> Array:
    """Return the columns of x: for every output, the inputs under its taps.

    Parameters
    ----------
    x : array of shape (g, b, n, *input_size)
        The picture: groups, channels, samples, space.
    geometry : Geometry
        Which tap of which output reads which input.

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
    shape = (g, b, *geometry.kernel_size, n, *geometry.output_size)
    columns = np.zeros(shape, x.dtype)
    for column, pixels in tap_views(columns, x, geometry):
        column[...] = pixels
    taps = math.prod(geometry.kernel_size)
    return columns.reshape(g, b * taps, n * math.prod(geometry.output_size))


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


def blocks(
    y: Array, w: Array, geometry: Geometry
) -> Iterator[tuple[slice, Window, Geometry]]:
    """Yield blocks whose columns fit the workspace: samples, outputs, geometry.

    A block takes as many outputs as fit, the innermost axis first and the samples
    last. Its geometry has only those outputs, and still the whole input.
    """
    if not y.size:
        return
    column_and_output = w.size // w.shape[1] + y.shape[1] * y.shape[2]
    fit = WORKSPACE // (column_and_output * y.itemsize)
    steps: list[int] = []
    sizes = (y.shape[0], *geometry.output_size)
    for size in reversed(sizes):
        steps.insert(0, max(1, min(size, fit)))
        fit //= size
    runs = (
        [slice(start, min(start + step, size)) for start in range(0, size, step)]
        for size, step in zip(sizes, steps, strict=True)
    )
    for samples, *outputs in product(*runs):
        window = tuple(outputs)
        yield samples, window, geometry.between(window)


def _rows(array: Array) -> Array:
    """Return an array ``(g, a, ...)`` as one matrix per group, a row per ``a``."""
    return array.reshape(*array.shape[:2], math.prod(array.shape[2:]))
