"""Exercises of "The flip, settled"."""

# Wrong answers are short, and have no types; SciPy has none.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines import naive
from deconv_tutorial.exercises.drawing import (
    drawn_geometry,
    drawn_integers,
    drawn_numbers,
    integers,
)
from deconv_tutorial.exercises.exercise import Arguments, Exercise, WrongAnswer
from deconv_tutorial.geometry import Geometry, conv_geometry


def input_grad_of_rotated_kernel(y: Array, w: Array, geometry: Geometry) -> Array:
    """Return what `naive.input_grad` returns for a kernel rotated by 180 degrees.

    The arrays are those of an engine: `w` has three axes before the taps.

    >>> y, w = np.array([[[[1, 10]]]]), np.array([[[[2, 3]]]])
    >>> input_grad_of_rotated_kernel(y, w, conv_geometry(3, 2))
    array([[[[ 3, 32, 20]]]])
    """
    return naive.input_grad(y, np.flip(w, tuple(range(3, w.ndim))), geometry)


def _drawn_engine_arrays(rng: np.random.Generator) -> Arguments:
    rank, n, groups, a, b = drawn_numbers(rng, 2, 2, 2, 3, 3)
    g = drawn_geometry(rng, rank)
    y, w = (n, groups, a, *g.output_size), (groups, a, b, *g.kernel_size)
    return *drawn_integers(rng, y, w), g


FLIP_SCATTER = Exercise(
    "flip-scatter",
    input_grad_of_rotated_kernel,
    title="Twice is not at all",
    text=(
        "Write `input_grad_of_rotated_kernel(y, w, geometry)` for an engine that "
        "scatters like `naive`, but with a kernel rotated by 180 degrees. Which "
        "entries of the running example are right nevertheless? Which one does `prove` "
        "name?"
    ),
    cases=tuple(
        (
            *integers(
                (n, g, a, *geometry.output_size), (g, a, b, *geometry.kernel_size)
            ),
            geometry,
        )
        for n, g, a, b, geometry in (
            (1, 1, 1, 1, conv_geometry(3, 2)),
            (1, 1, 1, 1, conv_geometry(6, 3, stride=2, padding=1)),
            (1, 1, 2, 2, conv_geometry(5, 2)),
            (1, 2, 1, 2, conv_geometry(5, 3, padding=1)),
            (2, 1, 2, 3, conv_geometry((4, 5), (2, 3), padding=((1, 0), (0, 1)))),
        )
    ),
    draw=_drawn_engine_arrays,
    hint="Change `input_grad` only. Which tap stays where it is?",
    wrong=(
        WrongAnswer(
            naive.input_grad,
            "This is the input gradient as it should be. Where is the rotation?",
        ),
        WrongAnswer(
            lambda y, w, geometry: naive.input_grad(y, np.flip(w), geometry),
            "A flip of all axes exchanges groups and channels, too. Which axes belong "
            "to the picture?",
        ),
        WrongAnswer(
            lambda y, w, geometry: naive.input_grad(y, np.flip(w, 3), geometry),
            "With two axes, a rotation by 180 degrees reverses both of them.",
        ),
        WrongAnswer(
            lambda y, w, geometry: naive.input_grad(y, np.flip(w, -1), geometry),
            "Only the last axis is reversed. With two axes, a rotation by 180 degrees "
            "reverses both of them.",
        ),
        WrongAnswer(
            lambda y, w, geometry: naive.input_grad(y, np.rot90(w, 2), geometry),
            "`np.rot90` turns the first two axes, if it is not told which. Which axes "
            "belong to the picture?",
        ),
        WrongAnswer(
            lambda y, w, geometry: np.flip(
                naive.input_grad(y, w, geometry), tuple(range(3, w.ndim))
            ),
            "Here the result runs backwards, and the kernel is as it was.",
        ),
        WrongAnswer(
            lambda y, w, geometry: naive.input_grad(
                np.flip(y, tuple(range(3, y.ndim))), w, geometry
            ),
            "Here y runs backwards, and the kernel is as it was.",
        ),
    ),
    returns=("dx",),
)


