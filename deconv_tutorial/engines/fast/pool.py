"""Python threads over blocks of work, as many as the BLAS library would use.

NumPy lets other threads run while it computes. So two threads with a block each keep
two processors busy all the time, in copies and in products, where the threads of the
BLAS library itself only share the products.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from threading import Lock, get_native_id
from typing import Any, Protocol, TypeVar

import threadpoolctl  # pyright: ignore[reportMissingTypeStubs]

from deconv_tutorial.engines.fast.processors import apart

Item = TypeVar("Item")
Result = TypeVar("Result")

_LOCK = Lock()
_LIMITED: list[int] = []  # what each library had, while any call limits them
_CALLS = [0]


def share(work: Callable[[list[Item]], Result], items: Iterable[Item]) -> list[Result]:
    """Return what `work` returns for consecutive parts of the items, in their order.

    The number of parts is that of the threads that the BLAS library may use (set by
    OPENBLAS_NUM_THREADS, for example, or by threadpoolctl), but at most one for each
    item. While several parts are at work, that library uses one thread in each.

    Examples
    --------
    >>> sum(share(sum, [1, 2, 3]))
    6
    """
    items = list(items)
    parts = min(len(items), blas_threads()) if len(items) > 1 else 1
    if parts == 1:
        return [work(items)]
    ends = [n * len(items) // parts for n in range(parts + 1)]
    runs = [items[start:end] for start, end in pairwise(ends)]
    with one_thread_each():
        pool = _pool(parts - 1)
        others = [pool.submit(work, run) for run in runs[1:]]
        # The first part stays in this thread, which runs on a processor already.
        with apart(pool.identifiers):
            try:
                first = work(runs[0])
            finally:
                wait(others)
        return [first, *(other.result() for other in others)]


def blas_threads() -> int:
    """Return how many threads the BLAS library may use."""
    with _LOCK:
        return min(_LIMITED or _threads(), default=1)


def shares_products() -> bool:
    """Return whether the BLAS library itself uses several threads for a product now."""
    with _LOCK:
        return max(_threads(), default=1) > 1


def even(parts: int) -> int:
    """Return so many parts or a few more, so that all threads get as many."""
    return parts + -parts % blas_threads()


@contextmanager
def one_thread_each() -> Generator[None]:
    """Limit the BLAS library to one thread in each of ours, until the end.

    Its other threads keep a processor busy for a while after each product, even while
    they have nothing to do.
    """
    with _LOCK:
        if not _CALLS[0]:
            _LIMITED[:] = _threads()
            _set_threads([1] * len(_LIMITED))
        _CALLS[0] += 1
    try:
        yield
    finally:
        with _LOCK:
            _CALLS[0] -= 1
            if not _CALLS[0]:
                _set_threads(_LIMITED)
                _LIMITED.clear()


class _Library(Protocol):
    num_threads: int

    def set_num_threads(self, num_threads: int) -> None: ...


@cache
def _libraries() -> list[_Library]:
    loaded: Any = threadpoolctl.ThreadpoolController()  # the package has no types
    return loaded.select(user_api="blas").lib_controllers


def _threads() -> list[int]:
    return [library.num_threads for library in _libraries()]


def _set_threads(numbers: list[int]) -> None:
    for library, number in zip(_libraries(), numbers, strict=True):
        library.set_num_threads(number)


class _Pool(ThreadPoolExecutor):
    """Threads, and what the system calls them."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads, "deconv_tutorial", self._introduce)
        self.identifiers: list[int] = []

    def _introduce(self) -> None:
        self.identifiers.append(get_native_id())


_pool = cache(_Pool)


def _forget() -> None:
    """Start anew in a forked process, which has none of the threads."""
    _pool.cache_clear()
    if _CALLS[0]:
        _set_threads(_LIMITED)
    _CALLS[0] = 0
    _LIMITED.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_LOCK.acquire,
        after_in_parent=_LOCK.release,
        after_in_child=lambda: (_forget(), _LOCK.release()),
    )
