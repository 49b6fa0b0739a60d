"""The call that fails, as code that runs wherever the answer is defined."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from types import FunctionType
from typing import cast

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.exercises.exercise import Arguments, Exercise, Function
from deconv_tutorial.exercises.imports import import_lines
from deconv_tutorial.geometry import Axis, Geometry

_WIDTH = 80


def call_code(exercise: Exercise, answer: Function, case: Arguments) -> str:
    """Return the call of an answer with the arguments of a case, with its imports."""
    plain = isinstance(answer, FunctionType) and answer.__name__.isidentifier()
    name = answer.__name__ if plain else exercise.name
    if exercise.code:
        given = dict(zip(exercise.arguments, map(expression, case), strict=True))
        code = exercise.code.format(answer=name, **given)
    else:
        code = _call_lines(name, _given(answer, case))
    return "\n".join([*_lines_above(code), code])


def _lines_above(code: str) -> list[str]:
    """Return the imports of a piece of code, and a blank line below them."""
    imports = import_lines(code)
    return [*imports, ""] if imports else []


def _given(answer: Function, case: Arguments) -> list[str]:
    """Return each argument as code: an array alone, and a number with its name."""
    names = _keywords(answer, len(case))
    return [
        text if text.startswith(("np.", "conv_geometry")) else f"{name}{text}"
        for name, text in zip(names, map(expression, case), strict=True)
    ]


def expression(value: object) -> str:
    """Return a Python expression for an argument of an exercise.

    Examples
    --------
    >>> expression(np.array([[1, 2], [3, 4]]))
    'np.array([[1, 2], [3, 4]])'
    >>> from deconv_tutorial.geometry import conv_geometry
    >>> expression(conv_geometry(6, 3, stride=2, padding=1))
    'conv_geometry(6, 3, stride=2, padding=((1, 0),))'
    """
    if isinstance(value, np.ndarray):
        return _array_expression(cast("Array", value))
    if isinstance(value, Geometry):
        return _geometry_expression(value.axes)
    return repr(value)


def _array_expression(array: Array) -> str:
    """Return the call that makes an array, in several lines if one is too long."""
    line = f"np.array({array.tolist()})"
    if len(line) <= _WIDTH:
        return line
    text = np.array2string(
        array,
        separator=", ",
        threshold=sys.maxsize,
        floatmode="unique",
        max_line_width=_WIDTH,
        prefix="np.array(",
    )
    return f"np.array({text})"


def _geometry_expression(axes: Sequence[Axis]) -> str:
    """Return a call that makes the geometry, with the least padding that it needs."""
    sizes = [a.input_size for a in axes], [a.kernel_size for a in axes]
    ends = [max(0, a.span[1] + 1 - a.input_size) for a in axes]
    pads = [(a.padding_before, end) for a, end in zip(axes, ends, strict=True)]
    even = all(before == after for before, after in pads)
    settings = {
        "stride": [a.stride for a in axes],
        "padding": [before for before, _ in pads] if even else pads,
        "dilation": [a.dilation for a in axes],
    }
    parts = [_setting_expression(size) for size in sizes]
    parts += [
        f"{name}={_setting_expression(values)}"
        for name, values in settings.items()
        if set(values) != {0 if name == "padding" else 1}
    ]
    return f"conv_geometry({', '.join(parts)})"


def _setting_expression(values: Sequence[object]) -> str:
    """Return the values of all axes as a tuple, or the one number of a single axis."""
    alone = len(values) == 1 and isinstance(values[0], int)
    return str(values[0] if alone else tuple(values))


def _call_lines(name: str, given: Sequence[str]) -> str:
    """Return a call in one line; if that is too long, one line for each argument."""
    line = f"{name}({', '.join(given)})"
    if len(line) <= _WIDTH and "\n" not in line:
        return line
    inside = (f"    {line}" for text in given for line in f"{text},".splitlines())
    return "\n".join([f"{name}(", *inside, ")"])


def _keywords(answer: Function, count: int) -> list[str]:
    """Return ``name=`` for each argument of an answer, or "" if it has no name."""
    try:
        parameters = [*inspect.signature(answer).parameters.values()]
    except (TypeError, ValueError):
        parameters = []
    named = inspect.Parameter.POSITIONAL_OR_KEYWORD
    names = [f"{p.name}=" if p.kind is named else "" for p in parameters[:count]]
    return names + [""] * (count - len(names))
