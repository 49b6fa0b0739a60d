"""The tables of the report in Markdown, made from the stored measurements."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from benchmarks.collect import Results
from benchmarks.growth import CURVES
from benchmarks.measure import Cell
from benchmarks.summary import all_cells, best_peer
from benchmarks.workloads import MAPS, ROWS


def table(
    head: Sequence[str], lines: Iterable[Sequence[object]], texts: int = 1
) -> str:
    """Return a Markdown table. Its first columns are text, the others are numbers."""
    rule = [*["---"] * texts, *["---:"] * (len(head) - texts)]
    rows = [head, rule, *lines]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows) + "\n"


def number(value: float) -> str:
    """Return a number with three significant digits, or all digits before the point.

    Examples
    --------
    >>> number(0.012345), number(1.5), number(1234.5)
    ('0.0123', '1.50', '1234')
    """
    if not value or not math.isfinite(value):
        return f"{value:g}"
    digits = 2 - math.floor(math.log10(abs(value)))
    return f"{value:.{max(0, digits)}f}"


def names(results: Results, threads: str) -> list[str]:
    """Return the names of the sides with a cell, the default engine first."""
    present = {name for *_, cells in all_cells(results, threads) for name in cells}
    order = [name for name in results["sides"] if name in present]
    return sorted(order, key=lambda name: name != results["default"])


def times(results: Results, threads: str) -> str:
    """Return the table of median times, with the fastest NumPy side in bold."""
    sides = names(results, threads)
    lines: list[list[str]] = []
    for row, work, cells in all_cells(results, threads):
        fastest = _fastest_side(results, cells)
        shown = [_time(cells.get(name), strong=name == fastest) for name in sides]
        lines.append([f"{row} {work}", *shown])
    return table(["ms", *sides], lines)


def _fastest_side(results: Results, cells: dict[str, Cell]) -> str:
    own, peer = results["default"], best_peer(results, cells)
    ours, theirs = (cells.get(n, {}).get("ms", math.inf) for n in (own, peer))
    return own if ours <= theirs else peer


def _time(cell: Cell | None, *, strong: bool) -> str:
    if cell is None:
        return "–"
    if "wrong" in cell:
        return "wrong"
    return f"**{number(cell['ms'])}**" if strong else number(cell["ms"])


def limits(results: Results, threads: str) -> str:
    """Return the table of the shares of the machine's limits that two sides reach."""
    of = results["threads"][threads]
    sides = [n for n in (results["default"], "torch") if n in names(results, threads)]
    head = [f"{n}, {what}" for n in sides for what in ("of product", "of copy")]
    lines: list[list[str]] = []
    for row, work, cells in all_cells(results, threads):
        if work in MAPS:
            shown = (_parts(row, cells.get(name), of["limits"]) for name in sides)
            lines.append([f"{row} {work}", *(text for pair in shown for text in pair)])
    return table(["part of the limit", *head], lines)


def _parts(row: str, cell: Cell | None, limits: dict[str, float]) -> tuple[str, str]:
    if cell is None or "ms" not in cell:
        return "–", "–"
    seconds = cell["ms"] / 1e3
    moved = sum(4 * math.prod(shape) for shape in ROWS[row].shapes)
    gemm = 2 * ROWS[row].macs / seconds / 1e9 / limits["gemm"]
    return number(gemm), number(moved / seconds / 1e9 / limits["copy"])


def memory(results: Results, threads: str) -> str:
    """Return the table of extra memory."""
    found = results["threads"][threads]["memory"]
    sides = [name for name in names(results, threads) if found.get(name)]
    lines = [
        [f"{row} {work}", *(_mib(found[n].get(row, {}).get(work)) for n in sides)]
        for row, work, _ in all_cells(results, threads)
    ]
    return table(["MiB", *sides], lines)


def _mib(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def errors(results: Results) -> str:
    """Return the table of the engines' relative errors."""
    found = results["errors"]
    sides = list(dict.fromkeys(_engines(results)))
    head = [f"{name}, {dtype}" for dtype in ("float32", "float64") for name in sides]
    lines = [
        [
            f"{row} {work}",
            dtypes["reference"],
            *(
                _error(dtypes[dtype][work].get(name))
                for dtype in ("float32", "float64")
                for name in sides
            ),
        ]
        for row, dtypes in found.items()
        for work in MAPS
    ]
    return table(["relative error", "float64 against", *head], lines)


def _engines(results: Results) -> list[str]:
    sides = results["sides"].items()
    return [n for n, s in sides if s.get("kind") == "engine" and n != "naive"]


def _error(value: float | str | None) -> str:
    return "–" if value is None else value if isinstance(value, str) else f"{value:.1e}"


def growth(results: Results) -> str:
    """Return the table of exponents for each curve, map and engine."""
    sides = _engines(results)
    head = [f"{name}, {work}" for name in sides for work in MAPS]
    lines = [
        [
            f"{name}: {CURVES[name].meaning} {_span(curve['sizes'])}",
            *(
                f"{curve[work][side]['exponent']:.2f}" if side in curve[work] else "–"
                for side in sides
                for work in MAPS
            ),
        ]
        for name, curve in results["growth"].items()
    ]
    return table(["time grows as a power of", *head], lines)


def _span(sizes: list[float]) -> str:
    return f"{sizes[0]} to {sizes[-1]}"


def sides(results: Results) -> str:
    """Return the table of all sides: what each calls, or why it is absent."""
    lines = [
        [name, about.get("kind", "absent"), about.get("version", "–"), _note(about)]
        for name, about in results["sides"].items()
    ]
    return table(
        ["side", "kind", "version", "what is called, and what it cannot"], lines
    )


def _note(about: dict[str, str]) -> str:
    return about.get("note") or f"absent: {about['absent']}"
