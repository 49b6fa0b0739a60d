"""How large a matrix product should be.

OpenBLAS copies the operands of a product first, so that it can read them in order.
Small ones it multiplies where they lie. For a thin matrix the copy takes longer than
the multiplications, and several small products are faster than a large one.
"""

from __future__ import annotations

from collections.abc import Iterator

from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines.blocks import cuts
from deconv_tutorial.engines.fast.pool import blas_shares

PRODUCT = 10**6
"""How many multiplications a product has at most that OpenBLAS makes without a copy."""

_LEAST = 100  # columns; products with fewer are slow in any case


def product_parts(
    left: Array, right: Array, out: Array
) -> Iterator[tuple[Array, Array, Array]]:
    """Yield the arguments of the calls of `numpy.matmul` that set out to left @ right.

    They are several products if that is faster. Where the BLAS library may use several
    threads, it is left to share the whole product among them.

    Examples
    --------
    >>> import numpy as np
    >>> left, right, out = np.ones((2, 3)), np.ones((3, 4)), np.empty((2, 4))
    >>> for part in product_parts(left, right, out):
    ...     _ = np.matmul(*part)
    >>> out.tolist()
    [[3.0, 3.0, 3.0, 3.0], [3.0, 3.0, 3.0, 3.0]]
    """
    (m, k), n = left.shape[-2:], right.shape[-1]
    fit = PRODUCT // max(1, min(m, n) * k)
    count = -(-max(m, n) // fit) if fit >= _LEAST else 1
    if count == 1 or blas_shares():
        yield left, right, out
        return
    for part in cuts(max(m, n), count):
        if m > n:
            yield left[..., part, :], right, out[..., part, :]
        else:
            yield left, right[..., part], out[..., part]
