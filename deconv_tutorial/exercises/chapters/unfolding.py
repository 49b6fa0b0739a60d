"""Exercises of "im2col and col2im"."""

# Wrong answers are short, and have no types.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines import im2col
from deconv_tutorial.exercises.drawing import (
    drawn_geometry,
    drawn_integers,
    integers,
)
from deconv_tutorial.exercises.exercise import Arguments, Exercise, WrongAnswer
from deconv_tutorial.geometry import Geometry, conv_geometry


def folded_columns(columns: Array, geometry: Geometry) -> Array:
    """Return the columns, folded onto one axis by one call of `np.bincount`.

    Column o has an element for each tap k, and that comes from an input i: these are
    the `geometry.connections()`. The result has a place for each input.

    >>> folded_columns(np.array([[1, 2], [30, 40]]), conv_geometry(3, 2))
    array([ 1., 32., 40.])
    """
    o, k, i = np.array([(*o, *k, *i) for o, k, i in geometry.connections()]).T
    (size,) = geometry.input_size
    return np.bincount(i, weights=columns[k, o], minlength=size)


def _pasted_columns(columns: Array, geometry: Geometry) -> Array:
    x = np.zeros(geometry.input_size, columns.dtype)
    for o, k, i in geometry.connections():
        x[*i] = columns[*k, *o]
    return x


def _short_result(columns: Array, geometry: Geometry) -> Array:
    last = max(i for _, _, (i,) in geometry.connections())
    return folded_columns(columns, geometry)[: last + 1]


def _mean_of_copies(columns: Array, geometry: Geometry) -> Array:
    copies = folded_columns(np.ones_like(columns), geometry)
    return folded_columns(columns, geometry) / np.maximum(copies, 1)


def _in_another_order(columns: Array, geometry: Geometry) -> Array:
    i = [i for _, _, (i,) in geometry.connections()]
    (size,) = geometry.input_size
    return np.bincount(i, weights=columns.ravel(), minlength=size)


def _drawn_columns(rng: np.random.Generator) -> Arguments:
    g = drawn_geometry(rng)
    return *drawn_integers(rng, (*g.kernel_size, *g.output_size)), g


IM2COL_BINCOUNT = Exercise(
    "im2col-bincount",
    folded_columns,
    title="Fold by counting",
    text=(
        "`np.bincount(i)` counts how often each number occurs in `i`. With `weights` "
        "it adds up weights instead of ones. Write `fold` for one axis with a single "
        "call of it, and no loop over `+=`, as `folded_columns(columns, geometry)`."
    ),
    cases=tuple(
        (*integers((*g.kernel_size, *g.output_size)), g)
        for g in (
            conv_geometry(3, 2),
            conv_geometry(6, 3, stride=2, padding=1),
            conv_geometry(12, 5, stride=3),
            conv_geometry(9, 2, stride=3, padding=[(2, 1)], dilation=4),
        )
    ),
    draw=_drawn_columns,
    hint="The cell with `np.add.at` above has all that you need. What happens if the "
    "last inputs are not read?",
    wrong=(
        WrongAnswer(
            _short_result,
            "The result ends with the last input that is read. Are there more inputs?",
        ),
        WrongAnswer(
            lambda columns, geometry: folded_columns(np.ones_like(columns), geometry),
            "This counts how often each input is read: the coverage. Where are the "
            "columns?",
        ),
        WrongAnswer(
            _pasted_columns,
            "Of several numbers that belong to one input, only one has arrived.",
        ),
        WrongAnswer(
            _mean_of_copies,
            "This is the mean of the copies. What does a change of the input change?",
        ),
        WrongAnswer(
            _in_another_order,
            "`columns.ravel()` goes through the columns tap by tap, and has elements "
            "that meet no input. In which order do the connections come, and which "
            "element belongs to each?",
        ),
    ),
    returns=("x",),
)


def max_backward(d_out: Array, x: Array, geometry: Geometry) -> Array:
    """Return the gradient of the input of max pooling on one axis.

    Output o is the largest of the elements x[i] that it reads. If several are the
    largest, it takes the first of them.

    >>> max_backward(np.array([1, 10]), np.array([2, 5, 3]), conv_geometry(3, 2))
    array([ 0, 11,  0])
    """
    columns = im2col.unfold(x[None, None, None], geometry)[0]
    d_columns = np.zeros_like(columns)
    d_columns[columns.argmax(axis=0), np.arange(len(d_out))] = d_out
    dx = np.zeros_like(x)
    im2col.fold(d_columns[None], geometry, into=dx[None, None, None])
    return dx


