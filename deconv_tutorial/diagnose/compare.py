"""Whether two arrays are the same but for rounding, and if not, where they differ."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from deconv_tutorial.diagnose.mistakes.problem import Problem, Target
from deconv_tutorial.dtypes import Array

_TOLERANCE: Mapping[str, float] = {
    "bfloat16": 4e-2,
    "float16": 1e-2,
    "float32": 1e-4,
    "complex64": 1e-4,
}
"""The share of the largest element that counts as rounding, by dtype."""
_TOLERANCE_OF_OTHERS = 1e-9
_FEWEST = 3
"""The fewest elements of different size for a constant factor to be a finding."""


def is_same(found: Array, expected: Array, rtol: float | None = None) -> bool:
    """Return whether two arrays are equal, but for the rounding of their dtype.

    Differences up to some share of the largest element count as rounding: 1e-9 in
    float64, 1e-4 in float32, 1e-2 in float16, 4e-2 in bfloat16; or `rtol`, if given. An
    array of float64 counts as float32 if all its elements are such numbers, and those
    of the other array are not all whole: then it was computed in float32.
    """
    return (
        found.shape == expected.shape and not wrong_places(found, expected, rtol).any()
    )


def wrong_places(found: Array, expected: Array, rtol: float | None = None) -> Array:
    """Return a mask that is True where two arrays differ by more than rounding."""
    share = rtol or _rounding(found, expected)
    found, expected = as_plain(found), as_plain(expected)
    if not expected.size:
        return np.zeros(expected.shape, bool)
    with np.errstate(invalid="ignore", over="ignore"):  # infinity less infinity
        room = share * np.abs(expected).max()
        return ~(np.abs(found - expected) <= room)  # also where it is not a number


def _rounding(found: Array, expected: Array) -> float:
    """Return the share of the largest element that counts as rounding."""
    share = max(
        _TOLERANCE.get(array.dtype.name, _TOLERANCE_OF_OTHERS)
        for array in (found, expected)
    )
    single = found.dtype == np.float64 and expected.dtype.kind in "fc"
    if share == _TOLERANCE_OF_OTHERS and single and _is_single(found):
        whole = bool((expected == np.rint(expected)).all())
        return share if whole else _TOLERANCE["float32"]
    return share


def _is_single(array: Array) -> bool:
    """Return whether all elements are numbers of float32."""
    with np.errstate(over="ignore"):
        return bool((array.astype(np.float32) == array).all())


def as_plain(array: Array) -> Array:
    """Return an array with a dtype that NumPy computes with, and no bool or uint.

    Examples
    --------
    >>> as_plain(np.array([1, 0], np.uint8)).dtype
    dtype('int64')
    """
    if array.dtype.name in _TOLERANCE and array.dtype.kind not in "fc":
        return array.astype(np.float32)
    return array.astype(np.int64) if array.dtype.kind in "bu" else array


def whereabouts(problem: Problem, target: Target, found: Array) -> list[str]:
    """Return sentences on where an array is wrong: in samples, channels and places."""
    right = problem.result(target)
    if found.shape != right.shape:
        sentences = [f"shape {found.shape}, needed is {right.shape}"]
        if found.size == right.size and is_same(found.reshape(right.shape), right):
            sentences.append("its numbers are right, only the shape is not")
        return sentences
    wrong = wrong_places(found, right)
    count = int(wrong.sum())
    sentences = [f"{count} of {wrong.size} elements differ"]
    rank = len(problem.geometry.axes)
    for axis, size in enumerate(wrong.shape):
        places = np.flatnonzero(
            wrong.any(axis=tuple(n for n in range(wrong.ndim) if n != axis))
        )
        if 0 < len(places) < size:
            leading = 1 if target == "db" else wrong.ndim - rank
            name = _axis_name(target, axis, leading)
            spatial = axis >= leading
            step = problem.geometry.axes[axis - leading].stride if spatial else 1
            sentences.append(f"only {name} {_place_words(places, size, step)}")
    return sentences


def ratio(found: Array, right: Array, rtol: float | None = None) -> float | None:
    """Return the factor between two arrays of one shape, or None if there is none.

    Few elements, or all of one size, have a factor by chance: see `is_telling`.

    Examples
    --------
    >>> ratio(np.array([6.0, 9.0]), np.array([2.0, 3.0]))
    3.0
    """
    wide = found.astype(np.result_type(found.dtype, np.float64))
    size = (right * right.conj()).sum()
    factor = complex((wide * right.conj()).sum() / size) if size else 0j
    if not factor or factor.imag or not is_same(wide, factor.real * right, rtol):
        return None
    return factor.real


def is_telling(right: Array) -> bool:
    """Return whether a factor that all elements share can be no coincidence.

    Examples
    --------
    >>> is_telling(np.array([2.0])), is_telling(np.array([2.0, 3.0, -7.0]))
    (False, True)
    """
    return len({abs(number) for number in right.flat if number}) >= _FEWEST


def _axis_name(target: Target, axis: int, leading: int) -> str:
    if axis >= leading:
        return f"on axis {axis - leading}, at"
    names = {
        "dw": (
            "in its first axis of channels, at",
            "in its second axis of channels, at",
        ),
        "db": ("in its channels, at",),
    }
    return names.get(target, ("in the samples, at", "in the channels, at"))[axis]


def _place_words(places: Array, size: int, step: int) -> str:
    """Return places as words: the first ones, the last ones, one residue, or a list."""
    count = len(places)
    if count == 1:
        return f"{places[0]}, one of {size}"
    if places[-1] == count - 1:
        return f"the first {count} of {size}"
    if places[0] == size - count:
        return f"the last {count} of {size}"
    if step > 1 and len(set(places % step)) == 1:
        return f"those of {size} that leave {places[0] % step} when divided by {step}"
    return f"{', '.join(map(str, places))} of 0 to {size - 1}"
