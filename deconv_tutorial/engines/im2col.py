"""One matrix product for each group: unfold the picture into columns, multiply, fold.

`unfold` (im2col) copies the inputs under each output into a column. `fold` (col2im)
adds each column back to where it came from. They are adjoints of each other, not
inverses: an input that lies under several outputs is copied several times, and what
comes back is added up as many times.

Columns are larger than the picture, about as many times as the kernel has taps. So they
are made for a block of samples and outputs at a time: memory stays bounded.

Places outside the input count as zeros here. If w, or the y of ``weight_grad``, has
infinite or undefined numbers, the results at the border are ``nan`` therefore, since
``inf * 0`` is; `naive` skips these places.
"""

from __future__ import annotations

import math

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines.blocks import output_blocks
from deconv_tutorial.engines.engine import zeros_w, zeros_x, zeros_y
from deconv_tutorial.engines.views import channels_first, matrices
from deconv_tutorial.geometry import Geometry

BLOCK = 4 * 2**20
"""How many bytes the columns and the values of a block have at most, if it can be."""


def forward(x: Array, w: Array, geometry: Geometry) -> Array:
    """Return y: the weights times the columns of x."""
    y = zeros_y(x, w, geometry)
    for samples, outputs, part in output_blocks(len(y), geometry, _fit(w)):
        columns = unfold(channels_first(x[samples]), part)  # (g, b*taps, n*outputs)
        values = matrices(w) @ columns  # (g, a, n*outputs)
        target = channels_first(y[samples, ..., *outputs])  # (g, a, n, *outputs)
        target[...] = values.reshape(target.shape)
    return y


def input_grad(y: Array, w: Array, geometry: Geometry) -> Array:
    """Return x: the transposed weights times y, folded."""
    x = zeros_x(y, w, geometry)
    for samples, outputs, part in output_blocks(len(y), geometry, _fit(w)):
        values = matrices(
            channels_first(y[samples, ..., *outputs])
        )  # (g, a, n*outputs)
        columns = matrices(w).mT @ values  # (g, b*taps, n*outputs)
        fold(columns, part, into=channels_first(x[samples]))
    return x


def weight_grad(x: Array, y: Array, geometry: Geometry) -> Array:
    """Return w: y times the transposed columns of x."""
    w = zeros_w(x, y, geometry)
    for samples, outputs, part in output_blocks(len(y), geometry, _fit(w)):
        columns = unfold(channels_first(x[samples]), part)  # (g, b*taps, n*outputs)
        values = matrices(
            channels_first(y[samples, ..., *outputs])
        )  # (g, a, n*outputs)
        w += (values @ columns.mT).reshape(w.shape)  # (g, a, b, *taps)
    return w


def unfold(x: Array, geometry: Geometry) -> Array:
    """Return the columns of x: for each output, the inputs under its taps.

    For x of shape ``(g, b, n, *input_size)`` they are ``(g, b*taps, n*outputs)``: a
    column for each output of each sample. Where a tap reads outside, there is a zero.

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
    taps, size = geometry.kernel_size, geometry.output_size
    columns = np.zeros((g, b, *taps, n, *size), x.dtype)
    for k, outputs, inputs in geometry.taps():
        columns[:, :, *k, :, *outputs] = x[..., *inputs]  # (g, b, n, *outputs)
    return columns.reshape(g, b * math.prod(taps), n * math.prod(size))


def fold(columns: Array, geometry: Geometry, into: Array) -> None:
    """Add columns ``(g, b*taps, n*outputs)`` to a picture ``(g, b, n, *input_size)``.

    Examples
    --------
    >>> from deconv_tutorial.geometry import conv_geometry
    >>> x = np.zeros((1, 1, 1, 6), int)
    >>> fold(np.ones((1, 3, 3), int), conv_geometry(6, 3, 2, 1), into=x)
    >>> x[0, 0, 0]
    array([1, 2, 1, 2, 1, 1])
    """
    g, b, n = into.shape[:3]  # columns get the shape (g, b, *taps, n, *outputs)
    columns = columns.reshape(g, b, *geometry.kernel_size, n, *geometry.output_size)
    for k, outputs, inputs in geometry.taps():
        into[..., *inputs] += columns[:, :, *k, :, *outputs]  # (g, b, n, *outputs)


def _fit(w: Array) -> int:
    """Return how many outputs fit in a block, each with its columns and its values."""
    g, a, *_ = w.shape
    return BLOCK // ((w.size // a + g * a) * w.itemsize)
