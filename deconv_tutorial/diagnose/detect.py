"""Finds which mistake gives an array, or which two; and where it is wrong if none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations, permutations
from typing import TypeAlias

import numpy as np

from deconv_tutorial.diagnose.formulas import Formula, formulas
from deconv_tutorial.diagnose.problem import Problem, Target
from deconv_tutorial.dtypes import Array

Keys: TypeAlias = tuple[str, ...]
"""One mistake, or two that were made together."""
Evidence: TypeAlias = tuple[Problem, Array]
"""What was to be computed, and what somebody got."""

_TOLERANCE = {"e": 1e-2, "f": 1e-4, "F": 1e-4}
_TOLERANCE_OF_OTHERS = 1e-9


def same(found: Array, expected: Array) -> bool:
    """Return whether two arrays are equal, but for the rounding of their dtype.

    Differences up to some share of the largest element count as rounding: 1e-9 in
    float64, 1e-4 in float32, 1e-2 in float16.
    """
    return found.shape == expected.shape and not wrong_places(found, expected).any()


def wrong_places(found: Array, expected: Array) -> Array:
    """Return where two arrays of one shape differ by more than rounding."""
    share = max(
        _TOLERANCE.get(array.dtype.char, _TOLERANCE_OF_OTHERS)
        for array in (found, expected)
    )
    if not expected.size:
        return np.zeros(expected.shape, bool)
    room = share * np.abs(expected).max()
    return ~(np.abs(found - expected) <= room)  # also where it is not a number


def named(target: Target, evidence: Sequence[Evidence]) -> list[Keys]:
    """Return each mistake that explains all arrays; or if none does, each pair.

    A mistake that makes no difference is no explanation.

    Parameters
    ----------
    target : {"y", "dx", "dw", "db"}
        Which result.
    evidence : sequence of (Problem, array)
        What was to be computed, and what came instead; some may be right.
    """
    wrong = [(p, found) for p, found in evidence if not same(found, p.result(target))]
    if not wrong:
        return []
    known = formulas(target, transposed=wrong[0][0].transposed)
    singles = [f for f in known if _explains_all((f,), wrong, evidence)]
    if singles:
        return _keys([(f,) for f in singles])
    # One of the arrays needs both mistakes, or each of two arrays one of them.
    hardest = min(wrong, key=lambda each: len(_matching(known, each)))
    pairs = _matching_pairs(known, hardest)
    some = [f for f in known if any(_explains((f,), *each) for each in wrong)]
    pairs += [pair for pair in combinations(some, 2) if pair not in pairs]
    pairs = [pair for pair in pairs if len({f.key for f in pair}) == 2]
    return _keys([p for p in pairs if _explains_all(p, wrong, evidence)])


def _keys(found: Iterable[tuple[Formula, ...]]) -> list[Keys]:
    """Return the keys of what was found, each once."""
    return list(dict.fromkeys(tuple(f.key for f in each) for each in found))


def _explains_all(
    mistakes: tuple[Formula, ...],
    wrong: Sequence[Evidence],
    evidence: Sequence[Evidence],
) -> bool:
    """Return whether some mistakes, made everywhere, give all arrays."""
    # The wrong ones first: most mistakes fail at once.
    return all(_explains(mistakes, *each) for each in wrong) and (
        len(wrong) == len(evidence)
        or all(_explains(mistakes, *each) for each in evidence)
    )


def _explains(mistakes: tuple[Formula, ...], problem: Problem, found: Array) -> bool:
    """Return whether some mistakes, in any order, give an array."""
    for ordered in permutations(mistakes):
        result = composed(problem, ordered)
        if result is not None and same(found, result):
            return True
    # Who cannot make the mistake here does it right.
    return len(mistakes) == 1 and (
        composed(problem, mistakes) is None
        and same(found, problem.result(mistakes[0].target))
    )


def _matching(known: Iterable[Formula], evidence: Evidence) -> list[Formula]:
    return [f for f in known if _explains((f,), *evidence)]


def _matching_pairs(
    known: Iterable[Formula], evidence: Evidence
) -> list[tuple[Formula, ...]]:
    """Return the pairs of mistakes that give an array, and neither of which does."""
    problem, found = evidence
    usable = [f for f in known if _is_wrong(f, problem)]
    return [pair for pair in combinations(usable, 2) if _explains(pair, problem, found)]


def _is_wrong(mistake: Formula, problem: Problem) -> bool:
    result = composed(problem, [mistake])
    return result is not None and not _equal(result, problem.result(mistake.target))


def composed(problem: Problem, mistakes: Iterable[Formula]) -> Array | None:
    """Return what somebody gets who makes all these mistakes, or None."""
    target: Target = "y"
    changed: Problem | None = problem
    try:
        for mistake in mistakes:
            target = mistake.target
            changed = mistake.change(changed)
            if changed is None or not changed.possible:
                return None
        return changed.result(target)
    except (ValueError, IndexError):  # two mistakes whose shapes fit no more
        return None


def _equal(one: Array, other: Array) -> bool:
    return one.shape == other.shape and np.array_equal(one, other)


def located(problem: Problem, target: Target, found: Array) -> list[str]:
    """Return sentences on where an array is wrong: its samples, channels and places."""
    right = problem.result(target)
    if found.shape != right.shape:
        sentences = [f"shape {found.shape}, needed is {right.shape}"]
        if found.size == right.size and same(found.reshape(right.shape), right):
            sentences.append("its numbers are right, only the shape is not")
        return sentences
    wrong = wrong_places(found, right)
    count = int(wrong.sum())
    sentences = [f"{count} of {wrong.size} elements differ"]
    factor = ratio(found, right)
    if factor is not None:
        sentences.append(f"it is {factor:.6g} times the right one")
    rank = len(problem.geometry.axes)
    for axis, size in enumerate(wrong.shape):
        places = np.flatnonzero(
            wrong.any(axis=tuple(n for n in range(wrong.ndim) if n != axis))
        )
        if 0 < len(places) < size:
            name = _axis_name(target, axis, wrong.ndim - rank)
            step = problem.geometry.axes[axis - wrong.ndim + rank].stride
            sentences.append(f"only {name} {_in_words(places, size, step)}")
    return sentences


def ratio(found: Array, right: Array) -> float | None:
    """Return by which number one array is the other, if it is."""
    norm = float((right * right).sum())
    factor = float((found * right).sum()) / norm if norm else 0.0
    return factor if factor and same(found, factor * right) else None


def _axis_name(target: Target, axis: int, leading: int) -> str:
    if axis >= leading:
        return f"on axis {axis - leading}, at"
    names = {
        "dw": (
            "in its first axis of channels, at",
            "in its second axis of channels, at",
        ),
        "db": ("in its channels, at",),
    }
    return names.get(target, ("in the samples, at", "in the channels, at"))[axis]


def _in_words(places: Array, size: int, step: int) -> str:
    """Return places as words: the first or last ones, every so many, or a list."""
    count = len(places)
    if count == 1:
        return f"{places[0]}, one of {size}"
    if places[-1] == count - 1:
        return f"the first {count} of {size}"
    if places[0] == size - count:
        return f"the last {count} of {size}"
    if step > 1 and len(set(places % step)) == 1:
        return f"those of {size} that leave {places[0] % step} when divided by {step}"
    return f"{', '.join(map(str, places))} of 0 to {size - 1}"
