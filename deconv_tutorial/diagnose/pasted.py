"""Writes a call of an attempt as code that can be pasted."""

from __future__ import annotations

import numpy as np

from deconv_tutorial.diagnose.attempt import Attempt
from deconv_tutorial.diagnose.probes import LayerCall
from deconv_tutorial.dtypes import Array

_MOST = 64
"""The most elements that are written out."""


class _Code(str):
    """Code that is shown as it is, also within a dictionary or a tuple."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def array_code(array: Array) -> str:
    """Return an array as nested lists, or only its shape if it is large.

    Examples
    --------
    >>> array_code(np.array([[1.0, 2.5], [0.0, 3.0]]))
    '[[1, 2.5], [0, 3]]'
    """
    if array.size > _MOST:
        return f"an array of shape {array.shape}"
    wide = array.astype(complex if array.dtype.kind == "c" else float)
    numbers = np.empty(array.shape, object)
    for place, number in np.ndenumerate(wide):
        is_whole = number == np.rint(number) and np.isfinite(number)
        numbers[place] = (
            int(number.real) if is_whole and not number.imag else number.item()
        )
    return repr(numbers.tolist())


def call_code(attempt: Attempt, case: LayerCall) -> str:
    """Return the call of an attempt for a layer as code, or "" if it is too long."""
    given = attempt.given_arrays(case)
    if sum(array.size for array in given.values()) > _MOST:
        return ""
    made = {name: _Code(_made(attempt, array)) for name, array in given.items()}
    positional, keywords = attempt.arguments(made, case.settings)
    parts = [*map(repr, positional), *(f"{n}={v!r}" for n, v in keywords.items())]
    name = getattr(attempt.function, "__name__", "attempt")
    name = name if name.isidentifier() else "attempt"
    inner = "".join(f"    {part},\n" for part in parts)
    return f"{name}(\n{inner})"


def _made(attempt: Attempt, array: Array) -> str:
    """Return the code that makes an array."""
    code = f"np.array({array_code(array)}, float)"
    if array.ndim > 1 and not array.flags.c_contiguous:
        code = f"np.asfortranarray({array_code(array)}, float)"
    if attempt.convert is None:
        return code
    name = getattr(attempt.convert, "__name__", "convert")
    return f"{name if name.isidentifier() else 'convert'}({code})"
