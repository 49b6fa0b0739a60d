"""Evidence that a map is right, for the maps of this package and for your own."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from deconv_tutorial.engine import Array, Engine
from deconv_tutorial.geometry import Geometry


def inner_products(
    engine: Engine, x: Array, w: Array, y: Array, geometry: Geometry
) -> tuple[object, object, object]:
    """Return T three times: from each map of an engine and the array it leaves out.

    The three are one number, ``<y, forward(x, w)> = <x, input_grad(y, w)> =
    <w, weight_grad(x, y)>``, for all arrays if the two gradients belong to that
    forward map, and for few arrays otherwise: draw random ones, without zeros, and
    more than once. Whether the forward map is a convolution, they do not say.

    Parameters
    ----------
    engine : module or object with the three maps
        What is checked.
    x : array of shape (n, g, b, *input_size)
        The input.
    w : array of shape (g, a, b, *kernel_size)
        The weight.
    y : array of shape (n, g, a, *output_size)
        The output, or the gradient of a loss in it: any numbers.
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
