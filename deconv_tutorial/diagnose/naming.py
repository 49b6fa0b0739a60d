"""Finds the mistake, or the two mistakes, that explain an array."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import TypeAlias

import numpy as np

from deconv_tutorial.diagnose.compare import as_plain, is_same, is_telling
from deconv_tutorial.diagnose.made import MadeMistake, pair_results
from deconv_tutorial.diagnose.mistakes.formulas import Formula, formulas
from deconv_tutorial.diagnose.mistakes.problem import Problem, Target
from deconv_tutorial.dtypes import Array

Keys: TypeAlias = tuple[str, ...]
"""The key of one mistake, or of two that were made together."""
Evidence: TypeAlias = tuple[Problem, Array]
"""A problem, and the array that somebody computed for it."""
Pair: TypeAlias = tuple[Formula, Formula]

FEWEST = 2
"""One number may come from anything: it takes two to name a mistake."""
CHOICES = 4
"""For each number of the evidence, so many times more pairs of mistakes may be tried.

There are thousands of pairs, and a few numbers fit one of them by coincidence.
"""
MOST = 10**8
"""Layers with more products than that are too large to make many mistakes on."""
MOST_FOR_PAIRS = 2 * 10**5


def explanations(
    target: Target,
    evidence: Sequence[Evidence],
    *,
    rtol: float | None = None,
    fewest: int = FEWEST,
) -> list[Keys]:
    """Return each mistake that explains all arrays; if none does, each such pair.

    Right arrays need no explanation: if all of them are right, the list is empty. It is
    also empty if there are so few numbers that a mistake might fit by coincidence.

    Parameters
    ----------
    target : {"y", "dx", "dw", "db"}
        The result that the arrays are meant to be.
    evidence : sequence of (Problem, array)
        Problems, and the array that somebody computed for each. Some may be right.
    rtol : float, optional
        The share of the largest element that counts as rounding.
    fewest : int
        How many numbers beside 0 the wrong arrays need to hold together.
    """
    tries = Tries(target, evidence, rtol)
    if not tries.wrong or tries.telling < fewest or tries.work[0] > MOST:
        return []
    singles = [f for f in tries.known if tries.is_explained((f,))]
    count = len(tries.known) ** 2 // 2
    if singles or count > CHOICES**tries.telling:
        return _keys([(f,) for f in singles])
    return _keys(tries.pairs())


class Tries:
    """What each mistake gives in each problem, computed once and only when needed."""

    def __init__(
        self, target: Target, evidence: Sequence[Evidence], rtol: float | None
    ) -> None:
        wrong = [
            each
            for each in evidence
            if not is_same(each[1], each[0].result(target), rtol)
        ]
        right = [each for each in evidence if not any(each is one for one in wrong)]
        wrong.sort(key=lambda each: product_count(each[0]))
        self.evidence = [*wrong, *right]
        """The wrong arrays come first, the smallest layers before the others."""
        self.wrong = range(len(wrong))
        self.work = [product_count(problem) for problem, _ in self.evidence]
        self.rtol = rtol
        self.target: Target = target
        is_full = all(problem.x.size and problem.y.size for problem, _ in evidence)
        self.telling = sum(_telling(found) for _, found in wrong) if is_full else 0
        self.rights = [problem.result(target) for problem, _ in self.evidence]
        self.known = self._known_formulas() if wrong else ()
        self._made: dict[tuple[int, int], MadeMistake] = {}

    def _known_formulas(self) -> tuple[Formula, ...]:
        """Return the mistakes that can be told: with few numbers, no factor can."""
        known = formulas(self.target, transposed=self.evidence[0][0].transposed)
        numbers = [as_plain(self.rights[n]).ravel() for n in self.wrong]
        if is_telling(np.concatenate(numbers)):
            return known
        return tuple(f for f in known if "factor" not in f.kinds)

    def made(self, mistake: Formula, n: int) -> MadeMistake:
        """Return a mistake made in problem n."""
        key = id(mistake), n
        if key not in self._made:
            problem, right = self.evidence[n][0], self.rights[n]
            self._made[key] = MadeMistake(mistake, problem, right)
        return self._made[key]

    def is_explained(self, mistakes: tuple[Formula, ...]) -> bool:
        """Return whether one mistake, or two, give all arrays."""
        return all(self.explains(mistakes, n) for n in range(len(self.evidence)))

    def explains(self, mistakes: tuple[Formula, ...], n: int) -> bool:
        """Return whether one mistake, or two, give the array that was found for n.

        Whoever makes a mistake that changes nothing in a problem gets the right array.
        """
        found = self.evidence[n][1]
        made = [self.made(mistake, n) for mistake in mistakes]
        made = [each for each in made if each.result is not None]
        if not made:
            return n not in self.wrong
        if len(made) == 1:
            return is_same(found, made[0].array, self.rtol)
        one, other = made
        return any(is_same(found, a, self.rtol) for a in pair_results(one, other))

    def pairs(self) -> list[Pair]:
        """Return the pairs of mistakes that give all arrays together."""
        matches = {
            n: [f for f in self.known if self.explains((f,), n)] for n in self.wrong
        }
        hardest = min(self.wrong, key=lambda n: (len(matches[n]), self.work[n]))
        if matches[hardest]:  # each of the arrays shows one of the two
            some = {id(f) for found in matches.values() for f in found}
            usable = [f for f in self.known if id(f) in some]
        elif self.work[hardest] > MOST_FOR_PAIRS:
            return []
        else:
            usable = [f for f in self.known if self.made(f, hardest).result is not None]
        return [
            pair
            for pair in combinations(usable, 2)
            if pair[0].goes_with(pair[1])
            and self.explains(pair, hardest)
            and self.is_explained(pair)
        ]


def product_count(p: Problem) -> int:
    """Return how many products the layer adds up, those at the border included."""
    taps = int(np.prod(p.geometry.kernel_size))
    return p.y.size * p.w.shape[2] * taps


def _telling(found: Array) -> int:
    """Return how many numbers of an array tell something: those beside 0.

    The shape of an empty array tells as much as two numbers.
    """
    return int(np.count_nonzero(as_plain(found))) if found.size else FEWEST


def _keys(found: Iterable[tuple[Formula, ...]]) -> list[Keys]:
    """Return the keys of mistakes without repetition, whichever came first."""
    keys: dict[frozenset[str], Keys] = {}
    for mistakes in found:
        names = tuple(f.key for f in mistakes)
        keys.setdefault(frozenset(names), names)
    return list(keys.values())


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
