"""Planes: how far apart rows lie, and when a gradient is a forward map."""

import numpy as np
import pytest

from deconv_tutorial.engines import naive
from deconv_tutorial.engines.fast import planes
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
