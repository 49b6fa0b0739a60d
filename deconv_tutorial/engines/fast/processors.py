"""A processor of its own for a thread that shares its work with others.

Between two NumPy calls a thread may have to wait for the interpreter. The thread that
has it wakes it up, and some systems then put it on the processor of the one that woke
it, as with a pair that takes turns. There the two do take turns, for some 50 ms, while
another processor has nothing to do. So the thread that shares stays where it is, and
the others are kept away from it.

Only Linux lets a program say so. Elsewhere nothing is done.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from functools import cache
from threading import Lock

_BUSY = Lock()


@contextmanager
def apart(others: Iterable[int]) -> Generator[None]:
    """Keep this thread on its processor and others off it, until the end.

    Nothing is done while another thread is kept so, or with a single processor.

    Parameters
    ----------
    others : iterable of int
        Native identifiers of threads that are there for this only: they stay off the
        processor until they are sent elsewhere.
    """
    allowed = _allowed()
    if len(allowed) < 2 or not _BUSY.acquire(blocking=False):
        yield
        return
    try:
        here = {_current()}
        for thread, processors in ((0, here), *((n, allowed - here) for n in others)):
            _bind(thread, processors)
        yield
    finally:
        _bind(0, allowed)
        _BUSY.release()


def _allowed() -> set[int]:
    """Return on which processors this thread may run; none where that is unknown."""
    if sys.platform == "linux" and _function():
        return os.sched_getaffinity(0)
    return set()


def _current() -> int:
    """Return the processor on which this thread runs."""
    function = _function()
    return function() if function else -1


@cache
def _function() -> Callable[[], int] | None:
    """Return the C library's function for that, if it has it."""
    return getattr(ctypes.PyDLL(None), "sched_getcpu", None)


def _bind(thread: int, processors: set[int]) -> None:
    """Let a thread run on some processors only; where that is forbidden, do nothing."""
    if sys.platform == "linux":
        with suppress(OSError):  # it has ended, or the system does not let us
            os.sched_setaffinity(thread, processors)
