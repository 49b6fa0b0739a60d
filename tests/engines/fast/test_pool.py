"""A call touches nothing outside itself; `threads` touches what it says, and restores.

Each case runs in a fresh process of its own, since what it looks at belongs to the
process: the threads that the system counts, and what the BLAS library says of itself.
"""

import os
import signal
import subprocess
import sys
import textwrap
from itertools import chain

import numpy as np
import pytest

from deconv_tutorial import threads
from deconv_tutorial.engines.fast.pool import share, share_count

PREAMBLE = """
import contextlib, os, signal, sys, threading, time
import numpy as np
from threadpoolctl import ThreadpoolController, threadpool_limits
from deconv_tutorial import conv, conv_backward, fast, im2col, naive, threads
from deconv_tutorial.engines.fast import pool, scratch

rng = np.random.default_rng(0)
# Blocks of samples for the first layer, tiles for the second, planes for the third.
X = rng.integers(-3, 4, (8, 32, 20, 20)) * 1.0
W = rng.integers(-3, 4, (8, 32, 2, 2)) * 1.0
LAYERS = [
    (X, W, {"stride": 2}),
    *(
        (rng.random(x, np.float32), rng.random(w, np.float32), {"groups": groups})
        for x, w, groups in [
            ((4, 64, 28, 28), (64, 64, 3, 3), 1),
            ((4, 3, 90, 90), (16, 3, 3, 3), 1),
            ((4, 9, 90, 90), (9, 1, 3, 3), 9),
        ]
    ),
]
RIGHT = conv(X, W, stride=2, engine=im2col)

def blas():
    controllers = ThreadpoolController().select(user_api="blas").lib_controllers
    return [library.num_threads for library in controllers]

def tasks():
    "Return the threads that the system counts, without those of the BLAS library."
    return len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 0

def ours():
    "Return the threads that run in the pool, as the interpreter lists them."
    found = []
    for thread, frame in sys._current_frames().items():
        while frame.f_back is not None:
            frame = frame.f_back
        if frame.f_code.co_filename == pool.__file__:
            found.append(thread)
    return found

def soon(condition):
    end = time.monotonic() + 20  # on a busy machine a thread may wait that long
    while not condition() and time.monotonic() < end:
        time.sleep(1e-3)
    return condition()

def running(count):
    "Return whether so many threads run in the pool, or do so soon."
    return soon(lambda: len(ours()) == count)

def tasks_again(before):
    return soon(lambda: tasks() == before and not ours())

def call_all():
    for x, w, settings in LAYERS:
        y = conv(x, w, **settings)
        conv_backward(np.ones_like(y), x, w, **settings)

def right():
    return np.array_equal(conv(X, W, stride=2), RIGHT)

def in_thread(function):
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join(60)
    assert not thread.is_alive(), "it hangs"
    return found[0]

np.ones((300, 300)) @ np.ones((300, 300))  # BLAS starts its threads
"""


def run(code, *, blas=2, timeout=60, expect=0):
    """Run code in a fresh process in which BLAS may use so many threads."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": str(blas)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PREAMBLE + textwrap.dedent(code)],
        env=environment,
        timeout=timeout,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout


# Without being asked.


def test_a_call_starts_no_thread_and_sets_no_limit():
    run("""
        def state():
            return blas(), tasks(), signal.getsignal(signal.SIGALRM), np.geterr()
        before = state()
        for _ in range(3):
            call_all()
            assert state() == before
        assert blas()[0] == 2
    """)


def test_an_import_changes_nothing():
    code = """
        import os, signal, sys, threading, warnings
        import numpy as np
        from threadpoolctl import threadpool_info
        def state():
            return (
                threading.active_count(), np.geterr(), np.get_printoptions(),
                [signal.getsignal(n) for n in signal.valid_signals()],
                sys.excepthook, sys.getrecursionlimit(), list(warnings.filters),
                [info["num_threads"] for info in threadpool_info()],
                getattr(os, "sched_getaffinity", lambda _: 0)(0), dict(os.environ),
            )
        registered = []
        os.register_at_fork = lambda **kwargs: registered.append(kwargs)
        before = state()
        import deconv_tutorial
        assert state() == before
        deconv_tutorial.conv([[[1, 2, 3]]], [[[1, 2]]])
        assert state() == before
        assert not registered
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_threads_of_the_application_leave_the_limits_as_they_were():
    """Two threads that only call `conv` once left BLAS at one thread for good."""
    run("""
        from concurrent.futures import ThreadPoolExecutor
        for _ in range(5):
            with ThreadPoolExecutor(4) as executor:
                results = [*executor.map(lambda _: right(), range(16))]
            assert all(results)
            assert blas()[0] == 2
        assert not ours()
    """)


