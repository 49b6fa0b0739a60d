"""Exercises of "One flip away"."""

# Wrong answers are short, and have no types; SciPy has none.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.exercises.drawing import drawn_integers, drawn_numbers, integers
from deconv_tutorial.exercises.exercise import (
    Arguments,
    Exercise,
    WrongAnswer,
    function_ignoring,
    paint_layer,
)
from deconv_tutorial.functional import conv


def input_gradient(
    w: Array, d_out: Array, inputs: int, stride: int, padding: int
) -> Array:
    """Return the gradient of the inputs, one for each of `inputs`.

    The layer adds `x[o] * w[k]` to `y[stride * o + k - padding]`, where `y` has such
    a place. `d_out` is as long as `y`.

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


def _within(
    low: int | None, high: str, slack: int = 0, *, sign: int = -1
) -> Callable[..., Array]:
    """Return an answer with other bounds for i, or with another sign of the padding.

    The upper bound is the number of places of d_out or of inputs, and some more. None
    stands for no bound.
    """

    def answer(w: Array, d_out: Array, inputs: int, stride: int, padding: int) -> Array:
        dx = np.zeros(inputs, int)
        ends = {"d_out": len(d_out), "inputs": inputs, "": 10**9}
        for o, k in np.ndindex(inputs, len(w)):
            i = stride * o + k + sign * padding
            if (low is None or low <= i) and i < ends[high] + slack:
                dx[o] += w[k] * d_out[i]
        return dx

    return answer


def _divided(
    w: Array, d_out: Array, inputs: int, stride: int, padding: int, cut: bool = False
) -> Array:
    """Return what comes if o is found from i, and remainders are not looked at."""
    dx = np.zeros(inputs, int)
    for i, k in np.ndindex(len(d_out), len(w)):
        quotient = (i + padding - k) / stride
        o = int(quotient) if cut else int(np.floor(quotient))
        if 0 <= o < inputs:
            dx[o] += w[k] * d_out[i]
    return dx


def _to_the_end(
    w: Array, d_out: Array, inputs: int, stride: int, padding: int
) -> Array:
    """Return what comes if the result ends early, in the loop over the inputs."""
    dx = input_gradient(w, d_out, inputs, stride, padding)
    return np.where(np.arange(inputs) < 1, dx, 0)


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


def _drawn_strokes(rng: np.random.Generator) -> Arguments:
    taps, inputs, stride = drawn_numbers(rng, 4, 4, 3)
    whole = stride * (inputs - 1) + taps
    padding = int(rng.integers(0, min(taps + 1, whole)))
    size = max(1, whole - padding + int(rng.integers(-3, stride)))
    return *drawn_integers(rng, taps, size), inputs, stride, padding


FLIP_DX = Exercise(
    "flip-dx",
    input_gradient,
    title="The third array",
    text=(
        "Write `input_gradient(w, d_out, inputs, stride, padding)` for `paint`, with "
        "the same loops. Check it by nudging the inputs."
    ),
    cases=(
        (*integers(2, 2), 1, 1, 0),
        (*integers(2, 4), 2, 2, 0),
        (*integers(3, 6), 3, 2, 1),
        (*integers(3, 3), 3, 1, 0),
        (*integers(2, 3), 2, 4, 0),
        (*integers(4, 5), 3, 1, 1),
        (*integers(4, 8), 3, 3, 2),
        (*integers(2, 8), 3, 3, 0),
    ),
    draw=_drawn_strokes,
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
            _within(None, "d_out"),
            "What is `d_out[-1]`? A stroke that is cut at the start must not come in "
            "again at the end.",
        ),
        WrongAnswer(
            _within(None, ""),
            "Nothing keeps i inside `d_out` here. Which places has it?",
        ),
        WrongAnswer(
            _within(0, ""),
            "i can be larger than the last place of `d_out`. What does `paint` do "
            "then?",
        ),
        WrongAnswer(
            _within(0, "d_out", 1),
            "Is `d_out[len(d_out)]` a place of `d_out`?",
        ),
        WrongAnswer(
            _within(0, "d_out", -1),
            "The last place of `d_out` is never read. Which is the last i that a range "
            "or a `<` lets through?",
        ),
        WrongAnswer(
            _within(1, "d_out"),
            "The first place of `d_out` is never read. Is 0 a place?",
        ),
        WrongAnswer(
            _within(0, "inputs"),
            "i is compared with the number of inputs here. Of which array is i a "
            "place?",
        ),
        WrongAnswer(
            _within(0, "d_out", sign=1),
            "The padding is added here. In `paint` it cuts elements off at the start: "
            "does that make i larger or smaller?",
        ),
        WrongAnswer(
            _divided,
            "`//` gives an output o for every i, also where the division leaves a "
            "remainder. Is there a connection then?",
        ),
        WrongAnswer(
            lambda w, d_out, inputs, stride, padding: _divided(
                w, d_out, inputs, stride, padding, cut=True
            ),
            "`int` gives an output o for every i, also where the division leaves a "
            "remainder. Is there a connection then?",
        ),
        WrongAnswer(
            _to_the_end,
            "Only the first input has a gradient. Does the `return` stand inside a "
            "loop?",
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


def _gradient_without_scipy(x: Array, d_out: Array) -> Array:
    # `conv` correlates, and keeps what lies inside.
    return np.flip(conv(d_out[None, None], x[None, None])[0, 0])


def _drawn_pictures(rng: np.random.Generator) -> Arguments:
    rows, columns, *more = drawn_numbers(rng, 4, 4, 4, 4)
    return (
        *drawn_integers(
            rng, (rows, columns), (rows + more[0] - 1, columns + more[1] - 1)
        ),
    )


def _full_result(x: Array, d_out: Array) -> Array:
    # The lone arrays are an input and a kernel of `conv`.
    return np.flip(conv(d_out[None, None], x[None, None], padding="full")[0, 0])


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
    title="The other forward pass",
    text=(
        "Some layers compute their result by a full *correlation*, `correlate2d(x, w, "
        '"full")`. Write their weight gradient `correlation_gradient(x, d_out)` with '
        "a call of SciPy."
    ),
    cases=tuple(
        tuple(integers(*shapes))
        for shapes in (
            ((1, 2), (1, 3)),
            ((2, 2), (3, 3)),
            ((2, 2), (4, 4)),
            ((3, 2), (4, 6)),
        )
    ),
    draw=_drawn_pictures,
    hint="A full correlation with `w` is a full convolution with the flipped `w`. What "
    "does flipping `w` do to its gradient?",
    wrong=(
        WrongAnswer(
            lambda x, d_out: np.flip(_gradient_without_scipy(x, d_out)),
            "This is the weight gradient of the layer of the chapter. This layer has "
            "the flipped kernel, so what about the gradient?",
        ),
        WrongAnswer(
            lambda x, d_out: np.flip(_gradient_without_scipy(np.flip(x), d_out)),
            "Here x is flipped before it slides, as by `convolve2d`. Does x come "
            "flipped into the forward pass?",
        ),
        WrongAnswer(
            lambda x, d_out: _gradient_without_scipy(np.flip(x), d_out),
            "There are two flips here, one of x and one of the result. Which of them "
            "is a flip of w?",
        ),
        WrongAnswer(
            lambda x, d_out: np.flip(_gradient_without_scipy(x, d_out), 0),
            "The columns are in the right order, and the rows are not. A kernel has "
            "two axes, and a full correlation flips both of them.",
        ),
        WrongAnswer(
            lambda x, d_out: np.flip(_gradient_without_scipy(x, d_out), 1),
            "The rows are in the right order, and the columns are not. A kernel has "
            "two axes, and a full correlation flips both of them.",
        ),
        WrongAnswer(
            _full_result,
            "This has more places than the kernel. At which of them does x lie inside "
            "`d_out`?",
        ),
    ),
    returns=("dw",),
    layer=_layer_of_dw,
    names_mistakes=False,  # this layer reverses its kernel, theirs do not
    reference=_gradient_without_scipy,
)

EXERCISES = (FLIP_DX, FLIP_CORRELATION)
