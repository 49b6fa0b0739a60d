"""Ratios and means of the measurements, and the bars that they should meet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from benchmarks.collect import Results
from benchmarks.measure import Cell
from benchmarks.workloads import BACKWARDS, DEPTHWISE, MAPS, TINY

TIE = 0.05
"""Two times that differ by less than this share are a tie."""


class Ratio(NamedTuple):
    """The time of the default engine divided by the time of another side."""

    row: str
    work: str
    value: float
    other: str

    def __str__(self) -> str:
        """Return the ratio after its row and work, as in the report."""
        return f"{self.row} {self.work} {self.value:.2f}"


class Bar(NamedTuple):
    """A limit, the measurement, and the ratios outside the limit."""

    name: str
    limit: str
    measured: str
    met: bool
    outside: list[str]


def thread_words(threads: str) -> str:
    """Return a number of threads with its noun.

    Examples
    --------
    >>> thread_words("1"), thread_words("2")
    ('1 thread', '2 threads')
    """
    return f"{threads} thread{'s' * (threads != '1')}"


def geometric_mean(values: Iterable[float]) -> float:
    """Return the geometric mean, or ``nan`` if there are no values.

    Examples
    --------
    >>> geometric_mean([1, 4])
    2.0
    """
    logs = [math.log2(value) for value in values]
    return 2 ** (sum(logs) / len(logs)) if logs else math.nan


def all_cells(
    results: Results, threads: str
) -> Iterator[tuple[str, str, dict[str, Cell]]]:
    """Yield each row and work with the cells of its sides."""
    for row, works in results["threads"][threads]["cells"].items():
        for work, cells in works.items():
            yield row, work, cells


def ratios(results: Results, threads: str, against: str) -> list[Ratio]:
    """Return the ratios of the default engine to a side, or to the best NumPy peer.

    Parameters
    ----------
    results : dict
        The stored measurements.
    threads : str
        The number of threads.
    against : str
        The name of a side, or ``"numpy"`` for the fastest NumPy peer of each cell.
    """
    found: list[Ratio] = []
    for row, work, cells in all_cells(results, threads):
        ours = cells.get(results["default"], {}).get("ms")
        other = best_peer(results, cells) if against == "numpy" else against
        theirs = cells.get(other, {}).get("ms")
        if ours and theirs:
            found.append(Ratio(row, work, ours / theirs, other))
    return found


def best_peer(results: Results, cells: Mapping[str, Cell]) -> str:
    """Return the name of the fastest NumPy peer, or "" if there is none."""
    times = {
        name: cell["ms"]
        for name, cell in cells.items()
        if results["sides"][name].get("kind") == "numpy" and "ms" in cell
    }
    return min(times, key=lambda name: times[name], default="")


def ratios_of_maps(found: Iterable[Ratio]) -> list[Ratio]:
    """Return the ratios of the three maps."""
    return [ratio for ratio in found if ratio.work in MAPS]


def ratios_of_backwards(found: Iterable[Ratio]) -> list[Ratio]:
    """Return the ratios of the full backward passes."""
    return [ratio for ratio in found if ratio.work in BACKWARDS]


def ties(found: Iterable[Ratio]) -> list[Ratio]:
    """Return the ratios that are too close to 1 to say who is faster."""
    return [ratio for ratio in found if 1 / (1 + TIE) <= ratio.value <= 1 + TIE]


def mean_of(found: Iterable[Ratio]) -> float:
    """Return the geometric mean of ratios."""
    return geometric_mean(ratio.value for ratio in found)


def bars(results: Results) -> list[Bar]:
    """Return all bars that have a measurement."""
    found: list[Bar] = []
    for threads in results["threads"]:
        found += _bars_of_time(results, threads)
    return [*found, *_memory(results), *_growth(results), *_errors(results)]


def _bars_of_time(results: Results, threads: str) -> Iterator[Bar]:
    torch = ratios_of_maps(ratios(results, threads, "torch"))
    whole, worst = (1.0, 2.2) if threads == "1" else (1.4, 3.0)
    if torch:
        yield _mean_bar(
            f"time ÷ PyTorch, geometric mean, {thread_words(threads)}", whole, torch
        )
    for name, limit, found in (
        ("all but depthwise", worst, [r for r in torch if r.row != DEPTHWISE]),
        ("depthwise", 5.0, [r for r in torch if r.row == DEPTHWISE]),
        ("tiny arrays", 0.8, [r for r in torch if r.row in TINY]),
    ):
        if found:
            yield _worst_bar(
                f"time ÷ PyTorch, {name}, {thread_words(threads)}", limit, found
            )
    numpy = ratios_of_maps(ratios(results, threads, "numpy"))
    if numpy:
        yield _worst_bar(f"time ÷ best NumPy peer, {thread_words(threads)}", 1.0, numpy)
        yield _speed_bar(
            f"times faster than the best NumPy peer, {thread_words(threads)}", numpy
        )


def _mean_bar(name: str, limit: float, found: list[Ratio]) -> Bar:
    mean = mean_of(found)
    return Bar(name, f"≤ {limit}", f"{mean:.2f}", mean <= limit, [])


def _speed_bar(name: str, found: list[Ratio]) -> Bar:
    mean = 1 / mean_of(found)
    return Bar(f"{name}, geometric mean", "≥ 1.8", f"{mean:.2f}", mean >= 1.8, [])


def _worst_bar(name: str, limit: float, found: list[Ratio]) -> Bar:
    outside = [str(ratio) for ratio in found if ratio.value > limit]
    worst = max(found, key=lambda ratio: ratio.value)
    return Bar(name, f"each ≤ {limit}", f"worst {worst}", not outside, outside)


def _memory(results: Results) -> Iterator[Bar]:
    found = {
        f"{row} {work}, {thread_words(threads)}": extra
        for threads, of in results["threads"].items()
        for row, works in of.get("memory", {}).get(results["default"], {}).items()
        for work, extra in works.items()
    }
    if found:
        yield _largest_bar("extra memory, MiB", 32, found, ".1f")


def _growth(results: Results) -> Iterator[Bar]:
    for curve, meaning in {"N": "samples", "O": "output positions"}.items():
        works = results.get("growth", {}).get(curve, {})
        found = {
            work: works[work][results["default"]]["exponent"]
            for work in MAPS
            if results["default"] in works.get(work, {})
        }
        if found:
            outside = [f"{k} {v:.2f}" for k, v in found.items() if not 0.9 <= v <= 1.1]
            measured = ", ".join(f"{work} {value:.2f}" for work, value in found.items())
            name = f"growth exponent in {meaning}"
            yield Bar(name, "each 0.9 to 1.1", measured, not outside, outside)


def _errors(results: Results) -> Iterator[Bar]:
    for dtype, limit in {"float32": 2e-5, "float64": 1e-12}.items():
        found = {
            f"{row} {work}": error
            for row, dtypes in results.get("errors", {}).items()
            for work, sides in dtypes[dtype].items()
            if isinstance(error := sides.get(results["default"]), float)
        }
        if found:
            yield _largest_bar(f"relative error, {dtype}", limit, found, ".1e")


def _largest_bar(name: str, limit: float, found: dict[str, float], form: str) -> Bar:
    outside = [f"{key} {value:{form}}" for key, value in found.items() if value > limit]
    key = max(found, key=lambda key: found[key])
    measured = f"largest {found[key]:{form}} ({key})"
    return Bar(name, f"≤ {limit:g}", measured, not outside, outside)
