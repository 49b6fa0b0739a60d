"""One child process: it measures with one number of threads, and writes JSON.

The parent sets the environment before this process starts, since BLAS reads it once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import machine
from benchmarks.errors import errors
from benchmarks.growth import growth
from benchmarks.measure import SETTLE, Pace, cells
from benchmarks.memory import memory
from benchmarks.sides import Side, side_or_reason
from benchmarks.workloads import ROWS, WorkloadRow, case_of


class Job(NamedTuple):
    """The task of a child process. It is passed as JSON."""

    work: str
    """``"times"``, ``"memory"``, ``"errors"`` or ``"growth"``."""
    threads: int
    rows: list[str]
    sides: list[str]
    rounds: int


def job_result(job: Job) -> dict[str, Any]:
    """Do a job, and return its measurements."""
    loaded = {name: side_or_reason(name, job.threads) for name in job.sides}
    sides = [side for side in loaded.values() if isinstance(side, Side)]
    rows = [ROWS[key] for key in job.rows]
    pace = Pace(job.rounds, SETTLE if job.threads > 1 else 0.0)
    ours = [side for side in sides if side.kind == "engine" and side.name != "naive"]
    if job.work == "errors":
        return {"errors": errors(ours, rows)}
    if job.work == "growth":
        return {"growth": growth(ours, pace)}
    if job.work == "memory":
        numpy = [side for side in sides if side.kind != "framework"]
        return {"memory": {side.name: memory(side, rows) for side in numpy}}
    about = {name: _side_facts(side) for name, side in loaded.items()}
    return {"sides": about, **_times(rows, sides, pace)}


def _times(
    rows: Sequence[WorkloadRow], sides: Sequence[Side], pace: Pace
) -> dict[str, Any]:
    limits = machine.limits()
    found: dict[str, Any] = {}
    for row in rows:
        found[row.key] = cells(case_of(row), sides, pace)
        print(f"  {row.key} {row.title}", file=sys.stderr, flush=True)
    return {
        "cores": machine.cores(),
        "limits": limits,
        "pools": machine.thread_pools(),
        "cells": found,
    }


def _side_facts(side: Side | str) -> dict[str, str]:
    if isinstance(side, str):
        return {"absent": side}
    return {"kind": side.kind, "version": side.version, "note": side.note}


def main(arguments: Sequence[str]) -> None:
    """Do the job of the first argument and write it to the second."""
    job = Job(**json.loads(arguments[0]))
    machine.bind(job.threads)
    Path(arguments[1]).write_text(json.dumps(job_result(job)), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
