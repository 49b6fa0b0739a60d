"""Evidence that a map is right, for the maps of this package and for your own."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines.engine import Engine
from deconv_tutorial.geometry import Geometry


def inner_products(
    engine: Engine, x: Array, w: Array, y: Array, geometry: Geometry
) -> tuple[object, object, object]:
    """Return T three times: the inner product of each map with the array it lacks.

    If the two gradients belong to the forward map, all three numbers are equal, for all
    arrays: ``<y, forward(x, w)> = <x, input_grad(y, w)> = <w, weight_grad(x, y)>``.
    Otherwise they are equal for few arrays. So draw random arrays without zeros, more
    than once. The numbers cannot tell whether the forward map is a convolution.

    Parameters
    ----------
    engine : module or object with the three maps
        The engine to check.
    x, w, y : array
        Any numbers, in the shapes ``(n, g, b, *input_size)``, ``(g, a, b,
        *kernel_size)`` and ``(n, g, a, *output_size)``.
    geometry : Geometry
        Which tap of which output reads which input.

    References
    ----------
    The dot-product test of adjoint operators: J. F. Claerbout, "Earth Soundings
    Analysis: Processing versus Inversion", 1992, chapter 5.

    Examples
    --------
    >>> from deconv_tutorial import naive
    >>> from deconv_tutorial.geometry import conv_geometry
    >>> x, w = np.array([[[[1, 2, 3]]]]), np.array([[[[4, 5]]]])
    >>> y = np.array([[[[6, 7]]]])
    >>> [int(t) for t in inner_products(naive, x, w, y, conv_geometry(3, 2))]
    [245, 245, 245]
    """
    return (
        (y * engine.forward(x, w, geometry)).sum(),
        (x * engine.input_grad(y, w, geometry)).sum(),
        (w * engine.weight_grad(x, y, geometry)).sum(),
    )


def matrix_of(linear: Callable[[Array], Array], shape: tuple[int, ...]) -> Array:
    """Return the matrix of a linear function of arrays of one shape.

    Column ``j`` is the flattened result for the array that is 1 at its ``j``-th
    element and 0 elsewhere: ``matrix_of(f, shape) @ v.ravel() == f(v).ravel()``.

    Parameters
    ----------
    linear : callable
        Takes an array of the given shape and returns an array. It must be linear: the
        matrix of any other function means nothing.
    shape : tuple of int
        The shape that `linear` takes.

    Returns
    -------
    array of shape (elements of the result, elements of the argument)

    Examples
    --------
    >>> from deconv_tutorial import conv
    >>> matrix_of(lambda x: conv(x, [[[2, 3]]]), (1, 1, 4))
    array([[2, 3, 0, 0],
           [0, 2, 3, 0],
           [0, 0, 2, 3]])
    """
    units = np.eye(math.prod(shape), dtype=int).reshape(-1, *shape)
    return np.stack([linear(unit).ravel() for unit in units], axis=1)


def finite_difference(
    function: Callable[[Array], object], at: npt.ArrayLike, step: float = 1.0
) -> Array:
    """Return the gradient of a function, by central differences in each element.

    For each element, ``(function(at + step) - function(at - step)) / (2 * step)``. For
    most functions the error is of the order of ``step**2``. If a function is linear in
    each element, the only error is rounding, with any step. A convolution is linear in
    each element of x and of w: with integers and a step of 1, its results are exact.

    Parameters
    ----------
    function : callable
        Takes an array and returns one real number. For a map that returns an array,
        give ``lambda x: (d_out * f(x)).sum()`` with a random ``d_out``.
    at : array_like of real numbers
        The place. It is not changed: the function gets copies.
    step : float
        How far to move each element, in the units of `at`.

    Returns
    -------
    array of the shape of `at`, float64

    Raises
    ------
    TypeError
        If `at` is not real, or the function does not return one real number.
    ValueError
        If the step is 0, not finite, or too small to change an element.

    References
    ----------
    J. Nocedal and S. J. Wright, "Numerical Optimization", 2006, section 8.1.

    Examples
    --------
    >>> from deconv_tutorial import conv
    >>> x, d_out = [[[1, 2, 3, 4]]], [[[10, 20]]]
    >>> finite_difference(lambda w: (d_out * conv(x, w)).sum(), [[[5, 6, 7]]])
    array([[[ 50.,  80., 110.]]])
    """
    start = _start(at, step)
    gradient = np.empty(start.shape)
    for place, center in np.ndenumerate(start):
        values: list[float] = []
        for shift in (step, -step):
            moved = start.copy()
            moved[place] = center + shift
            if moved[place] == center:
                msg = f"step needs to change {center}, got {step}, which is too small"
                raise ValueError(msg)
            values.append(_number(function(moved), "real number", "iuf").real)
        gradient[place] = (values[0] - values[1]) / (2 * step)
    return gradient


def complex_step(
    function: Callable[[Array], object], at: npt.ArrayLike, step: float = 1e-30
) -> Array:
    """Return the gradient of a function, by an imaginary step in each element.

    For each element, the imaginary part of ``function(at + 1j*step) / step``. Nothing
    is subtracted, so the step may be tiny, and only rounding remains. The function must
    be analytic: no ``abs``, no conjugate, and no comparison but of real parts. What is
    returned, and what is refused, is as in `finite_difference`.

    Parameters
    ----------
    function : callable
        Takes a complex array and returns one complex number.
    at, step
        As in `finite_difference`; the step may be as small as floats are.

    References
    ----------
    W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real
    functions", SIAM Review 40, 1998.

    Examples
    --------
    >>> complex_step(lambda x: np.exp(x).sum(), [0.0, 1.0]) == np.exp([0.0, 1.0])
    array([ True,  True])
    """
    start = _start(at, step)
    gradient = np.empty(start.shape)
    for place in np.ndindex(*start.shape):
        moved = start.astype(complex)
        moved[place] += 1j * step
        value = _number(function(moved), "complex number for complex arguments", "c")
        gradient[place] = value.imag / step
    return gradient


def _start(at: npt.ArrayLike, step: float) -> Array:
    """Return where to start, in float64, if that and the step are numbers to use."""
    array = np.asarray(at)
    if array.dtype.kind not in "iuf":
        msg = f"at needs real numbers, got {_description(array)}"
        raise TypeError(msg)
    if not np.isfinite(step) or step == 0:
        msg = f"step needs a finite number other than 0, got {step}"
        raise ValueError(msg)
    return array.astype(float)


def _number(value: object, meant: str, kinds: str) -> complex:
    """Return what a function returned, if it is one number as it is meant."""
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in kinds:
        msg = f"function needs to return one {meant}, got {_description(array)}"
        raise TypeError(msg)
    return array.item()


def _description(array: Array) -> str:
    return f"an array of shape {array.shape} and dtype {array.dtype}"
