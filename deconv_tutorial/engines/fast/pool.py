"""Python threads over blocks of work, where the user asks for them.

NumPy lets other threads run while it computes. So two threads with a block each keep
two processors busy all the time, in copies and in products, where the threads of the
BLAS library share the products only.

Without `threads` a call starts no thread and changes no setting. It works in the thread
that called it, and the BLAS library has as many threads as the user lets it have.
"""

from __future__ import annotations

import _thread
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import ContextVar, copy_context
from functools import cache, partial
from queue import SimpleQueue
from typing import Any, Self, TypeAlias, TypeVar

import threadpoolctl  # pyright: ignore[reportMissingTypeStubs]

from deconv_tutorial.engines.blocks import cuts
from deconv_tutorial.engines.fast.scratch import Scratch, give_back, lease, release
from deconv_tutorial.geometry.settings import whole_number

Item = TypeVar("Item")
Result = TypeVar("Result")
Task: TypeAlias = Callable[[], object]
Outcomes: TypeAlias = "SimpleQueue[tuple[int, list[Result], BaseException | None]]"
"""Of each part its number, and a list of its result or the error that it raised."""
Library: TypeAlias = Any
"""A BLAS library, as threadpoolctl knows it; that package has no types."""

_ASKED: ContextVar[int] = ContextVar("deconv_tutorial.threads", default=1)


def threads(count: int) -> Threads:
    """Return a context in which each call shares its work among so many threads.

    Inside it the BLAS library uses one thread, in the whole process: ours take the
    place of its own. When the last such block of the process ends, the library has as
    many threads again as before the first began, our threads end, and scratch
    memory is given back; also after an error or an interrupt.

    The block holds for the thread that enters it. A thread that you start inside works
    alone, unless it enters a block of its own. All blocks share one pool of threads, as
    large as the largest of them needs. In a forked child a block goes on, with threads
    of the child.

    Parameters
    ----------
    count : int
        How many threads work at a call, the one that calls included.

    Raises
    ------
    ValueError, TypeError
        If `count` is not a whole number of at least 1.

    Examples
    --------
    >>> from deconv_tutorial import conv
    >>> with threads(2):
    ...     y = conv([[[1, 2, 3]]], [[[10, 1]]])
    >>> y
    array([[[12, 23]]])
    """
    return Threads(whole_number("count", count, at_least=1))


class Threads:
    """A block whose calls share their work, as `threads` says."""

    _entries: tuple[_Entry, ...] = ()

    def __init__(self, count: int) -> None:
        self._count = count

    def __enter__(self) -> Self:
        """Start what is needed."""
        entry = _Entry(_ASKED.get())
        try:
            self._entries = (*self._entries, entry)
            _ASKED.set(self._count)
            _POOL.enter(entry.key, self._count)
        except BaseException:  # an interrupt may come anywhere
            self._leave(entry)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End and restore what was changed."""
        entry = self._entries[-1]
        try:
            self._leave(entry)
        except BaseException:  # what was begun is done once more: that does no harm
            self._leave(entry)
            raise

    def _leave(self, entry: _Entry) -> None:
        _ASKED.set(entry.before)
        _POOL.leave(entry.key)
        self._entries = tuple(each for each in self._entries if each is not entry)
        entry.__class__ = _EndedEntry  # pyright: ignore[reportAttributeAccessIssue]


class _Entry:
    """A block that was entered. If an interrupt hinders its end, it ends when it goes.

    An interrupt in `__del__` itself would be lost, so ended entries have none.
    """

    key: object = None

    def __init__(self, before: int) -> None:
        self.key = object()
        self.before = before  # what was asked for then

    def __del__(self) -> None:
        """End the block."""
        _POOL.leave(self.key, wait=False)


class _EndedEntry:
    """An entry that has nothing left to do."""


class _Pool:
    """The threads of the process, and who asked for them.

    Whatever is asked for is kept in `asked`; `_follow` makes the rest so. It can be
    interrupted, and called again.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()  # a signal handler may come while it is held
        self.asked: dict[object, tuple[int, int]] = {}  # threads, and by which thread
        self.limits: list[tuple[Library, int]] = []  # what each BLAS library had
        self.workers: list[_Worker] = []
        self.ending: list[_Worker] = []  # those that are told to
        self.tasks: SimpleQueue[Task | None] = SimpleQueue()

    def enter(self, entry: object, count: int) -> None:
        """Note that a block has begun."""
        _fork_watch()
        with self.lock:
            self.asked[entry] = count, threading.get_ident()
            self._follow()

    def leave(self, entry: object, *, wait: bool = True) -> None:
        """Note that a block has ended, if that was not known yet."""
        with self.lock:
            self.asked.pop(entry, None)
            self._follow()
        while wait and any(worker.is_working() for worker in self.ending):
            time.sleep(1e-4)
        self.ending = []

    def restart(self) -> None:
        """Begin anew in a forked child, which has one thread, and only its blocks."""
        mine = threading.get_ident()
        asked = {e: each for e, each in self.asked.items() if each[1] == mine}
        limits = self.limits
        self.__init__()
        self.asked, self.limits = asked, limits
        self._follow()

    def _follow(self) -> None:
        """Start, limit, restore and end what has to be."""
        if self.asked:
            if not self.limits:
                found = [(each, each.num_threads) for each in _libraries()]
                # A signal handler may have set them meanwhile.
                self.limits = self.limits or found
            for library, _ in self.limits:
                _set_threads(library, 1)
            self._grow(max(count for count, _ in self.asked.values()) - 1)
            return
        for library, count in self.limits:
            _set_threads(library, count)
        self.limits = []
        give_back()
        self.tasks.put(None)  # each thread hands it on to the next
        self.ending = [*self.ending, *self.workers]
        self.workers, self.tasks = [], SimpleQueue()

    def _grow(self, size: int) -> None:
        while len(self.workers) < size:
            worker = _Worker(self.tasks)
            self.workers.append(worker)
            try:
                # An interrupt of `Thread.start` leaves a thread that never ends.
                _thread.start_new_thread(worker.run, ())
            except RuntimeError:  # the interpreter ends: whoever calls works alone
                self.workers.remove(worker)
                return