def _last_window(d_out: Array, x: Array, geometry: Geometry) -> Array:
    each = np.eye(len(d_out), dtype=int) * d_out
    alone = np.stack([max_backward(one, x, geometry) for one in each])
    last = (alone != 0)[::-1].argmax(axis=0)
    return alone[::-1][last, np.arange(len(x))]


def _errors_for_all(d_out: Array, x: Array, geometry: Geometry) -> Array:
    dx = np.zeros_like(x)
    columns = np.tile(d_out, (*geometry.kernel_size, 1))
    im2col.fold(columns[None], geometry, into=dx[None, None, None])
    return dx


def _errors_at_the_largest(d_out: Array, x: Array, geometry: Geometry) -> Array:  # noqa: ARG001
    return np.where(x == x.max(), d_out.sum(), 0)


_SHUFFLED = np.array([2, 13, 5, 7, 3, 11, 17, 4, 19, 6, 8])


def _each_of_the_largest(
    d_out: Array, x: Array, geometry: Geometry, share: bool = False
) -> Array:
    columns = im2col.unfold(x[None, None, None], geometry)[0]
    largest = columns == columns.max(axis=0)
    d_columns = largest * d_out / (largest.sum(axis=0) if share else 1)
    dx = np.zeros(len(x))
    im2col.fold(d_columns[None], geometry, into=dx[None, None, None])
    return dx


def _last_of_the_largest(d_out: Array, x: Array, geometry: Geometry) -> Array:
    # Of numbers that differ by less than 1, the later one is larger.
    return max_backward(d_out, x + np.arange(len(x)) / 1000, geometry)


def _drawn_pooling(rng: np.random.Generator) -> Arguments:
    g = drawn_geometry(rng)
    x = rng.integers(1, 10, g.input_size)  # larger than the zeros around it
    return *drawn_integers(rng, g.output_size), x, g


IM2COL_MAX = Exercise(
    "im2col-max",
    max_backward,
    title="The largest of each window",
    text=(
        "*Max pooling* returns the largest number of each window. With columns that is "
        "`unfold(x, geometry).max(axis=0)`. If several are the largest, it takes the "
        "first of them. Write its backward pass for one axis, `max_backward(d_out, x, "
        "geometry)`, and check it with nudges."
    ),
    cases=(
        *(
            (*integers(g.output_size), _SHUFFLED[: g.input_size[0]], g)
            for g in (conv_geometry(2, 2), conv_geometry(3, 2))
        ),
        (np.array([1, 10]), np.array([5, 5, 3]), conv_geometry(3, 2)),
        *(
            (*integers(g.output_size), _SHUFFLED[: g.input_size[0]], g)
            for g in (
                conv_geometry(6, 3, stride=2, padding=1),
                conv_geometry(11, 3, stride=1),
                conv_geometry(10, 2, stride=3, padding=[(1, 0)], dilation=3),
            )
        ),
    ),
    draw=_drawn_pooling,
    hint="First find the gradient of the columns, as if they were free. Only one place "
    "in each column matters.",
    wrong=(
        WrongAnswer(
            _last_window,
            "13 is the largest in two windows of the running example, and only one of "
            "them counts here. What does a nudge of it change?",
        ),
        WrongAnswer(
            _errors_for_all,
            "Every element of a window gets its `d_out`, as if they were added up. "
            "What does a nudge of one that is not the largest change?",
        ),
        WrongAnswer(
            _errors_at_the_largest,
            "Everything goes to the largest element of x. But each window has its own "
            "largest.",
        ),
        WrongAnswer(
            lambda d_out, x, geometry: x * max_backward(d_out, x, geometry),
            "The gradient is multiplied with the element itself. The largest number is "
            "handed on as it is: with which factor?",
        ),
        WrongAnswer(
            lambda d_out, x, geometry: max_backward(d_out, -x, geometry),
            "This follows the smallest number of each window.",
        ),
        WrongAnswer(
            _each_of_the_largest,
            "Where two elements of a window are the largest, each of them gets the "
            "whole `d_out` here. Which of them does the layer take?",
        ),
        WrongAnswer(
            lambda d_out, x, geometry: _each_of_the_largest(
                d_out, x, geometry, share=True
            ),
            "Where several elements of a window are the largest, they share its "
            "`d_out` here. Which of them does the layer take?",
        ),
        WrongAnswer(
            _last_of_the_largest,
            "Where several elements of a window are the largest, the last of them gets "
            "its `d_out` here. Which of them does the layer take?",
        ),
    ),
    returns=("dx",),
)

EXERCISES = (IM2COL_BINCOUNT, IM2COL_MAX)
