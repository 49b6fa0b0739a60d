"""Exercises as code: stubs to complete, and solutions."""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import partial
from typing import Any, NoReturn, cast

from deconv_tutorial.exercises.exercise import Exercise
from deconv_tutorial.exercises.imports import import_lines
from deconv_tutorial.exercises.register import exercise_of
from deconv_tutorial.show import Source


class Solution(Source):
    """The source of a solution, which can also be called.

    It is shown without docstring and types, so that it runs in the place of the stub.
    """

    def __init__(self, exercise: Exercise) -> None:
        super().__init__(exercise.solution)
        self.function = exercise.solution
        self.__name__ = exercise.name
        self.__signature__ = inspect.signature(exercise.solution)
        definition = _definition(self._text)
        body = self._text.splitlines()[definition.body[0].lineno - 1 :]
        self._text = "\n".join([_first_line(definition), *body])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Return what the solution returns."""
        return self.function(*args, **kwargs)


class Stub(Source):
    """A function to complete: its imports, a signature, a docstring, and a `check`."""

    def __init__(self, exercise: Exercise) -> None:
        super().__init__(exercise.solution)
        self.__name__ = exercise.name
        text = textwrap.dedent(inspect.getsource(exercise.solution))
        definition = _definition(text)
        docstring = definition.body[0]
        call = f'check("{exercise.key}", {exercise.name})'
        self._text = "\n".join(
            [
                *import_lines(f"{text}\n{call}"),
                "",
                "",
                _first_line(definition),
                *text.splitlines()[docstring.lineno - 1 : docstring.end_lineno],
                "    raise NotImplementedError  # instead of this, your code",
                "",
                "",
                call,
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


def is_given(attempt: object, exercise: Exercise) -> bool:
    """Return whether an attempt is what the package itself calls right.

    That is what `solution` returns, for any exercise, or the function in it.
    """
    while isinstance(attempt, partial):
        attempt = cast("partial[object]", attempt).func
    owner = getattr(attempt, "__self__", None)
    return (
        isinstance(attempt, Solution)
        or isinstance(owner, Solution)
        or any(attempt is ours for ours in (exercise.solution, exercise.right))
    )


def _definition(text: str) -> ast.FunctionDef:
    return cast("ast.FunctionDef", ast.parse(text).body[0])


def _first_line(definition: ast.FunctionDef) -> str:
    """Return the first line of a definition, without types."""
    for node in ast.walk(definition.args):
        if isinstance(node, ast.arg):
            node.annotation = None
    return f"def {definition.name}({ast.unparse(definition.args)}):"