def gradient_by_scipy(d_out: Array, w: Array) -> Array:
    """Return the gradient of the input of a correlation: stride 1, padding 1.

    >>> gradient_by_scipy(np.array([1, 10, 100]), np.array([2, 3]))
    array([ 23, 230])
    """
    from scipy import signal

    return signal.convolve(d_out, w, "full")[1:-1]


def _full_convolution(d_out: Array, w: Array) -> Array:
    return np.convolve(d_out, w)


def _drawn_pair(rng: np.random.Generator) -> Arguments:
    taps, outputs = drawn_numbers(rng, 5, 7)
    taps = max(taps, 4 - outputs)  # so that there is an input
    return (*drawn_integers(rng, outputs, taps),)


FLIP_SCIPY = Exercise(
    "flip-scipy",
    gradient_by_scipy,
    title="SciPy's two functions",
    text=(
        "A layer with one axis correlates, with stride 1 and padding 1. Which of "
        '`signal.correlate` and `signal.convolve`, with `"full"`, leads to its input '
        "gradient? Does the order of the arguments matter, and what is left to do? "
        "Write it as `gradient_by_scipy(d_out, w)`."
    ),
    cases=tuple(
        tuple(integers(*sizes)) for sizes in ((2, 2), (3, 3), (6, 3), (5, 4), (3, 5))
    ),
    draw=_drawn_pair,
    hint="The table has the answer. How many places has the full one, and how many "
    "inputs are there?",
    wrong=(
        WrongAnswer(
            lambda d_out, w: _full_convolution(d_out, w[::-1])[1:-1],
            "`correlate` slides the kernel as it is. What does an input gather, if its "
            "outputs come in order?",
        ),
        WrongAnswer(
            lambda d_out, w: _full_convolution(d_out[::-1], w)[1:-1],
            "With its arguments exchanged, `correlate` flips d_out in the place of w. "
            "Which of its two orders is free of a flip that is wrong?",
        ),
        WrongAnswer(
            _full_convolution,
            "There are more places here than inputs. For what are the first and the "
            "last one the gradient?",
        ),
        WrongAnswer(
            lambda d_out, w: _full_convolution(d_out, w)[2:],
            "The padding has a zero at each end. Here both are cut at the start.",
        ),
        WrongAnswer(
            lambda d_out, w: np.convolve(d_out, w, "same"),
            "`same` returns as many places as the larger array has. Is that the number "
            "of inputs, if there are more or less than three taps?",
        ),
        WrongAnswer(
            lambda d_out, w: _full_convolution(d_out, w)[:-2],
            "The padding has a zero at each end. Here both are cut at the end.",
        ),
        WrongAnswer(
            lambda d_out, w: _full_convolution(d_out, w)[1:],
            "The zero at the start is cut, and the one at the end is not.",
        ),
        WrongAnswer(
            lambda d_out, w: _full_convolution(d_out, w)[:-1],
            "The zero at the end is cut, and the one at the start is not.",
        ),
        WrongAnswer(
            lambda d_out, w: _full_convolution(d_out, w[::-1]),
            "The kernel runs backwards, and two places too many are left: the zeros of "
            "the padding have a gradient here, too.",
        ),
        WrongAnswer(
            lambda d_out, w: _full_convolution(d_out[::-1], w),
            "The errors run backwards, and two places too many are left: the zeros of "
            "the padding have a gradient here, too.",
        ),
        WrongAnswer(
            lambda d_out, w: np.convolve(d_out, w, "valid"),
            "`valid` keeps the places where one array lies inside the other. Does an "
            "input at the end have no gradient?",
        ),
        WrongAnswer(
            lambda d_out, w: np.convolve(d_out, w[::-1], "same"),
            "The kernel runs backwards, and `same` returns as many places as the "
            "larger array has.",
        ),
    ),
    returns=("dx",),
    layer=lambda d_out, w: {
        "d_out": d_out[None, None],
        "w": w[None, None],
        "x": np.arange(1, len(d_out) + len(w) - 2)[None, None],
        "padding": 1,
    },
    reference=lambda d_out, w: _full_convolution(d_out, w)[1:-1],
)

EXERCISES = (FLIP_SCATTER, FLIP_SCIPY)
