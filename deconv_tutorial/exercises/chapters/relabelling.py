"""Exercises of "Transposed convolution is a relabelling"."""

# Wrong answers are short, and have no types.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

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
from deconv_tutorial.functional import conv, conv_backward, conv_transpose

Triple: TypeAlias = tuple[Array, Array, Array]


def backward(d_out: Array, v: Array, w: Array, s: int) -> Triple:
    """Return dx, dw and db of `conv_transpose(v, w, stride=s)`, with one axis.

    >>> d_out, v, w = np.array([[[1, 10, 100]]]), np.array([[[2]]]), [[[3, 4, 5]]]
    >>> dx, dw, db = backward(d_out, v, np.array(w), s=1)
    >>> dx, dw, db
    (array([[[543]]]), array([[[  2,  20, 200]]]), array([111]))
    """
    dx = conv(d_out, w, stride=s)
    dw = conv_backward(v, d_out, w, stride=s).dw
    return dx, dw, d_out.sum(axis=(0, 2))


def _unexchanged_dw(d_out: Array, v: Array, w: Array, s: int) -> Triple:
    dx, _, db = backward(d_out, v, w, s)
    return dx, conv_backward(d_out, v, w, stride=s).dw, db


def _db_of_v(d_out: Array, v: Array, w: Array, s: int) -> Triple:
    _, dw, db = conv_backward(v, d_out, w, stride=s)
    return conv(d_out, w, stride=s), dw, db


def _dx_of_conv(d_out: Array, v: Array, w: Array, s: int) -> Triple:
    dx, dw, _ = conv_backward(v, d_out, w, stride=s)
    return dx, dw, d_out.sum(axis=(0, 2))


def _flipped_dx(d_out: Array, v: Array, w: Array, s: int) -> Triple:
    _, dw, db = backward(d_out, v, w, s)
    return conv(d_out, np.flip(w, 2), stride=s), dw, db


def _mean_db(d_out: Array, v: Array, w: Array, s: int) -> Triple:
    dx, dw, _ = backward(d_out, v, w, s)
    return dx, dw, d_out.mean(axis=(0, 2))


def _turned_dw(d_out: Array, v: Array, w: Array, s: int) -> Triple:
    dx, dw, db = backward(d_out, v, w, s)
    return dx, np.flip(dw, 2).swapaxes(0, 1), db


def _drawn_transposed(rng: np.random.Generator) -> Arguments:
    n, a, b, inputs, taps, s = drawn_numbers(rng, 3, 3, 3, 4, 4, 3)
    outputs = s * (inputs - 1) + taps
    arrays = drawn_integers(rng, (n, b, outputs), (n, a, inputs), (a, b, taps))
    return *arrays, s


RELABEL_TWO_LINES = Exercise(
    "relabel-two-lines",
    backward,
    title="From the other layer",
    text=(
        "You have `conv` and `conv_backward` and nothing else. Write the backward pass "
        "of a transposed convolution with one axis and stride `s`, without padding: "
        "`backward(d_out, v, w, s)`, which returns `dx`, `dw` and `db`."
    ),
    cases=tuple(
        (*integers(d_out, v, w), s)
        for d_out, v, w, s in (
            ((1, 1, 4), (1, 1, 2), (1, 1, 3), 1),
            ((1, 1, 5), (1, 1, 2), (1, 1, 3), 2),
            ((1, 2, 2), (1, 2, 2), (2, 2, 1), 1),
            ((2, 3, 6), (2, 2, 4), (2, 3, 3), 1),
            ((3, 2, 9), (3, 4, 4), (4, 2, 3), 2),
            ((2, 4, 8), (2, 3, 3), (3, 4, 2), 3),
        )
    ),
    draw=_drawn_transposed,
    hint="Which array plays the input of the convolution, and which its `d_out`?",
    wrong=(
        WrongAnswer(
            _unexchanged_dw,
            "dw comes from d_out and v in their own places. Which of the two is the "
            "long side of this layer, and which is that of `conv_backward`?",
        ),
        WrongAnswer(
            _db_of_v,
            "The gradient of the bias adds up the errors of this layer. What did you "
            "add up?",
        ),
        WrongAnswer(
            _dx_of_conv,
            "The dx of that `conv_backward` is as long as d_out. Of which array is it "
            "the gradient, and what is it of this layer?",
        ),
        WrongAnswer(
            _flipped_dx,
            "In dx the kernel is flipped. Is there a flip in a `conv` of this book?",
        ),
        WrongAnswer(
            _mean_db, "For db you take the mean. What does a nudge of the bias change?"
        ),
        WrongAnswer(
            _turned_dw,
            "dw comes out with its taps reversed and its channels exchanged. Whose "
            "input and whose errors went into `conv_backward`?",
        ),
    ),
    returns=("dx", "dw", "db"),
    layer=lambda d_out, v, w, s: {
        "d_out": d_out,
        "x": v,
        "w": w,
        "stride": s,
        "transposed": True,
    },
)


def derivative_by_weight(q: Array, d_out: Array, w: Array, s: int) -> Array:
    """Return the derivative of `(q * conv(d_out, w, stride=s)).sum()` by `w`.

    >>> q, d_out, w = np.array([[[2]]]), np.array([[[1, 10, 100]]]), [[[3, 4, 5]]]
    >>> derivative_by_weight(q, d_out, np.array(w), s=1)
    array([[[  2,  20, 200]]])
    """
    return conv_backward(q, d_out, w, stride=s).dw


