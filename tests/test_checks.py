"""The checks themselves: what they see, and what they cannot see."""

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from deconv_tutorial import conv, conv_backward, conv_transpose
from deconv_tutorial.checks import (
    complex_step,
    finite_difference,
    inner_products,
    matrix_of,
)
from deconv_tutorial.engines import naive
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


@given(case=cases(), step=st.sampled_from([1, 3.0, -2, 0.5, 1024]))
def test_a_layer_is_linear_in_each_array_so_any_step_is_exact(case, step):
    x, w, d_out = case.arrays()
    x, d_out = x[:1], d_out[:1]
    gradients = conv_backward(d_out, x, w, **case.settings)
    losses = {
        "dx": (lambda x: (d_out * conv(x, w, **case.settings)).sum(), x),
        "dw": (lambda w: (d_out * conv(x, w, **case.settings)).sum(), w),
    }
    for name, (loss, at) in losses.items():
        found = finite_difference(loss, at, step)
        assert np.array_equal(found, getattr(gradients, name))


def test_a_step_too_far_is_wrong_for_what_is_not_linear():
    """The third derivative of the cube leaves step**2."""
    assert finite_difference(lambda x: (x**3).sum(), [2.0], 1) == 3 * 2**2 + 1
    assert finite_difference(lambda x: (x**2).sum(), [5, -3], 7).tolist() == [10, -6]


@given(case=cases(rank=1))
def test_complex_step_agrees_with_the_backward_pass(case):
    x, w, d_out = case.arrays()

    def loss(w):
        return (d_out * np.tanh(conv(x, w / 64, **case.settings) / 64)).sum()

    inside = conv(x, w / 64, **case.settings) / 64
    errors = d_out * (1 - np.tanh(inside) ** 2) / 64**2
    expected = conv_backward(errors, x, w, **case.settings).dw
    # Only rounding: some hundred additions of numbers below 100.
    assert np.allclose(complex_step(loss, w), expected, rtol=1e-12, atol=1e-12)


def test_complex_step_needs_no_luck_with_the_step():
    for step in (1e-8, 1e-30, 1e-200):
        assert complex_step(np.exp, [1.0], step) == pytest.approx(np.e, rel=1e-15)


def test_a_conjugate_turns_the_sign():
    def loss(x):
        return np.vdot(x, np.array([2.0, 3.0]))  # conjugates its first argument

    assert complex_step(loss, [1.0, 1.0]).tolist() == [-2, -3]
    assert finite_difference(loss, [1.0, 1.0]).tolist() == [2, 3]


@pytest.mark.parametrize("check", [finite_difference, complex_step])
def test_the_function_gets_copies(check):
    at = np.array([1.0, 2.0])

    def spoil(x):
        total = x.sum()
        x[...] = 0
        return total

    assert check(spoil, at).tolist() == [1, 1]
    assert at.tolist() == [1, 2]


@pytest.mark.parametrize("check", [finite_difference, complex_step])
def test_a_gradient_has_the_shape_of_the_place(check):
    assert check(np.sum, np.ones((2, 3))).shape == (2, 3)
    assert check(lambda x: x * 4, 2.0).item() == 4
    assert check(np.sum, np.ones((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("check", [finite_difference, complex_step])
@pytest.mark.parametrize("step", [0, np.nan, np.inf])
def test_a_step_that_goes_nowhere_is_refused(check, step):
    with pytest.raises(ValueError, match="step needs a finite number other than 0"):
        check(np.sum, [1.0], step)


def test_a_step_that_rounding_swallows_is_refused():
    message = r"step needs to change 1e\+20, got 1.0, which is too small"
    with pytest.raises(ValueError, match=message):
        finite_difference(np.sum, [1e20])


@pytest.mark.parametrize("check", [finite_difference, complex_step])
@pytest.mark.parametrize("at", [[1j], [True], ["a"], [None]])
def test_only_real_numbers_are_differentiated_by(check, at):
    with pytest.raises(TypeError, match=r"at needs real numbers, got an array of sha"):
        check(np.sum, at)


@pytest.mark.parametrize(
    ("check", "function", "message"),
    [
        (finite_difference, lambda x: x, r"one real number, got .* shape \(2,\)"),
        (finite_difference, lambda x: 1j * x.sum(), "one real number, .* complex128"),
        (finite_difference, lambda _: None, "one real number, got .* dtype object"),
        (complex_step, lambda x: x, r"one complex number .* shape \(2,\)"),
        (complex_step, lambda x: x.real.sum(), "one complex number .* float64"),
        (complex_step, lambda x: abs(x).sum(), "one complex number .* float64"),
    ],
)
def test_functions_without_one_number_are_refused(check, function, message):
    with pytest.raises(TypeError, match=message):
        check(function, [1.0, 2.0])


def test_a_gradient_check_cannot_see_a_wrong_forward():
    """Each nudge asks the same forward that is wrong; the adjoint does not."""
    rng = np.random.default_rng(0)
    u, w, v = (rng.integers(-9, 10, (1, 1, size)) for size in (4, 3, 4))

    def flipped(u, w):
        return conv_transpose(u, w[..., ::-1], padding=1)

    own = conv_backward(u, v, w[..., ::-1], padding=1).dw[..., ::-1]
    assert np.array_equal(
        finite_difference(lambda w: (v * flipped(u, w)).sum(), w), own
    )
    assert (flipped(u, w) * v).sum() != (u * conv(v, w, padding=1)).sum()
    assert (conv_transpose(u, w, padding=1) * v).sum() == (
        u * conv(v, w, padding=1)
    ).sum()
