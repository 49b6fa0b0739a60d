"""Times, measured side by side: the median over rounds in which every side runs once.

A sample is one call, or as many calls as take `SAMPLE` seconds. Between two samples of
a side all other sides run. So no side finds its data in the cache, and all times are
higher than in a loop over one function.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from statistics import median
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from benchmarks.accuracy import WRONG, relative_error
from benchmarks.sides import PreparedWork, Side, reason
from benchmarks.workloads import WORKS, WorkloadCase, expected_arrays
from deconv_tutorial.dtypes import Array

SAMPLE = 2e-3
"""The shortest time of a sample, in seconds."""
SETTLE = 0.08
"""The pause between samples with several threads, in seconds. After a product, the
threads of OpenBLAS spin for 26 ms, and slow down the next side."""
AWAKE = 0.03
"""The seconds of calls before a sample with several threads, which are not timed. After
a pause the threads of a side wake up on one processor, and move apart slowly."""
PATIENCE = 1.0
"""The total seconds after which a side gets no further round for a work."""

NO_SUCH = "of another shape, or not finite"

Cell: TypeAlias = dict[str, Any]
"""One side at one work: its times in ms and its error, or what is wrong with it."""


class Pace(NamedTuple):
    """The number of rounds, and the pause before each sample."""

    rounds: int
    settle: float


def seconds(run: Callable[[], object], calls: int) -> float:
    """Return the mean time of several calls."""
    start = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - start) / calls


def interleaved_samples(
    runs: Sequence[Callable[[], object]],
    pace: Pace,
    contexts: Sequence[Callable[[], AbstractContextManager[object]]] = (),
) -> list[list[float]]:
    """Return the samples of each function, in seconds for one call.

    If there are contexts, each function runs within its own.
    """
    contexts = contexts or [nullcontext] * len(runs)
    once: list[float] = []
    for run, within in zip(runs, contexts, strict=True):
        with within():
            once.append(seconds(run, 1))
    calls = [max(1, round(SAMPLE / max(t, 1e-7))) for t in once]
    samples: list[list[float]] = [[] for _ in runs]
    # Each round has another order, so that no side always runs after the same one.
    rng = np.random.default_rng(0)
    for _ in range(pace.rounds):
        order: list[int] = rng.permutation(len(runs)).tolist()
        for i in order:
            if not samples[i] or sum(samples[i]) * calls[i] < PATIENCE:
                with contexts[i]():
                    if pace.settle:
                        time.sleep(pace.settle)
                        _wake(runs[i])
                    samples[i].append(seconds(runs[i], calls[i]))
    return samples


def _wake(run: Callable[[], object]) -> None:
    """Call a function for a while, and at least once."""
    end = time.perf_counter() + AWAKE
    run()
    while time.perf_counter() < end:
        run()


def cells(
    case: WorkloadCase, sides: Sequence[Side], pace: Pace
) -> dict[str, dict[str, Cell]]:
    """Return the cell of each work and side for a row."""
    return {work: work_cells(case, work, sides, pace) for work in WORKS}


def work_cells(
    case: WorkloadCase, work: str, sides: Sequence[Side], pace: Pace
) -> dict[str, Cell]:
    """Return the cell of each side that has a work. Results are checked, then timed."""
    answer = expected_arrays(case, work)
    found: dict[str, Cell] = {}
    works: dict[str, PreparedWork] = {}
    for side in sides:
        prepared, cell = checked_work(side, case, work, answer)
        if cell is not None:
            found[side.name] = cell
        if prepared is not None:
            works[side.name] = prepared
    for name, samples in timings(works, pace).items():
        found[name] |= samples
    return found


def checked_work(
    side: Side, case: WorkloadCase, work: str, answer: Sequence[Array]
) -> tuple[PreparedWork | None, Cell | None]:
    """Return a work ready to be timed, and its error.

    If the result is wrong, return None and what is wrong. If the side has no such work,
    return None twice.
    """
    try:
        prepared = side.prepare(case, work)
        if prepared is None:
            return None, None
        with prepared.within():
            result = prepared.run()
        error = relative_error(prepared.arrays(result), answer)
    except Exception as error:  # noqa: BLE001  # a peer may raise anything
        return None, {"wrong": reason(error)}
    if error > WRONG:
        size = f"relative error {error:.1g}" if math.isfinite(error) else NO_SUCH
        return None, {"wrong": size}
    return prepared, {"error": error}


def timings(works: Mapping[str, PreparedWork], pace: Pace) -> dict[str, Cell]:
    """Return the median and the interquartile range of each work, in ms."""
    runs = [work.run for work in works.values()]
    contexts = [work.within for work in works.values()]
    samples = interleaved_samples(runs, pace, contexts)
    return dict(zip(works, map(_times, samples), strict=True))


def _times(samples: list[float]) -> Cell:
    low, high = (float(q) for q in np.quantile(samples, [0.25, 0.75]))
    return {
        "ms": 1e3 * median(samples),
        "spread": 1e3 * (high - low),
        "rounds": len(samples),
    }
