"""What an exercise is: a solution, cases to try answers on, and known wrong answers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.geometry import conv_transpose_geometry

Function: TypeAlias = Callable[..., Any]
Arguments: TypeAlias = tuple[Any, ...]
"""The arguments of one call."""
LayerArguments: TypeAlias = Callable[..., Mapping[str, Any]]
"""Takes the arguments of a case, and returns the arguments of `problem_of`."""
Draw: TypeAlias = Callable[[np.random.Generator], Arguments]
"""Returns the arguments of a case, from a source of random numbers."""


class FormError(TypeError):
    """A result is of the wrong kind, such as text, or two results instead of three."""


class NothingError(FormError):
    """An answer returned None, or the dots of a stub."""


@dataclass(frozen=True, eq=False)
class WrongAnswer:
    """A wrong answer that people give, and a hint for them."""

    function: Function
    """The answer."""
    hint: str
    """What was done, and what to think about. It does not give the answer."""


@dataclass(frozen=True, eq=False)
class Exercise:
    """An exercise that asks for code.

    Its text is in the book, under the label ``ex-`` and its key. All of it is here,
    too: the text, the stub, the solution, and what answers are compared with.
    """

    key: str
    """Its name."""
    solution: Function
    """A right answer. Its signature and docstring are the stub."""
    title: str
    """Its title in the book."""
    text: str
    """What it asks for, in the words of the book."""
    cases: tuple[Arguments, ...]
    """The arguments to call an answer with, the smallest case first."""
    draw: Draw
    """Returns the arguments of another case, from a source of random numbers."""
    hint: str
    """The hint of the book."""
    wrong: tuple[WrongAnswer, ...]
    """Wrong answers, each with a hint. No two of them agree in all cases."""
    returns: tuple[str, ...] = ("the result",)
    """The names of the results. Gradients of a layer are ``dx``, ``dw`` and ``db``."""
    layer: LayerArguments | None = None
    """The layer, if the results are its gradients."""
    slips: Mapping[str, str] = field(default_factory=dict[str, str])
    """Hints for errors, by words that stand in the message of the error."""
    names_mistakes: bool = True
    """Whether the words of the catalogue of mistakes fit the layer, and its letters."""
    use: Function | None = None
    """Calls the answer, if it is not simply called with the case. It takes the answer
    and the case, and returns what has to be right."""
    code: str = ""
    """What `use` does, as code that can be pasted: a template with the name of the
    ``answer`` and the names of the arguments."""
    reference: Function | None = None
    """Returns what the solution returns, if that needs more than NumPy and SymPy."""

    @property
    def right(self) -> Function:
        """The function whose results are right."""
        return self.reference or self.solution

    @property
    def name(self) -> str:
        """The name of the function to write."""
        return self.solution.__name__

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of the arguments in a case."""
        if self.use is None:
            return tuple(inspect.signature(self.solution).parameters)
        return tuple(inspect.signature(self.use).parameters)[1:]

    def call(self, answer: Function, case: Arguments) -> Any:  # noqa: ANN401
        """Return the result of an answer in a case.

        Raises
        ------
        FormError
            If the answer returns nothing.
        """

        def checked_answer(*args: object) -> object:
            value = answer(*args)
            if value is None or value is ...:
                msg = f"something, got {value}"
                raise NothingError(msg)
            return value

        return (
            checked_answer(*case)
            if self.use is None
            else self.use(checked_answer, *case)
        )


def function_ignoring(function: Function, **values: object) -> Function:
    """Return a function that ignores some of its arguments, and uses these values.

    Examples
    --------
    >>> def difference(a, b):
    ...     return a - b
    >>> function_ignoring(difference, b=1)(5, 3)
    4
    """
    names = [*inspect.signature(function).parameters]

    def answer(*args: object) -> object:
        return function(**dict(zip(names, args, strict=True)) | values)

    return answer


def paint_layer(
    x: Array, w: Array, d_out: Array, stride: int, padding: int
) -> dict[str, Any]:
    """Return the layer that `paint` is: one axis, one channel, transposed.

    Its result begins `padding` elements after the first stroke, and is as long as
    d_out.
    """
    (end,) = conv_transpose_geometry(len(x), len(w), stride, [(padding, 0)]).input_size
    return {
        "x": x[None, None],
        "w": w[None, None],
        "d_out": d_out[None, None],
        "transposed": True,
        "stride": stride,
        "padding": ((padding, max(0, end - len(d_out))),),
        "output_padding": max(0, len(d_out) - end),
    }
