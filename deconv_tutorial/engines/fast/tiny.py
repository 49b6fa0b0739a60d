"""Small arrays, where the time goes into calls and not into numbers: few calls.

All columns at once, from one padded copy and one strided view. The input gradient
gathers: it is the convolution of y, with zeros between its elements, with the flipped
kernel. All of it is exact wherever sums of products are.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines.fast.windows import row_steps
from deconv_tutorial.geometry import Axis, Geometry, Window
from deconv_tutorial.geometry.settings import Index


class Frame(NamedTuple):
    """What is needed to lay out the columns of a small array."""

    size: Index
    """Of the padded input."""
    new: Window
    """Where in it the input goes."""
    old: Window
    """What part of the input goes there."""
    steps: Index
    """From tap to tap, in elements of the padded input."""
    strides: Index
    """From output to output."""
    taps: Index
    """How many there are on each axis."""
    outputs: Index
    """How many there are on each axis."""


def forward(x: Array, w: Array, geometry: Geometry) -> Array:
    """Return y: the weights times the columns of x."""
    frame = _frame(geometry)
    rows = w.reshape(*w.shape[:2], -1)  # (g, a, b*taps)
    return _product(_framed(x, frame), rows, frame)


def input_grad(y: Array, w: Array, geometry: Geometry) -> Array:
    """Return x: the flipped and transposed weights times the columns of y."""
    frame = _stuffed_frame(geometry)
    # of shape (g, b, a, *taps)
    flipped = w.swapaxes(1, 2)[..., *[slice(None, None, -1)] * len(frame.size)]
    rows = flipped.reshape(*flipped.shape[:2], -1)  # (g, b, a*taps)
    return _product(_framed(y, frame), rows, frame)


def weight_grad(x: Array, y: Array, geometry: Geometry) -> Array:
    """Return w: y times the transposed columns of x."""
    frame = _frame(geometry)
    n, g, b, *_ = x.shape
    rows = y.reshape(n, g, y.shape[2], math.prod(frame.outputs))  # (n, g, a, outputs)
    columns = _columns(_framed(x, frame), frame)
    # of shape (n, g, a, outputs) @ (n, g, outputs, b*taps)
    values = np.matmul(rows, columns.swapaxes(2, 3))
    values = values[0] if n == 1 else values.sum(0)
    return values.reshape(g, y.shape[2], b, *frame.taps)  # (g, a, b, *taps)


def _framed(array: Array, frame: Frame) -> Array:
    """Return a copy of an array in its frame, with zeros everywhere else."""
    framed = np.zeros((*array.shape[:3], *frame.size), array.dtype)
    framed[..., *frame.new] = array[..., *frame.old]
    return framed


def _product(padded: Array, rows: Array, frame: Frame) -> Array:
    values = np.matmul(rows, _columns(padded, frame))
    return values.reshape(*values.shape[:3], *frame.outputs)  # (n, g, a, *outputs)


def _columns(padded: Array, frame: Frame) -> Array:
    """Return the columns of each sample, (n, g, b * taps, outputs)."""
    n, g, b = padded.shape[:3]
    size = padded.itemsize
    strides = padded.strides[:3] + tuple(
        step * size for step in frame.steps + frame.strides
    )
    shape = (n, g, b, *frame.taps, *frame.outputs)
    windows = np.ndarray(shape, padded.dtype, padded, 0, strides)
    # of shape (n, g, b, *taps, *outputs) to (n, g, b*taps, outputs)
    return windows.reshape(n, g, b * math.prod(frame.taps), math.prod(frame.outputs))


@lru_cache(512)
def _frame(geometry: Geometry) -> Frame:
    part, new, old = geometry.padded()
    size = part.input_size
    pairs = list(zip(part.axes, row_steps(size), strict=True))
    # Where there is one tap or one output, its step does not matter, and may be huge.
    steps = tuple(a.dilation * row * (a.kernel_size > 1) for a, row in pairs)
    strides = tuple(a.stride * row * (a.output_size > 1) for a, row in pairs)
    return Frame(size, new, old, steps, strides, part.kernel_size, part.output_size)


@lru_cache(512)
def _stuffed_frame(geometry: Geometry) -> Frame:
    """Return the frame for the input gradient: where the elements of y go."""
    frame = _frame(geometry.transposed())
    columns = zip(geometry.axes, frame.size, frame.new, frame.old, strict=True)
    lines = [
        Axis(size, 1, axis.output_size, axis.stride, 1, old.start - new.start)
        for axis, size, new, old in columns
    ]
    old, new = zip(*(line.tap(0) for line in lines), strict=True)
    return frame._replace(new=new, old=old)
