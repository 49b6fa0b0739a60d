"""Start one child process after the other, and merge their measurements."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, cast

from benchmarks import machine
from benchmarks.child import Job
from benchmarks.sides import NAMES, SLOW
from benchmarks.workloads import ROWS
from deconv_tutorial import ENGINES, conv

Results: TypeAlias = dict[str, Any]
ROOT = Path(__file__).resolve().parent.parent
THREADS = (1, 2)


class MeasurementPlan(NamedTuple):
    """The rows, sides and numbers of threads to measure."""

    rows: tuple[str, ...] = tuple(ROWS)
    sides: tuple[str, ...] = NAMES
    threads: tuple[int, ...] = THREADS
    rounds: int = 7
    thorough: bool = True
    """Whether growth, errors and the memory of peers are measured too."""
    forced: bool = False
    """Whether variables that force a library to certain instructions are kept."""

    @property
    def is_full(self) -> bool:
        """Whether nothing is left out. Only full results are stored."""
        return self == MeasurementPlan()


def quick_plan(plan: MeasurementPlan) -> MeasurementPlan:
    """Return the plan with fewer rounds, and without the slow sides."""
    sides = tuple(name for name in plan.sides if name not in SLOW)
    return plan._replace(sides=sides, threads=(1,), rounds=3, thorough=False)


def default_engine() -> str:
    """Return the name of the default engine of `conv`."""
    engine = inspect.signature(conv).parameters["engine"].default
    return next(name for name, module in ENGINES.items() if module is engine)


def judged_engine(plan: MeasurementPlan) -> str:
    """Return the engine to compare with others: the default, if it is measured."""
    engines = [name for name in plan.sides if name in ENGINES]
    own = default_engine()
    return own if own in engines or not engines else engines[-1]


def results_of(plan: MeasurementPlan) -> Results:
    """Measure all that a plan asks for, and return the results."""
    results: Results = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "default": judged_engine(plan),
        "machine": machine.facts(),
        "plan": plan._asdict(),
        "sides": {},
        "threads": {},
    }
    for threads in plan.threads:
        found = _child_results(plan, "times", threads)
        results["sides"] |= found.pop("sides")
        results["threads"][str(threads)] = found | _child_results(
            plan, "memory", threads
        )
    if plan.thorough:
        results |= _child_results(plan, "errors", 1) | _child_results(plan, "growth", 1)
    return rounded_numbers(results)


def _child_results(plan: MeasurementPlan, work: str, threads: int) -> Results:
    print(f"{work}, threads: {threads}", file=sys.stderr, flush=True)
    # With more threads, or less time, only the engines' memory matters.
    peers = work == "times" or (plan.thorough and threads == 1)
    sides = [name for name in plan.sides if peers or name in ENGINES]
    if threads > 1:
        sides = [name for name in sides if name not in SLOW]
    job = Job(work, threads, list(plan.rows), sides, plan.rounds)
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.json"
        command = [sys.executable, "-m", "benchmarks.child", json.dumps(job._asdict())]
        environment = machine.environment(threads, forced=plan.forced)
        subprocess.run([*command, found], cwd=ROOT, env=environment, check=True)
        return json.loads(found.read_text("utf-8"))


def rounded_numbers(value: Any) -> Any:
    """Return a value with all its numbers rounded to four digits: more are noise."""
    if isinstance(value, dict):
        return {key: rounded_numbers(item) for key, item in value.items()}  # pyright: ignore
    if isinstance(value, list | tuple):
        return [rounded_numbers(item) for item in value]  # pyright: ignore
    return float(f"{value:.4g}") if isinstance(value, float) else value


def json_text(results: Results) -> str:
    """Return results as JSON, with a line for each innermost table.

    Examples
    --------
    >>> print(json_text({"a": {"b": {"ms": 1.5}}}), end="")
    {
     "a": {
      "b": {"ms": 1.5}
     }
    }
    """
    return _nested_json(results, 0) + "\n"


def _nested_json(value: Any, depth: int) -> str:
    items = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    if not any(isinstance(item, dict) for item in items.values()):
        return json.dumps(value, ensure_ascii=False)
    space = " " * (depth + 1)
    lines = (
        f"{space}{json.dumps(k)}: {_nested_json(v, depth + 1)}"
        for k, v in items.items()
    )
    return "{\n" + ",\n".join(lines) + "\n" + " " * depth + "}"
