"""What an exercise is: a solution, cases to try answers on, and known wrong answers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.geometry import conv_transpose_geometry
from deconv_tutorial.geometry.settings import Index

Function: TypeAlias = Callable[..., Any]
Arguments: TypeAlias = tuple[Any, ...]
"""The arguments of one call."""
LayerArguments: TypeAlias = Callable[..., Mapping[str, Any]]
"""Takes the arguments of a case, and returns the arguments of `problem_of`."""


class FormError(TypeError):
    """A result is of the wrong kind, such as text, or two results instead of three."""


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

    Its text is in the book, under the label ``ex-`` and its key. Everything else is
    here: the stub, the solution, and what answers are compared with.
    """

    key: str
    """Its name."""
    solution: Function
    """A right answer. Its signature and docstring are the stub."""
    cases: tuple[Arguments, ...]
    """The arguments to call an answer with, the smallest case first."""
    hint: str
    """The hint of the book."""
    wrong: tuple[WrongAnswer, ...]
    """Wrong answers, each with a hint. No two of them agree in all cases."""
    returns: tuple[str, ...] = ("the result",)
    """The names of the results. Gradients of a layer are ``dx``, ``dw`` and ``db``."""
    layer: LayerArguments | None = None
    """The layer, if the results are its gradients."""
    use: Function | None = None
    """Calls the answer, if it is not simply called with the case. It takes the answer
    and the case, and returns what has to be right."""

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
                raise FormError(msg)
            return value

        return (
            checked_answer(*case)
            if self.use is None
            else self.use(checked_answer, *case)
        )


def integers(*shapes: int | Index) -> list[Array]:
    """Return arrays of random integers from -9 to 9 without 0, the same on every run.

    Examples
    --------
    >>> x, w = integers(3, (1, 2))
    >>> x.shape, w.shape, bool(x.all())
    ((3,), (1, 2), True)
    """
    sizes = [(shape,) if isinstance(shape, int) else shape for shape in shapes]
    rng = np.random.default_rng([n for size in sizes for n in size])
    return [rng.integers(1, 10, size) * rng.choice([-1, 1], size) for size in sizes]


def pair(value: object, of: str) -> tuple[Any, Any]:
    """Return the two things that an answer returned.

    Raises
    ------
    FormError
        If the answer did not return two things.
    """
    try:
        one, other = cast("tuple[Any, Any]", value)
    except (TypeError, ValueError) as error:
        msg = f"{of}, got a value of type {type(value).__name__}"
        raise FormError(msg) from error
    return one, other


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
