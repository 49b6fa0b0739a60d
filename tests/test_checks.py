"""The checks themselves: what they see, and what they cannot see."""

import numpy as np
import sympy
from hypothesis import given

from deconv_tutorial import conv, naive
from deconv_tutorial.checks import inner_products, matrix_of
from deconv_tutorial.geometry import conv_geometry
from tests.strategies import cases


@given(case=cases())
def test_matrix_times_vector_is_the_function(case):
    x, w, _ = case.arrays()
    x = x[:1]
    matrix = matrix_of(lambda v: conv(v, w, **case.settings), x.shape)
    assert np.array_equal(matrix @ x.ravel(), conv(x, w, **case.settings).ravel())


def test_matrix_of_keeps_rows_and_columns_apart():
    matrix = matrix_of(lambda v: np.array([v[0, 0] + 2 * v[1, 2], v[0, 1]]), (2, 3))
    assert matrix.tolist() == [[1, 0, 0, 0, 0, 2], [0, 1, 0, 0, 0, 0]]


def test_inner_products_of_symbols_are_the_form():
    x = np.array(sympy.symbols("x:4")).reshape(1, 1, 1, 4)
    w = np.array(sympy.symbols("w:2")).reshape(1, 1, 1, 2)
    y = np.array(sympy.symbols("y:3")).reshape(1, 1, 1, 3)
    geometry = conv_geometry(4, 2)
    form = sum(
        (x[..., *i] * w[..., *k] * y[..., *o]).item()
        for o, k, i in geometry.connections()
    )
    for product in inner_products(naive, x, w, y, geometry):
        assert sympy.expand(product - form) == 0


def test_inner_products_cannot_see_that_all_three_maps_are_flipped():
    class Flipped:
        def forward(self, x, w, geometry):
            return naive.forward(x, w[..., ::-1], geometry)

        def input_grad(self, y, w, geometry):
            return naive.input_grad(y, w[..., ::-1], geometry)

        def weight_grad(self, x, y, geometry):
            return naive.weight_grad(x, y, geometry)[..., ::-1]

    x, w = np.arange(1, 7).reshape(1, 1, 1, 6), np.array([[[[1, 10, 100]]]])
    y = np.array([[[[7, 8, 9]]]])
    geometry = conv_geometry(6, 3, stride=2, padding=1)
    assert len(set(inner_products(Flipped(), x, w, y, geometry))) == 1
    assert not np.array_equal(
        Flipped().forward(x, w, geometry), naive.forward(x, w, geometry)
    )
