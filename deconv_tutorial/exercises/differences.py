"""Says in a sentence how a wrong array differs from the right one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import TypeAlias

import numpy as np

from deconv_tutorial.diagnose.compare import is_same, wrong_places
from deconv_tutorial.dtypes import Array

_MOST = 100  # elements that are shown
Pair: TypeAlias = tuple[Array, Array]
"""A result of an answer, and the right one."""
Change: TypeAlias = Callable[[Array], Array]
"""Makes an array that is easily mistaken for another one."""


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
    return array.astype(int) if array.dtype.kind in "bu" else array


def similarity(found: Array, right: Array, others: Sequence[Pair] = ()) -> str:
    """Return what a wrong array has in common with the right one, or "".

    Parameters
    ----------
    found, right : array
        The wrong array, and the right one.
    others : sequence of pairs of arrays
        What came of the other cases that are wrong. What is said is true of them, too.

    Examples
    --------
    >>> similarity(np.array([3, 2, 1]), np.array([1, 2, 3]))
    'is the right one, in reverse'
    >>> similarity(np.array([[1, 2]]), np.array([1, 2]))
    'has the right numbers in the shape (1, 2), and needs the shape (2,)'
    """
    pairs = [(found, right), *others]
    if found.dtype.kind == "b" != right.dtype.kind:
        return "has truth values, and needs numbers"
    if found.shape != right.shape:
        reshaped = all(f.size == r.size and _is_reshaped(f, r) for f, r in pairs)
        shapes = f"in the shape {found.shape}, and needs the shape {right.shape}"
        return f"has the right numbers {shapes}" if reshaped else ""
    for words, change in _look_alikes(right.shape):
        if all(_is_changed(pair, change) for pair in pairs):
            return f"is the right one, {words}"
    factor = _factor(pairs)
    return "" if factor is None else f"is {factor:.6g} times the right one"


def difference(name: str, found: Array, right: Array, *, reveal: bool = True) -> str:
    """Return in one sentence where a wrong array differs from the right one.

    Parameters
    ----------
    name : str
        The name of the result.
    found, right : array
        The wrong array, and the right one.
    reveal : bool
        Whether the right number may be told.

    Examples
    --------
    >>> difference("dw", np.array([1, 2, 4]), np.array([1, 2, 3]))
    'dw differs in 1 of 3 elements, first at [2].'
    """
    if found.shape != right.shape:
        return f"{name} has the shape {found.shape}, and needs {right.shape}."
    if not right.ndim:
        needed = f"and should be {right}" if reveal else "which is wrong"
        return f"{name}: {found}, {needed}."
    wrong = wrong_places(_signed_numbers(found), _signed_numbers(right))
    if _is_close(found, right):
        largest = np.abs(found - right).max()
        return f"{name} differs in {_count(wrong)}, by at most {largest:.1g}."
    if not np.isfinite(found).all():
        lost = ~np.isfinite(found)
        return f"{name} is nan or infinite in {_count(lost)}, {_first(lost)}."
    return f"{name} differs in {_count(wrong)}, {_first(wrong)}."


def _count(places: Array) -> str:
    return f"{int(places.sum())} of {places.size} elements"


def _first(places: Array) -> str:
    return f"first at {[int(n) for n in np.argwhere(places)[0]]}"


def _is_close(found: Array, right: Array) -> bool:
    """Return whether floating-point numbers agree in the first digits."""
    return found.dtype.kind == "f" and is_same(found.round(5), right.round(5))


def _is_reshaped(found: Array, right: Array) -> bool:
    """Return whether two arrays of one size have the same numbers in the same order."""
    return is_alike(found.reshape(right.shape), right)


def _is_changed(pair: Pair, change: Change) -> bool:
    """Return whether the wrong array of a pair is the right one, but for a change."""
    found, right = map(_signed_numbers, pair)
    return is_same(found, change(right))


def _look_alikes(shape: Sequence[int]) -> list[tuple[str, Change]]:
    """Return what is easily done to an array of this shape, with words for each."""
    axes = [n for n in range(len(shape)) if shape[n] > 1]
    reversed_: list[tuple[str, Change]] = [("in reverse", np.flip)]
    if len(axes) > 1:
        reversed_ += [(f"reversed on axis {n}", _reversal(n)) for n in axes]
    exchanged = [
        (f"with axes {one} and {other} exchanged", _exchange(one, other))
        for one, other in combinations(axes, 2)
    ]
    return [("with the opposite sign", np.negative), *reversed_, *exchanged]


def _reversal(axis: int) -> Change:
    return lambda array: np.flip(array, axis)


def _exchange(one: int, other: int) -> Change:
    return lambda array: array.swapaxes(one, other)


def _factor(pairs: Sequence[Pair]) -> float | None:
    """Return the factor between all pairs of arrays, or None if there is no single one.

    Numbers of one size tell none: each number is a multiple of each other.
    """
    if any(found.shape != right.shape for found, right in pairs):
        return None
    found, right = (
        np.concatenate([_signed_numbers(array).ravel() for array in arrays])
        for arrays in zip(*pairs, strict=True)
    )
    sizes = np.unique(np.abs(right[right != 0]))
    if np.iscomplexobj(found) or np.iscomplexobj(right) or len(sizes) < 2:
        return None
    factor = float((found * right).sum()) / float((right * right).sum())
    same = factor and is_same(found, factor * right)
    return factor if same and not _is_close(found, right) else None


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
