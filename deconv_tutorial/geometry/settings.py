"""What a size, a stride or a padding may be, and what is said when it is not."""

from __future__ import annotations

import math
import operator
import reprlib
from collections.abc import Sequence
from typing import TypeAlias, cast

import numpy as np

Index: TypeAlias = tuple[int, ...]
"""One whole number per spatial axis."""
PerAxis: TypeAlias = int | Sequence[int]
"""A setting: one number for all spatial axes, or one for each."""
Padding: TypeAlias = PerAxis | Sequence[Sequence[int]] | str
"""A number, one per axis, one ``(before, after)`` pair per axis, or a word."""
LIMIT = 2**63
"""What each size and setting is below: NumPy counts in 64 bits, one of them a sign."""
_TEXT = str | bytes | bytearray | memoryview


def whole_number(name: str, value: object, at_least: int) -> int:
    """Return an argument as an int, or refuse it by its name.

    Any type with ``__index__`` will do, except bool; anything else is a TypeError. A
    number that is smaller than `at_least`, or not below `LIMIT`, is a ValueError.

    Examples
    --------
    >>> whole_number("groups", np.int8(2), at_least=1)
    2
    >>> whole_number("groups", 0, at_least=1)
    Traceback (most recent call last):
    ValueError: groups needs a whole number of at least 1, got 0
    """
    return _in_range(f"{name} needs a whole number", value, at_least)


def per_axis(name: str, value: object, rank: int, at_least: int) -> Index:
    """Return a setting as one `whole_number` per axis, or refuse it.

    What came is one number for all of the `rank` spatial axes, or one for each.

    Examples
    --------
    >>> per_axis("stride", 3, rank=2, at_least=1)
    (3, 3)
    >>> per_axis("stride", (3, 0), rank=2, at_least=1)
    Traceback (most recent call last):
    ValueError: stride needs whole numbers of at least 1, got 0 in (3, 0)
    """
    if not is_sequence(value):
        return (whole_number(name, value, at_least),) * rank
    entries = list(cast("Sequence[object]", value))
    if len(entries) != rank or not entries:
        msg = (
            f"{name} needs one whole number, or one per axis (here {rank or 1}), "
            f"got {shown(value)}"
        )
        raise ValueError(msg)
    need = f"{name} needs whole numbers"
    return tuple(_in_range(need, entry, at_least, among=value) for entry in entries)


def padding_pairs(value: object, rank: int) -> tuple[Index, ...]:
    """Return a padding as one ``(before, after)`` pair per axis, or refuse it.

    What came is one number for all of the `rank` spatial axes, or one or a pair for
    each, each a `whole_number` of at least 0.

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
        msg = (
            f"padding needs one whole number, one per axis (here {rank}), "
            f"or one (before, after) pair per axis, got {shown(value)}"
        )
        raise ValueError(msg)
    return tuple(per_axis("padding", pair, 2, 0) for pair in entries)


def common_rank(*sizes: object) -> int:
    """Return how many spatial axes the sizes speak of; a number alone fits any."""
    lengths = [len(cast("Sequence[int]", s)) for s in sizes if is_sequence(s)]
    return lengths[0] if lengths else 1


def is_sequence(value: object) -> bool:
    """Return whether a value is an ordered collection of settings, not a word."""
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Sequence) and not isinstance(value, _TEXT)


class _Short(reprlib.Repr):
    """The standard library's repr with limits, and with limits that show settings."""

    def repr_int(self, x: int, level: int) -> str:
        """Return the digits, or how many: Python refuses to print more than 4300."""
        del level
        if abs(x) < 10**40:
            return repr(x)
        kind = "a negative integer" if x < 0 else "an integer"
        return f"{kind} of about {int(math.log10(abs(x))) + 1} digits"

    def repr_instance(self, x: object, level: int) -> str:
        """Return what a type of its own says, on one line."""
        return " ".join(super().repr_instance(x, level).split())


_short = _Short()
_short.maxtuple = _short.maxlist = 16
_short.maxstring = _short.maxother = 160


def shown(value: object) -> str:
    """Return what came, as a message shows it: short, whatever it is.

    Examples
    --------
    >>> shown((3, -(10**5000)))
    '(3, a negative integer of about 5001 digits)'
    """
    return _short.repr(value)


def typed(value: object) -> str:
    """Return what came, and of what type it is: for messages on types.

    Examples
    --------
    >>> typed(2.0), typed(None)
    ('2.0 (a float)', 'None')
    """
    return "None" if value is None else f"{shown(value)} ({type_of(value)})"


def type_of(value: object) -> str:
    """Return the name of the type of a value, with its article.

    Examples
    --------
    >>> type_of(2), type_of([2]), type_of(np.array(2))
    ('an int', 'a list', 'an ndarray')
    """
    name = type(value).__name__
    spoken_vowel = name.lower().startswith(("a", "e", "i", "o", "nd"))
    return f"an {name}" if spoken_vowel else f"a {name}"


def _in_range(need: str, value: object, at_least: int, among: object = None) -> int:
    """Return a whole number, or refuse it: the message starts with what is needed."""
    number = _index(value)
    if number is not None and at_least <= number < LIMIT:
        return number
    small = number is None or number < at_least
    bound = f"of at least {at_least}" if small else "below 2**63"
    came = typed(value) if number is None else shown(value)
    place = "" if among is None else f" in {shown(among)}"
    msg = f"{need} {bound}, got {came}{place}"
    raise (TypeError if number is None else ValueError)(msg)


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
