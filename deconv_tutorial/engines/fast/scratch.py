"""Scratch memory: a few buffers for each thread, kept from call to call.

Fresh memory is slow: the first touch of each page costs more than the copy into it.
"""

from __future__ import annotations

import math
import threading

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.geometry.settings import Index

BLOCK = 4 * 2**20
"""About how many bytes a block of work should fill at a time, to stay in the cache."""

PAGE = 4096
"""Bytes; elements at such distances take the same places in the cache."""

_KEPT = 2 * BLOCK  # a larger buffer is given back at the end of its call


class _Buffers(threading.local):
    def __init__(self) -> None:
        self.all = [np.empty(0, np.uint8) for _ in range(4)]


_BUFFERS = _Buffers()


def scratch(shape: Index, dtype: np.typing.DTypeLike, *busy: Array) -> Array:
    """Return an array of this thread's scratch memory, its elements undefined.

    Parameters
    ----------
    shape, dtype
        Of the array.
    *busy : array
        Up to three scratch arrays that are still in use. Any other may be overwritten.

    Examples
    --------
    >>> a = scratch((2, 3), float)
    >>> b = scratch((4,), float, a)
    >>> np.shares_memory(a, b), np.shares_memory(a, scratch((5,), float, b))
    (False, True)
    """
    dtype = np.dtype(dtype)
    if dtype.hasobject:
        return np.empty(shape, dtype)
    size = math.prod(shape) * dtype.itemsize
    buffers = _BUFFERS.all
    at = next(
        n
        for n, buffer in enumerate(buffers)
        if not any(np.may_share_memory(buffer, array) for array in busy)
    )
    if size > _KEPT:
        return np.empty(shape, dtype)
    if buffers[at].size < size:
        buffers[at] = np.empty(size, np.uint8)
    return np.ndarray(shape, dtype, buffers[at])
