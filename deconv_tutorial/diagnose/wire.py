"""The messages of a process that is not trusted: a header in JSON, and bytes.

Nothing is unpickled, and nothing is read that is not expected: numbers of known dtypes,
texts without control characters, and not more than a stated size.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from deconv_tutorial.dtypes import Array, DType

MOST_BYTES = 2**28
"""The most bytes that the arrays of one message may have."""
_MOST_OF_HEADER = 2**20
_LONGEST = 1000
"""The most characters of a text."""
_START = struct.Struct("<4sIQ")
_MAGIC = b"DTr1"
_DTYPES = {np.dtype(char).name: np.dtype(char) for char in "?bBhHiIqQlLefdFD"}
_HALF = 65504  # the largest number of float16
_encoded = json.JSONEncoder().encode  # kept, in case someone replaces it
_array = np.array


class GarbledError(Exception):
    """What came is no message."""


@dataclass(frozen=True, eq=False)
class Message:
    """A header, and arrays by name."""

    header: Mapping[str, Any]
    arrays: Mapping[str, Array]


def packed(header: Mapping[str, Any], arrays: Mapping[str, Array]) -> bytes:
    """Return the bytes of a message.

    Arrays of bfloat16 and of other short floats travel as float16, which has more
    digits; those too large for it, as float32. Longer floats travel as float64.

    Examples
    --------
    >>> start = packed({"call": 1}, {"y": np.ones((2, 3))})[:START_SIZE]
    >>> rest_size(start) - len('{"call": 1, "arrays": [["y", "float64", [2, 3]]]}')
    48
    """
    plain = {name: _plain(array) for name, array in arrays.items()}
    listed = [[n, a.dtype.name, list(a.shape)] for n, a in plain.items()]
    text = _encoded({**header, "arrays": listed}).encode()
    body = b"".join(array.tobytes() for array in plain.values())
    return _START.pack(_MAGIC, len(text), len(body)) + text + body


START_SIZE = _START.size
"""The bytes with which each message starts."""


def rest_size(start: bytes) -> int:
    """Return how many bytes follow the start of a message.

    Raises
    ------
    GarbledError
        If it is no start, or announces too much.
    """
    magic, header, body = _START.unpack(start)
    if magic != _MAGIC or header > _MOST_OF_HEADER or body > MOST_BYTES:
        raise GarbledError
    return header + body


def unpacked(start: bytes, rest: bytes) -> Message:
    """Return the message in some bytes.

    Raises
    ------
    GarbledError
        If there is none.

    Examples
    --------
    >>> sent = packed({"call": 1}, {"y": np.arange(3)})
    >>> unpacked(sent[:START_SIZE], sent[START_SIZE:]).arrays
    {'y': array([0, 1, 2])}
    """
    length = _START.unpack(start)[1]
    try:
        header = json.loads(rest[:length].decode())
        arrays = _arrays(header["arrays"], memoryview(rest)[length:])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise GarbledError from error
    return Message(header, arrays)


def readable(text: object) -> str:
    """Return a text in one line, without control characters, and not too long.

    Examples
    --------
    >>> readable("red: " + chr(27) + "[31m")
    'red: �[31m'
    """
    shown = "".join(c if c.isprintable() else "\ufffd" for c in str(text)[:_LONGEST])
    return shown.strip()


def _plain(array: Array) -> Array:
    """Return an array in row order, of one of the dtypes that travel."""
    return _array(array, _travelling(array), order="C", subok=False)


def _travelling(array: Array) -> DType:
    if array.dtype.name in _DTYPES:
        return _DTYPES[array.dtype.name]
    if array.dtype.kind == "c":
        return np.dtype(np.complex128)
    if array.dtype.itemsize > 2:
        return np.dtype(np.float64)
    wide = np.abs(array.astype(np.float32))
    is_large = np.isfinite(wide) & (wide > _HALF)
    return np.dtype(np.float32 if is_large.any() else np.float16)


def _arrays(listed: Sequence[Sequence[Any]], body: memoryview) -> dict[str, Array]:
    """Return the arrays in the body of a message; it has to end where they end."""
    arrays: dict[str, Array] = {}
    place = 0
    for name, dtype, shape in listed:
        kind = _DTYPES[dtype]
        if not all(type(size) is int and size >= 0 for size in shape):
            raise GarbledError
        count = math.prod(cast("Sequence[int]", shape))
        end = place + count * kind.itemsize
        found = np.frombuffer(body[place:end], kind, count) if count else np.empty(0)
        arrays[str(name)] = found.astype(kind).reshape(shape)
        place = end
    if place != len(body):
        raise GarbledError
    return arrays
