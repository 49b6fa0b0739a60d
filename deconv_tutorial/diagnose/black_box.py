"""What can be learned about a function by calling it, without reading its code.

The first question is which indices it connects. One array gets a single 1, another one
gets a different number in each place. Each number in the result then tells which two
places met. If all places of an axis obey one rule ``i = a*o + b*k + c``, the numbers a,
b and c are the stride, the dilation and the padding that the function uses.

The second question is whether it is linear, and whether it treats each sample alone.
Every right answer does both. A function that does not is wrong in a way that no stride
and no padding explains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from deconv_tutorial.diagnose.compare import is_same
from deconv_tutorial.diagnose.mistakes.problem import Target
from deconv_tutorial.diagnose.probes import LayerCall
from deconv_tutorial.dtypes import Array
from deconv_tutorial.geometry import Axis
from deconv_tutorial.geometry.settings import Index

CALLS = 200
"""The most places that are tried for the single 1: one call each."""

_CODE = 10**6

# For each result of a convolution: which array gets a single 1, which gets numbers.
_ROLES = {"dw": ("o", "i"), "dx": ("o", "k"), "y": ("i", "k")}
_ROLES_TRANSPOSED = {"dw": ("o", "i"), "dx": ("i", "k"), "y": ("o", "k")}


def wrong_rules(
    call: Callable[[LayerCall], Mapping[Target, Array]], target: Target, case: LayerCall
) -> list[str]:
    """Return a sentence for each axis on which a function connects the wrong indices.

    Parameters
    ----------
    call : callable
        Takes a layer call and returns the function's results, by target.
    target : {"y", "dx", "dw", "db"}
        The result to look at.
    case : LayerCall
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
    call: Callable[[LayerCall], Mapping[Target, Array]], target: Target, case: LayerCall
) -> list[str]:
    """Return a sentence for each property that a function lacks, but should have.

    Parameters
    ----------
    call : callable
        Takes a layer call and returns the function's results, by target.
    target : {"y", "dx", "dw", "db"}
        The result to look at.
    case : LayerCall
        The arrays and settings to try it with.
    """
    found = call(case)[target]
    sentences: list[str] = []
    name = "x" if target == "y" else "d_out"
    doubled = call(replace(case, **{name: 2 * getattr(case, name)}))[target]
    if not is_same(doubled, 2 * found):
        sentences.append(f"it is not linear in {name}: twice that gives another result")
    each = [
        call(replace(case, x=case.x[n : n + 1], d_out=case.d_out[n : n + 1]))[target]
        for n in range(len(case.x))
    ]
    if target in {"dw", "db"}:
        if not is_same(np.sum(each, axis=0), found):
            sentences.append("it is not the sum of what each sample gives alone")
    elif not is_same(np.concatenate(each), found):
        sentences.append("a sample gives another result in the batch than alone")
    return sentences


def _sentence(n: int, axis: Axis, points: set[tuple[int, ...]]) -> str:
    """Return what is wrong with the rule of an axis, or "" if nothing can be said."""
    if not _has_one_rule(points):
        return ""
    needed = (axis.stride, axis.dilation, -axis.padding_before)
    found = _rule(points)
    if found is None:
        return f"axis {n}: its indices keep no rule i = a*o + b*k + c"
    if found == needed:
        return ""
    texts = _rule_text(*found), _rule_text(*needed)
    return f"axis {n}: it connects i = {texts[0]}, needed is i = {texts[1]}"


def _meetings(
    call: Callable[[LayerCall], Mapping[Target, Array]], target: Target, case: LayerCall
) -> Iterator[dict[str, Index] | None]:
    """Yield the indices o, k and i of each connection that a function makes.

    It yields None, and stops, if a number in the result belongs to no place.
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
    """Return the equations ``a*o + b*k + c = i`` as rows ``(o, k, 1)`` and their i."""
    table: Array = np.array(sorted(points))
    columns, inputs = table.copy(), table[:, 2]
    columns[:, 2] = 1
    return columns, inputs


def _has_one_rule(points: set[tuple[int, ...]]) -> bool:
    """Return whether the points leave only one possible rule."""
    return bool(np.linalg.matrix_rank(_columns(points)[0]) == 3)


def _rule(points: set[tuple[int, ...]]) -> tuple[int, int, int] | None:
    """Return the whole numbers a, b and c of the rule, or None if there is no rule."""
    columns, inputs = _columns(points)
    numbers: Array = np.rint(np.linalg.lstsq(columns, inputs, rcond=None)[0])
    numbers = numbers.astype(int)
    if not np.array_equal(columns @ numbers, inputs):
        return None
    a, b, c = (int(n) for n in numbers)
    return a, b, c


def _rule_text(a: int, b: int, c: int) -> str:
    return f"{a}*o {'-' if b < 0 else '+'} {abs(b)}*k {'-' if c < 0 else '+'} {abs(c)}"
