"""Times, measured side by side: every side once a round, the median over the rounds.

One sample of a side is one call, or as many as take `SAMPLE` seconds. Since the others
run in between, no side finds its own data in the cache: times are higher than in a loop
over one function, for every side.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from benchmarks.accuracy import WRONG, relative_error
from benchmarks.sides import PreparedWork, Side, reason
from benchmarks.workloads import WORKS, WorkloadCase, expected_arrays
from deconv_tutorial.dtypes import Array

SAMPLE = 2e-3
"""The least seconds of a sample."""
SETTLE = 0.08
"""Seconds between samples with several threads: after a product OpenBLAS's workers spin
for 26 ms, and slow down what runs next."""
AWAKE = 0.03
"""Seconds of calls before a sample with several threads. After a pause the threads of
a side wake up on the same processor, and move apart only in time."""
PATIENCE = 1.0
"""Seconds of one side and one work after which it gets no further round."""

NO_SUCH = "of another shape, or not finite"

Cell: TypeAlias = dict[str, Any]
"""What is known of one side at one work: times in ms and error, or what is wrong."""


class Pace(NamedTuple):
    """How often and how carefully."""

    rounds: int
    settle: float


def seconds(run: Callable[[], object], calls: int) -> float:
    """Return how long a call takes, as the mean of several."""
    start = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - start) / calls


def interleaved_samples(
    runs: Sequence[Callable[[], object]], pace: Pace
) -> list[list[float]]:
    """Return the samples of each of several functions, in seconds a call."""
    once = [seconds(run, 1) for run in runs]
    calls = [max(1, round(SAMPLE / max(t, 1e-7))) for t in once]
    samples: list[list[float]] = [[] for _ in runs]
    # In another order each round, so that nobody always runs after the same one.
    rng = np.random.default_rng(0)
    for _ in range(pace.rounds):
        order: list[int] = rng.permutation(len(runs)).tolist()
        for i in order:
            if not samples[i] or sum(samples[i]) * calls[i] < PATIENCE:
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
    """Return what each work of a row takes each side."""
    return {work: work_cells(case, work, sides, pace) for work in WORKS}


def work_cells(
    case: WorkloadCase, work: str, sides: Sequence[Side], pace: Pace
) -> dict[str, Cell]:
    """Return what one work takes each side that has it, checked before it is timed."""
    answer = expected_arrays(case, work)
    found: dict[str, Cell] = {}
    runs: dict[str, Callable[[], object]] = {}
    for side in sides:
        prepared, cell = checked_work(side, case, work, answer)
        if cell is not None:
            found[side.name] = cell
        if prepared is not None:
            runs[side.name] = prepared.run
    for name, samples in timings(runs, pace).items():
        found[name] |= samples
    return found


def checked_work(
    side: Side, case: WorkloadCase, work: str, answer: Sequence[Array]
) -> tuple[PreparedWork | None, Cell | None]:
    """Return a side made ready if its result is right, and its error or what is wrong.

    Both are None where the side has no such work.
    """
    try:
        prepared = side.prepare(case, work)
        if prepared is None:
            return None, None
        error = relative_error(prepared.arrays(prepared.run()), answer)
    except Exception as error:  # noqa: BLE001  # a peer may raise anything
        return None, {"wrong": reason(error)}
    if error > WRONG:
        size = f"relative error {error:.1g}" if math.isfinite(error) else NO_SUCH
        return None, {"wrong": size}
    return prepared, {"error": error}


def timings(runs: Mapping[str, Callable[[], object]], pace: Pace) -> dict[str, Cell]:
    """Return the median and the quartile range of each function, in ms."""
    samples = interleaved_samples([*runs.values()], pace)
    return dict(zip(runs, map(_times, samples), strict=True))


def _times(samples: list[float]) -> Cell:
    low, high = (float(q) for q in np.quantile(samples, [0.25, 0.75]))
    return {
        "ms": 1e3 * median(samples),
        "spread": 1e3 * (high - low),
        "rounds": len(samples),
    }