class _Worker:
    """What a thread of the pool does: one task after the other, until there is none."""

    def __init__(self, tasks: SimpleQueue[Task | None]) -> None:
        self._tasks = tasks
        self._thread: int | None = None

    def run(self) -> None:
        """Do the tasks, and hand the end on to the next thread."""
        self._thread = threading.get_ident()
        while (task := self._tasks.get()) is not None:
            task()
            del task  # what it holds is not needed while this thread waits
        self._tasks.put(None)
        self._thread = None

    def is_working(self) -> bool:
        """Return whether another thread has to wait for this one."""
        return self._thread not in {None, threading.get_ident()}


_POOL = _Pool()


def share(
    work: Callable[[list[Item], Scratch], Result], items: Iterable[Item]
) -> list[Result]:
    """Return what `work` returns for consecutive parts of the items, in their order.

    There are as many parts as `threads` asks for, but at most one for each item. The
    thread that calls works at the parts, too, and takes those that no other has taken.

    Parameters
    ----------
    work : callable
        Takes some items, and scratch memory that is its own meanwhile.
    items : iterable
        What there is to do.

    Examples
    --------
    >>> sum(share(lambda part, scratch: sum(part), [1, 2, 3]))
    6
    """
    items = [*items]
    count = min(share_count(), len(items))
    if count < 2:
        scratch = lease()
        try:
            return [work(items, scratch)]
        finally:
            release(scratch, keep=max(2, len(_POOL.workers) + 1))
    parts = deque(enumerate(items[part] for part in cuts(len(items), count)))
    done: Outcomes[Result] = SimpleQueue()
    help_out = partial(_help_out, work, parts, done)
    try:
        for _ in range(min(count - 1, len(_POOL.workers))):
            # A context of its own for each: it has NumPy's errstate, for example.
            _POOL.tasks.put(partial(copy_context().run, help_out))
        copy_context().run(help_out)
        outcomes = sorted((done.get() for _ in range(count)), key=lambda each: each[0])
    finally:
        parts.clear()  # after an interrupt, too, nobody begins another part
    for _, _, error in outcomes:
        if error is not None:
            raise error
    return [result for _, results, _ in outcomes for result in results]


def _help_out(
    work: Callable[[list[Item], Scratch], Result],
    parts: deque[tuple[int, list[Item]]],
    done: Outcomes[Result],
) -> None:
    """Work at parts until there is none left."""
    _ASKED.set(1)  # a call within a part is not shared again
    while parts:
        try:
            n, part = parts.popleft()
        except IndexError:  # another thread was faster
            return
        try:
            done.put((n, share(work, part), None))
        except BaseException as error:  # noqa: BLE001  # who shares raises it
            done.put((n, [], error))


def share_count() -> int:
    """Return among how many threads a call shares its work here."""
    return _ASKED.get()


def blas_shares() -> bool:
    """Return whether the BLAS library itself uses several threads for a product."""
    return any(library.num_threads > 1 for library in _known_libraries())


def _libraries() -> list[Library]:
    """Return the BLAS libraries that are loaded now."""
    loaded: Any = threadpoolctl.ThreadpoolController()
    return loaded.select(user_api="blas").lib_controllers


_known_libraries = cache(_libraries)


def _set_threads(library: Library, count: int) -> None:
    """Set the number of threads of a library, from whichever thread.

    Of some libraries threadpoolctl lets one thread set it, the first that did, until it
    says that it is done. So we say so each time, and where another has not, we do.
    """
    # threadpoolctl has it since 3.8.
    done: Any = getattr(library, "clear_controlling_thread", _nothing)
    if library.num_threads != count:
        library.set_num_threads(count)
        if library.num_threads != count:
            done(force=True)
            library.set_num_threads(count)
        done()


def _nothing(**_: object) -> None:
    """Do nothing."""


@cache
def _fork_watch() -> None:
    """See to it that forked children begin anew, where there can be any."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_POOL.restart)