def test_a_call_in_a_thread_does_not_take_control_of_the_limits():
    """After one, the application's own limit once had no effect."""
    run("""
        stay = threading.Event()
        def called():
            conv(X, W)
            with threads(2):
                conv(X, W)
            ready.set()
            stay.wait(60)
        ready = threading.Event()
        thread = threading.Thread(target=called)
        thread.start()
        ready.wait(60)
        with threadpool_limits(1):
            assert blas()[0] == 1
        assert blas()[0] == 2
        stay.set()
    """)


def test_many_blas_threads_and_batches_make_no_pools():
    """A pool for each number of parts once made 641 threads."""
    run(
        """
        before = tasks()
        for samples in range(1, 46):
            conv(np.ones((samples, 4, 30, 30)), np.ones((4, 4, 3, 3)))
        assert tasks_again(before)
        with threads(16):
            for samples in range(1, 46):
                conv(np.ones((samples, 4, 30, 30)), np.ones((4, 4, 3, 3)))
            assert running(15)
        assert tasks_again(before)
    """,
        blas=16,
    )


# Asked by name.


def test_blas_has_one_thread_inside_and_as_many_as_before_after():
    run("""
        before = tasks()
        with threads(3):
            assert set(blas()) == {1}
            assert running(2)
            assert soon(lambda: tasks() == before + 2)
            call_all()
            assert set(blas()) == {1}
            assert running(2)
        assert blas()[0] == 2
        assert tasks_again(before)
    """)


def test_errors_restore():
    run("""
        for error in (ValueError, KeyboardInterrupt, SystemExit, GeneratorExit):
            with contextlib.suppress(error), threads(3):
                raise error
            assert blas()[0] == 2 and not ours()
            assert pool.share_count() == 1
    """)


def test_blocks_are_nested():
    run("""
        with threads(2):
            with threads(4):
                assert pool.share_count() == 4 and running(3)
                assert right()
            assert pool.share_count() == 2
            assert set(blas()) == {1}
            with threads(1):
                assert pool.share_count() == 1
                assert right()
            assert pool.share_count() == 2 and set(blas()) == {1}
            assert right()
        same = threads(2)
        with same, same:
            assert right()
        assert blas()[0] == 2 and not ours() and pool.share_count() == 1
    """)


def test_blocks_of_several_threads_share_one_pool():
    run("""
        def one(n):
            for _ in range(10):
                with threads(n):
                    assert pool.share_count() == n
                    assert right()
                    assert len(pool._POOL.workers) <= 4
            return True
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(6) as executor:
            assert all(executor.map(one, [2, 3, 4, 5, 2, 3] * 2))
        assert blas()[0] == 2 and not ours()
    """)


def test_blocks_that_end_in_another_order_restore_at_the_last():
    run("""
        one, two = threads(2), threads(3)
        inside, leave = threading.Event(), threading.Event()
        def other():
            with two:
                inside.set()
                leave.wait(60)
        thread = threading.Thread(target=other)
        with one:
            thread.start()
            inside.wait(60)
        assert set(blas()) == {1}
        leave.set()
        thread.join(60)
        assert blas()[0] == 2 and not ours()
    """)


def test_from_a_thread_while_another_has_the_limits():
    run("""
        with threadpool_limits(2):  # this thread controls them now
            def inside():
                with threads(2):
                    return blas()[0]
            assert in_thread(inside) == 1
            assert blas()[0] == 2
        assert blas()[0] == 2
    """)


def test_a_thread_started_inside_works_alone():
    run("""
        with threads(3):
            assert in_thread(pool.share_count) == 1
            assert in_thread(right)
    """)


def test_calls_within_a_part_do_not_wait_for_themselves():
    """Numbers whose product calls `conv` once blocked all threads."""
    run("""
        from functools import total_ordering
        class Odd(int):
            def __mul__(self, other):
                conv(X, W, stride=2)
                return int(self) * int(other)
            __rmul__ = __mul__
        x = np.array([[[Odd(1), Odd(2), Odd(3)]]] * 2, object)
        w = np.array([[[Odd(1), Odd(2)]]], object)
        with threads(3):
            assert conv(x, w).tolist() == [[[5, 8]]] * 2
            together = threading.Barrier(3)
            def nested(part, _):
                together.wait(20)  # no thread is free now
                return right()
            assert pool.share(nested, range(6)) == [True] * 3
    """)


