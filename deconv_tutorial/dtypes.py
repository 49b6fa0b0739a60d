"""What an array may be: its numbers, their exactness, and the memory they need."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import combinations
from numbers import Rational
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from deconv_tutorial.geometry.settings import Index, is_sequence, shown, type_of, typed

Array: TypeAlias = npt.NDArray[Any]
DType: TypeAlias = np.dtype[Any]

_DEEPEST = 64  # the most axes that NumPy gives an array
_LITTLE = 2**20  # bytes that any machine has
_EXACT = 2**53  # int64, and each float that meets such integers, has those up to here


def as_numbers(name: str, value: npt.ArrayLike | None) -> Array:
    """Return an argument as an array of numbers, or refuse it by its name.

    Numbers are of any NumPy kind, or objects that add and multiply, such as SymPy
    expressions. An array that, written out, is larger than the memory of this machine
    is a MemoryError.

    Examples
    --------
    >>> as_numbers("x", ["one", "two"])
    Traceback (most recent call last):
    TypeError: x needs numbers, got a list with an element 'one' (a str)
    """
    if type(value) is not np.ndarray and _is_masked(value):
        msg = (
            f"{name} needs numbers everywhere, got {type_of(value)} with masked "
            f"elements: fill them first, as numpy.ma.array({name}).filled(0) does"
        )
        raise ValueError(msg)
    array = _as_array(name, value)
    if array.dtype.kind not in "biufcO":
        if not isinstance(value, np.ndarray):  # look for what is not a number
            _as_objects(name, np.array(value, object), value)
        msg = f"{name} needs numbers, got an array of dtype {array.dtype}"
        raise TypeError(msg)
    require_memory(name, array.shape, array.dtype)
    if array.dtype == object:
        return _as_objects(name, array, value)
    in_list = array.dtype.kind in "fc" and isinstance(value, Sequence)
    if in_list and (np.abs(array) >= _EXACT).any():
        # NumPy has made floats of integers that stood in a list beside others.
        _require_exact(name, np.array(value, object), array.dtype)
    return array


def result_dtype(arrays: Mapping[str, Array]) -> DType:
    """Return the dtype of a result: the one rule for arrays of different kinds.

    It is NumPy's common dtype of all the arrays of a call, with one exception:
    integers and booleans give int64, so int64 beside uint64 does not give floats.

    Examples
    --------
    >>> x, w = np.ones(3, np.int8), np.ones(3, np.int32)
    >>> result_dtype({"x": x, "w": w})
    dtype('int64')
    >>> result_dtype({"x": x, "w": w, "b": np.ones(3, np.float32)})
    dtype('float64')
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

    An integer that would lose digits is refused, among objects too, and so are objects
    that do not multiply and add with the numbers beside them.

    Examples
    --------
    >>> x, w = np.array([3, 2**62]), np.array([0.5, 0.25])
    >>> as_working({"x": x + 1, "w": w})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: x needs integers that keep their digits in float64, ...
    """
    dtype = result_dtype(arrays) if dtype is None else dtype
    if dtype.char in "fdFD" and all(a.dtype == dtype for a in arrays.values()):
        return dict(arrays)
    if dtype.kind == "O":
        return _as_objects_that_meet(arrays)
    for name, array in arrays.items():
        if array.dtype.kind in "iu" and array.dtype != dtype:
            _require_exact(name, array, dtype)
    if dtype == np.float16:
        dtype = np.dtype(np.float32)
    if dtype == np.int64 and not _fits_int64(arrays):
        dtype = np.dtype(object)
    return {name: array.astype(dtype, copy=False) for name, array in arrays.items()}


def as_result(array: Array, dtype: DType) -> Array:
    """Return a computed array in the dtype of the result, if int64 holds integers."""
    try:
        return array.astype(dtype, copy=False)
    except OverflowError:
        ends = f"{shown(array.min())} to {shown(array.max())}"
        msg = (
            f"the arguments need results that int64 can hold, got integers from {ends}:"
            " use arrays of dtype object to have them exact, or of float64 to have "
            "them rounded"
        )
        raise ValueError(msg) from None


def require_memory(name: str, shape: Index, dtype: DType) -> None:
    """Refuse an array that is larger than the memory of this machine.

    An empty batch counts as one sample.

    Examples
    --------
    >>> require_memory("y", (10**6, 10**9), np.dtype("float64"))
    Traceback (most recent call last):
    MemoryError: y of shape (1000000, 1000000000) needs 7.1 PiB, more than ...
    """
    size = math.prod(max(1, length) for length in shape) * dtype.itemsize
    if size > _LITTLE and size > (room := _machine_memory()):
        msg = (
            f"{name} of shape {shown(shape)} needs {_readable(size)}, "
            f"more than the {_readable(room)} of this machine"
        )
        raise MemoryError(msg)


def _is_masked(value: object, depth: int = 0) -> bool:
    if isinstance(value, np.ma.MaskedArray):
        array = cast("Array", value)
        return array.dtype.names is None and bool(np.ma.is_masked(array))
    if isinstance(value, np.ndarray) or not is_sequence(value) or depth == _DEEPEST:
        return False
    parts = cast("Sequence[object]", value)
    return any(_is_masked(part, depth + 1) for part in parts)


def _as_array(name: str, value: npt.ArrayLike | None) -> Array:
    """Return what NumPy makes of an argument, or say why it makes nothing."""
    try:
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        came = f"{type_of(value)} that NumPy cannot read: {error}"
        if is_sequence(value) and "inhomogeneous" in came:
            came = f"{type_of(value)} with rows of different lengths"
        msg = f"{name} needs an array of numbers, got {came}"
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(msg) from error


def _as_objects(name: str, array: Array, value: object) -> Array:
    """Return an object array with numbers of Python's own instead of NumPy's.

    NumPy's integers could overflow, and SymPy does not multiply with booleans.
    """
    kinds = _kinds(array)
    for element in kinds.values():
        number = _plain(element)
        if not _meet(number, number):
            kind = "an object array" if type(value) is np.ndarray else type_of(value)
            came = f"{kind} with an element {typed(element)}"
            msg = f"{name} needs numbers, got {came if array.ndim else typed(value)}"
            raise TypeError(msg)
    if not any(issubclass(kind, np.generic | bool) for kind in kinds):
        return array
    return np.vectorize(_plain, otypes=[object])(array)


def _kinds(array: Array) -> dict[type, object]:
    """Return the types in an object array, each with the first element of it."""
    kinds: dict[type, object] = {}
    elements: list[object] = array.ravel().tolist()
    for element in elements:
        kinds.setdefault(type(element), element)
    return kinds


def _plain(element: object) -> object:
    """Return a number of NumPy as one of Python, and a bool as an int."""
    number = cast("Any", element)
    if isinstance(element, np.generic) and number.dtype.kind in "biufc":
        number = number.item()
    return int(number) if isinstance(number, bool) else number


def _meet(one: object, other: object) -> bool:
    """Return whether two objects multiply and add, in either order, to a number."""
    a, b = cast("Any", one), cast("Any", other)
    try:
        return not isinstance(0 + a * b + b * a + a + b, np.ndarray | Sequence)
    except ArithmeticError:  # they do, where they are not too large
        return True
    except (TypeError, ValueError, RecursionError):
        return False


def _as_objects_that_meet(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return arrays of objects, if one of each type multiplies with one of each other.

    Booleans become integers.
    """
    objects: dict[str, Array] = {}
    met: dict[type, tuple[str, object]] = {}
    for name, array in arrays.items():
        numbers = array.astype(np.int8) if array.dtype == bool else array
        objects[name] = numbers.astype(object, copy=False)
        for kind, element in _kinds(objects[name]).items():
            met.setdefault(kind, (name, element))
    for _, element in met.values():
        if isinstance(element, float | complex | np.inexact):
            dtype = np.result_type(cast("Any", element))
            for name, array in objects.items():
                _require_exact(name, array, dtype)
    for (name, one), (partner, other) in combinations(met.values(), 2):
        if not _meet(one, other):
            those = "each other" if name == partner else f"those of {partner}"
            msg = (
                f"{name} needs numbers that multiply and add with {those}, "
                f"got {typed(one)} beside {typed(other)}"
            )
            raise TypeError(msg)
    return objects


def _require_exact(name: str, array: Array, dtype: DType) -> None:
    """Refuse an integer that a dtype does not hold exactly."""
    if array.dtype == object:
        rationals = [e for e in array.flat if isinstance(e, Rational)]
        whole = [int(e.numerator) for e in rationals if e.denominator == 1]
    else:
        whole = [int(e) for e in array[(array > _EXACT) | (array < -_EXACT)]]
    for number in whole:
        near = _nearest(dtype, number)
        if near == number:
            continue
        way = "" if near is None else f': numpy.asarray({name}, "{dtype}") rounds them'
        if dtype.kind == "i":
            way = ": arrays of dtype object keep them"
        msg = (
            f"{name} needs integers that keep their digits in {dtype}, where the "
            f"arrays meet, got {shown(number)}{way}"
        )
        raise ValueError(msg)


def _nearest(dtype: DType, number: int) -> int | None:
    """Return what a dtype makes of an integer, or None if it is too large for it."""
    real = np.finfo(dtype).dtype if dtype.kind in "fc" else dtype
    try:
        return int(real.type(number))
    except (OverflowError, ValueError):
        return None


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
