"""Every engine through the same cases: the three maps, exactly."""

import functools
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given, settings

from deconv_tutorial import ENGINES
from deconv_tutorial.checks import inner_products
from deconv_tutorial.engines import naive
from deconv_tutorial.engines.engine import MAPS as MAP_BY_ARRAY
from deconv_tutorial.geometry import conv_geometry
from tests.strategies import cases

MAPS = tuple(MAP_BY_ARRAY.values())
each_engine = pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
each_rank = pytest.mark.parametrize("rank", [1, 2, 3])


def arguments_of(name, x, w, y):
    """Return the two arrays that a map takes, and the one it returns the shape of."""
    return {
        "forward": (x, w, y),
        "input_grad": (y, w, x),
        "weight_grad": (x, y, w),
    }[name]


@each_engine
@each_rank
def test_the_three_maps_are_derivatives_of_one_number(engine, rank):
    @settings(max_examples=200)
    @given(cases(rank))
    def check(case):
        one, two, three = inner_products(engine, *case.engine_arrays(), case.geometry)
        assert one == two == three

    check()


@each_engine
@given(case=cases())
def test_each_map_is_the_sum_over_connections(engine, case):
    x, w, y = case.engine_arrays()
    for name in MAPS:
        left, right, like = arguments_of(name, x, w, y)
        result = getattr(engine, name)(left, right, case.geometry)
        assert result.shape == like.shape
        assert np.array_equal(result, getattr(naive, name)(left, right, case.geometry))


@given(case=cases())
def test_naive_is_the_sum_written_without_numpy(case):
    x, w, y = case.engine_arrays()
    expected = {"forward": 0 * y, "input_grad": 0 * x, "weight_grad": 0 * w}
    for n, g, a, b in np.ndindex(len(x), *w.shape[:3]):
        for o, k, i in case.geometry.connections():
            y_at, w_at, x_at = (n, g, a, *o), (g, a, b, *k), (n, g, b, *i)
            expected["forward"][y_at] += w[w_at] * x[x_at]
            expected["input_grad"][x_at] += w[w_at] * y[y_at]
            expected["weight_grad"][w_at] += x[x_at] * y[y_at]
    for name in MAPS:
        left, right, _ = arguments_of(name, x, w, y)
        result = getattr(naive, name)(left, right, case.geometry)
        assert np.array_equal(result, expected[name])


@each_engine
def test_symbols_go_through(engine):
    x = np.array(sympy.symbols("x:6")).reshape(1, 1, 1, 6)
    w = np.array(sympy.symbols("w:3")).reshape(1, 1, 1, 3)
    y = np.array(sympy.symbols("y:3")).reshape(1, 1, 1, 3)
    geometry = conv_geometry(6, 3, stride=2, padding=1)
    form = sum(
        y[..., *o].item() * w[..., *k].item() * x[..., *i].item()
        for o, k, i in geometry.connections()
    )
    for name in MAPS:
        left, right, like = arguments_of(name, x, w, y)
        result = getattr(engine, name)(left, right, geometry)
        for entry, symbol in zip(result.flat, like.flat, strict=True):
            assert sympy.expand(entry - sympy.diff(form, symbol)) == 0


@each_engine
def test_fractions_stay_fractions(engine):
    x = np.array([[[[Fraction(1, 3), Fraction(2, 5)]]]])
    w = np.array([[[[Fraction(1, 7)]]]])
    y = engine.forward(x, w, conv_geometry(2, 1))
    assert y.ravel().tolist() == [Fraction(1, 21), Fraction(2, 35)]


@each_engine
@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16", "i8", "g", "O"])
def test_each_map_keeps_the_dtype(engine, dtype):
    geometry = conv_geometry((3, 4), (2, 3))
    x = np.ones((2, 1, 2, 3, 4), dtype)
    w = np.ones((1, 3, 2, 2, 3), dtype)
    y = np.ones((2, 1, 3, 2, 2), dtype)
    for name in MAPS:
        left, right, _ = arguments_of(name, x, w, y)
        assert getattr(engine, name)(left, right, geometry).dtype == np.dtype(dtype)


