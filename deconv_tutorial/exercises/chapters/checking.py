"""Exercises of "How to check a gradient"."""

# Wrong answers are short, and have no types.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable

import numpy as np

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


def wrong_pair(v: Array, u: Array, w: Array) -> tuple[Array, Array]:
    """Return a wrong `conv(v, w)` and a wrong `conv_transpose(u, w)`.

    They have the right shapes, and pass the adjoint test with each other.
    """
    flipped = np.flip(w, 2)
    return conv(v, flipped), conv_transpose(u, flipped)


def adjoint_test(
    answer: Callable[[Array, Array, Array], tuple[Array, Array]],
    v: Array,
    u: Array,
    w: Array,
) -> tuple[float, bool, bool]:
    """Return the gap of the adjoint test, and whether each of the two maps is wrong."""
    both = pair(answer(v, u, w), "a wrong conv and a wrong conv_transpose")
    y, x = map(np.asarray, both)
    rights = conv(v, w), conv_transpose(u, w)
    if (y.shape, x.shape) != (rights[0].shape, rights[1].shape):
        wanted = f"arrays of the shapes {rights[0].shape} and {rights[1].shape}"
        msg = f"{wanted}, got {' and '.join(map(description, both))}"
        raise FormError(msg)
    gap = (u * y).sum() - (x * v).sum()
    y_wrong, x_wrong = not np.allclose(y, rights[0]), not np.allclose(x, rights[1])
    return round(float(gap), 6), y_wrong, x_wrong


def _drawn_layer(rng: np.random.Generator) -> Arguments:
    more, outputs = drawn_numbers(rng, 4, 5)
    taps = more + 1
    v, u = drawn_integers(rng, (1, 1, outputs + taps), (1, 1, outputs + 1))
    w = rng.permutation(9)[:taps] + 1  # all different, so that a flip shows
    return v, u, w[None, None]


CHECKING_CONSISTENT = Exercise(
    "checking-consistent",
    wrong_pair,
    title="Wrong and consistent",
    text=(
        "Find a wrong `conv` and a wrong `conv_transpose`, with right shapes, that "
        "pass the adjoint test with each other, as `wrong_pair(v, u, w)`. What finds "
        "them out?"
    ),
    cases=tuple(
        tuple(integers((1, 1, inputs), (1, 1, inputs - taps + 1), (1, 1, taps)))
        for inputs, taps in ((3, 2), (6, 3), (8, 5))
    ),
    draw=_drawn_layer,
    hint="What did the inner products not see?",
    wrong=(
        WrongAnswer(
            lambda v, u, w: (conv(v, w), conv_transpose(u, w)),
            "Both are right. They pass, of course.",
        ),
        WrongAnswer(
            lambda v, u, w: (conv(v, np.flip(w, 2)), conv_transpose(u, w)),
            "Only the first is wrong, and the test finds it. What must be done to the "
            "second one?",
        ),
        WrongAnswer(
            lambda v, u, w: (conv(v, w), conv_transpose(u, np.flip(w, 2))),
            "Only the second is wrong, and the test finds it. What must be done to the "
            "first one?",
        ),
        WrongAnswer(
            lambda v, u, w: (
                np.flip(conv(v, w), 2),
                np.flip(conv_transpose(u, w), 2),
            ),
            "Both results are reversed. Is one matrix then the transpose of the other? "
            "Change what goes in.",
        ),
    ),
    returns=("by how much the test fails", "conv is wrong", "conv_transpose is wrong"),
    use=adjoint_test,
    code=(
        "v, u = {v}, {u}\n"
        "w = {w}\n"
        "y, x = {answer}(v, u, w)\n"
        "gap = (u * y).sum() - (x * v).sum()\n"
        "gap, not np.allclose(y, conv(v, w)), not np.allclose(x, conv_transpose(u, w))"
    ),
)

EXERCISES = (CHECKING_CONSISTENT,)
