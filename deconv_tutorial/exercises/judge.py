"""Tries an answer on the cases of an exercise, and says what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any, SupportsIndex, cast

import numpy as np

from deconv_tutorial.diagnose.trial import TooSlowError, check_seconds
from deconv_tutorial.exercises.appraisal import Appraisal
from deconv_tutorial.exercises.as_code import is_given
from deconv_tutorial.exercises.call_outcome import CallOutcome, outcome
from deconv_tutorial.exercises.exercise import Arguments, Exercise, Function
from deconv_tutorial.exercises.parts import description
from deconv_tutorial.exercises.register import exercise_of
from deconv_tutorial.exercises.verdict import Verdict
from deconv_tutorial.geometry.settings import typed

DRAWN = 20
"""How many cases are drawn, if there is a seed."""


def check(
    key: str,
    attempt: object,
    *,
    seed: int | None = None,
    reveal: bool = True,
    seconds: float = 10.0,
) -> Verdict:
    """Try an answer to an exercise, and say what is wrong with it.

    The answer gets copies of the arguments. If it raises an error, the verdict has it.
    It runs in this process, and can do all that this process can do.

    Parameters
    ----------
    key : str
        The exercise: its label in the book, with ``ex-`` or without. `exercises` lists
        them.
    attempt : callable
        The answer, with the signature of the stub. What `solution` returns is refused.
    seed : int, optional
        Draws further cases, other ones for each seed. Without it, only the fixed cases
        are tried, which everybody can read.
    reveal : bool
        Whether the verdict has the right results.
    seconds : float
        How long one call may take, on platforms that can stop it.

    Returns
    -------
    Verdict
        True if the answer is right. Otherwise it shows the first case that fails, with
        the expected results, the results of the answer, and a hint. The fixed cases
        come first, and the small ones before the large ones.

    Raises
    ------
    ValueError
        If there is no such exercise, or if `seed` or `seconds` is too small.
    TypeError
        If the seed is no integer, or `seconds` no number.

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
    check_seconds("seconds", seconds)
    cases = [*exercise.cases, *drawn_cases(exercise, seed)]
    finding = _refusal(exercise, attempt)
    if finding:
        return Verdict(exercise.key, len(cases), 0, findings=(finding,), seed=seed)
    tried = _appraisal(exercise, cast("Function", attempt), cases, seconds)
    if isinstance(tried.found[0].error, NotImplementedError):
        finding = f"{exercise.name} is not written yet."
        return Verdict(exercise.key, len(cases), 0, findings=(finding,), seed=seed)
    return tried.verdict(seed, reveal=reveal)


def drawn_cases(exercise: Exercise, seed: int | None) -> list[Arguments]:
    """Return the cases that a seed draws, the smallest first; none without a seed.

    Raises
    ------
    ValueError
        If the seed is negative.
    TypeError
        If it is no integer.
    """
    if seed is None:
        return []
    _check_seed(seed)
    rng = np.random.default_rng(seed)
    return sorted((exercise.draw(rng) for _ in range(DRAWN)), key=_size)


def _check_seed(seed: object) -> None:
    if isinstance(seed, bool) or not isinstance(seed, SupportsIndex):
        msg = f"seed needs an integer or None, got {typed(seed)}"
        raise TypeError(msg)
    if index(seed) < 0:
        msg = f"seed needs an integer from 0 on, got {seed}"
        raise ValueError(msg)


def _size(case: Arguments) -> int:
    return sum(v.size for v in cast("Any", case) if isinstance(v, np.ndarray))


def _refusal(exercise: Exercise, attempt: object) -> str:
    """Return why something is not tried, or ""."""
    if not callable(attempt):
        return f"check needs the function itself, got {description(attempt)}."
    if is_given(attempt, exercise):
        return (
            "This is the solution of the package. check tries a function of your own; "
            f'solution("{exercise.key}") shows how the package writes it.'
        )
    return ""


def _appraisal(
    exercise: Exercise, answer: Function, cases: Sequence[Arguments], seconds: float
) -> Appraisal:
    """Return how the calls of an answer end; after one that takes too long, no more."""
    # The right results come first: what the answer does to NumPy does not reach them.
    rights = [outcome(exercise, exercise.right, case) for case in cases]
    found: list[CallOutcome] = []
    for case in cases:
        found.append(outcome(exercise, answer, case, seconds))
        if isinstance(found[-1].error, TooSlowError):
            break
    return Appraisal(exercise, answer, cases, found, rights, seconds)
