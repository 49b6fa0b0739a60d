"""What can be said about a wrong array before any mistake is named."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations, product
from math import prod

import numpy as np

from deconv_tutorial.diagnose.compare import is_same, is_telling, ratio, whereabouts
from deconv_tutorial.diagnose.mistakes.problem import Problem, Target
from deconv_tutorial.dtypes import Array

_FEWEST = 3
"""The fewest elements that agree by more than chance."""
_SHIFT = 3
"""How far one array is moved along the other to see whether it is a part of it."""


@dataclass(frozen=True)
class Symptom:
    """What holds for a wrong array as a whole."""

    kind: str
    """What is seen, such as ``"zeros"``, whatever the layer is."""
    text: str
    """What is seen on this layer."""


def symptoms(
    problem: Problem,
    target: Target,
    found: Array,
    rtol: float | None = None,
    kinds: Collection[str] | None = None,
) -> list[str]:
    """Return sentences on what is wrong with an array, the most telling ones first.

    Parameters
    ----------
    problem : Problem
        The layer.
    target : {"y", "dx", "dw", "db"}
        The result that the array is meant to be.
    found : array
        The array, in the layout of the layer.
    rtol : float, optional
        The share of the largest element that counts as rounding.
    kinds : collection of str, optional
        What is known to hold on other layers too, so that here it does not hold by
        chance. Nothing else is told of the array as a whole. Without it, few elements
        that agree are not told.

    Examples
    --------
    >>> from deconv_tutorial.diagnose.mistakes.problem import problem_of
    >>> x, w, d_out = np.arange(1.0, 7), np.array([1.0, 10]), np.array([1.0, 2])
    >>> problem = problem_of(*(a[None, None] for a in (x, w, d_out)), stride=3)
    >>> symptoms(problem, "dx", problem.result("dx")[..., :5])
    ['it is right but for its last place on axis 0, which is missing']
    """
    seen = [*general_symptoms(problem, target, found, rtol, fewest=_FEWEST)]
    if kinds is not None:
        every = general_symptoms(problem, target, found, rtol)
        seen = [symptom for symptom in every if symptom.kind in kinds]
    if seen:
        return [seen[0].text]
    return whereabouts(problem, target, found)


def general_symptoms(
    problem: Problem,
    target: Target,
    found: Array,
    rtol: float | None = None,
    *,
    fewest: int = 1,
) -> Iterator[Symptom]:
    """Yield what holds for an array as a whole, if so many elements agree."""
    right = problem.result(target)
    yield from _of_elements(found, right, rtol)
    if found.size >= fewest:
        yield from _other_name(problem, target, found, rtol)
    if found.shape == right.shape and (fewest == 1 or is_telling(right)):
        yield from _factor(found, right, rtol)
    if found.size and right.size >= fewest:
        yield from _other_axes(found, right, rtol)
    if right.size:
        yield from _windows(target, found, right, rtol, fewest)


def has_no_name(problem: Problem, target: Target, found: Array) -> bool:
    """Return whether an array is wrong in a way that hides which mistake was made.

    It has zeros alone, or numbers that are not finite; or it is the right array of
    another name; or the batch is empty.
    """
    right = problem.result(target)
    if not found.size:
        return not len(problem.x)  # a shape such as (1, 1, 0, 0) tells enough
    return (
        not len(problem.x)
        or not np.isfinite(found).all()
        or (not found.any() and bool(right.any()))
        or (found.size >= _FEWEST and any(_other_name(problem, target, found, None)))
    )


def _of_elements(found: Array, right: Array, rtol: float | None) -> Iterator[Symptom]:
    """Yield what holds for each element of an array."""
    shapes = f"shape {found.shape}, needed is {right.shape}"
    if not found.size and right.size:
        yield Symptom("empty", f"it has no elements: {shapes}")
    elif not np.isfinite(found).all():
        places = np.argwhere(~np.isfinite(found))
        first = tuple(map(int, places[0]))
        count = len(places)
        text = f"{found[first]} at {first}, and {count} such elements in all"
        yield Symptom("not finite", text)
    elif not found.any() and right.any():
        shape = "" if found.shape == right.shape else f", of {shapes}"
        yield Symptom("zeros", f"all its elements are 0{shape}")
    elif found.dtype.kind == "c" and is_same(found.conj(), right, rtol):
        text = "it is the complex conjugate, as PyTorch returns gradients by convention"
        yield Symptom("conjugate", text)


def _other_name(
    problem: Problem, target: Target, found: Array, rtol: float | None
) -> Iterator[Symptom]:
    """Yield under which other name an array is right."""
    for other in ("dx", "dw", "db") if target != "y" else ():
        if other != target and is_same(found, problem.result(other), rtol):
            yield Symptom(f"is {other}", f"it is right under the name {other}")


def _factor(found: Array, right: Array, rtol: float | None) -> Iterator[Symptom]:
    """Yield the factor between two arrays, if there is one."""
    factor = ratio(found, right, rtol)
    if factor is not None:
        number = f"{factor:.6g}"
        yield Symptom(f"times {number}", f"it is {number} times the right one")


def _other_axes(found: Array, right: Array, rtol: float | None) -> Iterator[Symptom]:
    """Yield after which exchange of axes, or with which shape, an array is right."""
    if found.size != right.size:
        return
    if found.ndim == right.ndim:
        for axes in permutations(range(found.ndim)):
            moved = found.transpose(axes)
            if axes != (*range(found.ndim),) and is_same(moved, right, rtol):
                yield Symptom(f"axes {axes}", f"it is right after transpose{axes}")
    if found.shape != right.shape and is_same(found.reshape(right.shape), right, rtol):
        shapes = f"shape {found.shape}, needed is {right.shape}"
        yield Symptom(
            "shape", f"its numbers are right, only the shape is not: {shapes}"
        )


def _windows(
    target: Target, found: Array, right: Array, rtol: float | None, fewest: int
) -> Iterator[Symptom]:
    """Yield how an array of another shape is a part of the right one, or has it."""
    if found.ndim != right.ndim or found.shape == right.shape:
        return
    sizes = [*zip(found.shape, right.shape, strict=True)]
    common = tuple(map(min, sizes))
    size = prod(common)
    if not size or (fewest > 1 and size < min(fewest - 1, max(found.size, right.size))):
        return  # it agrees by chance
    starts = [
        range(-min(_SHIFT, a - b), 1) if a > b else range(min(_SHIFT, b - a) + 1)
        for a, b in sizes
    ]
    for shifts in sorted(product(*starts), key=lambda s: sum(map(abs, s))):
        part = found[_window([max(0, -n) for n in shifts], common)]
        if is_same(part, right[_window([max(0, n) for n in shifts], common)], rtol):
            text = ", and ".join(_ends(target, sizes, shifts))
            yield Symptom("window", f"it is right {text}")
            return


def _window(starts: Sequence[int], sizes: Sequence[int]) -> tuple[slice, ...]:
    pairs = zip(starts, sizes, strict=True)
    return tuple(slice(start, start + size) for start, size in pairs)


def _ends(
    target: Target, sizes: Sequence[tuple[int, int]], shifts: Sequence[int]
) -> Iterator[str]:
    """Yield which places are missing or too many, on each axis and at each end."""
    leading = 0 if target == "db" else 2
    for axis, ((given, needed), shift) in enumerate(zip(sizes, shifts, strict=True)):
        where = f"on axis {axis - leading}" if axis >= leading else "in its samples"
        if axis < leading and (axis == 1 or target == "dw"):
            where = f"on its axis {axis} of channels"
        if target == "db":
            where = "in its channels"
        more = abs(given - needed) - abs(shift)
        for end, count in (("first", abs(shift)), ("last", more)):
            if count and given < needed:
                which = f"{end} {_places(count)} {where}, {_are(count)} missing"
                yield f"but for its {which}"
            elif count:
                side = "start" if end == "first" else "end"
                yield f"with {count} {_place(count)} more {where}, at the {side}"


def _place(count: int) -> str:
    return "place" if count == 1 else "places"


def _places(count: int) -> str:
    return "place" if count == 1 else f"{count} places"


def _are(count: int) -> str:
    return "which is" if count == 1 else "which are"
