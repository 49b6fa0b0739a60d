"""Exercises of "im2col and col2im"."""

# Wrong answers are short, and have no types.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines import im2col
from deconv_tutorial.exercises.exercise import Exercise, WrongAnswer, integers
from deconv_tutorial.geometry import Geometry, conv_geometry


def folded_columns(columns: Array, geometry: Geometry) -> Array:
    """Return `fold(columns, geometry)` for one axis, by one call of `np.bincount`.

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


IM2COL_BINCOUNT = Exercise(
    "im2col-bincount",
    folded_columns,
    cases=tuple(
        (*integers((*g.kernel_size, *g.output_size)), g)
        for g in (
            conv_geometry(3, 2),
            conv_geometry(6, 3, stride=2, padding=1),
            conv_geometry(12, 5, stride=3),
            conv_geometry(9, 2, stride=3, padding=[(2, 1)], dilation=4),
        )
    ),
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
    ),
    returns=("x",),
)


def max_backward(d_out: Array, x: Array, geometry: Geometry) -> Array:
    """Return the gradient of the input of max pooling on one axis.

    The result of the layer is `unfold(x, geometry).max(axis=0)`.

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

IM2COL_MAX = Exercise(
    "im2col-max",
    max_backward,
    cases=tuple(
        (*integers(g.output_size), _SHUFFLED[: g.input_size[0]], g)
        for g in (
            conv_geometry(2, 2),
            conv_geometry(3, 2),
            conv_geometry(6, 3, stride=2, padding=1),
            conv_geometry(11, 3, stride=1),
            conv_geometry(10, 2, stride=3, padding=[(1, 0)], dilation=3),
        )
    ),
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
    ),
    returns=("dx",),
)

EXERCISES = (IM2COL_BINCOUNT, IM2COL_MAX)
