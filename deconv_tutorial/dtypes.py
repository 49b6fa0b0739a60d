"""What an array may be: its numbers, their exactness, and the memory they need."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from deconv_tutorial.geometry.settings import Index, is_sequence, shown

Array: TypeAlias = npt.NDArray[Any]
DType: TypeAlias = np.dtype[Any]

_DEEPEST = 64  # the most axes that NumPy gives an array
_LITTLE = 2**20  # bytes that any machine has


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
        If elements are masked, rows differ in length, or a list has integers that
        lose digits beside its floats.
    MemoryError
        If the array, written out, is larger than the memory of this machine.

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
    except (TypeError, RuntimeError) as error:
        msg = f"{name} needs an array of numbers, got {type(value).__name__}: {error}"
        raise TypeError(msg) from error
    if array.dtype.kind not in "biufcO":
        msg = f"{name} needs numbers, got an array of dtype {array.dtype}"
        raise TypeError(msg)
    require_memory(name, array.shape, array.dtype)
    if array.dtype == object:
        return _as_objects(name, array)
    in_list = array.dtype.kind in "fc" and isinstance(value, Sequence)
    if in_list and (np.abs(array) >= _last_exact(array.dtype)).any():
        # NumPy has made floats of integers that stood in a list beside others.
        _require_exact(name, np.array(value, object), array.dtype)
    return array


def result_dtype(arrays: Mapping[str, Array]) -> DType:
    """Return the dtype of a result: NumPy's common one, and int64 for integers.

    Examples
    --------
    >>> x, w = np.ones(3, np.int8), np.ones(3, np.int32)
    >>> result_dtype({"x": x, "w": w})
    dtype('int64')
    """
    dtypes = {array.dtype for array in arrays.values()}
    if len(dtypes) == 1:
        (dtype,) = dtypes
        if dtype.char in "fdFD" and dtype.isnative:
            return dtype
    if all(dtype.kind in "biu" for dtype in dtypes):
        return np.dtype(np.int64)
    return np.result_type(*dtypes).newbyteorder("=")


def as_working(
    arrays: Mapping[str, Array], dtype: DType | None = None
) -> dict[str, Array]:
    """Return the arrays in the one dtype to compute in.

    It is the dtype of the result (`dtype`, if it is known), with two exceptions. Half
    precision is computed in float32, to be rounded once. Integers are computed as
    Python integers where a sum of their products might leave the range of int64.

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
    dtype = result_dtype(arrays) if dtype is None else dtype
    if dtype.char in "fdFD" and all(a.dtype == dtype for a in arrays.values()):
        return dict(arrays)
    meets = [array.dtype for array in arrays.values() if array.dtype.kind in "fc"]
    if meets or dtype == np.int64:
        number = np.result_type(*meets) if dtype.kind == "O" else dtype
        for name, array in arrays.items():
            if array.dtype.kind in "iuO":
                _require_exact(name, array, number)
    if dtype == np.float16:
        dtype = np.dtype(np.float32)
    if dtype == np.int64 and not _fits_int64(arrays):
        dtype = np.dtype(object)
    return {name: array.astype(dtype, copy=False) for name, array in arrays.items()}


def as_result(array: Array, dtype: DType) -> Array:
    """Return a computed array in the dtype of the result.

    Raises
    ------
    ValueError
        If an integer is too large for int64.
    """
    try:
        return array.astype(dtype, copy=False)
    except OverflowError:
        msg = (
            "the arguments need results that int64 can hold, got integers from "
            f"{array.min()} to {array.max()}: use arrays of dtype object to have them "
            "exact, or of float64 to have them rounded"
        )
        raise ValueError(msg) from None


