"""Exercises as code: stubs, solutions, and the calls that fail."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Sequence
from typing import Any, NoReturn, cast

import numpy as np

from deconv_tutorial.exercises.exercise import Arguments, Exercise, Function
from deconv_tutorial.exercises.register import exercise_of
from deconv_tutorial.geometry import Axis, Geometry
from deconv_tutorial.show import Source

_WIDTH = 80


class Solution(Source):
    """The source of a solution, which can also be called.

    It is shown without docstring and types, so that it runs wherever it is pasted.
    """

    def __init__(self, exercise: Exercise) -> None:
        super().__init__(exercise.solution)
        self.function = exercise.solution
        self.__name__ = exercise.name
        self.__signature__ = inspect.signature(exercise.solution)
        definition = _definition(self._text)
        if definition.returns is not None:
            body = self._text.splitlines()[definition.returns.end_lineno :]
            self._text = "\n".join([_first_line(definition), *body])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Return what the solution returns."""
        return self.function(*args, **kwargs)


class Stub(Source):
    """A function to complete: a signature, a docstring, and the call of `check`."""

    def __init__(self, exercise: Exercise) -> None:
        super().__init__(exercise.solution)
        self.__name__ = exercise.name
        text = textwrap.dedent(inspect.getsource(exercise.solution))
        definition = _definition(text)
        docstring = definition.body[0]
        self._text = "\n".join(
            [
                _first_line(definition),
                *text.splitlines()[docstring.lineno - 1 : docstring.end_lineno],
                "    raise NotImplementedError  # instead of this, your code",
                "",
                "",
                f'check("{exercise.key}", {exercise.name})',
            ]
        )

    def __call__(self, *_: object, **__: object) -> NoReturn:
        """Raise `NotImplementedError`, as the shown code does."""
        raise NotImplementedError


def stub(key: str) -> Stub:
    """Return the function to complete in an exercise: copy it into a new cell.

    Raises
    ------
    ValueError
        If there is no such exercise.

    Examples
    --------
    >>> print(str(stub("matrices-inverse")).splitlines()[-1])
    check("matrices-inverse", weights)
    """
    return Stub(exercise_of(key))


def solution(key: str) -> Solution:
    """Return the solution of an exercise: it shows its source, and can be called.

    Raises
    ------
    ValueError
        If there is no such exercise.

    Examples
    --------
    >>> solution("relabel-twice")
    def derivative_by_weight(q, d_out, w, s):
        return conv_backward(q, d_out, w, stride=s).dw
    """
    return Solution(exercise_of(key))


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
        return f"np.array({value.tolist()})"
    if isinstance(value, Geometry):
        return _geometry_expression(value.axes)
    return repr(value)


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


def call_expression(exercise: Exercise, answer: Function, case: Arguments) -> str:
    """Return the call of an answer with the arguments of a case, as code."""
    name = getattr(answer, "__name__", exercise.name)
    name = name if name.isidentifier() else exercise.name
    given = [expression(value) for value in case]
    if exercise.use is None:
        given = [
            text if isinstance(value, np.ndarray | Geometry) else f"{argument}{text}"
            for argument, text, value in zip(
                _keywords(answer, len(case)), given, case, strict=True
            )
        ]
        return _call_lines(name, given)
    module, used = exercise.use.__module__, exercise.use.__name__
    return f"from {module} import {used}\n\n{_call_lines(used, [name, *given])}"


def _call_lines(name: str, given: Sequence[str]) -> str:
    """Return a call in one line; if that is too long, one line for each argument."""
    line = f"{name}({', '.join(given)})"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"{name}(", *(f"    {text}," for text in given), ")"])


def _keywords(answer: Function, count: int) -> list[str]:
    """Return ``name=`` for each argument of an answer, or "" if it has no name."""
    try:
        parameters = [*inspect.signature(answer).parameters.values()]
    except (TypeError, ValueError):
        parameters = []
    named = inspect.Parameter.POSITIONAL_OR_KEYWORD
    names = [f"{p.name}=" if p.kind is named else "" for p in parameters[:count]]
    return names + [""] * (count - len(names))


def _definition(text: str) -> ast.FunctionDef:
    return cast("ast.FunctionDef", ast.parse(text).body[0])


def _first_line(definition: ast.FunctionDef) -> str:
    """Return the first line of a definition, without types."""
    for node in ast.walk(definition.args):
        if isinstance(node, ast.arg):
            node.annotation = None
    return f"def {definition.name}({ast.unparse(definition.args)}):"