def test_a_signal_handler_may_call():
    """Also in the middle of another call, whose memory it must not use."""
    run("""
        if hasattr(signal, "setitimer"):
            calls = []
            def handler(*_):
                with threads(2):
                    calls.append(right())
                calls.append(right())
                if len(calls) < 200:
                    signal.setitimer(signal.ITIMER_REAL, 1e-4 + random.random() * 0.01)
            random = np.random.default_rng(1)
            signal.signal(signal.SIGALRM, handler)
            signal.setitimer(signal.ITIMER_REAL, 0.01)
            while len(calls) < 200:
                assert right()
                with threads(2):
                    assert right()
            assert all(calls)
            assert blas()[0] == 2 and not ours()
    """)


def test_interrupts_at_any_moment_leave_nothing():
    """No held lock, no stuck limit, no thread, and the next call is right."""
    run(
        """
        def interrupt(*_):
            raise KeyboardInterrupt
        if hasattr(signal, "setitimer"):
            random = np.random.default_rng(1)
            signal.signal(signal.SIGALRM, interrupt)
            hits = 0
            for n in range(200):
                try:
                    try:
                        delay = 1e-5 + random.random() * 0.02
                        # Again, since one may be lost in a callback of C code.
                        signal.setitimer(signal.ITIMER_REAL, delay, 0.1)
                        while True:
                            with threads(2):
                                conv(X, W, stride=2)
                    finally:
                        signal.setitimer(signal.ITIMER_REAL, 0)
                except KeyboardInterrupt:
                    hits += 1
                assert blas()[0] == 2, n
                assert soon(lambda: not ours()), n
                pool._ASKED.set(1)
            assert hits == 200
            assert right()
            with threads(2):
                assert right()
    """,
        timeout=120,
    )


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no such signal here")
def test_a_block_may_end_last_in_a_thread_of_the_pool():
    """It does not wait for itself. The caller has been interrupted meanwhile."""
    run("""
        main, both = threading.main_thread(), threading.Barrier(2)
        interrupted, left, gone = [], threading.Event(), []
        def interrupt(_, frame):
            within = []
            while frame is not None:
                within.append(frame.f_code.co_name)
                frame = frame.f_back
            if "part" not in within and "_help_out" not in within and not interrupted:
                interrupted.append(True)
                raise KeyboardInterrupt
        def part(items, _):
            both.wait(20)  # each part in a thread of its own
            if threading.current_thread() is not main:
                with threads(2):
                    while not interrupted:
                        signal.pthread_kill(main.ident, signal.SIGINT)
                        time.sleep(0.01)
                    left.wait(20)
                gone.append(True)
        signal.signal(signal.SIGINT, interrupt)
        try:
            with threads(2):
                pool.share(part, [1, 2])
        except KeyboardInterrupt:
            assert set(blas()) == {1}
        left.set()
        assert soon(lambda: gone) and running(0)
        assert interrupted and blas()[0] == 2 and right()
    """)


def test_errstate_reaches_the_threads():
    run("""
        with threads(2):
            def over(*_):
                return np.geterr()["over"]
            assert pool.share(over, [1, 2]) == ["warn"] * 2
            with np.errstate(over="raise", invalid="ignore"):
                assert pool.share(over, [1, 2]) == ["raise"] * 2
                try:
                    pool.share(lambda part, _: np.float32(3e38) * part[0], [1, 9, 9])
                except FloatingPointError:
                    pass
                else:
                    raise AssertionError("the overflow in the second half was missed")
    """)


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@needs_fork
def test_forked_children():
    run("""
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # of fork with threads
        def child(inside):
            pid = os.fork()
            if not pid:
                signal.alarm(30)
                os._exit(0 if inside() else 1)
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        def alone():
            return right() and blas()[0] == 2 and not ours()
        def with_block():
            with threads(2):
                ok = right() and running(1) and set(blas()) == {1}
            return ok and alone()
        assert child(alone) == 0 and child(with_block) == 0
        with threads(2):
            def goes_on():
                return right() and running(1) and set(blas()) == {1}
            assert child(goes_on) == 0
            assert child(lambda: right() and set(blas()) == {1}) == 0
            assert right()
        assert child(alone) == 0
        # A child of a thread that is in no block, while another is in one.
        leave, entered = threading.Event(), threading.Event()
        def block():
            with threads(3):
                entered.set()
                leave.wait(60)
        thread = threading.Thread(target=block)
        thread.start()
        entered.wait(60)
        assert child(alone) == 0
        leave.set()
        thread.join(60)
        assert alone()
    """)


