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
from deconv_tutorial.exercises.drawing import drawn_integers, drawn_numbers, integers
from deconv_tutorial.exercises.exercise import (
    Arguments,
    Exercise,
    FormError,
    WrongAnswer,
)
from deconv_tutorial.exercises.parts import description, pair
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
    if (len(one), len(other)) != (matrix.shape[1],) * 2:
        wanted = f"two pictures of {matrix.shape[1]} elements each"
        msg = f"{wanted}, got {len(one)} and {len(other)}"
        raise FormError(msg)
    return np.round(matrix @ (one - other), 6), not np.allclose(one, other)


def _matrix(kernel: Array, *size: int) -> Array:
    return matrix_of(lambda x: conv(x, kernel[None, None]), (1, 1, *size))


def _drawn_matrix(rng: np.random.Generator) -> Arguments:
    sizes = [more + 1 for more in drawn_numbers(rng, *[2] * int(rng.integers(1, 3)))]
    more = drawn_numbers(rng, *[3] * len(sizes))
    (kernel,) = drawn_integers(rng, tuple(sizes))
    return (_matrix(kernel, *map(sum, zip(sizes, more, strict=True))),)


MATRICES_VALUES = Exercise(
    "matrices-values",
    two_pictures,
    title="The question of the book",
    text=(
        "A 3\u00d73 picture goes through the 4\u00d79 matrix above, then through its "
        "transpose. "
        "Zhang et al. (2023) ask whether the values are those of the picture. We saw "
        "that they are not. Could any other matrix have brought all pictures back? "
        "Find two pictures that nothing can tell apart afterwards: "
        "`two_pictures(matrix)`."
    ),
    cases=(
        (_matrix(np.array([2, 3]), 2),),
        (_matrix(np.array([[1, 2], [3, 4]]), 3, 3),),
        (_matrix(np.array([1, -1, 2]), 5),),
    ),
    draw=_drawn_matrix,
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
            lambda matrix: (np.ones(matrix.shape[1]), np.zeros(matrix.shape[1])),
            "One of the pictures is darker than the other everywhere. Do the weights "
            "add up to 0?",
        ),
        WrongAnswer(
            lambda matrix: (np.arange(1, matrix.shape[1] + 1), np.zeros(len(matrix.T))),
            "If one of the pictures is black, what must the matrix make of the other?",
        ),
    ),
    returns=("the difference of the outputs", "the pictures differ"),
    use=output_difference,
    code=(
        "matrix = {matrix}\n"
        "one, other = {answer}(matrix)\n"
        "difference = np.subtract(one, other).ravel()\n"
        "matrix @ difference, difference.any()"
    ),
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
        msg = f"weights of shape (channels, 1, 2), got {description(w)}"
        raise FormError(msg)
    return conv_transpose(conv(x, w, stride=2), w, stride=2)


MATRICES_INVERSE = Exercise(
    "matrices-inverse",
    weights,
    title="A real inverse",
    text=(
        "So far we went from the short side to the long one and back. Now the other "
        "way, with two taps, stride 2 and no padding: find weights for which `conv` "
        "and then `conv_transpose` return twice the input, for *every* input of length "
        "6. You may use several output channels. Why is one not enough? Write "
        "`weights()`, which returns them."
    ),
    cases=tuple(tuple(integers(shape)) for shape in ((1, 1, 2), (1, 1, 6), (2, 1, 6))),
    draw=lambda rng: (*drawn_integers(rng, (*drawn_numbers(rng, 3), 1, 6)),),
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
    code=("w, x = {answer}(), {x}\nconv_transpose(conv(x, w, stride=2), w, stride=2)"),
)

EXERCISES = (MATRICES_VALUES, MATRICES_INVERSE)
