"""Sharing out work: in order, within the limits of BLAS, and without a trace."""

import os
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from itertools import chain

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from deconv_tutorial.engines.fast import pool, processors
from deconv_tutorial.engines.fast.pool import blas_threads, even, share
from deconv_tutorial.engines.fast.scratch import _KEPT, scratch


def blas_now():
    return {
        lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"
    }


needs_two = pytest.mark.usefixtures("two_threads")


@pytest.fixture
def two_threads():
    with threadpool_limits(2, user_api="blas"):
        if blas_now() != {2}:
            pytest.skip("this BLAS library cannot be set to two threads")
        yield


@needs_two
@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_parts_come_back_in_order(count):
    parts = share(list, range(count))
    assert list(chain(*parts)) == list(range(count))
    assert len(parts) == max(1, min(2, count))


def test_one_blas_thread_means_no_other_thread():
    with threadpool_limits(1, user_api="blas"):
        names = share(lambda _: threading.current_thread().name, range(4))
    assert names == [threading.current_thread().name]


@needs_two
def test_blas_has_one_thread_in_each_part_and_all_of_them_after():
    inside = share(lambda _: (blas_now(), blas_threads()), range(4))
    assert inside == [({1}, 2), ({1}, 2)]
    assert blas_now() == {2}


@needs_two
def test_an_error_comes_through_and_leaves_the_limits_as_they_were():
    with pytest.raises(ZeroDivisionError):
        share(lambda part: 1 // part[0], range(2))
    assert blas_now() == {2}


@needs_two
def test_calls_at_the_same_time_leave_the_limits_as_they_were():
    def call():
        for _ in range(20):
            share(lambda _: time.sleep(1e-4), range(2))

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert blas_now() == {2}
    assert not pool._LIMITED


needs_processors = pytest.mark.skipif(
    not processors._allowed() or len(processors._allowed()) < 2,
    reason="one cannot choose processors here, or there is only one",
)


def waiting_thread():
    """Return the identifier of a thread that waits, and what ends it."""
    found, end = [], threading.Event()

    def wait():
        found.append(threading.get_native_id())
        end.wait()

    threading.Thread(target=wait, daemon=True).start()
    while not found:
        time.sleep(1e-4)
    return found[0], end


@needs_processors
@pytest.mark.parametrize("error", [False, True], ids=["to its end", "with an error"])
def test_threads_are_kept_apart_only_while_they_share(error):
    before = os.sched_getaffinity(0)
    thread, end = waiting_thread()
    stopped = pytest.raises(ZeroDivisionError) if error else nullcontext()
    with stopped, processors.apart([thread]):
        here = os.sched_getaffinity(0)
        assert len(here) == 1
        assert os.sched_getaffinity(thread) == before - here
        with processors.apart([thread]):  # only the first call chooses
            assert os.sched_getaffinity(0) == here
        assert os.sched_getaffinity(0) == here
        assert 1 // (not error)
    assert os.sched_getaffinity(0) == before
    end.set()


@needs_processors
def test_a_thread_that_has_ended_is_no_error():
    before = os.sched_getaffinity(0)
    with processors.apart([2**22 + 1]):
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before


def test_where_processors_are_unknown_nothing_is_done(monkeypatch):
    monkeypatch.setattr(processors, "_function", lambda: None)
    monkeypatch.setattr(processors, "_bind", None)
    with processors.apart([1]):
        pass
    assert processors._current() == -1


@needs_two
@needs_processors
def test_the_threads_of_a_call_are_apart():
    for _ in range(2):  # threads are known from the first call on
        found = share(lambda _: os.sched_getaffinity(0), range(2))
    assert len(found[0]) == 1
    assert not found[0] & found[1]


@needs_two
@pytest.mark.parametrize(("parts", "more"), [(1, 2), (2, 2), (7, 8)])
def test_parts_are_a_multiple_of_the_threads(parts, more):
    assert even(parts) == more


def test_scratch_memory_is_used_again_but_not_while_busy():
    one = scratch((3, 4), np.float32)
    two = scratch((5,), np.float64, one)
    three = scratch((6,), np.int8, one, two)
    assert not any(map(np.shares_memory, (one, two, three), (two, three, one)))
    assert np.shares_memory(scratch((2,), np.float32, two, three), one)


def test_each_thread_has_its_own_scratch_memory():
    mine, other = scratch((8,), float), []
    thread = threading.Thread(target=lambda: other.append(scratch((8,), float)))
    thread.start()
    thread.join()
    assert not np.shares_memory(mine, other[0])


def test_much_memory_is_not_kept():
    large = scratch((_KEPT + 1,), np.uint8)
    assert not np.shares_memory(large, scratch((_KEPT + 1,), np.uint8))


def test_objects_have_no_scratch_memory():
    assert scratch((2,), object).tolist() == [None, None]


FORK = """
import os, sys
from deconv_tutorial.engines.fast.pool import share
from threadpoolctl import threadpool_limits
with threadpool_limits(2, user_api="blas"):
    assert sum(share(sum, range(4))) == 6
    child = os.fork()
    if not child:
        os._exit(sum(share(sum, range(5))))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_process_has_threads_of_its_own():
    code = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK]
    assert subprocess.run(code, timeout=30, check=False).returncode == 10
