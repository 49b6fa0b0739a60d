"""Planes: how far apart rows lie, and when a gradient is a forward map."""

import numpy as np
import pytest

from deconv_tutorial import threads
from deconv_tutorial.engines import naive
from deconv_tutorial.engines.fast import depthwise, planes
from deconv_tutorial.engines.fast.scratch import PAGE, Scratch
from deconv_tutorial.geometry import conv_geometry


@pytest.mark.parametrize(
    ("outputs", "kind", "between"),
    [
        (PAGE // 4, "f4", planes._APART),
        (PAGE // 4 - 1, "f4", 0),
        (PAGE // 4 + 1, "f4", 0),
        (PAGE // 8, "f4", 0),
        (PAGE // 8, "f8", planes._APART),
        (PAGE // 4, "f8", planes._APART),
    ],
)
def test_rows_a_page_apart_are_moved_further_apart(outputs, kind, between):
    layout = planes.layout_of(conv_geometry((3, outputs), (3, 1)))
    x = np.empty((1, 1, 2, 3, outputs), kind)
    space = planes._space(layout, x, x.dtype, Scratch())
    assert space.shape == (2, 3, 1, outputs)
    assert space.strides[-2] == (outputs + between) * x.itemsize


@pytest.mark.parametrize(
    ("stride", "is_forward"), [((1, 1), True), ((1, 2), False), ((2, 1), False)]
)
def test_with_stride_1_a_gradient_is_a_forward_map(stride, is_forward):
    geometry = conv_geometry((5, 6), (3, 2), stride, padding=1, dilation=(1, 2))
    rng = np.random.default_rng(0)
    w = rng.integers(1, 9, (2, 3, 4, 3, 2))
    y = rng.integers(1, 9, (2, 2, 3, *geometry.output_size))
    found = planes.as_forward(w, geometry)
    assert (found is not None) == is_forward
    if found:
        x = naive.forward(y, *found)
        assert np.array_equal(x, naive.input_grad(y, w, geometry))


def test_pieces_of_planes_have_room_for_columns(monkeypatch):
    """Of a row of outputs, 4 * 2 columns of 3 * 5 taps for 6 * 7 outputs."""
    asked = []
    monkeypatch.setattr(planes, "pieces", lambda *args: asked.append(args))
    geometry = conv_geometry((9, 8, 11), (2, 3, 5))
    x, w = np.empty((3, 2, 4, 9, 8, 11), "f4"), np.empty((2, 6, 4, 2, 3, 5), "f4")
    planes._pieces(x, w, geometry)
    row = 4 * (4 * 2 * 3 * 5) * (6 * 7)
    assert asked == [(x, 1, geometry, row, planes.BLOCK)]


def test_pieces_of_one_channel_have_room_for_planes(monkeypatch):
    asked = []
    monkeypatch.setattr(depthwise, "pieces", lambda *args: asked.append(args))
    geometry = conv_geometry((9, 8), (4, 3))
    x = np.empty((3, 5, 1, 9, 8), "f4")
    depthwise._pieces(x, geometry)
    # 3 planes of 9 * 6 elements, for 6 rows of outputs
    assert asked == [(x, 5, geometry, 4 * 3 * 9 * 6 // 6, depthwise.CACHE)]
    geometry = conv_geometry((8, 8), (4, 3))
    depthwise._pieces(x[..., 1:, :], geometry)
    assert asked[1][3] == -(-4 * 3 * 8 * 6 // 5)


def test_pieces_are_cut_as_their_room_says(monkeypatch):
    asked = []

    def blocks(*args):
        asked.append(args)
        return [(slice(0, 2), slice(1, 3), slice(2, 5))]

    monkeypatch.setattr(planes, "blocks", blocks)
    geometry = conv_geometry((9, 8), 3)
    x = np.empty((4, 7, 1, 9, 8))
    with threads(2):
        found = [*planes.pieces(x, 3, geometry, row=10, room=59)]
    assert asked == [((4, 3, 7), 5, 2)] * 3
    part = geometry.between((slice(2, 5), slice(0, 6)))
    starts = (slice(1, 3), slice(4, 6), slice(7, 9))
    assert found == [((slice(0, 2), each), slice(2, 5), part) for each in starts]
