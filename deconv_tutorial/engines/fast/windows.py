"""Windows of a picture as views, and the zeros around it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.lib.stride_tricks import as_strided

from deconv_tutorial.dtypes import Array
from deconv_tutorial.geometry import Geometry
from deconv_tutorial.geometry.settings import Index


def row_steps(size: Index) -> Index:
    """Return how many elements lie between neighbours on each axis of an array.

    Examples
    --------
    >>> row_steps((4, 3, 2))
    (6, 2, 1)
    """
    return tuple(math.prod(size[n + 1 :]) for n in range(len(size)))


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
            yield np.moveaxis(column, -1, 2), x[..., *inputs]  # (g, b, n, *taps)
    else:
        for k, outputs, inputs in geometry.taps():
            yield columns[:, :, *k, :, *outputs], x[..., *inputs]


def windows(x: Array, geometry: Geometry) -> Array:
    """Return the view of x that shows the input under every tap of every output.

    Parameters
    ----------
    x : array of shape (g, b, n, *input_size)
        The inputs.
    geometry : Geometry
        Which tap of which output reads which input; all of them inside.

    Returns
    -------
    array of shape (g, b, *kernel_size, n, *output_size)
        A view that may show elements several times.
    """
    first = (slice(axis.input_index(0, 0), None) for axis in geometry.axes)
    groups, channels, samples, *steps = x.strides
    pairs = list(zip(geometry.axes, steps, strict=True))
    # Where there is one tap or one output, its step does not matter, and may be huge.
    taps = (a.dilation * step * (a.kernel_size > 1) for a, step in pairs)
    outputs = (a.stride * step * (a.output_size > 1) for a, step in pairs)
    return as_strided(  # (g, b, *taps, n, *outputs)
        x[..., *first],
        (*x.shape[:2], *geometry.kernel_size, x.shape[2], *geometry.output_size),
        (groups, channels, *taps, samples, *outputs),
    )


def padded_copy(
    x: Array, geometry: Geometry, most: int
) -> tuple[Array, Geometry] | None:
    """Return the inputs that the taps read, with zeros for those outside.

    Parameters
    ----------
    x : array of shape (g, b, n, *input_size)
        The inputs.
    geometry : Geometry
        Which tap of which output reads which input.
    most : int
        How many elements the copy may have. If it had more, None is returned.

    Returns
    -------
    array of shape (g, b, n, *padded_size)
        From the first input that a tap reads to the last.
    Geometry
        The same connections to the copy: all inside.
    """
    part, new, old = geometry.padded()
    shape = (*x.shape[:3], *part.input_size)
    if math.prod(shape) > most:
        return None
    copy = np.zeros(shape, x.dtype)
    copy[..., *new] = x[..., *old]
    return copy, part


def clear_around(array: Array, window: Sequence[slice]) -> None:
    """Set to zero what is outside a window on the axes after the first.

    Examples
    --------
    >>> array = np.ones((1, 2, 5), int)
    >>> clear_around(array, (slice(0, 2), slice(1, 4)))
    >>> array
    array([[[0, 1, 1, 1, 0],
            [0, 1, 1, 1, 0]]])
    """
    for axis, part in enumerate(window):
        lead = [slice(None)] * (axis + 1)
        if part.start > 0:
            array[*lead, : part.start] = 0
        if part.stop < array.shape[axis + 1]:
            array[*lead, part.stop :] = 0
