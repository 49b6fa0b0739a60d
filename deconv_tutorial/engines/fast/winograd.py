"""Fast convolution of a few outputs: the trilinear form in fewer products.

One axis, `m` outputs, `r` taps, stride 1: the form has ``m * r`` products ``y[o] * w[k]
* x[o + k]``. It is also a sum of only ``m + r - 1`` products of three factors::

    T(x, w, y) = sum over p of  (X x)[p] * (W w)[p] * (Y y)[p]

with three small matrices of rational numbers. As T is the same, its derivatives are
the same: the forward map, the input gradient and the weight gradient of the short form
come from the same three matrices, by exchanging their roles. `fast` builds on this.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np

from deconv_tutorial.dtypes import Array

POINTS = (0, 1, -1, 2, Fraction(-1, 2), -2, Fraction(1, 2))
"""Where the polynomials are evaluated, in the order in which they are used."""


class Factors(NamedTuple):
    """Three matrices of fractions, a row for each product."""

    x: Array
    """Of shape (products, inputs)."""
    w: Array
    """Of shape (products, taps)."""
    y: Array
    """Of shape (products, outputs)."""


@lru_cache
def factors(outputs: int, taps: int) -> Factors:
    """Return the factors of the form with so many outputs and taps, exactly.

    An output of a convolution is a coefficient in a product of polynomials, transposed.
    Polynomials of degree ``outputs - 1`` and ``taps - 1`` multiply into one of degree
    ``outputs + taps - 2``, which is known from its values at that many points of
    `POINTS` and from its highest coefficient, the value "at infinity".

    Parameters
    ----------
    outputs, taps : int
        At least 1, and together at most ``len(POINTS) + 2``.

    Raises
    ------
    ValueError
        If there are not enough points.
    ArithmeticError
        If the factors are not those of the form: the points are not distinct.

    References
    ----------
    S. Winograd, "Arithmetic Complexity of Computations", SIAM, 1980; A. Lavin and
    S. Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308.

    Examples
    --------
    The form of two outputs and two taps has four products, and three suffice:

    >>> f = factors(2, 2)
    >>> print(f.x.astype(float))
    [[-1.  1.  0.]
     [ 0.  1.  0.]
     [ 0. -1.  1.]]
    """
    products = outputs + taps - 1
    if min(outputs, taps) < 1 or products > len(POINTS) + 1:
        msg = (
            "outputs and taps need to be at least 1, and together at most "
            f"{len(POINTS) + 2}, got outputs={outputs} and taps={taps}"
        )
        raise ValueError(msg)
    points = [Fraction(point) for point in POINTS[: products - 1]]
    x = [_coefficients(q for q in points if q != point) for point in points]
    scales = [_value(row, at) for row, at in zip(x, points, strict=True)]
    w = [
        [at**k / scale for k in range(taps)]
        for at, scale in zip(points, scales, strict=True)
    ]
    y = [[at**o for o in range(outputs)] for at in points]
    found = Factors(
        _matrix([*x, _coefficients(points)], products),
        _matrix([*w, _last(taps)], taps),
        _matrix([*y, _last(outputs)], outputs),
    )
    _require_equal_form(found)
    return found


def _require_equal_form(found: Factors) -> None:
    """Raise unless the sum of products is the sum over connections."""
    sizes = (matrix.shape[1] for matrix in found)
    for i, k, o in product(*map(range, sizes)):
        coefficient = (found.x[:, i] * found.w[:, k] * found.y[:, o]).sum()
        if coefficient != (i == o + k):
            msg = (
                f"the factors need to give y[{o}] * w[{k}] * x[{i}] the coefficient "
                f"{int(i == o + k)}, got {coefficient} from POINTS = {POINTS}"
            )
            raise ArithmeticError(msg)


def _coefficients(roots: Iterable[Fraction]) -> list[Fraction]:
    """Return the polynomial with these roots, its constant first."""
    polynomial = [Fraction(1)]
    for root in roots:
        lower, higher = [*polynomial, Fraction(0)], [Fraction(0), *polynomial]
        polynomial = [b - root * a for a, b in zip(lower, higher, strict=True)]
    return polynomial


def _value(polynomial: list[Fraction], at: Fraction) -> Fraction:
    return sum((c * at**n for n, c in enumerate(polynomial)), Fraction(0))


def _last(size: int) -> list[Fraction]:
    return [Fraction(n == size - 1) for n in range(size)]


def _matrix(rows: list[list[Fraction]], columns: int) -> Array:
    matrix = np.full((len(rows), columns), Fraction(0))
    for row, entries in enumerate(rows):
        matrix[row, : len(entries)] = entries[:columns]
    return matrix
