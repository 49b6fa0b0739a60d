"""The rounding errors of each engine, in float32 and in float64."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from benchmarks.measure import checked_work
from benchmarks.sides import Side
from benchmarks.workloads import MAPS, WorkloadRow, case_of, expected_arrays
from deconv_tutorial.engines import im2col, naive

FEASIBLE = 60_000
"""The largest number of connections for which `naive` is run."""


def errors(sides: Sequence[Side], rows: Iterable[WorkloadRow]) -> dict[str, Any]:
    """Return the relative errors of the three maps, and the name of the reference.

    In float32 the reference is `im2col` in float64. In float64 it is `naive`, if that
    is fast enough, or else `im2col`, which is then not compared with itself.
    """
    return {row.key: _row(row, sides) for row in rows}


def _row(row: WorkloadRow, sides: Sequence[Side]) -> dict[str, Any]:
    feasible = row.connections <= FEASIBLE
    reference = naive if feasible else im2col
    found: dict[str, Any] = {"reference": "naive" if feasible else "im2col"}
    for dtype in (np.float32, np.float64):
        case = case_of(row, dtype)
        for work in MAPS:
            engine = reference if dtype is np.float64 else im2col
            answer = expected_arrays(case, work, engine)
            cells = {
                side.name: checked_work(side, case, work, answer)[1] for side in sides
            }
            if dtype is np.float64:
                cells.pop(found["reference"], None)
            named = {name: cell for name, cell in cells.items() if cell is not None}
            found.setdefault(dtype.__name__, {})[work] = {
                name: cell.get("error", cell.get("wrong"))
                for name, cell in named.items()
            }
    return found
