"""Tries an answer on the cases of an exercise, and says what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from deconv_tutorial.diagnose.mistakes.catalogue import mistake_of
from deconv_tutorial.diagnose.mistakes.problem import Target, problem_of
from deconv_tutorial.diagnose.naming import Evidence, explanations
from deconv_tutorial.diagnose.trial import TooSlowError, blame, time_limit
from deconv_tutorial.dtypes import Array
from deconv_tutorial.exercises.as_code import call_expression
from deconv_tutorial.exercises.differences import (
    as_parts,
    description,
    difference,
    is_alike,
)
from deconv_tutorial.exercises.exercise import (
    Arguments,
    Exercise,
    FormError,
    Function,
    WrongAnswer,
)
from deconv_tutorial.exercises.register import exercise_of
from deconv_tutorial.exercises.verdict import Comparison, Verdict


@dataclass(frozen=True, eq=False)
class CallOutcome:
    """How one call ended: with results, or with an error."""

    parts: tuple[Array, ...] = ()
    error: BaseException | None = None
    complaints: tuple[str, ...] = ()
    """Sentences on the error, or on arguments that were changed."""

    def is_like(self, other: CallOutcome) -> bool:
        """Return whether another call ended in the same way, with the same results."""
        if self.error or other.error:
            return type(self.error) is type(other.error)
        return all(map(is_alike, self.parts, other.parts))


def check(key: str, attempt: object, *, seconds: float = 10.0) -> Verdict:
    """Try an answer to an exercise, and say what is wrong with it.

    The answer gets copies of the arguments. If it raises an error, the verdict has it.

    Parameters
    ----------
    key : str
        The exercise: its label in the book, without ``ex-``. `exercises` lists them.
    attempt : callable
        The answer, with the signature of the stub.
    seconds : float
        How long one call may take, on platforms that can stop it.

    Returns
    -------
    Verdict
        True if the answer is right. Otherwise it shows the smallest case that fails,
        with the expected results, the results of the answer, and a hint.

    Raises
    ------
    ValueError
        If there is no such exercise.

    Examples
    --------
    >>> from deconv_tutorial import conv, conv_backward
    >>> def backward(d_out, v, w, s):
    ...     _, dw, db = conv_backward(v, d_out, w, stride=s)
    ...     return conv(d_out, w, stride=s), dw, db
    >>> verdict = check("relabel-two-lines", backward)
    >>> bool(verdict), [pair.name for pair in verdict.compared]
    (False, ['db'])
    >>> print(verdict.hint)
    The gradient of the bias adds up the errors of this layer. What did you add up?
    """
    exercise = exercise_of(key)
    if not callable(attempt):
        finding = f"check needs the function itself, got {description(attempt)}."
        return Verdict(key, len(exercise.cases), 0, findings=(finding,))
    answer = cast("Function", attempt)
    outcomes: list[CallOutcome] = []
    for case in exercise.cases:
        outcomes.append(outcome(exercise, answer, case, seconds))
        if isinstance(outcomes[-1].error, TooSlowError):
            break
    if isinstance(outcomes[0].error, NotImplementedError):
        finding = f"{exercise.name} is not written yet."
        return Verdict(key, len(exercise.cases), 0, findings=(finding,))
    return _verdict(exercise, answer, outcomes)


def outcome(
    exercise: Exercise, answer: Function, case: Arguments, seconds: float = 10.0
) -> CallOutcome:
    """Return how the call of an answer in a case ends."""
    copies = tuple(_copy(value) for value in case)
    try:
        with time_limit(seconds):
            value = exercise.call(answer, copies)
        parts = as_parts(value, exercise.returns)
    except FormError as error:
        return CallOutcome(error=error, complaints=(f"It needs to return {error}.",))
    except TooSlowError as error:
        where = blame(error).partition(": ")[2]
        return CallOutcome(error=error, complaints=(f"It was stopped: {where}",))
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever it raises
        return CallOutcome(error=error, complaints=(f"It raises {blame(error)}",))
    arrays = zip(exercise.arguments, *map(_arrays, (copies, case)), strict=True)
    changed = tuple(
        f"It changes its argument {name} in place, and the caller still needs that."
        for name, copy, given in arrays
        if copy is not None and given is not None and not np.array_equal(copy, given)
    )
    return CallOutcome(parts, complaints=changed)


def _arrays(values: Arguments) -> list[Array | None]:
    """Return each value that is an array, and None for each other value."""
    return [cast("Array", v) if isinstance(v, np.ndarray) else None for v in values]


def _copy(value: object) -> object:
    return cast("Array", value).copy() if isinstance(value, np.ndarray) else value


def _verdict(
    exercise: Exercise, answer: Function, outcomes: Sequence[CallOutcome]
) -> Verdict:
    """Return the verdict on an answer, from the outcomes of its calls."""
    rights = [outcome(exercise, exercise.solution, case) for case in exercise.cases]
    passed = [
        found.is_like(right) and not found.complaints
        for found, right in zip(outcomes, rights, strict=False)
    ]
    if all(passed):
        return Verdict(exercise.key, len(rights), len(rights))
    n = passed.index(False)
    compared = _comparisons(exercise, outcomes[n], rights[n])
    findings = [*outcomes[n].complaints]
    findings += [
        difference(each.name, each.found, each.expected)
        for each in compared
        if each.found is not None
    ]
    mistake = _mistake(exercise, outcomes)
    if mistake is None:
        findings += _diagnoses(exercise, outcomes, rights)
    return Verdict(
        exercise.key,
        len(rights),
        sum(passed),
        call_expression(exercise, answer, exercise.cases[n]),
        compared,
        tuple(findings),
        exercise.hint if mistake is None else mistake.hint,
    )


def _comparisons(
    exercise: Exercise, found: CallOutcome, right: CallOutcome
) -> tuple[Comparison, ...]:
    """Return the wrong results of a call; or all results, if the call failed."""
    if found.error:
        pairs = zip(exercise.returns, right.parts, strict=True)
        return tuple(Comparison(name, needed, None) for name, needed in pairs)
    triples = zip(exercise.returns, right.parts, found.parts, strict=True)
    return tuple(
        Comparison(name, needed, came)
        for name, needed, came in triples
        if not is_alike(came, needed)
    )


def _mistake(exercise: Exercise, outcomes: Sequence[CallOutcome]) -> WrongAnswer | None:
    """Return the known wrong answer that has the same outcomes, or None."""
    if len(outcomes) < len(exercise.cases):
        return None
    for wrong in exercise.wrong:
        others = (outcome(exercise, wrong.function, case) for case in exercise.cases)
        if all(map(CallOutcome.is_like, outcomes, others)):
            return wrong
    return None


def _diagnoses(
    exercise: Exercise, outcomes: Sequence[CallOutcome], rights: Sequence[CallOutcome]
) -> list[str]:
    """Return what `diagnose` says about each gradient, on all cases together."""
    if exercise.layer is None:
        return []
    tries = [
        (problem_of(**exercise.layer(*case)), found, right)
        for case, found, right in zip(exercise.cases, outcomes, rights, strict=False)
        if not found.error
    ]
    sentences: list[str] = []
    for n, name in enumerate(exercise.returns):
        target = cast("Target", name)
        evidence: list[Evidence] = []
        for problem, found, right in tries:
            # The layer has axes of samples and channels, which the answer may lack.
            missing = problem.result(target).ndim - right.parts[n].ndim
            evidence.append((problem, found.parts[n][(None,) * missing]))
        sentences += [
            f"{name}: {mistake.title} ({mistake.key}). {mistake.why}"
            for alternative in explanations(target, evidence)[:1]
            for mistake in map(mistake_of, alternative)
        ]
    return sentences
