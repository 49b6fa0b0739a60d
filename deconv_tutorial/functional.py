"""Convolution, transposed convolution, and the gradients of both.

A convolution layer is one sum over the connections ``(o, k, i)`` of its geometry::

    T(x, w, y) = sum of  y[n, g, a, o] * w[g, a, b, k] * x[n, g, b, i]

Its three partial derivatives are the only three maps that exist:

=====================  ==============  ===================  ======================
map                    is dT/d         of a `conv` it is    of a `conv_transpose`
                                                            it is
=====================  ==============  ===================  ======================
``forward(x, w)``      y: it gathers   the result           the gradient of x, as
                                                            ``forward(d_out, w)``
``input_grad(y, w)``   x: it scatters  the gradient of x    the result
``weight_grad(x, y)``  w: it           the gradient of w,   the gradient of w, as
                       correlates      as ``weight_grad(    ``weight_grad(
                                       x, d_out)``          d_out, x)``
=====================  ==============  ===================  ======================

So the weight gradient of a transposed convolution is the weight gradient of a
convolution with its two arguments exchanged. The table is the paragraph on three
operations in I. Goodfellow, Y. Bengio and A. Courville, "Deep Learning", 2016,
chapter 9, written as code.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy.typing as npt

from deconv_tutorial.call import LayerSettings, checked_call
from deconv_tutorial.dtypes import Array, as_numbers
from deconv_tutorial.engines import fast
from deconv_tutorial.engines.engine import Engine
from deconv_tutorial.geometry.settings import Padding, PerAxis


class Gradients(NamedTuple):
    """The gradients of a loss in the input, the weight and the bias of a layer."""

    dx: Array
    dw: Array
    db: Array


def conv(
    x: npt.ArrayLike,
    w: npt.ArrayLike,
    b: npt.ArrayLike | None = None,
    *,
    stride: PerAxis = 1,
    padding: Padding = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
    engine: Engine = fast,
) -> Array:
    """Return the convolution of x with w, as deep learning has it: nothing is flipped.

    Output ``o`` is the sum over taps ``k`` of ``w[k] * x[stride*o + dilation*k -
    padding]``, plus the bias. On each axis it has ``(before + input_size + after -
    dilation*(kernel_size - 1) - 1) // stride + 1`` elements. Its gradients:
    `conv_backward`.

    Parameters
    ----------
    x : array_like of shape (n, c_in, *input_size)
        The input, with one to three spatial axes. The batch may be empty.
    w : array_like of shape (c_out, c_in / groups, *kernel_size)
        The weight.
    b : array_like of shape (c_out,), optional
        The bias.
    stride, dilation : int or one per axis
        Steps between outputs and between taps, in elements of the input.
    padding : int, one per axis, one (before, after) pair per axis, or a word
        Zeros around the input; ``"valid"``, ``"same"`` (only with stride 1, the odd
        one at the end) or ``"full"``.
    groups : int
        Into how many independent convolutions the channels are split.
    engine : module or object with the three maps
        What does the work: ``fast``, or ``im2col``, which rounds a little less, or
        ``naive``, which is the definition.

    Returns
    -------
    array of shape (n, c_out, *output_size)
        Integers are exact, as int64; complex numbers are never conjugated; half
        precision is added up in float32. Arguments of different kinds, `b` and `d_out`
        too, meet in NumPy's common dtype (floats beside integers give floats, complex
        numbers beside real ones complex ones, objects beside anything objects), and an
        integer that would lose digits there is refused. Arguments of another dtype than
        the one computed in are copied.

    Raises
    ------
    ValueError
        If shapes and settings do not fit each other, a setting is too small, or not
        below ``2**63`` (nor a size that follows from it), or elements are masked,
        would lose digits, or give a result that int64 cannot hold.
    TypeError
        If an argument is of the wrong type, or objects do not multiply with the numbers
        beside them.
    MemoryError
        If the result cannot fit in memory.

    References
    ----------
    V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning",
    arXiv:1603.07285, for the size.

    Examples
    --------
    >>> x = [[[1, 2, 3, 4, 5, 6]]]
    >>> conv(x, [[[10, 20, 30]]], [7], stride=2, padding=1)
    array([[[ 87, 207, 327]]])
    """
    x, w = as_numbers("x", x), as_numbers("w", w)
    b = None if b is None else as_numbers("b", b)
    settings = LayerSettings(stride, padding, dilation, groups)
    call = checked_call(x, w, settings, engine, b=b)
    x, w, b = call.ready(x, w, b=b)
    y = engine.forward(x, w, call.geometry)
    return call.result(y, x, w, b)


def conv_backward(
    d_out: npt.ArrayLike,
    x: npt.ArrayLike,
    w: npt.ArrayLike,
    *,
    stride: PerAxis = 1,
    padding: Padding = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
    engine: Engine = fast,
) -> Gradients:
    """Return the gradients of a loss in x, w and b of `conv`.

    With ``y = conv(x, w, b)`` and ``d_out`` the gradient of the loss in ``y``: ``dx``
    scatters ``d_out`` through the weights, ``dw`` correlates the padded ``x`` with
    ``d_out``, and ``db`` is the sum of ``d_out`` over samples and space (a sum, not
    a mean).

    Parameters
    ----------
    d_out : array_like of shape (n, c_out, *output_size)
        The gradient of the loss in the result of `conv`.
    x, w, stride, padding, dilation, groups, engine
        What `conv` was called with.

    Returns
    -------
    Gradients
        The arrays ``dx``, ``dw``, ``db``, of the shapes of ``x``, ``w`` and ``b``.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As `conv`, and `ValueError` if `d_out` has another shape than `y`.

    References
    ----------
    I. Goodfellow, Y. Bengio and A. Courville, "Deep Learning", 2016, chapter 9: the
    functions g for the weight and h for the input.

    Examples
    --------
    >>> x, w = [[[1, 2, 3, 4, 5, 6]]], [[[10, 20, 30]]]
    >>> dx, dw, db = conv_backward([[[7, 8, 9]]], x, w, stride=2, padding=1)
    >>> dx
    array([[[140, 290, 160, 330, 180, 270]]])
    >>> dw, db
    (array([[[ 52,  76, 100]]]), array([24]))
    """
    d_out = as_numbers("d_out", d_out)
    x, w = as_numbers("x", x), as_numbers("w", w)
    settings = LayerSettings(stride, padding, dilation, groups)
    call = checked_call(x, w, settings, engine, d_out=d_out)
    x, w, d_out = call.ready(x, w, d_out=d_out)
    dx = engine.input_grad(d_out, w, call.geometry)
    dw = engine.weight_grad(x, d_out, call.geometry)
    return Gradients(*call.gradients(dx, dw, x, w, d_out))


def conv_transpose(
    x: npt.ArrayLike,
    w: npt.ArrayLike,
    b: npt.ArrayLike | None = None,
    *,
    stride: PerAxis = 1,
    padding: Padding = 0,
    output_padding: PerAxis = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
    engine: Engine = fast,
) -> Array:
    """Return the transposed convolution of x with w (once called deconvolution).

    It is the input gradient of the convolution with the same settings: input ``o``
    adds ``w[k] * x[o]`` to output ``stride*o + dilation*k - padding``. On each axis
    the result has ``stride*(input_size - 1) + dilation*(kernel_size - 1) + 1 - before
    - after + output_padding`` elements. Its gradients: `conv_transpose_backward`.

    Parameters
    ----------
    x, b, groups, engine
        As in `conv`.
    w : array_like of shape (c_in, c_out / groups, *kernel_size)
        The weight: that of the convolution being transposed.
    stride, dilation : int or one per axis
        Steps between inputs and between taps, in elements of the result.
    padding : int, one per axis, or one (before, after) pair per axis
        The padding of the convolution being transposed: here it crops the result.
    output_padding : int or one per axis
        How many elements the result has more than the smallest that the convolution
        maps to `input_size`. Smaller than the stride or the dilation.

    Returns
    -------
    array of shape (n, c_out, *output_size)
        Of the dtype that `conv` would return.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As `conv`, and `ValueError` if `padding` leaves nothing or
        `output_padding` is as large as both stride and dilation.

    References
    ----------
    V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning",
    arXiv:1603.07285, chapter 4.

    Examples
    --------
    >>> x = [[[7, 8, 9]]]
    >>> conv_transpose(x, [[[10, 20, 30]]], stride=2, padding=1, output_padding=1)
    array([[[140, 290, 160, 330, 180, 270]]])
    """
    x, w = as_numbers("x", x), as_numbers("w", w)
    b = None if b is None else as_numbers("b", b)
    settings = LayerSettings(stride, padding, dilation, groups, output_padding)
    call = checked_call(x, w, settings, engine, b=b)
    x, w, b = call.ready(x, w, b=b)
    y = engine.input_grad(x, w, call.geometry)
    return call.result(y, x, w, b)


def conv_transpose_backward(
    d_out: npt.ArrayLike,
    x: npt.ArrayLike,
    w: npt.ArrayLike,
    *,
    stride: PerAxis = 1,
    padding: Padding = 0,
    output_padding: PerAxis = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
    engine: Engine = fast,
) -> Gradients:
    """Return the gradients of a loss in x, w and b of `conv_transpose`.

    With ``y = conv_transpose(x, w, b)`` and ``d_out`` the gradient of the loss in
    ``y``: ``dx`` is the convolution of ``d_out`` with ``w``, and ``dw`` is the weight
    gradient of that convolution, which correlates the padded ``d_out`` with ``x``.

    Parameters
    ----------
    d_out : array_like of shape (n, c_out, *output_size)
        The gradient of the loss in the result of `conv_transpose`.
    x, w, stride, padding, output_padding, dilation, groups, engine
        What `conv_transpose` was called with.

    Returns
    -------
    Gradients
        The arrays ``dx``, ``dw``, ``db``, of the shapes of ``x``, ``w`` and ``b``.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As `conv_transpose`, and `ValueError` if `d_out` has another shape than `y`.

    References
    ----------
    I. Goodfellow, Y. Bengio and A. Courville, "Deep Learning", 2016, chapter 9: the
    kernel gradient of a decoder h(K, H, s) is g(H, E, s).

    Examples
    --------
    >>> x, w = [[[7, 8, 9]]], [[[10, 20, 30]]]
    >>> dx, dw, db = conv_transpose_backward(
    ...     [[[1, 2, 3, 4, 5, 6]]], x, w, stride=2, padding=1, output_padding=1
    ... )
    >>> dx
    array([[[ 80, 200, 320]]])
    >>> dw, db
    (array([[[ 52,  76, 100]]]), array([21]))
    """
    d_out = as_numbers("d_out", d_out)
    x, w = as_numbers("x", x), as_numbers("w", w)
    settings = LayerSettings(stride, padding, dilation, groups, output_padding)
    call = checked_call(x, w, settings, engine, d_out=d_out)
    x, w, d_out = call.ready(x, w, d_out=d_out)
    dx = engine.forward(d_out, w, call.geometry)
    dw = engine.weight_grad(d_out, x, call.geometry)
    return Gradients(*call.gradients(dx, dw, x, w, d_out))
