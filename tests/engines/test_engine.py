"""The arrays inside an engine: their shapes and types, and how groups lie."""

import numpy as np
import pytest
from hypothesis import given

from deconv_tutorial.engines.engine import (
    empty_w,
    empty_x,
    empty_y,
    in_groups,
    zeros_w,
    zeros_x,
    zeros_y,
)
from deconv_tutorial.geometry import conv_geometry
from tests.strategies import cases


@given(cases())
def test_groups_of_channels_lie_one_after_the_other(case):
    x, w, y = case.arrays()
    in_x, in_w, in_y = in_groups(x, w, y, case.groups)
    a, b = case.y_channels, case.x_channels
    for g in range(case.groups):
        assert np.array_equal(in_x[:, g], x[:, g * b : (g + 1) * b])
        assert np.array_equal(in_w[g], w[g * a : (g + 1) * a])
        assert np.array_equal(in_y[:, g], y[:, g * a : (g + 1) * a])


@given(cases())
def test_a_result_has_the_shape_of_what_its_map_is_the_derivative_by(case):
    x, w, y = case.engine_arrays()
    geometry = case.geometry
    assert empty_y(x, w, geometry).shape == y.shape
    assert empty_x(y, w, geometry).shape == x.shape
    assert empty_w(x, y, geometry).shape == w.shape
    assert np.array_equal(zeros_y(x, w, geometry), 0 * y)
    assert np.array_equal(zeros_x(y, w, geometry), 0 * x)
    assert np.array_equal(zeros_w(x, y, geometry), 0 * w)


@pytest.mark.parametrize(
    "function", [empty_y, empty_x, empty_w, zeros_y, zeros_x, zeros_w]
)
@pytest.mark.parametrize(
    "dtypes", [("f4", "f8"), ("f8", "f4"), ("i8", "c8"), ("c8", "i8"), ("O", "f4")]
)
def test_a_result_has_the_dtype_of_a_product(function, dtypes):
    one, other = (np.ones((1, 1, 1, 1), dtype) for dtype in dtypes)
    result = function(one, other, conv_geometry(1, 1))
    assert result.dtype == (one * other).dtype