def require_memory(name: str, shape: Index, dtype: DType) -> None:
    """Refuse an array that is larger than the memory of this machine.

    Raises
    ------
    MemoryError
        With the size that the array would need; an empty batch counts as one sample.

    Examples
    --------
    >>> require_memory("y", (10**6, 10**9), np.dtype("float64"))
    Traceback (most recent call last):
    MemoryError: y of shape (1000000, 1000000000) needs 7.1 PiB, more than ...
    """
    lengths = shape if 0 not in shape else [max(1, length) for length in shape]
    size = math.prod(lengths) * dtype.itemsize
    if size > _LITTLE and size > (room := _machine_memory()):
        msg = (
            f"{name} of shape {shown(shape)} needs {_readable(size)}, "
            f"more than the {_readable(room)} of this machine"
        )
        raise MemoryError(msg)


def _is_masked(value: object, depth: int = 0) -> bool:
    if type(value) is np.ndarray:
        return False
    if isinstance(value, np.ma.MaskedArray):
        array = cast("Array", value)
        return array.dtype.names is None and bool(np.ma.is_masked(array))
    if isinstance(value, np.ndarray) or not is_sequence(value) or depth == _DEEPEST:
        return False
    parts = cast("Sequence[object]", value)
    return any(_is_masked(part, depth + 1) for part in parts)


def _as_objects(name: str, array: Array) -> Array:
    """Return an object array without NumPy's own numbers, which could overflow."""
    elements: list[Any] = array.ravel().tolist()
    kinds: dict[type, Any] = {type(element): element for element in elements}
    for kind, element in kinds.items():
        plain = element.item() if issubclass(kind, np.generic) else element
        if not _is_number(plain):
            msg = f"{name} needs numbers, got an element {element!r}"
            raise TypeError(msg)
    if not any(issubclass(kind, np.generic) for kind in kinds):
        return array
    objects = np.empty(len(elements), object)
    for place, element in enumerate(elements):
        objects[place] = element.item() if isinstance(element, np.generic) else element
    return objects.reshape(array.shape)


def _is_number(element: object) -> bool:
    """Return whether an object multiplies and adds, and is no array of several."""
    number = cast("Any", element)
    try:
        return not isinstance(0 + number * number, np.ndarray | Sequence)
    except (TypeError, ValueError):
        return False


def _last_exact(dtype: DType) -> int:
    """Return the integer up to which a dtype holds all integers exactly."""
    if dtype.kind in "fc":
        return 2 ** (np.finfo(dtype).nmant + 1)
    return np.iinfo(dtype).max


def _require_exact(name: str, array: Array, dtype: DType) -> None:
    """Refuse an integer that a dtype does not hold exactly."""
    last = _last_exact(dtype)
    if array.dtype == object:
        numbers = [e for e in array.flat if isinstance(e, int) and abs(e) > last]
    else:
        numbers = [int(v) for v in array[(array > last) | (array < -last)]]
    for number in numbers:
        if not _holds(dtype, number):
            msg = (
                f"{name} needs integers that keep their digits in {dtype}, the dtype "
                f"that the arrays have in common, got {number}"
            )
            raise ValueError(msg)


def _holds(dtype: DType, number: int) -> bool:
    if dtype.kind in "fc":
        return int(np.finfo(dtype).dtype.type(number)) == number
    return np.iinfo(dtype).min <= number <= np.iinfo(dtype).max


def _fits_int64(arrays: Mapping[str, Array]) -> bool:
    """Return whether no sum of products that the maps add up can leave int64."""
    ends = ((int(a.max()), int(a.min())) for a in arrays.values() if a.size)
    sizes = sorted(max(1, abs(top), abs(low)) for top, low in ends)
    terms = max(array.size for array in arrays.values()) + 1  # and one for the bias
    return math.prod(sizes[-2:]) * terms <= np.iinfo(np.int64).max


def _machine_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # a system that does not tell
        return sys.maxsize


def _readable(size: int) -> str:
    """Return a size in bytes in a unit that leaves few digits."""
    units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    step = min((size.bit_length() - 1) // 10, len(units) - 1)
    amount = Decimal(size) / 1024**step
    return f"{amount:.1f} {units[step]}" if amount < 10**6 else f"{amount:.1e} EiB"
