"""Values and calls as code that can be pasted."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

import numpy as np

from deconv_tutorial.exercises.exercise import Case, Exercise, Function
from deconv_tutorial.geometry import Axis, Geometry

_WIDTH = 80


def written(value: object) -> str:
    """Return an expression for an argument of an exercise.

    Examples
    --------
    >>> written(np.array([[1, 2], [3, 4]]))
    'np.array([[1, 2], [3, 4]])'
    >>> from deconv_tutorial.geometry import conv_geometry
    >>> written(conv_geometry(6, 3, stride=2, padding=1))
    'conv_geometry(6, 3, stride=2, padding=((1, 0),))'
    """
    if isinstance(value, np.ndarray):
        return f"np.array({value.tolist()})"
    if isinstance(value, Geometry):
        return _written_geometry(value.axes)
    return repr(value)


def _written_geometry(axes: Sequence[Axis]) -> str:
    """Return the call that makes a geometry, with the least padding at the end."""
    sizes = [a.input_size for a in axes], [a.kernel_size for a in axes]
    ends = [max(0, a.span[1] + 1 - a.input_size) for a in axes]
    pads = [(a.padding_before, end) for a, end in zip(axes, ends, strict=True)]
    even = all(before == after for before, after in pads)
    settings = {
        "stride": [a.stride for a in axes],
        "padding": [before for before, _ in pads] if even else pads,
        "dilation": [a.dilation for a in axes],
    }
    parts = [_for_all(size) for size in sizes]
    parts += [
        f"{name}={_for_all(values)}"
        for name, values in settings.items()
        if set(values) != {0 if name == "padding" else 1}
    ]
    return f"conv_geometry({', '.join(parts)})"


def _for_all(values: Sequence[object]) -> str:
    """Return a setting with one value for each axis; a number, if there is one axis."""
    alone = len(values) == 1 and isinstance(values[0], int)
    return str(values[0] if alone else tuple(values))


def written_call(exercise: Exercise, answer: Function, case: Case) -> str:
    """Return the call of an answer in a case, in one line or in many."""
    name = getattr(answer, "__name__", exercise.name)
    name = name if name.isidentifier() else exercise.name
    given = [written(value) for value in case]
    if exercise.use is None:
        given = [
            text if isinstance(value, np.ndarray | Geometry) else f"{argument}{text}"
            for argument, text, value in zip(
                _keywords(answer, len(case)), given, case, strict=True
            )
        ]
        return _call(name, given)
    module, used = exercise.use.__module__, exercise.use.__name__
    return f"from {module} import {used}\n\n{_call(used, [name, *given])}"


def _call(name: str, given: Sequence[str]) -> str:
    line = f"{name}({', '.join(given)})"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"{name}(", *(f"    {text}," for text in given), ")"])


def _keywords(answer: Function, count: int) -> list[str]:
    """Return ``name=`` for each argument of an answer, as far as it has names."""
    try:
        parameters = [*inspect.signature(answer).parameters.values()]
    except (TypeError, ValueError):
        parameters = []
    named = inspect.Parameter.POSITIONAL_OR_KEYWORD
    names = [f"{p.name}=" if p.kind is named else "" for p in parameters[:count]]
    return names + [""] * (count - len(names))
