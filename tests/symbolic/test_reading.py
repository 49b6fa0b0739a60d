"""A table is read as a convolution only if that convolution gives the whole table."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given

from deconv_tutorial.engines import naive
from deconv_tutorial.geometry import conv_geometry
from deconv_tutorial.symbolic import derive, letters
from deconv_tutorial.symbolic.reading import Rule, recognise
from tests.strategies import cases

RUNNING = conv_geometry(6, 3, stride=2, padding=1)


@given(case=cases())
def test_every_derivative_is_read_and_gives_the_numbers_of_an_engine(case):
    """What is read from symbols is then computed with other numbers."""
    geometry = case.geometry
    x, w, y = (array[:1, :1] for array in case.engine_arrays())
    x, w, y = x[:, :, :1], w[:, :, :1], y[:, :, :1]
    arrays = {"x": x[0, 0, 0], "w": w[0, 0, 0], r"\delta": y[0, 0, 0]}
    expected = {
        "y": naive.forward(x, w, geometry),
        "x": naive.input_grad(y, w, geometry),
        "w": naive.weight_grad(x, y, geometry),
    }
    for by, array in expected.items():
        table = derive(geometry, by)
        if not any(table.entries.flat):
            continue  # taps in the padding only
        reading = recognise(table)
        seen = set().union(*(entry.free_symbols for entry in table.entries.flat))
        if len(seen) < arrays[reading.long].size + arrays[reading.short].size:
            continue  # an element in no product says nothing about its place
        found = reading.entries(arrays[reading.long], arrays[reading.short])
        assert np.array_equal(found, array[0, 0, 0])


def test_the_three_maps_of_the_running_example():
    w, y, x = (recognise(derive(RUNNING, by)) for by in "wyx")
    assert (w.long, w.short, w.flipped, w.shape) == ("x", r"\delta", False, (3,))
    assert w.rules == (Rule(step=1, spread=2, before=1),)
    assert (y.long, y.short, y.flipped, y.shape) == ("x", "w", False, (3,))
    assert y.rules == (Rule(step=2, spread=1, before=1),)
    assert (x.long, x.short, x.flipped, x.shape) == (r"\delta", "w", True, (6,))
    assert x.rules == (Rule(step=2, spread=1, before=1),)


def test_stride_and_dilation_change_places_in_the_weight_gradient():
    geometry = conv_geometry(
        (20, 17), (3, 2), stride=(2, 3), dilation=(3, 1), padding=((2, 0), (0, 1))
    )
    reading = recognise(derive(geometry, "w"))
    assert reading.rules == (Rule(3, 2, 2), Rule(1, 3, 0))
    assert repr(reading) == (
        r"correlation of x, padded by (2, 0) before, with \delta, spread by (2, 3): "
        "first 3 x 2 places, (3, 1) apart"
    )
    reading = recognise(derive(geometry, "x"))
    assert repr(reading) == (
        r"full correlation of \delta, spread by (2, 3), with w, spread by (3, 1), "
        "reversed: 20 x 17 places from place (2, 0)"
    )


def test_what_is_plain_is_not_mentioned():
    geometry = conv_geometry(4, 2)
    assert repr(recognise(derive(geometry, "w"))) == (
        r"correlation of x, with \delta: first 2 places"
    )
    assert repr(recognise(derive(geometry, "x"))) == (
        r"full correlation of \delta, with w, reversed: 4 places"
    )


def test_formulas():
    latex = recognise(derive(RUNNING, "w"))._repr_latex_()
    assert latex == (
        "$$\n\\text{entry } k = \\sum_{o} \\delta_{o}\\, x_{k + 2 o - 1}\n$$"
    )
    latex = recognise(derive(RUNNING, "x"))._repr_latex_()
    assert r"k + 2 o - 1 = i" in latex
    plane = conv_geometry((4, 5), 2, (1, 2), ((0, 0), (1, 0)))
    latex = recognise(derive(plane, "y"))._repr_latex_()
    assert r"w_{k_1, k_2}\, x_{k_{1} + o_{1},\, k_{2} + 2 o_{2} - 1}" in latex


x, w, a, y = letters("x", (4,)), letters("w", (2,)), sp.Symbol("a"), sp.Symbol("y_0")
of_two = sp.Symbol("x_{0,1}")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            [w[0] * x[0] + w[1] * x[1], w[0] * x[2] + w[1] * x[0]],
            "products without one rule",
        ),
        ([w[0] * x[0], w[1] * x[0] + w[0] * x[2]], "products without one rule"),
        ([2 * w[0] * x[0]], r"products of two symbols, got the term 2\*w_0\*x_0"),
        ([w[0] * w[1] * x[0]], r"got the term w_0\*w_1\*x_0"),
        ([x[0] ** 2], r"got the term x_0\*\*2"),
        ([w[0] + x[0]], "got the term w_0"),
        ([w[0] * a], r"such as x_0 or x_\{0,1\}, got a"),
        ([w[0] * x[0], w[0] * y], "products of the same two arrays, got 2 kinds"),
        ([0, 0], "products of the same two arrays, got 0 kinds"),
        ([w[0] * of_two], "as many axes as its symbols have indices"),
        ([w[0] * w[1]], r"two arrays, got shape \(1,\) with products of w and w"),
        ([[w[0] * x[0]], [w[0] * x[1]]], r"got shape \(2, 1\) with products of"),
    ],
)
def test_what_is_no_convolution_is_refused(entries, message):
    with pytest.raises(ValueError, match=message):
        recognise(np.array(entries, object))


def test_one_product_too_few_is_seen():
    """A rule that all products keep is not enough: all that keep it must be there."""
    table = derive(RUNNING, "w").entries.copy()
    table[..., 1] -= letters("x", (6,))[2] * letters(r"\delta", (3,))[1]
    with pytest.raises(ValueError, match="products without one rule"):
        recognise(table)
