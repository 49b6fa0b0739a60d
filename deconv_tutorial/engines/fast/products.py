"""How large a matrix product should be.

OpenBLAS copies the operands of a product first, so that it can read them in order.
Small ones it multiplies where they lie. For a thin matrix the copy takes longer than
the multiplications, and several small products are faster than a large one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines.fast.pool import shares_products

PRODUCT = 10**6
"""How many multiplications a product has at most that OpenBLAS makes without a copy."""

_LEAST = 100  # columns; products with fewer are slow in any case


def multiply(left: Array, right: Array, out: Array) -> None:
    """Set an array to left @ right, in several products if that is faster.

    Where BLAS may use several threads, it is left to share the product among them.

    Examples
    --------
    >>> left, right, out = np.ones((2, 3)), np.ones((3, 4)), np.empty((2, 4))
    >>> multiply(left, right, out)
    >>> out.tolist()
    [[3.0, 3.0, 3.0, 3.0], [3.0, 3.0, 3.0, 3.0]]
    """
    (m, k), n = left.shape[-2:], right.shape[-1]
    parts = [*pieces(max(m, n), min(m, n) * k)]
    if len(parts) == 1 or shares_products():
        np.matmul(left, right, out=out)
        return
    for part in parts:
        if m > n:
            np.matmul(left[..., part, :], right, out=out[..., part, :])
        else:
            np.matmul(left, right[..., part], out=out[..., part])


def pieces(count: int, size: int) -> Iterator[slice]:
    """Yield slices of columns, as wide as products without a copy may have.

    Parameters
    ----------
    count : int
        How many columns there are.
    size : int
        Of the matrix that they are multiplied with.

    Examples
    --------
    >>> [*pieces(600, size=4096)]
    [slice(0, 200, None), slice(200, 400, None), slice(400, 600, None)]
    """
    fit = PRODUCT // max(1, size)
    yield from cuts(count, -(-count // fit) if fit >= _LEAST else 1)


def cuts(size: int, count: int) -> Iterator[slice]:
    """Yield so many slices of a size, which differ by one at most.

    Examples
    --------
    >>> [*cuts(7, 2)]
    [slice(0, 3, None), slice(3, 7, None)]
    """
    for n in range(count):
        yield slice(n * size // count, (n + 1) * size // count)
