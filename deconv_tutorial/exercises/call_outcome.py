"""Calls an answer once, and says how the call ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from deconv_tutorial.diagnose.trial import TooSlowError, blame, time_limit
from deconv_tutorial.dtypes import Array
from deconv_tutorial.exercises.differences import is_alike
from deconv_tutorial.exercises.exercise import (
    Arguments,
    Exercise,
    FormError,
    Function,
)
from deconv_tutorial.exercises.parts import as_parts


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


def outcome(
    exercise: Exercise, answer: Function, case: Arguments, seconds: float = 10.0
) -> CallOutcome:
    """Return how the call of an answer in a case ends, whatever it raises.

    A KeyboardInterrupt comes through.
    """
    copies = tuple(_copy(value) for value in case)
    try:
        with time_limit(seconds):
            parts = as_parts(exercise.call(answer, copies), exercise.returns)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # SystemExit and whatever else
        return CallOutcome(error=error, complaints=(_complaint(error),))
    arrays = zip(exercise.arguments, *map(_arrays, (copies, case)), strict=True)
    changed = tuple(
        f"It changes its argument {name} in place, and the caller still needs that."
        for name, copy, given in arrays
        if copy is not None and given is not None and not np.array_equal(copy, given)
    )
    return CallOutcome(parts, complaints=changed)


def _complaint(error: BaseException) -> str:
    """Return in a sentence what is wrong, for an error that ended a call."""
    if isinstance(error, FormError):
        return f"It needs to return {error}."
    if isinstance(error, TooSlowError):
        return f"It was stopped: {blame(error).partition(': ')[2]}"
    return f"It raises {blame(error)}"


def _arrays(values: Arguments) -> list[Array | None]:
    """Return each value that is an array, and None for each other value."""
    return [cast("Array", v) if isinstance(v, np.ndarray) else None for v in values]


def _copy(value: object) -> object:
    return cast("Array", value).copy() if isinstance(value, np.ndarray) else value
