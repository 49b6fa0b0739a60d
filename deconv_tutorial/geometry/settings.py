"""What a size, a stride or a padding may be, and what is said when it is not."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import NoReturn, TypeAlias, cast

import numpy as np

Index: TypeAlias = tuple[int, ...]
"""One whole number per spatial axis."""
PerAxis: TypeAlias = int | Sequence[int]
"""A setting: one number for all spatial axes, or one for each."""
Padding: TypeAlias = PerAxis | Sequence[Sequence[int]] | str
"""A number, one per axis, one ``(before, after)`` pair per axis, or a word."""
_TEXT = str | bytes | bytearray | memoryview


def whole_number(name: str, value: object, at_least: int) -> int:
    """Return an argument as an int, or refuse it.

    Parameters
    ----------
    name : str
        What the argument is called where the user wrote it.
    value : object
        What came. Any type with ``__index__`` will do, except bool.
    at_least : int
        The smallest number that is allowed.

    Raises
    ------
    TypeError
        If `value` is not a whole number.
    ValueError
        If `value` is smaller than `at_least`.

    Examples
    --------
    >>> whole_number("groups", np.int8(2), at_least=1)
    2
    >>> whole_number("groups", 0, at_least=1)
    Traceback (most recent call last):
    ValueError: groups needs a whole number of at least 1, got 0
    """
    number = _index(value)
    if number is None or number < at_least:
        _refuse(number, f"{name} needs a whole number of at least {at_least}", value)
    return number


def per_axis(name: str, value: object, rank: int, at_least: int) -> Index:
    """Return a setting as one whole number per axis, or refuse it.

    Parameters
    ----------
    name : str
        What the argument is called where the user wrote it.
    value : object
        What came: one number for all axes, or a sequence with one for each.
    rank : int
        The number of spatial axes.
    at_least : int
        The smallest number that is allowed.

    Raises
    ------
    TypeError
        If a number is not a whole number.
    ValueError
        If there are not `rank` numbers, or one is smaller than `at_least`.

    Examples
    --------
    >>> per_axis("stride", 3, rank=2, at_least=1)
    (3, 3)
    >>> per_axis("stride", (3, 0), rank=2, at_least=1)
    Traceback (most recent call last):
    ValueError: stride needs whole numbers of at least 1, got (3, 0)
    """
    entries = [value] * rank
    if is_sequence(value):
        entries = list(cast("Sequence[object]", value))
        if len(entries) != rank or not entries:
            need = f"{name} needs one whole number, or one per axis (here {rank or 1})"
            _refuse(len(entries), need, value)
    numbers: list[int] = []
    for number in map(_index, entries):
        if number is None or number < at_least:
            need = f"{name} needs whole numbers of at least {at_least}"
            _refuse(number, need, value)
        numbers.append(number)
    return tuple(numbers)


def padding_pairs(value: object, rank: int) -> tuple[Index, ...]:
    """Return a padding as one ``(before, after)`` pair per axis, or refuse it.

    Parameters
    ----------
    value : object
        What came: a number, one per axis, or one pair per axis.
    rank : int
        The number of spatial axes.

    Raises
    ------
    TypeError
        If a number is not a whole number.
    ValueError
        If the numbers are negative, or neither `rank` of them nor `rank` pairs.

    Examples
    --------
    >>> padding_pairs((1, 2), rank=2)
    ((1, 1), (2, 2))
    >>> padding_pairs([(0, 3), (1, 2)], rank=2)
    ((0, 3), (1, 2))
    """
    entries = list(cast("Sequence[object]", value)) if is_sequence(value) else []
    if not any(map(is_sequence, entries)):
        return tuple((p, p) for p in per_axis("padding", value, rank, 0))
    lengths = [len(cast("Sequence[object]", e)) for e in entries if is_sequence(e)]
    if len(entries) != rank or lengths != [2] * rank:
        need = (
            f"padding needs one whole number, one per axis (here {rank}), "
            "or one (before, after) pair per axis"
        )
        _refuse(rank, need, value)
    return tuple(per_axis("padding", pair, 2, 0) for pair in entries)


def common_rank(*sizes: object) -> int:
    """Return how many spatial axes the sizes speak of; a number alone fits any.

    Examples
    --------
    >>> common_rank((8, 9), 3), common_rank(8, 3)
    (2, 1)
    """
    lengths = [len(cast("Sequence[int]", s)) for s in sizes if is_sequence(s)]
    return lengths[0] if lengths else 1


def is_sequence(value: object) -> bool:
    """Return whether a value is an ordered collection of settings, not a word."""
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Sequence) and not isinstance(value, _TEXT)


def shown(value: object) -> str:
    """Return what came, as a message shows it."""
    try:
        return repr(value)
    except ValueError:  # Python prints no integer of more than 4300 digits
        return "a number too long to print"


def _index(value: object) -> int | None:
    """Return the whole number that a value is, or None."""
    if type(value) is int:
        return value
    if isinstance(value, bool | np.bool_) or np.ma.is_masked(value):
        return None
    try:
        return operator.index(cast("int", value))
    except TypeError:
        return None


def _refuse(number: int | None, need: str, value: object) -> NoReturn:
    """Raise: without a number the type is wrong, with one its value."""
    error = TypeError if number is None else ValueError
    msg = f"{need}, got {shown(value)}"
    raise error(msg)
