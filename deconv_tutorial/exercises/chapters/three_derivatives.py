"""Exercises of "Three derivatives of one form"."""

# Wrong answers are short, and have no types.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.exercises.drawing import (
    drawn_geometry,
    drawn_integers,
    drawn_numbers,
    integers,
)
from deconv_tutorial.exercises.exercise import (
    Arguments,
    Exercise,
    WrongAnswer,
    function_ignoring,
)
from deconv_tutorial.geometry import Geometry, conv_geometry


def two_channels(geometry: Geometry, x: Array, w: Array, y: Array) -> Any:  # noqa: ANN401
    """Return T of a layer with two input channels and one output channel.

    `x` and `w` have two rows, one for each input channel. `y` has no channels.

    >>> x, w, y = np.array([[2], [3]]), np.array([[5], [7]]), np.array([10])
    >>> print(two_channels(conv_geometry(1, 1), x, w, y), 10 * (5 * 2 + 7 * 3))
    310 310
    """
    return sum(
        y[*o] * w[c, *k] * x[c, *i]
        for o, k, i in geometry.connections()
        for c in range(2)
    )


def _channels_case(g: Geometry, rng: np.random.Generator) -> Arguments:
    shapes = (2, *g.input_size), (2, *g.kernel_size), g.output_size
    return g, *drawn_integers(rng, *shapes)


def _channel_form(
    geometry: Geometry, x: Array, w: Array, y: Array, c: int, of_w: int
) -> Any:  # noqa: ANN401
    return sum(y[*o] * w[of_w, *k] * x[c, *i] for o, k, i in geometry.connections())


FORM_CHANNELS = Exercise(
    "form-channels",
    two_channels,
    title="Two channels",
    text=(
        "Write $T$ for a layer with two input channels and one output channel, as "
        "`two_channels(geometry, x, w, y)`. What is the gradient of the weights of the "
        "second channel?"
    ),
    cases=tuple(
        (g, *integers((2, *g.input_size), (2, *g.kernel_size), g.output_size))
        for g in (
            conv_geometry(1, 1),
            conv_geometry(2, 1),
            conv_geometry(6, 3, stride=2, padding=1),
            conv_geometry(9, 4, padding=[(2, 0)], dilation=2),
        )
    ),
    draw=lambda rng: _channels_case(drawn_geometry(rng), rng),
    hint="Every line of the figure is now drawn twice, with other letters for `x` and "
    "`w` and the same `y`.",
    wrong=(
        WrongAnswer(
            lambda g, x, w, y: _channel_form(g, x, w, y, 0, 0),
            "The second channel is missing. What reads it?",
        ),
        WrongAnswer(
            lambda g, x, w, y: sum(_channel_form(g, x, w, y, c, 0) for c in (0, 1)),
            "Both channels use the first row of w. Do they share their weights?",
        ),
        WrongAnswer(
            lambda g, x, w, y: sum(_channel_form(g, x, w, y, 0, c) for c in (0, 1)),
            "Both rows of w meet the first channel of x. What reads the second one?",
        ),
        WrongAnswer(
            lambda g, x, w, y: two_channels(g, np.stack([x.sum(0)] * 2), w, y),
            "Here the weights of one channel meet the inputs of the other, too. How "
            "many lines has the figure then?",
        ),
        WrongAnswer(
            lambda g, x, w, y: (
                _channel_form(g, x, w, y, 0, 0) * _channel_form(g, x, w, y, 1, 1)
            ),
            "In this product a term has six factors. How many has a term of T?",
        ),
        WrongAnswer(
            lambda g, x, w, y: two_channels(g, x, w, y)[None],
            "The number is right, and has an axis of length 1. `k` is a tuple: "
            "`w[c, k]` is an array, and `w[c, *k]` an element.",
        ),
        WrongAnswer(
            lambda g, x, w, y: np.array(
                [_channel_form(g, x, w, y, c, c) for c in (0, 1)]
            ),
            "These are two numbers, one for each channel. How many T has a layer?",
        ),
        WrongAnswer(
            lambda g, x, w, y: _channel_form(g, x, w, y, 1, 1),
            "The first channel is missing. What reads it?",
        ),
        WrongAnswer(
            lambda g, x, w, y: sum(_channel_form(g, x, w, y, c, 1 - c) for c in (0, 1)),
            "Each channel meets the weights of the other one.",
        ),
    ),
    returns=("T",),
)


def dense_derivatives(w: Array, x: Array, y: Array) -> tuple[Array, Array, Array]:
    """Return the derivatives of the form of `w @ x`: by `y`, by `x` and by `w`.

    >>> w, x, y = np.array([[2, 3]]), np.array([1, 10]), np.array([100])
    >>> [array.tolist() for array in dense_derivatives(w, x, y)]
    [[32], [200, 300], [[100, 1000]]]
    """
    return w @ x, w.T @ y, np.outer(y, x)


def _drawn_dense(rng: np.random.Generator) -> Arguments:
    outputs, inputs = drawn_numbers(rng, 4, 4)
    return (*drawn_integers(rng, (outputs, inputs), inputs, outputs),)


