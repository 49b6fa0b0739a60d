"""The memory that a call needs besides its arguments and its results."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterable

from benchmarks.sides import PreparedWork, Side
from benchmarks.workloads import WORKS, WorkloadCase, WorkloadRow, case_of


def extra_bytes(prepared: PreparedWork, kept: int = 0) -> int:
    """Return the peak of a call in bytes, without its results, plus what was kept.

    Call it while ``tracemalloc`` is tracing, which sees what NumPy allocates.
    """
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    with prepared.within():
        value = prepared.run()
    _, peak = tracemalloc.get_traced_memory()
    results = sum(array.nbytes for array in prepared.arrays(value))
    return max(0, peak - before - results + kept)


def memory(side: Side, rows: Iterable[WorkloadRow]) -> dict[str, dict[str, float]]:
    """Return the extra MiB of each work of each row.

    Memory that a side keeps from call to call counts, such as a workspace.
    """
    found: dict[str, dict[str, float]] = {}
    tracemalloc.start()
    try:
        start, _ = tracemalloc.get_traced_memory()
        for row in rows:
            case = case_of(row)
            own = sum(array.nbytes for array in (case.x, case.w, case.y))
            extras = {work: _extra_mib(side, case, work, start + own) for work in WORKS}
            found[row.key] = {k: v for k, v in extras.items() if v is not None}
    finally:
        tracemalloc.stop()
    return found


def _extra_mib(side: Side, case: WorkloadCase, work: str, base: int) -> float | None:
    gc.collect()
    kept = max(0, tracemalloc.get_traced_memory()[0] - base)
    try:
        prepared = side.prepare(case, work)
        return None if prepared is None else extra_bytes(prepared, kept) / 2**20
    except Exception:  # noqa: BLE001  # a peer may raise anything; the times name it
        return None
