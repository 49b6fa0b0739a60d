"""Exercises of "One flip away"."""

# Wrong answers are short, and have no types; SciPy has none.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from typing import Any

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.exercises.exercise import (
    Exercise,
    WrongAnswer,
    function_ignoring,
    integers,
    paint_layer,
)


def input_gradient(
    w: Array, d_out: Array, inputs: int, stride: int, padding: int
) -> Array:
    """Return the gradient of the inputs of `paint`, one for each of `inputs`.

    >>> w, d_out = np.array([2, 3]), np.array([1, 10, 100])
    >>> input_gradient(w, d_out, inputs=2, stride=1, padding=0)
    array([ 32, 320])
    """
    dx = np.zeros(inputs, int)
    for o in range(inputs):
        for k in range(len(w)):
            i = stride * o + k - padding
            if 0 <= i < len(d_out):
                dx[o] += w[k] * d_out[i]
    return dx


def _negative_index(
    w: Array, d_out: Array, inputs: int, stride: int, padding: int
) -> Array:
    dx = np.zeros(inputs, int)
    for o in range(inputs):
        for k in range(len(w)):
            i = stride * o + k - padding
            if i < len(d_out):
                dx[o] += w[k] * d_out[i]
    return dx


def _assignment(
    w: Array, d_out: Array, inputs: int, stride: int, padding: int
) -> Array:
    dx = np.zeros(inputs, int)
    for o in range(inputs):
        for k in range(len(w)):
            i = stride * o + k - padding
            if 0 <= i < len(d_out):
                dx[o] = w[k] * d_out[i]
    return dx


def _layer_of_dx(
    w: Array, d_out: Array, inputs: int, stride: int, padding: int
) -> dict[str, Any]:
    # The input gradient does not look at x.
    return paint_layer(np.arange(1, inputs + 1), w, d_out, stride, padding)


FLIP_DX = Exercise(
    "flip-dx",
    input_gradient,
    cases=(
        (*integers(2, 2), 1, 1, 0),
        (*integers(2, 4), 2, 2, 0),
        (*integers(3, 6), 3, 2, 1),
        (*integers(4, 5), 3, 1, 1),
        (*integers(4, 8), 3, 3, 2),
        (*integers(2, 8), 3, 3, 0),
    ),
    hint="Which of the three arrays on the line stands to the left of `+=` now?",
    wrong=(
        WrongAnswer(
            function_ignoring(input_gradient, stride=1),
            "Neighbouring inputs start their strokes next to each other here. How far "
            "apart does `paint` start them?",
        ),
        WrongAnswer(
            function_ignoring(input_gradient, padding=0),
            "`paint` cuts something off at the start. Where do the results move?",
        ),
        WrongAnswer(
            lambda w, d_out, inputs, stride, padding: input_gradient(
                w[::-1], d_out, inputs, stride, padding
            ),
            "The kernel runs backwards here. Does it do that in `paint`?",
        ),
        WrongAnswer(
            _negative_index,
            "What is `d_out[-1]`? A stroke that is cut at the start must not come in "
            "again at the end.",
        ),
        WrongAnswer(
            _assignment,
            "Only the last tap of each input is left. What does nudging one input "
            "change?",
        ),
    ),
    returns=("dx",),
    layer=_layer_of_dx,
)


def correlation_gradient(x: Array, d_out: Array) -> Array:
    """Return the gradient of the weights of `correlate2d(x, w, "full")`.

    >>> correlation_gradient(np.array([[2, 3]]), np.array([[1, 10, 100]]))
    array([[320,  32]])
    """
    from scipy import signal

    return np.flip(signal.correlate2d(d_out, x, "valid"))


def _layer_of_dw(x: Array, d_out: Array) -> dict[str, Any]:
    taps = np.array(d_out.shape) - x.shape + 1
    return {
        "x": x[None, None],
        "w": np.arange(1, taps.prod() + 1).reshape(1, 1, *taps),
        "d_out": d_out[None, None],
        "padding": "full",
    }


FLIP_CORRELATION = Exercise(
    "flip-correlation",
    correlation_gradient,
    cases=tuple(
        tuple(integers(*shapes))
        for shapes in (
            ((1, 2), (1, 3)),
            ((2, 2), (3, 3)),
            ((2, 2), (4, 4)),
            ((3, 2), (4, 6)),
        )
    ),
    hint="A full correlation with `w` is a full convolution with the flipped `w`. What "
    "does flipping `w` do to its gradient?",
    wrong=(
        WrongAnswer(
            lambda x, d_out: np.flip(correlation_gradient(x, d_out)),
            "This is the weight gradient of the layer of the chapter. This layer has "
            "the flipped kernel, so what about the gradient?",
        ),
        WrongAnswer(
            lambda x, d_out: np.flip(correlation_gradient(np.flip(x), d_out)),
            "Here x is flipped before it slides, as by `convolve2d`. Does x come "
            "flipped into the forward pass?",
        ),
        WrongAnswer(
            lambda x, d_out: correlation_gradient(np.flip(x), d_out),
            "There are two flips here, one of x and one of the result. Which of them "
            "is a flip of w?",
        ),
        WrongAnswer(
            lambda x, d_out: np.flip(correlation_gradient(x, d_out), 0),
            "A kernel has two axes, and a full correlation flips both of them.",
        ),
    ),
    returns=("dw",),
    layer=_layer_of_dw,
)

EXERCISES = (FLIP_DX, FLIP_CORRELATION)
