"""Measure, draw the tables again, or measure the constants in the rule of `fast`.

See ``python -m benchmarks --help``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from benchmarks.collect import (
    THREADS,
    MeasurementPlan,
    Results,
    json_text,
    quick_plan,
    results_of,
)
from benchmarks.constants import table
from benchmarks.report import report, write_report
from benchmarks.sides import NAMES
from benchmarks.workloads import ROWS

STORED = Path(__file__).with_name("results.json")


def chosen_names(option: str, text: str, known: Collection[str]) -> tuple[str, ...]:
    """Return the names in a list with commas, in the order of the known names.

    Raises
    ------
    ValueError
        If a name is unknown, or the list is empty.
    """
    wanted = [name.strip() for name in text.split(",")]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        msg = f"{option} needs names among {', '.join(known)}, got {unknown[0]!r}"
        raise ValueError(msg)
    return tuple(name for name in known if name in wanted)


def plan_of(options: argparse.Namespace) -> MeasurementPlan:
    """Return the plan for these options."""
    plan = quick_plan(MeasurementPlan()) if options.quick else MeasurementPlan()
    if options.rows:
        plan = plan._replace(rows=chosen_names("--rows", options.rows, ROWS))
    if options.sides:
        plan = plan._replace(sides=chosen_names("--sides", options.sides, NAMES))
    if options.threads:
        names = chosen_names("--threads", options.threads, [str(n) for n in THREADS])
        plan = plan._replace(threads=tuple(map(int, names)))
    plan = plan._replace(forced=options.forced)
    return plan._replace(thorough=options.thorough or plan.is_full)


def check_own_file(plan: MeasurementPlan, out: Path | None) -> None:
    """Raise a ValueError if a partial run would replace the stored measurements."""
    if not plan.is_full and out is not None and out.resolve() == STORED:
        msg = f"--out of a partial run needs another file than {STORED.name}"
        raise ValueError(msg)


def options_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of a command line."""
    return _parser().parse_args(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "command", nargs="?", choices=["run", "report", "constants"], default="run"
    )
    parser.add_argument("--rows", metavar="A1,C1", help=f"among {', '.join(ROWS)}")
    parser.add_argument("--sides", metavar="LIST", help=f"among {', '.join(NAMES)}")
    parser.add_argument("--threads", metavar="1,2", help="numbers of threads")
    parser.add_argument("--quick", action="store_true", help="less than two minutes")
    parser.add_argument(
        "--thorough", action="store_true", help="errors and growth in a partial run"
    )
    parser.add_argument(
        "--forced",
        action="store_true",
        help="keep variables such as OPENBLAS_CORETYPE, which slow one side only",
    )
    parser.add_argument("--out", type=Path, metavar="JSON", help="where to store")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, then store a full run, or print a partial one."""
    options = options_of(arguments)
    try:
        if options.command == "constants":
            print(table())
            return
        if options.command == "report":
            draw(options.out or STORED)
            return
        plan = plan_of(options)
        check_own_file(plan, options.out)
    except ValueError as error:
        _parser().error(str(error))
    finish(results_of(plan), plan, options.out)


def draw(file: Path) -> None:
    """Draw the report of stored measurements again.

    Raises
    ------
    ValueError
        If there are no stored measurements.
    """
    if not file.exists():
        msg = f"report needs measurements in {file.name}: measure first, without report"
        raise ValueError(msg)
    write_report(file)


def finish(results: Results, plan: MeasurementPlan, out: Path | None) -> None:
    """Store a full run with its report; print a partial one."""
    target = out or (STORED if plan.is_full else None)
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json_text(results), "utf-8")
    if plan.is_full:
        write_report(out or STORED)
        print(f"The report: {(out or STORED).with_name('RESULTS.md').name}")
        return
    print(report(results))


if __name__ == "__main__":
    main(sys.argv[1:])
