"""What can be said about a wrong array before any mistake is named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations, product
from math import prod

import numpy as np

from deconv_tutorial.diagnose.compare import is_same, whereabouts
from deconv_tutorial.diagnose.mistakes.problem import Problem, Target
from deconv_tutorial.dtypes import Array

_FEWEST = 3
"""The fewest elements that agree by more than chance."""
_SHIFT = 3
"""How far one array is moved along the other to see whether it is a part of it."""


def symptoms(
    problem: Problem, target: Target, found: Array, rtol: float | None = None
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

    Examples
    --------
    >>> from deconv_tutorial.diagnose.mistakes.problem import problem_of
    >>> x, w, d_out = np.arange(1.0, 7), np.array([1.0, 10]), np.array([1.0, 2])
    >>> problem = problem_of(*(a[None, None] for a in (x, w, d_out)), stride=3)
    >>> symptoms(problem, "dx", problem.result("dx")[..., :5])
    ['it is right but for its last place on axis 0, which is missing']
    """
    right = problem.result(target)
    told = [*_of_all(problem, target, found, right, rtol)]
    if told:
        return told
    if found.shape != right.shape:
        told = [*_windows(target, found, right, rtol)]
        return told or whereabouts(problem, target, found)
    return whereabouts(problem, target, found)


def has_no_name(problem: Problem, target: Target, found: Array) -> bool:
    """Return whether an array is wrong in a way that hides which mistake was made.

    It has no elements, or zeros alone, or numbers that are not finite; or it is the
    right array of another name.
    """
    right = problem.result(target)
    return (
        not found.size
        or not np.isfinite(found).all()
        or (not found.any() and bool(right.any()))
        or any(_other_name(problem, target, found, right, None))
    )


def _of_all(
    problem: Problem, target: Target, found: Array, right: Array, rtol: float | None
) -> Iterator[str]:
    """Yield what holds for all elements of an array."""
    if not found.size:
        yield f"it has no elements: shape {found.shape}, needed is {right.shape}"
        return
    if not np.isfinite(found).all():
        places = np.argwhere(~np.isfinite(found))
        first = tuple(map(int, places[0]))
        yield f"{found[first]} at {first}, and {len(places)} such elements in all"
        return
    if not found.any() and right.any():
        shape = "" if found.shape == right.shape else f", of shape {found.shape}"
        yield f"all its elements are 0{shape}"
        return
    if found.dtype.kind == "c" and is_same(found.conj(), right, rtol):
        yield "it is the complex conjugate, as PyTorch returns gradients by convention"
        return
    yield from _other_name(problem, target, found, right, rtol)
    yield from _other_axes(found, right, rtol)


def _other_name(
    problem: Problem, target: Target, found: Array, right: Array, rtol: float | None
) -> Iterator[str]:
    """Yield under which other name an array is right."""
    if target == "y" or right.size < _FEWEST:
        return
    for other in ("dx", "dw", "db"):
        if other != target and is_same(found, problem.result(other), rtol):
            yield f"it is right under the name {other}"
            return


def _other_axes(found: Array, right: Array, rtol: float | None) -> Iterator[str]:
    """Yield after which exchange of axes, or with which shape, an array is right."""
    if found.size != right.size or right.size < _FEWEST:
        return
    if found.ndim == right.ndim:
        for axes in permutations(range(found.ndim)):
            moved = found.transpose(axes)
            if axes != (*range(found.ndim),) and is_same(moved, right, rtol):
                yield f"it is right after transpose{axes}"
                return
    if found.shape != right.shape and is_same(found.reshape(right.shape), right, rtol):
        yield f"shape {found.shape}, needed is {right.shape}"
        yield "its numbers are right, only the shape is not"


def _windows(
    target: Target, found: Array, right: Array, rtol: float | None
) -> Iterator[str]:
    """Yield how an array of another shape is a part of the right one, or has it."""
    if found.ndim != right.ndim:
        return
    sizes = [*zip(found.shape, right.shape, strict=True)]
    common = tuple(map(min, sizes))
    size = prod(common)
    if size < 2 or (size < _FEWEST and size < min(found.size, right.size)):
        return  # it agrees by chance
    starts = [
        range(-min(_SHIFT, a - b), 1) if a > b else range(min(_SHIFT, b - a) + 1)
        for a, b in sizes
    ]
    for shifts in sorted(product(*starts), key=lambda s: sum(map(abs, s))):
        part = found[_window([max(0, -n) for n in shifts], common)]
        if is_same(part, right[_window([max(0, n) for n in shifts], common)], rtol):
            yield "it is right " + ", and ".join(_ends(target, sizes, shifts))
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
