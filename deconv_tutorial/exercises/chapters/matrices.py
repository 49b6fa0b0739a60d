"""Exercises of "Matrices and adjoints"."""

# Wrong answers are short, and have no types; SymPy's are incomplete.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from deconv_tutorial.checks import matrix_of
from deconv_tutorial.dtypes import Array
from deconv_tutorial.exercises.exercise import (
    Exercise,
    FormError,
    WrongAnswer,
    integers,
    pair,
)
from deconv_tutorial.functional import conv, conv_transpose


def two_pictures(matrix: Array) -> tuple[Array, Array]:
    """Return two vectors, the pictures, that a matrix sends to the same outputs.

    >>> matrix = np.array([[2, 3]])
    >>> one, other = two_pictures(matrix)
    >>> matrix @ (one - other), one.tolist() == other.tolist()
    (array([0.]), False)
    """
    one = np.arange(matrix.shape[1])
    direction = sp.Matrix(matrix).nullspace()[0]
    return one, one + np.array(direction, float).ravel()


def output_difference(
    answer: Callable[[Array], tuple[Array, Array]], matrix: Array
) -> tuple[Array, bool]:
    """Return the difference of the outputs, and whether the pictures differ."""
    pictures = pair(answer(matrix), "two pictures")
    one, other = (np.asarray(picture, float).ravel() for picture in pictures)
    return np.round(matrix @ (one - other), 6), not np.allclose(one, other)


def _matrix(kernel: Array, *size: int) -> Array:
    return matrix_of(lambda x: conv(x, kernel[None, None]), (1, 1, *size))


MATRICES_VALUES = Exercise(
    "matrices-values",
    two_pictures,
    cases=(
        (_matrix(np.array([2, 3]), 2),),
        (_matrix(np.array([[1, 2], [3, 4]]), 3, 3),),
        (_matrix(np.array([1, -1, 2]), 5),),
    ),
    hint="Nine numbers became four.",
    wrong=(
        WrongAnswer(
            lambda matrix: (np.ones(matrix.shape[1]), np.ones(matrix.shape[1])),
            "That is one picture, twice.",
        ),
        WrongAnswer(
            lambda matrix: (np.zeros(matrix.shape[1]), np.ones(matrix.shape[1])),
            "One of the pictures is lighter than the other everywhere. Do the weights "
            "add up to 0?",
        ),
        WrongAnswer(
            lambda matrix: (np.arange(1, matrix.shape[1] + 1), np.zeros(len(matrix.T))),
            "If one of the pictures is black, what must the matrix make of the other?",
        ),
    ),
    returns=("the difference of the outputs", "the pictures differ"),
    use=output_difference,
)


def weights() -> Array:
    """Return weights of shape (channels, 1, 2) whose transpose is twice their inverse.

    With stride 2, `conv` and then `conv_transpose` return twice the input.
    """
    return np.array([[[1, 1]], [[1, -1]]])  # the sum and the difference


def round_trip(answer: Callable[[], Array], x: Array) -> Array:
    """Return what `conv` and then `conv_transpose` make of an input."""
    w = np.asarray(answer())
    if w.ndim != 3 or w.shape[1:] != (1, 2):
        msg = f"weights of shape (channels, 1, 2), got {w.shape}"
        raise FormError(msg)
    return conv_transpose(conv(x, w, stride=2), w, stride=2)


MATRICES_INVERSE = Exercise(
    "matrices-inverse",
    weights,
    cases=tuple(tuple(integers(shape)) for shape in ((1, 1, 2), (1, 1, 6), (2, 1, 6))),
    hint="What has to be known beside the sum of two numbers to recover both?",
    wrong=(
        WrongAnswer(
            lambda: np.array([[[1, 1]]]),
            "One channel keeps one number of each pair. How could two come back?",
        ),
        WrongAnswer(
            lambda: np.array([[[1, 1]], [[1, 1]]]),
            "The second channel says what the first one says. What does it not say?",
        ),
        WrongAnswer(
            lambda: np.array([[[1, 0]], [[0, 1]]]),
            "The input comes back, but once. How long are the columns of the matrix?",
        ),
        WrongAnswer(
            lambda: np.array([[[2, 1]], [[1, -2]]]),
            "The columns are at right angles and equally long, and too long.",
        ),
        WrongAnswer(
            lambda: np.array([[[1, 1]], [[0, 1]]]),
            "Both numbers can be recovered, but not by the transpose. At which angle "
            "are the columns of the matrix?",
        ),
    ),
    returns=("what comes back",),
    use=round_trip,
)

EXERCISES = (MATRICES_VALUES, MATRICES_INVERSE)
