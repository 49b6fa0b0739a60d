"""What an array may be: its numbers, their exactness, and the memory they need."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from deconv_tutorial.engine import Array

DType: TypeAlias = np.dtype[Any]

_INT64 = np.iinfo(np.int64)


def as_numbers(name: str, value: npt.ArrayLike | None) -> Array:
    """Return an argument as an array of numbers, or refuse it.

    Parameters
    ----------
    name : str
        What the argument is called where the user wrote it.
    value : array_like
        Numbers of any NumPy kind, or objects that add and multiply, such as SymPy
        expressions.

    Raises
    ------
    TypeError
        If the elements are not numbers.
    ValueError
        If elements are masked, or rows differ in length.

    Examples
    --------
    >>> as_numbers("x", ["one", "two"])
    Traceback (most recent call last):
    TypeError: x needs numbers, got an array of dtype <U3
    """
    if _is_masked(value):
        msg = (
            f"{name} needs numbers everywhere, got masked elements: "
            f"fill them first, for example with numpy.ma.filled({name}, 0)"
        )
        raise ValueError(msg)
    try:
        array = np.asarray(value)
    except ValueError as error:
        msg = f"{name} needs rows of equal length, got a ragged {type(value).__name__}"
        raise ValueError(msg) from error
    if array.dtype.kind == "O":
        _refuse_non_numbers(name, array)
    elif array.dtype.kind not in "biufc":
        msg = f"{name} needs numbers, got an array of dtype {array.dtype}"
        raise TypeError(msg)
    return array


def result_dtype(arrays: Mapping[str, Array]) -> DType:
    """Return the dtype of a result: NumPy's common one, and int64 for integers.

    Examples
    --------
    >>> x, w = np.ones(3, np.int8), np.ones(3, np.int32)
    >>> result_dtype({"x": x, "w": w})
    dtype('int64')
    """
    dtypes = [array.dtype for array in arrays.values()]
    if all(dtype.kind in "biu" for dtype in dtypes):
        return np.dtype(np.int64)
    return np.result_type(*dtypes).newbyteorder("=")


def as_working(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays in the one dtype to compute in.

    It is the dtype of the result, with two exceptions. Half precision is computed in
    float32, to be rounded once. Integers are computed as Python integers where a sum
    of their products might leave the range of int64.

    Raises
    ------
    ValueError
        If an integer would lose digits.

    Examples
    --------
    >>> x, w = np.array([3, 2**62]), np.array([0.5, 0.25])
    >>> as_working({"x": x, "w": w})["x"]
    array([3.00000000e+00, 4.61168602e+18])
    >>> as_working({"x": x + 1, "w": w})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: x needs integers that keep their digits in float64, ...
    """
    dtype = result_dtype(arrays)
    for name, array in arrays.items():
        if array.dtype.kind in "iu" and dtype.kind in "ifc":
            _require_exact(name, array, dtype)
    if dtype == np.float16:
        dtype = np.dtype(np.float32)
    if dtype == np.int64 and not _fits_int64(arrays):
        dtype = np.dtype(object)
    return {name: array.astype(dtype, copy=False) for name, array in arrays.items()}


def as_result(array: Array, dtype: DType) -> Array:
    """Return a computed array in the dtype of the result.

    Raises
    ------
    OverflowError
        If an integer is too large for int64.
    """
    try:
        return array.astype(dtype, copy=False)
    except OverflowError:
        msg = (
            f"the result needs integers from {array.min()} to {array.max()}, and int64 "
            "cannot hold them: use arrays of dtype object, or float64 to round them"
        )
        raise OverflowError(msg) from None


def require_memory(name: str, shape: tuple[int, ...], dtype: DType) -> None:
    """Refuse a result that is larger than the memory of this machine.

    Raises
    ------
    MemoryError
        With the size that the result would need.

    Examples
    --------
    >>> require_memory("y", (10**6, 10**9), np.dtype("float64"))
    Traceback (most recent call last):
    MemoryError: y of shape (1000000, 1000000000) needs 7.1 PiB, more than ...
    """
    size = math.prod(shape) * dtype.itemsize
    room = _machine_memory()
    if size > room:
        msg = (
            f"{name} of shape {shape} needs {_readable(size)}, "
            f"more than the {_readable(room)} of this machine"
        )
        raise MemoryError(msg)


def _is_masked(value: object) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_is_masked, cast("Sequence[object]", value)))
    return bool(np.ma.is_masked(value))


def _refuse_non_numbers(name: str, array: Array) -> None:
    for element in array.flat:
        refused = isinstance(element, Sequence | np.ndarray)
        if refused or not (hasattr(element, "__add__") and hasattr(element, "__mul__")):
            msg = f"{name} needs numbers, got an element {element!r}"
            raise TypeError(msg)


def _require_exact(name: str, array: Array, dtype: DType) -> None:
    """Refuse an integer that the dtype of the result does not hold exactly."""
    real = np.finfo(dtype).dtype if dtype.kind in "fc" else dtype
    top = 2 ** (np.finfo(real).nmant + 1) - 1 if real.kind == "f" else _INT64.max
    for number in map(int, array[(array > top) | (array < -top - 1)]):
        if real.kind != "f" or int(real.type(number)) != number:
            msg = (
                f"{name} needs integers that keep their digits in {dtype}, the dtype "
                f"of the result, got {number}"
            )
            raise ValueError(msg)


def _fits_int64(arrays: Mapping[str, Array]) -> bool:
    """Return whether no sum of products that the maps add up can leave int64."""
    ends = ((int(a.max()), int(a.min())) for a in arrays.values() if a.size)
    sizes = sorted(max(1, abs(top), abs(low)) for top, low in ends)
    terms = max(array.size for array in arrays.values()) + 1  # and one for the bias
    return math.prod(sizes[-2:]) * terms <= _INT64.max


def _machine_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # a system that does not tell
        return sys.maxsize


def _readable(size: float) -> str:
    units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{size:.1f} {units[0]}"