@needs_fork
def test_a_fork_in_the_middle_of_calls():
    run(
        """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        stop = threading.Event()
        def busy():
            while not stop.is_set():
                with threads(2):
                    conv(X, W, stride=2)
        others = [threading.Thread(target=busy) for _ in range(3)]
        for other in others:
            other.start()
        failures = 0
        for _ in range(30):
            pid = os.fork()
            if not pid:
                signal.alarm(20)
                ok = blas()[0] == 2 and right()
                with threads(2):
                    ok = ok and right()
                os._exit(0 if ok and blas()[0] == 2 else 1)
            failures += bool(os.waitpid(pid, 0)[1])
        stop.set()
        for other in others:
            other.join(60)
        assert not failures
    """,
        timeout=120,
    )


def test_spawned_children():
    run("""
        from concurrent.futures import ProcessPoolExecutor
        import multiprocessing
        with threads(2), ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn")
        ) as executor:
            future = executor.submit(conv, X, W, stride=2)
            assert np.array_equal(future.result(60), RIGHT)
        assert blas()[0] == 2 and not ours()
    """)


def test_calls_at_exit_and_after_main_has_ended():
    out = run("""
        import atexit
        def late(name):
            with threads(2):
                assert right()
            assert right()
            print(name, flush=True)
        atexit.register(late, "at exit")
        def waits():
            threading.main_thread().join(30)
            late("after main")
        threading.Thread(target=waits).start()
    """)
    assert out.split("\n")[:2] == ["after main", "at exit"]


def test_a_block_that_is_never_left_does_not_keep_the_process():
    run("""
        generator = (None for _ in [threads(2).__enter__()])
        next(generator)
        assert right()
    """)


def test_asyncio_tasks():
    run("""
        import asyncio
        async def shared(n):
            with threads(n):
                await asyncio.sleep(0.01)
                assert pool.share_count() == n
                return right()
        async def main():
            return await asyncio.gather(*(shared(n) for n in (1, 2, 3)))
        assert asyncio.run(main()) == [True] * 3
        assert blas()[0] == 2 and not ours() and pool.share_count() == 1
    """)


# Scratch memory.


def test_scratch_memory_is_bounded_for_the_process_and_given_back():
    run("""
        import tracemalloc
        from concurrent.futures import ThreadPoolExecutor
        tracemalloc.start()
        def kept():
            return sum(lease.nbytes for lease in scratch._FREE)
        with ThreadPoolExecutor(8) as executor:
            [*executor.map(lambda _: call_all(), range(16))]
        assert 0 < kept() <= 2 * scratch.KEPT
        assert tracemalloc.get_traced_memory()[0] < 2 * scratch.KEPT + 2**21
        with threads(3):
            call_all()
            assert kept() <= 3 * scratch.KEPT
        assert kept() == 0
        assert tracemalloc.get_traced_memory()[0] < 2**21
    """)


# What is shared, and how.


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_parts_come_back_in_order(count):
    with threads(2):
        parts = share(lambda part, _: part, range(count))
    assert list(chain(*parts)) == list(range(count))
    assert len(parts) == max(1, min(2, count))


def test_the_first_error_comes_through():
    def work(part, _):
        return 1 // part[0]

    with threads(3), pytest.raises(ZeroDivisionError):
        share(work, [1, 0, 0])
    assert share_count() == 1


def test_each_part_has_scratch_memory_of_its_own():
    def work(part, scratch):
        mine = scratch.array((1000,), float)
        mine[...] = part[0]
        share(lambda _, other: other.array((1000,), float).fill(-1), [0])
        return bool((mine == part[0]).all())

    assert share(work, [7]) == [True]
    with threads(3):
        assert share(work, [1, 2, 3]) == [True] * 3


def test_one_block_of_work_is_done_where_it_is():
    with threads(4):
        assert share(lambda part, _: np.array(part), [5])[0].tolist() == [5]


@pytest.mark.parametrize(
    ("count", "error", "message"),
    [
        (0, ValueError, "count needs a whole number of at least 1, got 0"),
        (2.0, TypeError, "count needs a whole number of at least 1, got 2.0"),
        (True, TypeError, "count needs a whole number of at least 1, got True"),
    ],
)
def test_threads_refuses(count, error, message):
    with pytest.raises(error, match=message):
        threads(count)
