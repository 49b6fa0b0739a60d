"""One map is enough: both gradients as forward passes, and the arrays they need.

The input gradient is a forward pass over y with zeros between its elements, with the
reversed kernel. The weight gradient is a forward pass with stride and dilation
exchanged. `FromForward` is an engine that has nothing but a forward map and these two
identities. ``symbolic.prove`` proves, for a geometry, that its gradients are right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from deconv_tutorial.dtypes import Array
from deconv_tutorial.geometry import Axis, Geometry


@dataclass(frozen=True)
class FromForward:
    """An engine that has a forward map, and computes both gradients with it.

    Both identities hold in every geometry.

    The input gradient needs three sizes, which `Axis.transposed` computes. Before the
    spread y stand ``dilation*(kernel_size - 1) - padding`` zeros; a negative number
    cuts places off. After it stand enough zeros to reach the last input, so that inputs
    which no tap reads get a gradient of 0. And the result has as many places as there
    are inputs.

    The weight gradient needs one size: its result has as many places as there are taps.
    If the input has places behind the last window, a plain slide would give more.

    Parameters
    ----------
    forward : callable
        The forward map of an engine: it takes x, w and a geometry.

    References
    ----------
    V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning",
    arXiv:1603.07285, relationship 13, for the input gradient without dilation.

    Examples
    --------
    >>> from deconv_tutorial import conv_backward, naive
    >>> x, w, d_out = [[[1, 2, 3, 4, 5, 6]]], [[[1, 10, 100]]], [[[7, 8, 9]]]
    >>> one_map = FromForward(naive.forward)
    >>> conv_backward(d_out, x, w, stride=2, padding=1, engine=one_map).dw
    array([[[ 52,  76, 100]]])
    """

    forward: Callable[[Array, Array, Geometry], Array]

    def input_grad(self, y: Array, w: Array, geometry: Geometry) -> Array:
        """Return x: the spread y under the reversed kernel, its channels exchanged."""
        strides = [axis.stride for axis in geometry.axes]
        reversed_ = np.flip(w, tuple(range(3, w.ndim))).swapaxes(1, 2)
        return self.forward(
            spread(y, [1, 1, 1, *strides]), reversed_, geometry.transposed()
        )

    def weight_grad(self, x: Array, y: Array, geometry: Geometry) -> Array:
        """Return w: x under y, with stride and dilation exchanged.

        A forward map adds up channels and keeps samples. A weight gradient adds up
        samples and keeps channels, so the two axes of x change places.
        """
        w = self.forward(x.swapaxes(0, 2), np.moveaxis(y, 0, 2), geometry.exchanged())
        return np.moveaxis(w, 0, 2)


def spread(array: Array, steps: Sequence[int]) -> Array:
    """Return an array with ``step - 1`` zeros between neighbours, on each axis.

    For each axis, `steps` has the distance of two neighbours in the result. Also known
    as zero stuffing, or zero insertion.

    Examples
    --------
    >>> spread(np.array([7, 8, 9]), [3])
    array([7, 0, 0, 8, 0, 0, 9])
    """
    sizes = [
        step * (size - 1) + 1 if size else 0
        for size, step in zip(array.shape, steps, strict=True)
    ]
    wide = np.zeros(sizes, array.dtype)
    wide[tuple(slice(None, None, step) for step in steps)] = array
    return wide


def framed(array: Array, before: Sequence[int], sizes: Sequence[int]) -> Array:
    """Return an array padded with zeros, or cut, to the places of a frame.

    For each axis, `before` has the number of zeros before the array; a negative number
    cuts off so many elements instead. `sizes` has the size of the frame, which pads or
    cuts the array at the end.

    Examples
    --------
    >>> framed(np.array([7, 8, 9]), [1], [6]), framed(np.array([7, 8, 9]), [-1], [1])
    (array([0, 7, 8, 9, 0, 0]), array([8]))
    """
    frame = np.zeros(sizes, array.dtype)
    runs = [
        Axis(size, 1, count, padding_before=shift).tap(0)
        for size, count, shift in zip(array.shape, sizes, before, strict=True)
    ]
    places, elements = zip(*runs, strict=True)
    frame[places] = array[elements]
    return frame


def correlation(long: Array, short: Array, steps: Sequence[int]) -> Array:
    """Return the sums of products of a long array and a short one that slides over it.

    Both have the same number of axes. For each, `steps` has how far the short array
    moves from one place to the next. Nothing is padded, and nothing is reversed. With
    steps of 1, this is SciPy's ``correlate(long, short, "valid")``.

    Examples
    --------
    >>> correlation(np.array([1, 2, 3, 4, 5, 6]), np.array([1, 10]), [2])
    array([21, 43, 65])
    """
    windows = sliding_window_view(long, short.shape)
    windows = windows[tuple(slice(None, None, step) for step in steps)]
    return (windows * short).sum(axis=tuple(range(-short.ndim, 0)))
