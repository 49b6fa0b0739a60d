"""Puts into words what is wrong with an answer, from how its calls ended."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from deconv_tutorial.diagnose.mistakes.catalogue import mistake_of
from deconv_tutorial.diagnose.mistakes.problem import Target, problem_of
from deconv_tutorial.diagnose.naming import Evidence, explanations
from deconv_tutorial.diagnose.trial import TooSlowError
from deconv_tutorial.dtypes import Array
from deconv_tutorial.exercises.call_outcome import CallOutcome, outcome
from deconv_tutorial.exercises.differences import difference, is_alike, similarity
from deconv_tutorial.exercises.exercise import (
    Arguments,
    Exercise,
    Function,
    NothingError,
    WrongAnswer,
)
from deconv_tutorial.exercises.reproducer import call_code
from deconv_tutorial.exercises.verdict import Comparison, Verdict

_IS_NOTHING = (
    "Is there a `return`? What is printed, or has a name inside the function, does not "
    "come back."
)
_CHANGES = (
    "A second call with the same arguments returns other numbers. Does an array start "
    "with `np.empty`, or does something stay from one call to the next?"
)


@dataclass(frozen=True, eq=False)
class Appraisal:
    """An answer, and how its calls ended."""

    exercise: Exercise
    answer: Function
    cases: Sequence[Arguments]
    found: Sequence[CallOutcome]
    """As many as there are cases; or fewer, if the last one took too long."""
    rights: Sequence[CallOutcome]
    seconds: float

    def verdict(self, seed: int | None, *, reveal: bool) -> Verdict:
        """Return the verdict: on the first case that fails, if one does."""
        triples = zip(self.found, self.rights, strict=False)
        passed = [f.is_like(r) and not f.complaints for f, r in triples]
        key, count = self.exercise.key, len(self.cases)
        if all(passed):
            return Verdict(key, count, count, seed=seed)
        n = passed.index(False)
        wrong = self._wrong_results(n)
        compared = [self._comparison(n, m) for m in wrong]
        mistake = self._mistake()
        findings, hint = self._words(n, wrong, reveal=reveal, named=mistake is not None)
        return Verdict(
            key,
            count,
            sum(passed),
            call_code(self.exercise, self.answer, self.cases[n]),
            tuple(each if reveal else each.hidden() for each in compared),
            tuple(findings),
            mistake.hint if mistake else hint,
            seed,
        )

    def _wrong_results(self, n: int) -> list[int]:
        """Return which results of a call are wrong; all of them, if it failed."""
        found, right = self.found[n].parts, self.rights[n].parts
        return [
            m
            for m, needed in enumerate(right)
            if self.found[n].error or not is_alike(found[m], needed)
        ]

    def _comparison(self, n: int, m: int) -> Comparison:
        """Return one result of a call beside the right one."""
        found = None if self.found[n].error else self.found[n].parts[m]
        return Comparison(self.exercise.returns[m], self.rights[n].parts[m], found)

    def _words(
        self, n: int, wrong: Sequence[int], *, reveal: bool, named: bool
    ) -> tuple[list[str], str]:
        """Return sentences on a failing call, and a hint for what they do not tell.

        What is wrong with the form, or raises an error, says nothing of the idea.
        """
        failing = self.found[n]
        arguments = self._argument_words(n)
        findings = [*failing.complaints, *arguments]
        if failing.error:
            return findings, self._error_hint(failing.error)
        names = self.exercise.returns
        told = {m: self._likeness(n, m) for m in wrong}
        findings += [
            f"{names[m]} {told[m]}."
            if told[m]
            else difference(
                names[m], failing.parts[m], self.rights[n].parts[m], reveal=reveal
            )
            for m in wrong
        ]
        if wrong and self._changes(n):
            return [*findings, _CHANGES], ""
        diagnosed = {} if named else self._diagnoses()
        findings += [text for texts in diagnosed.values() for text in texts]
        all_told = all(told[m] or diagnosed.get(names[m]) for m in wrong)
        return findings, "" if all_told or arguments else self.exercise.hint

    def _argument_words(self, n: int) -> list[str]:
        """Return a sentence if the answer does not take the arguments of the stub."""
        names = [*inspect.signature(self.exercise.solution).parameters]
        try:
            signature = inspect.signature(self.answer)
        except (TypeError, ValueError):
            return []
        own = [*signature.parameters]
        order = ", ".join(names) or "no arguments"
        if own != names and sorted(own) == sorted(names):
            return [f"It is called with {order}, in this order."]
        try:
            signature.bind(*names)
        except TypeError:
            return [f"It is called with {order}."] if self.found[n].error else []
        return []

    def _error_hint(self, error: BaseException) -> str:
        """Return a hint for an error that often has one cause, or ""."""
        if isinstance(error, NothingError):
            return _IS_NOTHING
        slips = self.exercise.slips.items()
        return next((hint for words, hint in slips if words in str(error)), "")

    def _likeness(self, n: int, m: int) -> str:
        """Return what a wrong result has in common with a right one in all calls."""
        both = list(zip(self.found[n:], self.rights[n:], strict=False))
        both = [(f.parts, r.parts) for f, r in both if not f.error]
        pairs = [(f[m], r[m]) for f, r in both if not is_alike(f[m], r[m])]
        like = similarity(*pairs[0], pairs[1:])
        for other, name in enumerate(self.exercise.returns):
            if not like and all(is_alike(f[m], r[other]) for f, r in both):
                return f"is the right result for {name}"
        return like

    def _changes(self, n: int) -> bool:
        """Return whether a second call ends in another way than the first."""
        first = self.found[n].parts
        again = outcome(self.exercise, self.answer, self.cases[n], self.seconds)
        if again.error:
            return not isinstance(again.error, TooSlowError)
        pairs = zip(again.parts, first, strict=True)
        return not all(np.array_equal(*pair, equal_nan=True) for pair in pairs)

    def _mistake(self) -> WrongAnswer | None:
        """Return the known wrong answer that ends alike in the fixed cases, or None."""
        fixed = self.exercise.cases
        if len(self.found) < len(fixed):
            return None
        for wrong in self.exercise.wrong:
            others = (outcome(self.exercise, wrong.function, case) for case in fixed)
            if all(map(CallOutcome.is_like, self.found, others)):
                return wrong
        return None

    def _diagnoses(self) -> dict[str, list[str]]:
        """Return what `diagnose` says about each gradient, on all cases together."""
        layer = self.exercise.layer
        if layer is None or not self.exercise.names_mistakes:
            return {}
        triples = zip(self.cases, self.found, self.rights, strict=False)
        tries = [(problem_of(**layer(*c)), f, r) for c, f, r in triples if not f.error]
        sentences: dict[str, list[str]] = {}
        for n, name in enumerate(self.exercise.returns):
            target = cast("Target", name)
            evidence: list[Evidence] = []
            for problem, found, right in tries:
                # The layer has axes of samples and channels, which the answer may lack.
                missing = problem.result(target).ndim - right.parts[n].ndim
                array: Array = found.parts[n][(None,) * missing]
                evidence.append((problem, array))
            sentences[name] = [
                f"{name}: {mistake.title} ({mistake.key}). {mistake.why}"
                for alternative in explanations(target, evidence)[:1]
                for mistake in map(mistake_of, alternative)
            ]
        return sentences
