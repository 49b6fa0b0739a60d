"""Scratch memory: a few buffers for each thread at work, used again by later calls.

Fresh memory is slow: the first touch of each page costs more than the copy into it. So
the buffers of a call are kept for the next one. What is kept is bounded for the whole
process: `KEPT` bytes for each of two threads, or for as many as are asked for with
`threads`. All of it is given back where such a block ends.

While a call is at work, each of its threads has `BUFFERS` buffers. Calls share none of
them, also not one that a signal handler makes in the middle of another.
"""

from __future__ import annotations

import math

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.geometry.settings import Index

BLOCK = 4 * 2**20
"""About how many bytes a block of work should fill at a time, to stay in the cache."""

PAGE = 4096
"""Bytes; elements at such distances take the same places in the cache."""

KEPT = 4 * BLOCK
"""How many bytes a thread's buffers have at most after a call; more are given back."""

BUFFERS = 4
"""How many arrays a thread may use at the same time."""

_FREE: list[Scratch] = []  # appended to and popped from in one step each: no lock


class Scratch:
    """The buffers of one thread, for one call."""

    def __init__(self) -> None:
        self._buffers = [np.empty(0, np.uint8) for _ in range(BUFFERS)]

    @property
    def nbytes(self) -> int:
        """How many bytes all buffers have together."""
        return sum(buffer.nbytes for buffer in self._buffers)

    def array(self, shape: Index, dtype: np.typing.DTypeLike, *busy: Array) -> Array:
        """Return an array in one of the buffers, its elements undefined.

        Parameters
        ----------
        shape, dtype
            Of the array.
        *busy : array
            Up to three arrays of this scratch memory that are still in use. Any other
            may be overwritten.

        Examples
        --------
        >>> scratch = Scratch()
        >>> a = scratch.array((2, 3), float)
        >>> b = scratch.array((4,), float, a)
        >>> c = scratch.array((5,), float, b)
        >>> np.shares_memory(a, b), np.shares_memory(a, c)
        (False, True)
        """
        dtype = np.dtype(dtype)
        if dtype.hasobject:
            return np.empty(shape, dtype)
        size = math.prod(shape) * dtype.itemsize
        buffers = self._buffers
        at = next(
            n
            for n, buffer in enumerate(buffers)
            if not any(np.may_share_memory(buffer, array) for array in busy)
        )
        if buffers[at].size < size:
            buffers[at] = np.empty(size, np.uint8)
        return np.ndarray(shape, dtype, buffers[at])

    def trim(self) -> None:
        """Give the largest buffers back until the others have `KEPT` bytes at most."""
        while self.nbytes > KEPT:
            largest = max(range(BUFFERS), key=lambda n: self._buffers[n].nbytes)
            self._buffers[largest] = np.empty(0, np.uint8)


def lease() -> Scratch:
    """Return scratch memory that nobody else uses until it is returned."""
    try:
        return _FREE.pop()
    except IndexError:
        return Scratch()


def release(scratch: Scratch, keep: int) -> None:
    """Take scratch memory back; keep that of so many threads at most."""
    scratch.trim()
    _FREE.append(scratch)
    del _FREE[keep:]


def give_back() -> None:
    """Give all scratch memory back that no call uses."""
    _FREE.clear()
