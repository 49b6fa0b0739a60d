"""Views of a picture: tap by tap or output by output, and with steps never taken."""

import numpy as np
import pytest

from deconv_tutorial.engines.fast.windows import padded_copy, tap_views, windows
from deconv_tutorial.geometry import conv_geometry


@pytest.mark.parametrize(("size", "kernel"), [(9, 3), (9, 7), ((4, 9), (3, 4))])
def test_few_pairs_of_views_have_all_connections(size, kernel):
    geometry = conv_geometry(size, kernel)
    taps, outputs = geometry.kernel_size, geometry.output_size
    columns = np.zeros((1, 1, *taps, 1, *outputs), int)
    x = np.arange(np.prod(geometry.input_size)).reshape(1, 1, 1, *geometry.input_size)
    pairs = [*tap_views(columns, x, geometry)]
    assert len(pairs) == min(np.prod(taps), np.prod(outputs))
    for column, pixels in pairs:
        column[...] += pixels
    for o, k, i in geometry.connections():
        assert columns[0, 0, *k, 0, *o] == x[0, 0, 0, *i]


@pytest.mark.parametrize(
    ("kernel", "settings"), [(1, {"dilation": 2**62}), (5, {"stride": 2**62})]
)
def test_steps_that_are_never_taken_may_be_huge(kernel, settings):
    x = np.arange(5.0).reshape(1, 1, 1, 5)
    shown = windows(x, conv_geometry(5, kernel, **settings))
    assert shown.ravel().tolist() == [0, 1, 2, 3, 4]


def test_a_padded_copy_has_no_more_elements_than_it_may():
    x = np.array([1, 2, 3, 4, 5]).reshape(1, 1, 1, 5)
    geometry = conv_geometry(5, 3, padding=1)
    copy, part = padded_copy(x, geometry, most=7)
    assert copy.ravel().tolist() == [0, 1, 2, 3, 4, 5, 0]
    assert part == conv_geometry(7, 3)
    assert padded_copy(x, geometry, most=6) is None
