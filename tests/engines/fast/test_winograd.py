"""Factors of short forms: exact, and refused where they would not be."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

from deconv_tutorial.engines.fast import winograd
from deconv_tutorial.engines.fast.winograd import POINTS, factors

SIZES = [(m, r) for m in range(1, 9) for r in range(1, 9) if m + r <= len(POINTS) + 2]


@pytest.mark.parametrize(("outputs", "taps"), SIZES)
def test_the_factors_are_those_of_the_form(outputs, taps):
    found = factors(outputs, taps)
    products = outputs + taps - 1
    shapes = [(products, products), (products, taps), (products, outputs)]
    assert [matrix.shape for matrix in found] == shapes
    form = np.einsum("pi,pk,po->oki", *(matrix.astype(object) for matrix in found))
    for o, k, i in np.ndindex(form.shape):
        assert form[o, k, i] == (i == o + k)


def test_three_products_do_for_two_outputs_and_two_taps():
    x, w, y = (np.array(sympy.symbols(names)) for names in ("x:3", "w:2", "y:2"))
    left, middle, right = factors(2, 2)
    three = sum((left @ x) * (middle @ w) * (right @ y))
    four = sum(y[o] * w[k] * x[o + k] for o in range(2) for k in range(2))
    assert sympy.expand(three - four) == 0


def test_one_tap_or_one_output_saves_nothing():
    assert factors(1, 1) == ([[1]], [[1]], [[1]])
    assert len(factors(1, 4).x) == len(factors(4, 1).x) == 4


@pytest.mark.parametrize(("outputs", "taps"), [(0, 1), (1, 0), (5, 5), (-1, 3)])
def test_sizes_without_enough_points_are_refused(outputs, taps):
    with pytest.raises(ValueError, match=rf"got outputs={outputs} and taps={taps}"):
        factors(outputs, taps)


def test_points_that_do_not_give_the_form_are_refused(monkeypatch):
    factors.cache_clear()
    monkeypatch.setattr(winograd, "POINTS", (1, 1, Fraction(1, 2)))
    with pytest.raises(ArithmeticError, match=r"the coefficient 1, got 2 from POINTS"):
        factors(2, 2)
    factors.cache_clear()


@pytest.mark.parametrize(("outputs", "largest"), [(2, 1), (4, 8), (6, 32)])
def test_points_are_those_that_round_little(outputs, largest):
    assert max(abs(matrix).max() for matrix in factors(outputs, 3)) == largest
