"""What an exercise is: a solution, the cases to try it on, and the ways to go wrong."""

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
Layer: TypeAlias = Callable[..., Mapping[str, Any]]
"""Takes the arguments of a case, and returns those of `problem_of`: the layer."""


class FormError(TypeError):
    """What was returned has not the form that is needed, whatever the numbers are."""


@dataclass(frozen=True, eq=False)
class Wrong:
    """A wrong answer that may well be given, and what to say about it."""

    function: Function
    """The answer."""
    hint: str
    """What was done, and what to think about; not what is right."""


@dataclass(frozen=True, eq=False)
class Exercise:
    """An exercise that asks for code.

    Its text stands in the book, under the label ``ex-`` and its key. All else is here:
    what is shown, and what attempts are compared with.
    """

    key: str
    """Its name."""
    solution: Function
    """A right answer. Its signature and docstring are the stub."""
    cases: tuple[Arguments, ...]
    """What it is called with, the smallest first."""
    hint: str
    """The hint of the book."""
    wrong: tuple[Wrong, ...]
    """Wrong answers with a hint each. No two of them agree in all cases."""
    returns: tuple[str, ...] = ("the result",)
    """What it returns, by name. Gradients of a layer are ``dx``, ``dw`` and ``db``."""
    layer: Layer | None = None
    """The layer whose gradients they are."""
    use: Function | None = None
    """What calls the answer, if that is not simply called: it takes the answer and a
    case, and returns what has to be right."""

    @property
    def label(self) -> str:
        """The label of the exercise in the book."""
        return f"ex-{self.key}"

    @property
    def name(self) -> str:
        """The name of the function to write."""
        return self.solution.__name__

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of what a case holds."""
        if self.use is None:
            return tuple(inspect.signature(self.solution).parameters)
        return tuple(inspect.signature(self.use).parameters)[1:]

    def call(self, answer: Function, case: Arguments) -> Any:  # noqa: ANN401
        """Return what comes of an answer in a case.

        Raises
        ------
        FormError
            If it returns nothing.
        """

        def called(*args: object) -> object:
            value = answer(*args)
            if value is None or value is ...:
                msg = f"something, got {value}"
                raise FormError(msg)
            return value

        return called(*case) if self.use is None else self.use(called, *case)


def integers(*shapes: int | Index) -> list[Array]:
    """Return arrays of integers from -9 to 9 without 0: the same ones on every run.

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
    """Return the two things that an answer has to return.

    Raises
    ------
    FormError
        If they are not two.
    """
    try:
        one, other = cast("tuple[Any, Any]", value)
    except (TypeError, ValueError) as error:
        msg = f"{of}, got a value of type {type(value).__name__}"
        raise FormError(msg) from error
    return one, other


def ignoring(function: Function, **values: object) -> Function:
    """Return a function that takes some arguments, and uses other values instead.

    Examples
    --------
    >>> def difference(a, b):
    ...     return a - b
    >>> ignoring(difference, b=1)(5, 3)
    4
    """
    names = [*inspect.signature(function).parameters]

    def answer(*args: object) -> object:
        return function(**dict(zip(names, args, strict=True)) | values)

    return answer


def painted(
    x: Array, w: Array, d_out: Array, stride: int, padding: int
) -> dict[str, Any]:
    """Return a transposed convolution with one axis and one channel, as a layer.

    It begins `padding` elements after the first stroke. Where it ends, d_out tells.
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
