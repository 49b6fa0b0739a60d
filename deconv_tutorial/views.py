"""Views of arrays: nothing here copies or computes."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from deconv_tutorial.engine import Array
from deconv_tutorial.geometry import Geometry


def channels_first(array: Array) -> Array:
    """Return the view ``(g, c, n, *size)`` of an array ``(n, g, c, *size)``."""
    return np.moveaxis(array, 0, 2)


def tap_views(
    columns: Array, x: Array, geometry: Geometry
) -> Iterator[tuple[Array, Array]]:
    """Yield, tap by tap, the part of the columns and the part of x that meet.

    Parameters
    ----------
    columns : array of shape (g, b, *kernel_size, n, *output_size)
        One element for each tap of each output.
    x : array of shape (g, b, n, *input_size)
        The inputs.
    geometry : Geometry
        Which tap of which output reads which input.

    Yields
    ------
    column, pixels : views of equal shape
        Element for element, ``column`` stands for a tap of an output and
        ``pixels`` for the input that it reads. What would read outside the input
        is in neither, so no padded copy of x is ever made.

    Notes
    -----
    The rule ``i = stride*o + dilation*k - padding`` treats outputs and taps alike.
    Where there are fewer outputs than taps, the pairs come output by output.
    """
    if math.prod(geometry.output_size) < math.prod(geometry.kernel_size):
        for o, taps, inputs in geometry.exchanged().taps():
            column = columns[:, :, *taps, :, *o]
            yield np.moveaxis(column, -1, 2), x[..., *inputs]
    else:
        for k, outputs, inputs in geometry.taps():
            yield columns[:, :, *k, :, *outputs], x[..., *inputs]
