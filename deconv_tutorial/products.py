"""How large a matrix product should be.

OpenBLAS copies the operands of a product first, so that it can read them in order.
Small ones it multiplies where they lie. For a thin matrix the copy takes longer than
the multiplications, and several small products are faster than a large one.
"""

from __future__ import annotations

from collections.abc import Iterator

PRODUCT = 10**6
"""How many multiplications a product has at most that OpenBLAS makes without a copy."""

_LEAST = 100  # columns; products with fewer are slow in any case


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
    fit = PRODUCT // size
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