def _drawn_twice(rng: np.random.Generator) -> Arguments:
    n, a, b, results, taps, s = drawn_numbers(rng, 3, 3, 3, 4, 4, 3)
    inputs = s * (results - 1) + taps + int(rng.integers(0, s))
    arrays = drawn_integers(rng, (n, a, results), (n, b, inputs), (a, b, taps))
    return *arrays, s


RELABEL_TWICE = Exercise(
    "relabel-twice",
    derivative_by_weight,
    title="The gradient of a gradient",
    text=(
        "The input gradient of a transposed layer is `conv(d_out, w)`. Some losses "
        "contain this gradient itself, so somebody needs *its* derivative by `w`. "
        "Which of the three maps is it, and with which arguments? Write it as "
        "`derivative_by_weight(q, d_out, w, s)`, where `q` is what arrives at "
        "`conv(d_out, w, stride=s)` as errors."
    ),
    cases=tuple(
        (*integers(q, d_out, w), s)
        for q, d_out, w, s in (
            ((1, 1, 2), (1, 1, 3), (1, 1, 2), 1),
            ((1, 1, 3), (1, 1, 8), (1, 1, 3), 2),
            ((1, 3, 3), (1, 2, 7), (3, 2, 3), 2),
            ((2, 2, 3), (2, 2, 5), (2, 2, 3), 1),
            ((2, 3, 2), (2, 2, 6), (3, 2, 2), 4),
        )
    ),
    draw=_drawn_twice,
    hint="`conv(d_out, w)` is a forward pass like any other. Call the errors that "
    "arrive at it `q`.",
    wrong=(
        WrongAnswer(
            lambda q, d_out, w, s: conv_backward(q, d_out, w, stride=s).dx,
            "This is the derivative by d_out. It has the shape of d_out.",
        ),
        WrongAnswer(
            lambda q, d_out, w, s: w * derivative_by_weight(q, d_out, w, s),
            "Each element is still multiplied with its weight. What does a derivative "
            "strike out?",
        ),
        WrongAnswer(
            lambda q, d_out, w, s: np.flip(derivative_by_weight(q, d_out, w, s), 2),
            "The taps come out in reverse. Has a weight gradient a flip?",
        ),
        WrongAnswer(
            lambda q, d_out, w, s: derivative_by_weight(np.ones_like(q), d_out, w, s),
            "This is the derivative of the plain sum of `conv(d_out, w)`. Where is q?",
        ),
    ),
    returns=("dw",),
    layer=lambda q, d_out, w, s: {"d_out": q, "x": d_out, "w": w, "stride": s},
    names_mistakes=False,  # they call `d_out` what is q here
)


def weights_and_stride() -> tuple[Array, int]:
    """Return weights of shape (1, 1, taps), and a stride.

    Two taps or more are not 0.
    With them, `conv_transpose` and then `conv` return what they were given.
    """
    return np.array([[[3, 4]]]) / 5, 2


def round_trip(answer: Callable[[], tuple[Array, int]], v: Array) -> tuple[Array, bool]:
    """Return what `conv_transpose` and then `conv` give, and whether two taps count.

    Raises
    ------
    FormError
        If the answer is not weights for one channel, and a stride.
    """
    w, stride = pair(answer(), "weights and a stride")
    if np.ndim(w) != 3 or np.shape(w)[:2] != (1, 1):
        msg = f"weights of shape (1, 1, taps), got {description(w)}"
        raise FormError(msg)
    back = conv(conv_transpose(v, w, stride=stride), w, stride=stride)
    return back, bool(np.count_nonzero(w) > 1)


RELABEL_INVERSE = Exercise(
    "relabel-inverse",
    weights_and_stride,
    title="There and back",
    text=(
        "Find weights with two taps or more that are not 0, and a stride, for which "
        "going through `conv_transpose` and then `conv` *does* return the input. What "
        "is special about them?"
    ),
    cases=tuple(tuple(integers(shape)) for shape in ((1, 1, 1), (1, 1, 3), (2, 1, 6))),
    draw=lambda rng: (*drawn_integers(rng, (*drawn_numbers(rng, 3), 1, 4)),),
    hint="Let the strokes not overlap.",
    wrong=(
        WrongAnswer(
            lambda: (np.array([[[3, 4]]]), 2),
            "The input comes back 25 times as large. Where does the 25 come from?",
        ),
        WrongAnswer(
            lambda: (np.array([[[3, 4]]]) / 7, 2),
            "The weights add up to 1. What has to add up to 1 instead, if each output "
            "sees its own stroke?",
        ),
        WrongAnswer(
            lambda: (np.array([[[3, 4]]]) / 5, 1),
            "These strokes overlap. So each output sees a part of its neighbours, too.",
        ),
        WrongAnswer(
            lambda: (np.array([[[1]]]), 1),
            "With one tap that is not 0 it is easy. Two or more are wanted.",
        ),
        WrongAnswer(
            lambda: (np.array([[[1, 1]]]), 2),
            "The input comes back twice as large. Where does the 2 come from?",
        ),
        WrongAnswer(
            lambda: (np.array([[[1, 1]]]) / 2, 2),
            "Half of the input comes back. What has to add up to 1, if each output "
            "sees its own stroke?",
        ),
    ),
    returns=("what comes back", "two taps that are not 0"),
    use=round_trip,
    code=(
        "w, stride = {answer}()\n"
        "v = {v}\n"
        "back = conv(conv_transpose(v, w, stride=stride), w, stride=stride)\n"
        "back, np.count_nonzero(w) > 1"
    ),
)

EXERCISES = (RELABEL_TWO_LINES, RELABEL_TWICE, RELABEL_INVERSE)
