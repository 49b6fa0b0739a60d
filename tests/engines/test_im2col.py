"""Unfold, fold, and the blocks that bound the memory."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deconv_tutorial import conv, conv_backward, conv_transpose_backward
from deconv_tutorial.checks import matrix_of
from deconv_tutorial.engines import im2col
from deconv_tutorial.geometry import conv_geometry
from tests.strategies import cases


@given(case=cases())
def test_unfold_copies_what_each_tap_reads(case):
    x, w, y = case.engine_arrays()
    columns = im2col.unfold(np.moveaxis(x, 0, 2), case.geometry)
    g, b, n = case.groups, case.x_channels, case.samples
    kernel, output = case.geometry.kernel_size, case.geometry.output_size
    expected = np.zeros((g, b, *kernel, n, *output))
    for o, k, i in case.geometry.connections():
        expected[:, :, *k, :, *o] = np.moveaxis(x, 0, 2)[..., *i]
    assert np.array_equal(columns, expected.reshape(columns.shape))
    assert columns.shape == (
        g,
        w.size // (g * case.y_channels),
        y.size // (g * case.y_channels),
    )


@given(case=cases())
def test_fold_is_the_transpose_of_unfold(case):
    x, _, _ = case.engine_arrays()
    shape = np.moveaxis(x[:1], 0, 2).shape
    unfold = matrix_of(lambda v: im2col.unfold(v, case.geometry), shape)

    def fold(columns):
        picture = np.zeros(shape, columns.dtype)
        im2col.fold(columns, case.geometry, into=picture)
        return picture

    columns = im2col.unfold(np.zeros(shape, int), case.geometry)
    assert np.array_equal(matrix_of(fold, columns.shape), unfold.T)


def test_fold_after_unfold_counts_the_outputs_over_each_input():
    geometry = conv_geometry((5, 6), (3, 2), stride=(2, 1))
    ones = np.ones((1, 1, 1, 5, 6), int)
    back = np.zeros_like(ones)
    im2col.fold(im2col.unfold(ones, geometry), geometry, into=back)
    assert np.array_equal(back[0, 0, 0], np.outer([1, 1, 2, 1, 1], [1, 2, 2, 2, 2, 1]))


@given(case=cases(), room=st.integers(1, 20_000))
def test_a_small_workspace_gives_equal_results(case, room):
    x, w, y = case.engine_arrays()
    whole = [
        im2col.forward(x, w, case.geometry),
        im2col.input_grad(y, w, case.geometry),
        im2col.weight_grad(x, y, case.geometry),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(im2col, "BLOCK", room)
        parts = [
            im2col.forward(x, w, case.geometry),
            im2col.input_grad(y, w, case.geometry),
            im2col.weight_grad(x, y, case.geometry),
        ]
    assert all(map(np.array_equal, whole, parts))


def test_a_bias_takes_no_second_result():
    x, w, b = np.ones((1, 1, 10**6)), np.ones((2, 1, 1)), np.ones(2)
    peaks = []
    for bias in (None, b):
        tracemalloc.start()
        conv(x, w, bias)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 10_000


@pytest.mark.parametrize("samples", [1, 4])
def test_memory_beyond_arguments_and_results_is_bounded(samples):
    # Unfolded at once, the columns would take 12 MB a sample.
    rng = np.random.default_rng(0)
    x = rng.standard_normal((samples, 16, 60, 144)).astype(np.float32)
    w = rng.standard_normal((8, 16, 5, 5)).astype(np.float32)
    for backward, d_out_shape, weight in (
        (conv_backward, (samples, 8, 56, 140), w),
        (conv_transpose_backward, (samples, 8, 64, 148), w.swapaxes(0, 1)),
    ):
        d_out = np.ones(d_out_shape, np.float32)
        tracemalloc.start()
        results = backward(d_out, x, weight, engine=im2col)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        # In each thread, the columns of a block and a product no larger.
        extra = peak - sum(result.nbytes for result in results)
        assert extra < 3 * im2col.BLOCK <= 2**24, (backward.__name__, extra)


def test_a_block_holds_as_many_outputs_as_fit():
    # Of each output, 2 groups of 5 channels and 4 taps, and 2 groups of 3 values.
    w = np.ones((2, 3, 5, 2, 2), np.float32)
    assert im2col._fit(w) == im2col.BLOCK // (4 * (2 * 5 * 4 + 2 * 3))
