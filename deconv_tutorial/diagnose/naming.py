"""Which mistake gives an array, or which two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations, permutations
from typing import TypeAlias

import numpy as np

from deconv_tutorial.diagnose.compare import same
from deconv_tutorial.diagnose.mistakes.formulas import Formula, formulas
from deconv_tutorial.diagnose.mistakes.problem import Problem, Target
from deconv_tutorial.dtypes import Array

Keys: TypeAlias = tuple[str, ...]
"""One mistake, or two that were made together."""
Evidence: TypeAlias = tuple[Problem, Array]
"""What was to be computed, and what somebody got."""


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
