"""What a page shows of an exercise: its stub and its solution, as code that can run."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any, NoReturn, cast

from deconv_tutorial.exercises.exercise import Exercise
from deconv_tutorial.exercises.register import exercise_of
from deconv_tutorial.show import Source


class Solution(Source):
    """The source of a solution, which can be called.

    It is shown without docstring and without types: so it runs where it is pasted.
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
    """What there is to fill in: a signature, a docstring, and the call of `check`."""

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
        """Raise what the stub raises."""
        raise NotImplementedError


def stub(key: str) -> Stub:
    """Return what to fill in for an exercise: copy it into a cell of its own.

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
    def by_weight(q, d_out, w, s):
        return conv_backward(q, d_out, w, stride=s).dw
    """
    return Solution(exercise_of(key))


def _definition(text: str) -> ast.FunctionDef:
    return cast("ast.FunctionDef", ast.parse(text).body[0])


def _first_line(definition: ast.FunctionDef) -> str:
    """Return the first line of a definition, without types."""
    for node in ast.walk(definition.args):
        if isinstance(node, ast.arg):
            node.annotation = None
    return f"def {definition.name}({ast.unparse(definition.args)}):"
