"""The results of an answer as arrays, or words on what came instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.exercises.exercise import FormError


def as_parts(value: object, names: Sequence[str]) -> tuple[Array, ...]:
    """Return the results of an answer as arrays, one for each name.

    Raises
    ------
    FormError
        If there are more or fewer results than names, or one is not made of numbers.

    Examples
    --------
    >>> as_parts(([1, 2], 3.5), ("dx", "dw"))
    (array([1, 2]), array(3.5))
    >>> as_parts("some", ["dx"])
    Traceback (most recent call last):
    deconv_tutorial.exercises.exercise.FormError: numbers as dx, got a value of type str
    """
    wanted = ", ".join(names)
    values: Sequence[object] = [value] if len(names) == 1 else _elements(value)
    if len(values) != len(names):
        msg = f"{wanted}, got {description(value)}"
        raise FormError(msg)
    return tuple(_as_array(*pair) for pair in zip(names, values, strict=True))


def _elements(value: object) -> Sequence[object]:
    """Return the elements of a tuple or a list. Other things have none."""
    return cast("Sequence[object]", value) if isinstance(value, tuple | list) else ()


def description(value: object) -> str:
    """Return in words what kind of thing a value is.

    Examples
    --------
    >>> description((1, 2)), description(np.ones(3)), description("three")
    ('a tuple of 2', 'one array of shape (3,)', 'a value of type str')
    """
    count = len(_elements(value))
    if hasattr(value, "_fields"):
        return f"{type(value).__name__} of {count} results"
    if isinstance(value, tuple | list):
        return f"a {type(cast('object', value)).__name__} of {count}"
    if isinstance(value, np.ndarray):
        return f"one array of shape {cast('Array', value).shape}"
    return f"a value of type {type(value).__name__}"


def _as_array(name: str, value: object) -> Array:
    """Return a result as an array of numbers, which nobody else writes to."""
    try:
        array = np.array(value)
        if array.dtype.kind == "O":
            array = array.astype(float)
    except (TypeError, ValueError) as error:
        rows = type(value) in (tuple, list)
        what = "numbers in rows of equal length" if rows else "an array of numbers"
        msg = f"{what} as {name}, got {description(value)}"
        raise FormError(msg) from error
    if array.dtype.kind not in "biufc":
        msg = f"numbers as {name}, got {description(value)}"
        raise FormError(msg)
    return array


def pair(value: object, of: str) -> tuple[Any, Any]:
    """Return the two things that an answer returned.

    Raises
    ------
    FormError
        If the answer did not return two things.
    """
    try:
        one, other = cast("tuple[Any, Any]", value)
    except (TypeError, ValueError) as error:
        msg = f"{of}, got {description(value)}"
        raise FormError(msg) from error
    return one, other