FORM_DENSE = Exercise(
    "form-dense",
    dense_derivatives,
    title="A dense layer",
    text=(
        "A dense layer computes `w @ x`, a matrix times a vector. Find its trilinear "
        "form. What are its three derivatives? Write them as `dense_derivatives(w, x, "
        "y)`."
    ),
    cases=tuple(
        tuple(integers(*shapes))
        for shapes in (
            ((1, 1), 1, 1),
            ((2, 2), 2, 2),
            ((2, 3), 3, 2),
            ((4, 2), 2, 4),
        )
    ),
    draw=_drawn_dense,
    hint="Multiply each output with a letter `y` and add up.",
    wrong=(
        WrongAnswer(
            lambda w, x, y: (w @ x, w.T @ y, np.outer(x, y)),
            "The derivative by w has the axes of the inputs first. Which has w?",
        ),
        WrongAnswer(
            lambda w, x, y: (w @ x, w @ y, np.outer(y, x)),
            "Which output reads input j, and through which weight? Go down a column "
            "of w.",
        ),
        WrongAnswer(
            lambda w, x, y: (w @ x, w.T @ y, w * np.outer(y, x)),
            "In the derivative by w stand the terms of the form. What does a "
            "derivative strike out?",
        ),
        WrongAnswer(
            lambda w, x, y: (w.T @ y, w @ x, np.outer(y, x)),
            "The derivatives by x and by y have changed places.",
        ),
        WrongAnswer(
            lambda w, x, y: (w @ x * y, w.T @ y * x, w * np.outer(y, x)),
            "In the derivatives stand the terms of the form. What does a derivative "
            "strike out?",
        ),
    ),
    returns=("dT/dy", "dT/dx", "dT/dw"),
)


def derivative_by_slide(
    w: Array, y: Array, size: int, stride: int, padding: int
) -> Array:
    """Return the derivative of T by `x`, which has `size` elements on one axis.

    Slide one array over another, and keep a window of the results.

    >>> w, y = np.array([2, 3]), np.array([1, 10])
    >>> derivative_by_slide(w, y, size=3, stride=1, padding=0)
    array([ 2, 23, 30])
    """
    around = np.zeros(stride * (len(y) - 1) + 1, y.dtype)
    around[::stride] = y
    around = np.pad(around, (len(w) - 1, size + padding))
    places = range(padding, padding + size)
    return np.array([around[p : p + len(w)] @ w[::-1] for p in places])


def _layer_of_dx(
    w: Array, y: Array, size: int, stride: int, padding: int
) -> dict[str, Any]:
    return {
        "x": np.arange(1, size + 1)[None, None],
        "w": w[None, None],
        "d_out": y[None, None],
        "stride": stride,
        "padding": ((padding, 0),),
    }


def _drawn_slide(rng: np.random.Generator) -> Arguments:
    taps, stride, extra = drawn_numbers(rng, 4, 3, 6)
    padding = int(rng.integers(0, taps + 1))
    size = max(1, taps - padding) + extra
    outputs = (size + padding - taps) // stride + 1
    return *drawn_integers(rng, taps, outputs), size, stride, padding


FORM_FLIP = Exercise(
    "form-flip",
    derivative_by_slide,
    title="The inputs as a slide",
    text=(
        "Read the derivatives by `x` as a slide: of which short array over which long "
        "one? One of them has to be flipped. Write it as `derivative_by_slide(w, y, "
        "size, stride, padding)`."
    ),
    cases=(
        (*integers(2, 1), 2, 1, 0),
        (*integers(3, 4), 6, 1, 0),
        (*integers(3, 3), 6, 2, 1),
        (*integers(4, 3), 9, 3, 2),
        (*integers(2, 3), 8, 3, 0),
        (*integers(2, 6), 4, 1, 3),
    ),
    draw=_drawn_slide,
    hint="In the entry of $x_3$ the index of `w` falls while that of `y` rises. Spread "
    "`y`, put enough zeros around it, and slide the kernel over it.",
    wrong=(
        WrongAnswer(
            lambda w, y, size, stride, padding: derivative_by_slide(
                w[::-1], y, size, stride, padding
            ),
            "Look at the entry of x_3 again: while the index of y rises, that of w "
            "falls. How can a slide do that?",
        ),
        WrongAnswer(
            function_ignoring(derivative_by_slide, stride=1),
            "The entries of y lie next to each other here. Which neighbours has the "
            "entry of x_3?",
        ),
        WrongAnswer(
            function_ignoring(derivative_by_slide, padding=0),
            "The first places of the slide belong to the padding. How many are they?",
        ),
        WrongAnswer(
            lambda w, y, size, stride, padding: derivative_by_slide(
                w, y, size, stride, padding + len(w) - 1
            ),
            "The slide begins too late. How many zeros must stand before the first y, "
            "so that the last tap can reach it alone?",
        ),
    ),
    returns=("dx",),
    layer=_layer_of_dx,
    names_mistakes=False,  # they call `d_out` what is `y` here
)

EXERCISES = (FORM_CHANNELS, FORM_DENSE, FORM_FLIP)
