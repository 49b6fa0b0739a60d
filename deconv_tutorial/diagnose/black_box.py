"""What calls alone tell of a function: which indices it connects, and what it keeps.

Of two arrays, one gets a single 1, and the other a different number in each place. Then
every number in the result tells which places met. If on each axis these keep one rule
``i = a*o + b*k + c``, its numbers say what the function takes for the stride, the
dilation and the padding.

Every right answer is linear in d_out, and does not mix samples. A function that breaks
one of these is wrong in a way that no geometry explains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from deconv_tutorial.diagnose.compare import same
from deconv_tutorial.diagnose.mistakes.problem import Target
from deconv_tutorial.diagnose.probes import Case
from deconv_tutorial.dtypes import Array
from deconv_tutorial.geometry import Axis
from deconv_tutorial.geometry.settings import Index

CALLS = 200
"""With how many single ones to try at most."""

_CODE = 10**6

# For each result of a convolution: which array gets a single 1, which gets numbers.
_ROLES = {"dw": ("o", "i"), "dx": ("o", "k"), "y": ("i", "k")}
_ROLES_TRANSPOSED = {"dw": ("o", "i"), "dx": ("i", "k"), "y": ("o", "k")}


def law(
    call: Callable[[Case], Mapping[Target, Array]], target: Target, case: Case
) -> list[str]:
    """Return sentences on the rule that a function keeps, and the one it needs.

    Parameters
    ----------
    call : callable
        Returns what the function makes of a case, by target.
    target : {"y", "dx", "dw", "db"}
        Which result.
    case : Case
        The shapes and settings to try it with.
    """
    if target == "db":
        return []
    meetings: list[dict[str, Index]] = []
    for met in _meetings(call, target, case):
        if met is None:
            return ["its results are not single products of the numbers it gets"]
        meetings.append(met)
    axes = enumerate(case.problem.geometry.axes)
    sentences = [
        _sentence(n, axis, {tuple(m[name][n] for name in "oki") for m in meetings})
        for n, axis in axes
        if meetings
    ]
    return [sentence for sentence in sentences if sentence]


def broken_properties(
    call: Callable[[Case], Mapping[Target, Array]], target: Target, case: Case
) -> list[str]:
    """Return sentences on the properties that a function does not have.

    Parameters
    ----------
    call : callable
        Returns what the function makes of a case, by target.
    target : {"y", "dx", "dw", "db"}
        Which result.
    case : Case
        The arrays and settings to try it with.
    """
    found = call(case)[target]
    sentences: list[str] = []
    name = "x" if target == "y" else "d_out"
    doubled = call(replace(case, **{name: 2 * getattr(case, name)}))[target]
    if not same(doubled, 2 * found):
        sentences.append(f"it is not linear in {name}: twice that gives another result")
    each = [
        call(replace(case, x=case.x[n : n + 1], d_out=case.d_out[n : n + 1]))[target]
        for n in range(len(case.x))
    ]
    if target in {"dw", "db"}:
        if not same(np.sum(each, axis=0), found):
            sentences.append("it is not the sum of what each sample gives alone")
    elif not same(np.concatenate(each), found):
        sentences.append("a sample gives another result in the batch than alone")
    return sentences


def _sentence(n: int, axis: Axis, points: set[tuple[int, ...]]) -> str:
    """Return what is wrong with the rule of an axis, if that can be told."""
    if not _enough(points):
        return ""
    needed = (axis.stride, axis.dilation, -axis.padding_before)
    found = _rule(points)
    if found is None:
        return f"axis {n}: its indices keep no rule i = a*o + b*k + c"
    if found == needed:
        return ""
    return f"axis {n}: it connects i = {_text(*found)}, needed is i = {_text(*needed)}"


def _meetings(
    call: Callable[[Case], Mapping[Target, Array]], target: Target, case: Case
) -> Iterator[dict[str, Index] | None]:
    """Yield the indices o, k and i of all connections that a function makes.

    None stands for a number in the result that belongs to no place.
    """
    arrays = {
        "o": "x" if case.transposed else "d_out",
        "i": "d_out" if case.transposed else "x",
        "k": "w",
    }
    single, coded = (_ROLES_TRANSPOSED if case.transposed else _ROLES)[target]
    (result,) = {"o", "k", "i"} - {single, coded}
    zeros: dict[str, Array] = {
        n: np.zeros_like(getattr(case, n)) for n in ("x", "w", "d_out")
    }
    codes: Array = zeros[arrays[coded]].copy()
    size = codes.shape[2:]
    # So large that no multiple of one is another.
    codes[0, 0].flat = range(_CODE, _CODE + math.prod(size))
    places = [*np.ndindex(zeros[arrays[single]].shape[2:])][:CALLS]
    for place in places:
        one = zeros[arrays[single]].copy()
        one[(0, 0, *place)] = 1
        given = {**zeros, arrays[coded]: codes, arrays[single]: one}
        found = call(replace(case, **given)).get(target)
        if found is None or found.ndim != codes.ndim:
            yield None
            return
        first: Array = found[0, 0]
        for there, value in np.ndenumerate(first):
            if not value:
                continue
            number = int(value) - _CODE
            if value != int(value) or not 0 <= number < math.prod(size):
                yield None
                return
            met = tuple(int(n) for n in np.unravel_index(number, size))
            yield {single: place, coded: met, result: there}


def _columns(points: set[tuple[int, ...]]) -> tuple[Array, Array]:
    """Return the outputs, taps and ones, and the inputs, of all points."""
    table: Array = np.array(sorted(points))
    columns, inputs = table.copy(), table[:, 2]
    columns[:, 2] = 1
    return columns, inputs


def _enough(points: set[tuple[int, ...]]) -> bool:
    """Return whether only one rule can hold for all points."""
    return bool(np.linalg.matrix_rank(_columns(points)[0]) == 3)


def _rule(points: set[tuple[int, ...]]) -> tuple[int, int, int] | None:
    """Return the whole numbers of the one rule that all points keep."""
    columns, inputs = _columns(points)
    numbers: Array = np.rint(np.linalg.lstsq(columns, inputs, rcond=None)[0])
    numbers = numbers.astype(int)
    if not np.array_equal(columns @ numbers, inputs):
        return None
    a, b, c = (int(n) for n in numbers)
    return a, b, c


def _text(a: int, b: int, c: int) -> str:
    return f"{a}*o {'-' if b < 0 else '+'} {abs(b)}*k {'-' if c < 0 else '+'} {abs(c)}"
