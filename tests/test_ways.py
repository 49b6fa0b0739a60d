"""Every way of the fast engine through the same cases as the engines."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from deconv_tutorial import fast, im2col, naive, planes, short, small, threads
from deconv_tutorial.geometry import conv_geometry
from tests.strategies import cases
from tests.test_engines import MAPS, arguments_of

MODULES = {"im2col": im2col, "planes": planes, "short": short}


def short_engine(sizes):
    """Return the short convolutions with given sizes as an engine."""
    maps = {name: partial(getattr(short, name), sizes=sizes) for name in MAPS}
    return SimpleNamespace(**maps)


def assert_equals_naive(engine, case, arrays):
    for name in MAPS:
        left, right, _ = arguments_of(name, *arrays)
        result = getattr(engine, name)(left, right, case.geometry)
        expected = getattr(naive, name)(left, right, case.geometry)
        assert result.dtype == expected.dtype
        assert np.array_equal(result, expected), name


@pytest.fixture(params=[1, 3], ids=["one thread", "three threads"], scope="module")
def threads_used(request):
    """Let every call share its work between so many threads."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (threads, im2col, planes, short):
            patch.setattr(module, "blas_threads", lambda: request.param)
        yield request.param


@pytest.mark.usefixtures("threads_used")
@given(case=cases(), block=st.sampled_from([1, 500, 10**6]))
@pytest.mark.parametrize("engine", [im2col, planes], ids=["im2col", "planes"])
def test_each_map_is_exact_in_blocks_of_any_size(engine, case, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "BLOCK", block)
        if engine is planes:
            patch.setattr(engine, "CACHE", block)
        assert_equals_naive(engine, case, case.engine_arrays())


@pytest.mark.usefixtures("threads_used")
@given(case=cases(), block=st.sampled_from([1, 500, 10**6]), data=st.data())
def test_short_convolutions_are_exact_in_fractions(case, block, data):
    assume(all(fast._is_simple(axis) for axis in case.geometry.axes))
    size = st.tuples(st.integers(1, 4), st.integers(1, 3))
    sizes = data.draw(st.tuples(*[size] * len(case.axes)))
    arrays = [array.astype(int).astype(object) for array in case.engine_arrays()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(short, "BLOCK", block)
        assert_equals_naive(short_engine(sizes), case, arrays)


@given(case=cases())
def test_small_is_exact(case):
    assert_equals_naive(small, case, case.engine_arrays())


@given(case=cases())
def test_planes_of_one_channel_are_exact(case):
    x, w, y = case.engine_arrays()
    assert_equals_naive(planes, case, (x[:, :, :1], w[:, :1, :1], y[:, :, :1]))


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_short_convolutions_err_little(dtype, rank):
    """By its share of the largest element; the tiles are the largest in use."""
    bound = 2e-5 if dtype in ("f4", "c8") else 1e-13
    rng = np.random.default_rng(rank)
    size, kernel = (13, 12, 11)[:rank], (4, 3, 3)[:rank]
    geometry = conv_geometry(size, kernel, padding=1)
    draw = lambda *shape: rng.standard_normal(shape).astype(dtype)  # noqa: E731
    x, w = draw(2, 1, 8, *size), draw(1, 6, 8, *kernel)
    arrays = x, w, draw(2, 1, 6, *geometry.output_size)
    sizes = tuple((fast._TILES[rank][-1], 3) for _ in kernel)
    wide = "c16" if dtype[0] == "c" else "f8"
    for name in MAPS:
        left, right, _ = arguments_of(name, *arrays)
        result = getattr(short, name)(left, right, geometry, sizes)
        exact = getattr(naive, name)(left.astype(wide), right.astype(wide), geometry)
        assert result.dtype == left.dtype
        assert 0 < abs(result - exact).max() < bound * abs(exact).max()


# Samples, channels of y and x, the settings of the geometry, and the way.
LAYERS = {
    "many channels": (8, 64, 64, (56, 56), {"kernel_size": 3}, ((4, 3),) * 2),
    "a long kernel": (8, 64, 64, (4096,), {"kernel_size": 9}, ((6, 3),)),
    "few channels": (8, 64, 3, (56, 56), {"kernel_size": 3}, "planes"),
    "small planes": (16, 512, 256, (8, 8), {"kernel_size": 4, "stride": 2}, "im2col"),
    "one tap": (2, 64, 64, (28, 28), {"kernel_size": 1}, "im2col"),
    "one output": (16, 64, 64, (4, 4), {"kernel_size": 4}, "im2col"),
}


@pytest.mark.parametrize(("n", "a", "b", "size", "settings", "way"), LAYERS.values())
def test_the_way_suits_the_layer(n, a, b, size, settings, way):
    geometry = conv_geometry(size, **settings)
    assert fast.way(geometry, n, a, b, transposed=False) == way


def test_what_cannot_be_rounded_takes_the_exact_way():
    x = np.ones((2, 1, 64, 32, 32), int)
    w = np.ones((1, 64, 64, 3, 3), int)
    geometry = conv_geometry((32, 32), 3)
    assert isinstance(fast.way(geometry, 2, 64, 64, transposed=False), tuple)
    assert fast.forward(x, w, geometry).tolist() == [[[[[576] * 30] * 30] * 64]] * 2


@pytest.mark.parametrize("name", MAPS)
def test_the_fast_engine_is_as_good_as_im2col_on_a_large_layer(name):
    rng = np.random.default_rng(0)
    geometry = conv_geometry((28, 26), 3, padding=(1, 2))
    x, w, y = (
        rng.standard_normal(shape).astype("f4")
        for shape in [(3, 2, 48, 28, 26), (2, 40, 48, 3, 3), (3, 2, 40, 28, 28)]
    )
    left, right, like = arguments_of(name, x, w, y)
    exact = getattr(im2col, name)(left.astype(float), right.astype(float), geometry)
    result = getattr(fast, name)(left, right, geometry)
    assert result.shape == like.shape
    assert abs(result - exact).max() < 2e-5 * abs(exact).max()