@each_engine
def test_an_empty_batch_gives_an_empty_result_and_a_zero_gradient(engine):
    geometry = conv_geometry((5, 4), (3, 2))
    x, w = np.ones((0, 1, 2, 5, 4)), np.ones((1, 3, 2, 3, 2))
    y = np.ones((0, 1, 3, 3, 3))
    assert engine.forward(x, w, geometry).shape == y.shape
    assert engine.input_grad(y, w, geometry).shape == x.shape
    assert np.array_equal(engine.weight_grad(x, y, geometry), np.zeros_like(w))


@each_engine
@given(case=cases())
def test_maps_change_nothing_and_share_nothing(engine, case):
    x, w, y = case.engine_arrays()
    before = [array.copy() for array in (x, w, y)]
    for array in (x, w, y):
        array.flags.writeable = False
    for name in MAPS:
        left, right, _ = arguments_of(name, x, w, y)
        result = getattr(engine, name)(left, right, case.geometry)
        assert not any(np.shares_memory(result, array) for array in (x, w, y))
        assert result.flags.writeable
    assert all(map(np.array_equal, before, (x, w, y)))


BROKEN = {
    "flip the kernel of the input gradient": {
        "input_grad": lambda y, w, g: naive.input_grad(
            y, np.flip(w, tuple(range(3, w.ndim))), g
        )
    },
    "flip the weight gradient": {
        "weight_grad": lambda x, y, g: np.flip(
            naive.weight_grad(x, y, g), tuple(range(3, x.ndim))
        )
    },
    "flip the kernel of the forward map": {
        "forward": lambda x, w, g: naive.forward(
            x, np.flip(w, tuple(range(3, w.ndim))), g
        )
    },
}


@pytest.mark.parametrize("changed", BROKEN.values(), ids=BROKEN)
def test_the_identity_sees_a_map_that_does_not_belong(changed):
    class ChangedEngine:
        forward = staticmethod(changed.get("forward", naive.forward))
        input_grad = staticmethod(changed.get("input_grad", naive.input_grad))
        weight_grad = staticmethod(changed.get("weight_grad", naive.weight_grad))

    rng = np.random.default_rng(1)
    integers = functools.partial(rng.integers, -9, 10)
    geometry = conv_geometry((7, 5), (3, 2), stride=(2, 1), padding=((1, 0), (0, 2)))
    x, w = integers((2, 1, 2, 7, 5)), integers((1, 3, 2, 3, 2))
    y = integers((2, 1, 3, *geometry.output_size))
    assert len(set(inner_products(naive, x, w, y, geometry))) == 1
    assert len(set(inner_products(ChangedEngine, x, w, y, geometry))) > 1


# Few outputs, and padding or steps far larger than the input.
FAR = [
    *((kernel, {"padding": 10**9, "stride": 10**9}) for kernel in (1, 2, 3)),
    *((kernel, {"padding": 2**40, "stride": 2**40}) for kernel in (1, 2, 3)),
    *((kernel, {"stride": 2**60}) for kernel in (1, 2, 3)),
    (2, {"padding": ((2**40, 0),), "dilation": 2**40}),
    (3, {"padding": 2**40, "dilation": 2**40}),
]


@each_engine
@pytest.mark.parametrize(("kernel", "settings"), FAR)
def test_memory_is_bounded_by_numbers_and_not_by_padding(engine, kernel, settings):
    """Five numbers once asked for 14.9 GiB, or were refused."""
    geometry = conv_geometry(5, kernel, **settings)
    rng = np.random.default_rng(kernel)
    x, w = rng.integers(1, 9, (1, 1, 2, 5)), rng.integers(1, 9, (1, 3, 2, kernel))
    y = rng.integers(1, 9, (1, 1, 3, *geometry.output_size))
    for name in MAPS:
        left, right, _ = arguments_of(name, x, w, y)
        expected = getattr(naive, name)(left, right, geometry)
        tracemalloc.start()
        result = getattr(engine, name)(left, right, geometry)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 2**20
        assert np.array_equal(result, expected)
