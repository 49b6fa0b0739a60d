"""Compares the results of an answer with the right ones, and describes differences."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import cast

import numpy as np

from deconv_tutorial.diagnose.compare import is_same, ratio, wrong_places
from deconv_tutorial.dtypes import Array
from deconv_tutorial.exercises.exercise import FormError

_MOST = 100  # elements that are shown


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
    if isinstance(value, tuple | list):
        return f"a {type(cast('object', value)).__name__} of {count}"
    if isinstance(value, np.ndarray):
        return f"one array of shape {cast('Array', value).shape}"
    return f"a value of type {type(value).__name__}"


def _as_array(name: str, value: object) -> Array:
    """Return a result as an array of numbers."""
    try:
        array = np.asarray(value)
        if array.dtype.kind == "O":
            array = array.astype(float)
    except (TypeError, ValueError) as error:
        msg = f"numbers in rows of equal length as {name}, got {description(value)}"
        raise FormError(msg) from error
    if array.dtype.kind not in "biufc":
        msg = f"numbers as {name}, got {description(value)}"
        raise FormError(msg)
    return array


def is_alike(found: Array, right: Array) -> bool:
    """Return whether two arrays are equal, but for rounding.

    Examples
    --------
    >>> is_alike(np.array([1.0, 2.0 + 1e-12]), np.array([1, 2]))
    True
    >>> is_alike(np.array(True), np.array(False))
    False
    """
    return is_same(_signed_numbers(found), _signed_numbers(right))


def _signed_numbers(array: Array) -> Array:
    """Return an array whose elements can be subtracted: 0 and 1 for truth values."""
    return array.astype(int) if array.dtype.kind == "b" else array


def array_text(name: str, array: Array) -> str:
    """Return the name and shape of an array, and its elements below them.

    Examples
    --------
    >>> print(array_text("got", np.array([[1, 2], [3, 4]])))
    got, shape (2, 2):
    [[1, 2],
     [3, 4]]
    """
    if not array.ndim:
        return f"{name}: {array}"
    text = np.array2string(
        array, separator=", ", threshold=_MOST, precision=6, suppress_small=True
    )
    return f"{name}, shape {array.shape}:\n{text}"


def difference(name: str, found: Array, right: Array) -> str:
    """Return in one sentence how a wrong array differs from the right one.

    Examples
    --------
    >>> difference("dw", np.array([3, 2, 1]), np.array([1, 2, 3]))
    'dw is the right one, in reverse.'
    >>> difference("dw", np.array([1, 2, 4]), np.array([1, 2, 3]))
    'dw differs in 1 of 3 elements, first at [2].'
    """
    if found.shape != right.shape:
        return f"{name} has the shape {found.shape}, and needs {right.shape}."
    if not right.ndim:
        return f"{name}: {found}, and should be {right}."
    for words, array in _look_alikes(right):
        if is_same(found, array):
            return f"{name} is the right one, {words}."
    factor = _factor(found, right)
    if factor is not None:
        return f"{name} is {factor:.6g} times the right one."
    wrong = wrong_places(found, right)
    first = [int(n) for n in np.argwhere(wrong)[0]]
    count = f"{int(wrong.sum())} of {wrong.size} elements"
    if found.dtype.kind == "f" and is_same(found.round(5), right.round(5)):
        largest = np.abs(found - right).max()
        return f"{name} differs in {count}, by at most {largest:.1g}."
    where = f", first at {first}" if first else ""
    return f"{name} differs in {count}{where}."


def _look_alikes(right: Array) -> list[tuple[str, Array]]:
    """Return arrays that are easily mistaken for the right one, with words for each."""
    axes = [n for n in range(right.ndim) if right.shape[n] > 1]
    reversed_ = [("in reverse", np.flip(right))]
    if len(axes) > 1:
        reversed_ += [(f"reversed on axis {n}", np.flip(right, n)) for n in axes]
    exchanged = [
        (f"with axes {one} and {other} exchanged", right.swapaxes(one, other))
        for one, other in combinations(axes, 2)
    ]
    return [("with the opposite sign", -right), *reversed_, *exchanged]


def _factor(found: Array, right: Array) -> float | None:
    """Return the factor between two arrays, or None if there is no telling one."""
    if np.iscomplexobj(found) or np.iscomplexobj(right):
        return None
    factor = ratio(found, right)
    if factor is None or is_same(found.round(5), right.round(5)):
        return None
    # One number is always a multiple of another. Only a whole factor tells anything.
    telling = right.size > 1 or factor.is_integer() or (1 / factor).is_integer()
    return factor if telling else None
