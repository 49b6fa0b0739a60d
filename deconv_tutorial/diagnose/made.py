"""One mistake made in one problem, and what it gives together with another one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np

from deconv_tutorial.diagnose.mistakes.formulas import Formula
from deconv_tutorial.diagnose.mistakes.problem import Problem
from deconv_tutorial.dtypes import Array


class MadeMistake:
    """A mistake that was made in a problem. Its results are computed once."""

    def __init__(self, mistake: Formula, problem: Problem, right: Array) -> None:
        self.mistake, self.problem, self.right = mistake, problem, right

    @cached_property
    def changed(self) -> Problem | None:
        """The wrong problem, or None if the mistake cannot be made here."""
        return wrong_problem(self.mistake, self.problem)

    @cached_property
    def unfinished(self) -> Array | None:
        """What the mistake gives before the last steps."""
        changed = self.changed
        if changed is None:
            return None
        return _computed(lambda: changed.unfinished_result(self.mistake.target))

    @cached_property
    def result(self) -> Array | None:
        """What the mistake gives, or None if that is no other array than the right."""
        if self.changed is None or self.unfinished is None:
            return None
        array = finished(self.unfinished, self.changed)
        if array is None or _is_equal(array, self.right):
            return None
        return array

    @property
    def array(self) -> Array:
        """What the mistake gives, the right array included."""
        return self.right if self.result is None else self.result

    @cached_property
    def is_last_step(self) -> bool:
        """Whether the mistake leaves all as it is, but for a step at the end."""
        return self.changed is not None and is_finish_only(self.problem, self.changed)


def pair_results(one: MadeMistake, other: MadeMistake) -> Iterator[Array]:
    """Yield what two mistakes give together, in one order and in the other."""
    for first, second in ((one, other), (other, one)):
        if first.changed is None:
            continue
        both = wrong_problem(second.mistake, first.changed)
        if both is None:
            continue
        array = _pair_result(first, second, both)
        if array is not None:
            yield array


def _pair_result(
    first: MadeMistake, second: MadeMistake, both: Problem
) -> Array | None:
    """Return what the second mistake gives after the first, with little arithmetic.

    A mistake of the last step needs no new sum over the taps.
    """
    if second.is_last_step and first.changed and is_finish_only(first.changed, both):
        unfinished = first.unfinished
    elif first.is_last_step and second.changed and not second.changed.finish:
        unfinished = second.unfinished
    else:
        target = second.mistake.target
        unfinished = _computed(lambda: both.unfinished_result(target))
    return None if unfinished is None else finished(unfinished, both)


def wrong_problem(mistake: Formula, problem: Problem) -> Problem | None:
    """Return a problem in which a mistake was made, or None if that is impossible."""
    try:
        changed = mistake.change(problem)
    except (ValueError, IndexError, ZeroDivisionError):
        return None  # the shapes fit no more
    return changed if changed is not None and changed.is_possible else None


def finished(array: Array, problem: Problem) -> Array | None:
    """Return an array after the last steps of a problem, or None if they do not fit."""
    return _computed(lambda: problem.finished(array))


def is_finish_only(before: Problem, after: Problem) -> bool:
    """Return whether two problems differ in the last steps alone."""
    return (
        before.x is after.x
        and before.w is after.w
        and before.y is after.y
        and before.engine_map is after.engine_map
        and before.geometry == after.geometry
    )


def _computed(array: Callable[[], Array]) -> Array | None:
    try:
        return array()
    except (ValueError, IndexError, ZeroDivisionError):
        return None


def _is_equal(one: Array, other: Array) -> bool:
    return one.shape == other.shape and np.array_equal(one, other)
