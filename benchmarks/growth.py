"""How the time of an engine grows with one size, while the other sizes stay."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from benchmarks.measure import Pace, checked_work, interleaved_samples
from benchmarks.sides import PreparedWork, Side
from benchmarks.workloads import MAPS, WorkloadRow, case_of, expected_arrays


class Curve(NamedTuple):
    """A size that grows, and its values."""

    meaning: str
    values: tuple[int, ...]
    power: int
    """The size is this power of the value. Taps and positions have two axes, so 2."""

    @property
    def sizes(self) -> list[int]:
        """The sizes, to which the times are compared."""
        return [value**self.power for value in self.values]


CURVES = {
    "N": Curve("samples", (8, 16, 32, 64), 1),
    "C": Curve("channels of x", (16, 32, 64, 128, 256), 1),
    "K": Curve("taps", (2, 3, 4, 5, 7), 2),
    "s": Curve("stride, at the same number of outputs", (1, 2, 3, 4), 1),
    "O": Curve("output positions", (32, 48, 64, 96, 128), 2),
}


def layer(N: int = 8, C: int = 32, K: int = 3, s: int = 1, O: int = 32) -> WorkloadRow:  # noqa: N803, E741
    """Return a layer with these sizes. The defaults are the middle of the curves.

    It has no padding, so that there are always ``O`` x ``O`` outputs.
    """
    size = s * (O - 1) + K
    key = f"N{N} C{C} K{K} s{s} O{O}"
    return WorkloadRow(key, "growth", "conv", N, C, 32, (size, size), (K, K), s)


def exponent(sizes: Sequence[float], times: Sequence[float]) -> float:
    """Return the exponent p in ``time = c * size**p``, by least squares.

    Raises
    ------
    ValueError
        If there are fewer than two different sizes, or a number is not positive.

    Examples
    --------
    >>> exponent([1, 2, 4], [3, 12, 48])
    2.0
    """
    if len(set(sizes)) < 2 or len(sizes) != len(times):
        msg = f"an exponent needs two sizes and a time for each, got {sizes}, {times}"
        raise ValueError(msg)
    if min(*sizes, *times) <= 0:
        msg = f"an exponent needs positive numbers, got {sizes} and {times}"
        raise ValueError(msg)
    x, y = [math.log2(size) for size in sizes], [math.log2(time) for time in times]
    middle = sum(x) / len(x)
    slope = sum((a - middle) * b for a, b in zip(x, y, strict=True))
    return slope / sum((a - middle) ** 2 for a in x)


def growth(sides: Sequence[Side], pace: Pace) -> dict[str, Any]:
    """Return the times in ms and the exponent of each curve, map and side."""
    return {
        name: {
            "sizes": curve.sizes,
            **{work: _curve(name, curve, work, sides, pace) for work in MAPS},
        }
        for name, curve in CURVES.items()
    }


def _curve(
    name: str, curve: Curve, work: str, sides: Sequence[Side], pace: Pace
) -> dict[str, Any]:
    keys: list[str] = []
    works: list[PreparedWork] = []
    for value in curve.values:
        case = case_of(layer(**{name: value}))
        answer = expected_arrays(case, work)
        for side in sides:
            prepared, cell = checked_work(side, case, work, answer)
            if prepared is None:
                msg = f"{side.name} is wrong at {case.row.key}, {work}: {cell}"
                raise ValueError(msg)
            keys.append(side.name)
            works.append(prepared)
    # The best of the rounds: other work on the machine would spoil the fit.
    runs, contexts = [w.run for w in works], [w.within for w in works]
    found = interleaved_samples(runs, pace, contexts)
    best = [1e3 * min(samples) for samples in found]
    times = {
        side.name: [t for key, t in zip(keys, best, strict=True) if key == side.name]
        for side in sides
    }
    return {
        key: {"ms": values, "exponent": exponent(curve.sizes, values)}
        for key, values in times.items()
    }
