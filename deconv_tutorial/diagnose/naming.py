"""Finds the mistake, or the two mistakes, that explain an array."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations, permutations
from typing import TypeAlias

import numpy as np

from deconv_tutorial.diagnose.compare import is_same
from deconv_tutorial.diagnose.mistakes.formulas import CROPS, Formula, formulas
from deconv_tutorial.diagnose.mistakes.problem import Problem, Target
from deconv_tutorial.dtypes import Array

Keys: TypeAlias = tuple[str, ...]
"""The key of one mistake, or of two that were made together."""
Evidence: TypeAlias = tuple[Problem, Array]
"""A problem, and the array that somebody computed for it."""


def explanations(target: Target, evidence: Sequence[Evidence]) -> list[Keys]:
    """Return each mistake that explains all arrays; if none does, each such pair.

    Right arrays need no explanation: if all of them are right, the list is empty.

    Parameters
    ----------
    target : {"y", "dx", "dw", "db"}
        The result that the arrays are meant to be.
    evidence : sequence of (Problem, array)
        Problems, and the array that somebody computed for each. Some may be right.
    """
    wrong = [
        (p, found) for p, found in evidence if not is_same(found, p.result(target))
    ]
    if not wrong:
        return []
    known = formulas(target, transposed=wrong[0][0].transposed)
    singles = [f for f in known if _explains_all((f,), wrong, evidence)]
    if singles:
        return _keys([(f,) for f in singles])
    # One of the arrays needs both mistakes, or each of two arrays one of them.
    hardest = min(wrong, key=lambda each: len(_matches(known, each)))
    pairs = _matching_pairs(known, hardest)
    some = [f for f in known if any(_explains((f,), *each) for each in wrong)]
    pairs += [pair for pair in combinations(some, 2) if pair not in pairs]
    pairs = [pair for pair in pairs if _may_meet(*pair)]
    return _keys([p for p in pairs if _explains_all(p, wrong, evidence)])


def _keys(found: Iterable[tuple[Formula, ...]]) -> list[Keys]:
    """Return the keys of mistakes, without repetition."""
    return list(dict.fromkeys(tuple(f.key for f in each) for each in found))


def _explains_all(
    mistakes: tuple[Formula, ...],
    wrong: Sequence[Evidence],
    evidence: Sequence[Evidence],
) -> bool:
    """Return whether these mistakes, made in every problem, give all arrays."""
    # The wrong ones first: most mistakes fail at once.
    return all(_explains(mistakes, *each) for each in wrong) and (
        len(wrong) == len(evidence)
        or all(_explains(mistakes, *each) for each in evidence)
    )


def _explains(mistakes: tuple[Formula, ...], problem: Problem, found: Array) -> bool:
    """Return whether these mistakes, in one order or another, give an array."""
    for ordered in permutations(mistakes):
        result = mistaken_result(problem, ordered)
        if result is not None and is_same(found, result):
            return True
    # Whoever makes a mistake that cannot be made here gets the right array.
    return len(mistakes) == 1 and (
        mistaken_result(problem, mistakes) is None
        and is_same(found, problem.result(mistakes[0].target))
    )


def _matches(known: Iterable[Formula], evidence: Evidence) -> list[Formula]:
    return [f for f in known if _explains((f,), *evidence)]


def _matching_pairs(
    known: Iterable[Formula], evidence: Evidence
) -> list[tuple[Formula, ...]]:
    """Return the pairs of mistakes that give an array together."""
    problem, found = evidence
    usable = [f for f in known if _is_wrong(f, problem)]
    return [
        pair
        for pair in combinations(usable, 2)
        if _may_meet(*pair) and _explains(pair, problem, found)
    ]


def _may_meet(one: Formula, other: Formula) -> bool:
    """Return whether somebody may make both: they differ, and do not both crop."""
    stems = {formula.key.partition("-")[2] for formula in (one, other)}
    return len(stems) == 2 and not stems <= CROPS


def _is_wrong(mistake: Formula, problem: Problem) -> bool:
    result = mistaken_result(problem, [mistake])
    return result is not None and not _is_equal(result, problem.result(mistake.target))


def mistaken_result(problem: Problem, mistakes: Iterable[Formula]) -> Array | None:
    """Return what somebody gets who makes all these mistakes, one after the other.

    It is None if they cannot be made in this problem.
    """
    target: Target = "y"
    changed: Problem | None = problem
    try:
        for mistake in mistakes:
            target = mistake.target
            changed = mistake.change(changed)
            if changed is None or not changed.is_possible:
                return None
        return changed.result(target)
    except (ValueError, IndexError):  # two mistakes whose shapes fit no more
        return None


def _is_equal(one: Array, other: Array) -> bool:
    return one.shape == other.shape and np.array_equal(one, other)
