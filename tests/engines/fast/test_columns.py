"""Columns with shortcuts: the same numbers, and no step that a layer does not need."""

import numpy as np
import pytest
from hypothesis import given

from deconv_tutorial import conv, conv_backward, threads
from deconv_tutorial.engines import im2col
from deconv_tutorial.engines.fast import columns
from deconv_tutorial.engines.fast.scratch import Scratch
from deconv_tutorial.geometry import conv_geometry
from tests.strategies import cases


@given(case=cases())
def test_columns_are_those_of_im2col(case):
    x, _, _ = case.engine_arrays()
    x = np.moveaxis(x, 0, 2)
    expected = im2col.unfold(x, case.geometry)
    into = np.full(expected.shape, 99.0)
    columns.unfold(x, case.geometry, into)
    assert np.array_equal(into, expected)
    made = columns._columns(x, case.geometry, Scratch())
    assert np.array_equal(made, expected)


# Size, settings, and whether the columns are a view of the picture.
VIEWS = [
    ((5, 4), {"kernel_size": 1}, True),  # a single tap
    ((5, 4), {"kernel_size": (5, 4)}, True),  # a single output
    ((6, 4), {"kernel_size": (3, 2), "stride": (3, 2)}, False),
    ((5, 4), {"kernel_size": 3}, False),  # windows that overlap
    ((5, 4), {"kernel_size": 1, "padding": 1}, False),  # zeros that are not there
]


@pytest.mark.parametrize(("size", "options", "view"), VIEWS)
def test_columns_are_a_view_where_there_is_one(size, options, view):
    geometry = conv_geometry(size, **options)
    x = np.arange(2.0 * np.prod(size)).reshape(1, 2, 1, *size)
    found = columns._columns(x, geometry, Scratch())
    assert np.shares_memory(found, x) == view
    assert np.array_equal(found, im2col.unfold(x, geometry))


@pytest.mark.parametrize("outputs", [columns._WIDE - 1, columns._WIDE])
def test_many_outputs_are_written_where_they_belong(outputs):
    y = np.zeros((2, 1, 3, outputs))
    direct = columns._by_sample(y)
    assert (direct is not None) == (outputs == columns._WIDE)
    assert columns._by_sample(np.zeros((2, 1, 3, 2, 400))[..., :200]) is None


def test_a_kernel_of_many_taps_is_unfolded_output_by_output():
    # Tap by tap, this would be a hundred thousand steps for each block.
    x, w = np.arange(100_002) % 7, np.arange(100_000) % 5
    expected = np.correlate(x, w, "valid")
    assert np.array_equal(conv(x[None, None], w[None, None])[0, 0], expected)
    grads = conv_backward(expected[None, None], x[None, None], w[None, None])
    assert np.array_equal(grads.dw[0, 0], np.correlate(x, expected, "valid"))
    assert np.array_equal(grads.dx[0, 0], np.convolve(expected, w))


def test_blocks_hold_what_a_block_may_and_all_outputs():
    """Columns and values of a block fit in a block, unless the weights are larger."""
    geometry = conv_geometry((90, 80), 3, padding=1)
    y = np.empty((3, 2, 16, 90, 80), np.float32)
    sizes = [
        y[samples, ..., *outputs].size // 32  # outputs
        for samples, outputs, _ in columns._blocks(y, 5, geometry)
    ]
    assert sum(sizes) == 3 * 90 * 80
    assert max(sizes) * 2 * (5 * 9 + 16) * 4 <= columns.BLOCK
    assert len(sizes) == -(-sum(sizes) // (columns.BLOCK // (2 * (5 * 9 + 16) * 4)))


# Of each output, 2 groups of 5 channels and 9 taps, and 2 groups of 16 values.
@pytest.mark.parametrize(
    ("block", "kind", "fit"),
    [
        (4 * 12_200, "f4", 100),
        (4 * 12_200 - 1, "f4", 99),
        (4 * 12_200, "f8", 50),
        (1, "f4", 2 * 2 * 16 * 45 // 122),
    ],
)
def test_how_many_outputs_fit(monkeypatch, block, kind, fit):
    monkeypatch.setattr(columns, "BLOCK", block)
    asked = blocks_asked_for(monkeypatch)
    geometry = conv_geometry((9, 8), 3, padding=1)
    columns._blocks(np.empty((3, 2, 16, 9, 8), kind), 5, geometry)
    assert asked == [(3, geometry, fit, 1)]


@pytest.mark.parametrize(("less", "shares"), [(0, 1), (1, 3)])
def test_little_work_is_not_shared(monkeypatch, less, shares):
    """If four times as much fits, one thread does it."""
    monkeypatch.setattr(columns, "BLOCK", 4 * 2 * 122 * (3 * 72 * 4 - less) // 2)
    asked = blocks_asked_for(monkeypatch)
    geometry = conv_geometry((9, 8), 3, padding=1)
    with threads(3):
        columns._blocks(np.empty((3, 2, 16, 9, 8), "f4"), 5, geometry)
    assert asked == [(3, geometry, 3 * 72 * 4 - less, shares)]


def blocks_asked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(columns, "output_blocks", lambda *args: asked.append(args))
    return asked


def test_blocks_of_the_same_samples_stay_in_one_thread(monkeypatch):
    """They add to the same places."""
    runs = []
    monkeypatch.setattr(columns, "BLOCK", 500)
    monkeypatch.setattr(columns, "share", lambda _, items: runs.extend(items))
    y, w = np.ones((3, 1, 2, 7, 6)), np.ones((1, 2, 2, 3, 3))
    columns.input_grad(y, w, conv_geometry((9, 8), 3))
    assert [{samples.start for samples, *_ in run} for run in runs] == [{0}, {1}, {2}]
    assert all(len(run) > 1 for run in runs)


@pytest.mark.parametrize(
    ("size", "kernel", "settings", "once"),
    [
        (4, 2, {"stride": 2}, True),
        ((4, 3), (2, 3), {"stride": (2, 1)}, True),
        (5, 2, {"stride": 2}, False),  # the last is not reached
        (6, 3, {"stride": 2}, False),  # one is reached twice, another not
        (3, 1, {"stride": 2, "padding": 1}, False),  # two taps reach outside
        (4, 2, {}, False),
    ],
)
def test_room_is_cleared_unless_each_element_is_written_once(
    monkeypatch, size, kernel, settings, once
):
    monkeypatch.setattr(columns, "empty_x", lambda *_: True)
    monkeypatch.setattr(columns, "zeros_x", lambda *_: False)
    geometry = conv_geometry(size, kernel, **settings)
    y, w = np.ones((1, 1, 1, 1)), np.ones((1, 1, 1, 1))
    assert columns._room_for_x(y, w, geometry) is once
