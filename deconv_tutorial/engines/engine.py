"""What an engine is: the three maps, and the shapes of their arrays, written once.

Inside an engine the arrays have these shapes, whatever layer they come from:

=====  ============================  =========================================
array  shape                         letters
=====  ============================  =========================================
``x``  ``(n, g, b, *input_size)``    ``n`` samples, ``g`` groups, ``b`` channels
                                     of x
``w``  ``(g, a, b, *kernel_size)``   ``a`` channels of y, ``b`` channels of x
``y``  ``(n, g, a, *output_size)``   ``a`` channels of y
=====  ============================  =========================================

The three maps are the partial derivatives of one sum over all connections
``(o, k, i)`` of the geometry and over all channels::

    T(x, w, y) = sum of  y[n, g, a, *o] * w[g, a, b, *k] * x[n, g, b, *i]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol, TypeAlias

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.geometry import Geometry

By: TypeAlias = Literal["x", "w", "y"]

MAPS: Mapping[By, str] = {"y": "forward", "x": "input_grad", "w": "weight_grad"}
"""Which map is the derivative of T by which array."""


class Engine(Protocol):
    """Anything that has the three maps: a module, or an object of your own.

    A map leaves its arguments as they are, and returns a new array.
    """

    def forward(self, x: Array, w: Array, geometry: Geometry) -> Array:
        """Return the derivative of T in y, of shape ``(n, g, a, *output_size)``."""
        ...

    def input_grad(self, y: Array, w: Array, geometry: Geometry) -> Array:
        """Return the derivative of T in x, of shape ``(n, g, b, *input_size)``."""
        ...

    def weight_grad(self, x: Array, y: Array, geometry: Geometry) -> Array:
        """Return the derivative of T in w, of shape ``(g, a, b, *kernel_size)``."""
        ...


def in_groups(x: Array, w: Array, y: Array, groups: int) -> tuple[Array, Array, Array]:
    """Return arrays in the layouts of `conv` as engines take them.

    The channels of x and y, and the first axis of w, are split into groups.
    """
    a, b = (array.shape[1] // groups for array in (y, x))  # -1 has no sense if n is 0
    return (
        x.reshape(len(x), groups, b, *x.shape[2:]),  # (n, g, b, *input_size)
        w.reshape(groups, -1, *w.shape[1:]),  # (g, a, b, *kernel_size)
        y.reshape(len(y), groups, a, *y.shape[2:]),  # (n, g, a, *output_size)
    )


def empty_y(x: Array, w: Array, geometry: Geometry) -> Array:
    """Return an array for the result of ``forward``, its elements undefined."""
    shape = (x.shape[0], *w.shape[:2], *geometry.output_size)
    return np.empty(shape, np.result_type(x, w))


def empty_x(y: Array, w: Array, geometry: Geometry) -> Array:
    """Return an array for the result of ``input_grad``, its elements undefined."""
    shape = (y.shape[0], w.shape[0], w.shape[2], *geometry.input_size)
    return np.empty(shape, np.result_type(y, w))


def empty_w(x: Array, y: Array, geometry: Geometry) -> Array:
    """Return an array for the result of ``weight_grad``, its elements undefined."""
    shape = (*y.shape[1:3], x.shape[2], *geometry.kernel_size)
    return np.empty(shape, np.result_type(x, y))


def zeros_y(x: Array, w: Array, geometry: Geometry) -> Array:
    """Return an array of zeros for the result of ``forward``."""
    return np.zeros_like(empty_y(x, w, geometry))


def zeros_x(y: Array, w: Array, geometry: Geometry) -> Array:
    """Return an array of zeros for the result of ``input_grad``."""
    return np.zeros_like(empty_x(y, w, geometry))


def zeros_w(x: Array, y: Array, geometry: Geometry) -> Array:
    """Return an array of zeros for the result of ``weight_grad``."""
    return np.zeros_like(empty_w(x, y, geometry))
