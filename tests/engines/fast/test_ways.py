"""Every way of the fast engine through the same cases as the engines."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from deconv_tutorial import threads
from deconv_tutorial.engines import fast, im2col, naive
from deconv_tutorial.engines.fast import (
    choice,
    columns,
    depthwise,
    planes,
    scratch,
    tiled,
    tiny,
    transform,
)
from deconv_tutorial.engines.fast.scratch import BLOCK
from deconv_tutorial.engines.fast.tiled import Tiled
from deconv_tutorial.geometry import conv_geometry
from tests.engines.test_engines import MAPS, arguments_of
from tests.strategies import cases


def poison_scratch():
    """Fill the scratch memory that is kept: what is left there must not matter."""
    for lease in scratch._FREE:
        for buffer in lease._buffers:
            buffer[...] = 255


def assert_equals_naive(engine, case, arrays):
    for name in MAPS:
        poison_scratch()
        left, right, _ = arguments_of(name, *arrays)
        result = getattr(engine, name)(left, right, case.geometry)
        expected = getattr(naive, name)(left, right, case.geometry)
        assert result.dtype == expected.dtype
        assert np.array_equal(result, expected), name


several = pytest.mark.parametrize("count", [1, 3], ids=["one thread", "three threads"])


@several
@given(
    case=cases(),
    block=st.sampled_from([1, 500, 10**6]),
    wide=st.sampled_from([1, columns._WIDE]),
)
@pytest.mark.parametrize("engine", [columns, planes], ids=["columns", "planes"])
def test_each_map_is_exact_in_blocks_of_any_size(engine, case, block, wide, count):
    with threads(count), pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "BLOCK", block)
        patch.setattr(columns, "_WIDE", wide)
        assert_equals_naive(engine, case, case.engine_arrays())


@several
@settings(max_examples=40)  # objects are slow
@given(case=cases(), block=st.sampled_from([1, 500, 10**6]), data=st.data())
def test_short_convolutions_are_exact_in_fractions(case, block, data, count):
    assume(all(choice._is_simple(axis) for axis in case.geometry.axes))
    size = st.tuples(st.integers(1, 4), st.integers(1, 3))
    sizes = data.draw(st.tuples(*[size] * len(case.axes)))
    arrays = [array.astype(int).astype(object) for array in case.engine_arrays()]
    with threads(count), pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiled, "BLOCK", block)
        patch.setattr(transform, "_MANY", data.draw(st.sampled_from([0, 10**6])))
        assert_equals_naive(Tiled(sizes), case, arrays)


@given(case=cases())
def test_small_is_exact(case):
    assert_equals_naive(tiny, case, case.engine_arrays())


@several
@given(case=cases(), cache=st.sampled_from([1, 500, 10**6]), rows=st.integers(1, 3))
def test_one_channel_is_exact_in_blocks_of_any_size(case, cache, rows, count):
    x, w, y = case.engine_arrays()
    with threads(count), pytest.MonkeyPatch.context() as patch:
        patch.setattr(depthwise, "CACHE", cache)
        patch.setattr(depthwise, "_ROWS", rows)
        assert_equals_naive(depthwise, case, (x[:, :, :1], w[:, :1, :1], y[:, :, :1]))


def test_strips_of_a_sample_stay_together():
    """They add to the same places of the input gradient."""
    geometry = conv_geometry((9, 4), 3, padding=1)
    x = np.empty((2, 3, 1, 9, 4))
    runs = [*planes.together(planes.pieces(x, 3, geometry, row=10, room=20))]
    assert [len(run) for run in runs] == [5] * 6
    assert len({run[0].starts for run in runs}) == 6
    assert all(len({piece.starts for piece in run}) == 1 for run in runs)
    assert sum(len(range(9)[piece.outputs]) for piece in runs[0]) == 9


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16"])
@pytest.mark.parametrize("kernel", [(3,), (4,), (2, 2), (3, 3), (4, 4), (3, 3, 3)])
def test_short_convolutions_err_little(kernel, dtype):
    """By its share of the largest element, with the largest tiles in use."""
    bound = 2e-5 if dtype in {"f4", "c8"} else 1e-13
    rng = np.random.default_rng(len(kernel))
    size = (13, 12, 11)[: len(kernel)]
    geometry = conv_geometry(size, kernel, padding=1)
    shapes = (2, 1, 8, *size), (1, 6, 8, *kernel), (2, 1, 6, *geometry.output_size)
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    sizes = list(choice._candidates(geometry))[-1]
    for name in MAPS:
        left, right, _ = arguments_of(name, *arrays)
        result = getattr(Tiled(sizes), name)(left, right, geometry)
        wide = np.result_type(left, float)
        exact = getattr(naive, name)(left.astype(wide), right.astype(wide), geometry)
        assert result.dtype == left.dtype
        assert 0 < abs(result - exact).max() < bound * abs(exact).max()


@given(
    kernel=st.lists(st.integers(1, 40), min_size=1, max_size=3),
    stride=st.integers(1, 9),
)
def test_all_sizes_that_may_pay_have_factors(kernel, stride):
    geometry = conv_geometry((60,) * len(kernel), kernel, stride)
    for sizes in choice._candidates(geometry):
        assert tiled.plan_of(geometry, sizes, transposed=True)


# Samples, channels of y and x, the settings of the geometry, and the way.
LAYERS = {
    "many channels": (8, 64, 64, (56, 56), {"kernel_size": 3}, Tiled(((4, 3),) * 2)),
    "a long kernel": (8, 64, 64, (4096,), {"kernel_size": 9}, Tiled(((6, 3),))),
    "few channels": (8, 64, 3, (56, 56), {"kernel_size": 3}, planes),
    "small planes": (16, 512, 256, (8, 8), {"kernel_size": 4, "stride": 2}, columns),
    "few tiles": (2, 32, 32, (30, 30), {"kernel_size": 3}, columns),
    "small": (2, 4, 3, (20, 20), {"kernel_size": 3, "padding": 1}, tiny),
    "not small": (2, 4, 3, (24, 24), {"kernel_size": 3, "padding": 1}, columns),
    "many taps": (8, 64, 64, (56, 56), {"kernel_size": 5}, Tiled(((4, 3),) * 2)),
    "very many taps": (8, 64, 3, (200, 200), {"kernel_size": 30}, planes),
    "one tap": (2, 64, 64, (28, 28), {"kernel_size": 1}, columns),
    "one output": (16, 64, 64, (4, 4), {"kernel_size": 4}, columns),
}


@pytest.mark.parametrize(("n", "a", "b", "size", "options", "way"), LAYERS.values())
def test_the_way_suits_the_layer(n, a, b, size, options, way):
    geometry = conv_geometry(size, **options)
    assert choice.way(geometry, n, 1, a, b) == way


def test_what_cannot_be_rounded_takes_the_exact_way():
    x = np.ones((2, 1, 64, 32, 32), int)
    w = np.ones((1, 64, 64, 3, 3), int)
    geometry = conv_geometry((32, 32), 3)
    assert isinstance(choice.way(geometry, 2, 1, 64, 64), Tiled)
    assert choice.way(geometry, 2, 1, 64, 64, "exact") is columns
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


def test_numbers_near_the_largest_overflow_in_tiles_and_not_in_columns():
    """As the docstring of `fast` says."""
    rng = np.random.default_rng(0)
    x = rng.choice([-2e37, 2e37], (1, 1, 8, 20, 20)).astype(np.float32)
    w = rng.random((1, 8, 8, 3, 3), np.float32) / 100
    geometry = conv_geometry((20, 20), 3)
    assert np.isfinite(im2col.forward(x, w, geometry)).all()
    with np.errstate(over="ignore", invalid="ignore"):
        found = Tiled(((4, 3), (4, 3))).forward(x, w, geometry)
    assert not np.isfinite(found).all()


def test_one_channel_has_a_way_of_its_own_unless_padding_makes_planes_large():
    usual = conv_geometry((90, 80), 3, padding=1)
    padded = conv_geometry((9, 8), 3, padding=4000, dilation=4001, stride=7)
    assert choice.way(usual, 4, 8, 1, 1) is depthwise
    assert choice.way(padded, 4, 8, 1, 1) is columns
    assert choice.way(usual, 4, 8, 1, 1, "F") is columns


@pytest.mark.parametrize(("a", "b"), [(64, 3), (1, 1)])
def test_very_long_rows_are_unfolded_piece_by_piece(a, b):
    usual, long = (conv_geometry((40, n), 3, padding=1) for n in (10**4, 10**6))
    assert choice.way(usual, 1, 1, a, b) in {planes, depthwise}
    for transposed in (False, True):
        assert choice.way(long, 1, 1, a, b, transposed=transposed) is columns


@pytest.mark.parametrize(("b", "way"), [(3, planes), (1, depthwise)])
def test_a_large_picture_is_worked_on_in_strips(b, way):
    """Its columns would take 28 MB for each channel, and its planes 9 MB."""
    rng = np.random.default_rng(0)
    geometry = conv_geometry((900, 800), 3, padding=1)
    x = rng.standard_normal((1, 1, b, 900, 800)).astype("f4")
    w = rng.standard_normal((1, 2 * b - 1, b, 3, 3)).astype("f4")
    y = rng.standard_normal((1, 1, 2 * b - 1, 900, 800)).astype("f4")
    assert choice.way(geometry, 1, 1, *w.shape[1:3]) == way
    for name in MAPS:
        left, right, like = arguments_of(name, x, w, y)
        tracemalloc.start()
        result = getattr(fast, name)(left, right, geometry)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        extra = peak - like.nbytes
        assert extra < 3 * BLOCK, (name, extra)
        exact = getattr(im2col, name)(left.astype(float), right.astype(float), geometry)
        assert abs(result - exact).max() < 2e-5 * abs(exact).max()


@pytest.mark.parametrize(
    ("size", "options"),
    [
        ((100_002,), {"kernel_size": 100_000}),
        ((600, 600), {"kernel_size": 300}),
        ((3_000_001,), {"kernel_size": 3, "stride": 1_000_000}),
        ((9, 8), {"kernel_size": 3, "padding": 4000, "dilation": 2000}),
        ((40, 40, 40), {"kernel_size": 20}),
        ((500,), {"kernel_size": 301}),
    ],
)
def test_a_way_is_found_at_once_for_odd_layers(size, options):
    """Nothing is laid out for each tap, phase or zero of a layer that has many."""
    geometry = conv_geometry(size, **options)
    for transposed in (False, True):
        tracemalloc.start()
        way = choice.way.__wrapped__(geometry, 2, 1, 20, 20, transposed=transposed)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert way in {columns, planes} or isinstance(way, Tiled)
        assert peak < 20 * 2**20


@pytest.mark.parametrize(("a", "b"), [(3, 40), (40, 3)])
def test_tiles_of_a_part_fit_a_block_on_either_side(a, b):
    geometry = conv_geometry((64, 60), 3, padding=1)
    plan = tiled.plan_of(geometry, ((4, 3), (4, 3)), transposed=False)
    source, target = np.ones((5, b, 64, 60), "f4"), np.ones((5, a, 64, 60), "f4")
    own = scratch.Scratch()
    parts = [*tiled.parts(source, target, plan, 2)]
    assert len(parts) > 1
    for part in parts:
        for tiles in (
            transform.source_tiles(source, plan, part, own),
            transform.target_tiles(target, plan, part, own),
        ):
            assert 2 * tiles.nbytes <= BLOCK
