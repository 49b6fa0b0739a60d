"""Channels first to channels last and back, whatever a row holds."""

import numpy as np
import pytest

from deconv_tutorial.engines.fast import transform

SHAPES = [
    (2, 3, 4, 5),  # samples, two axes of space, channels
    (1, 3, 5, 1),
    (2, 7, 33),
    (1, 4, 3, 2, 17),
    (1, 3, 7000, 2),  # one row is more than is turned at a time
    (1, 3, 0, 2),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_channels_turn_in_both_directions(shape):
    last = np.arange(float(np.prod(shape))).reshape(shape)
    first = np.full((shape[0], shape[-1], *shape[1:-1]), np.nan)
    transform._to_channels_first(last, first)
    assert np.array_equal(first, np.moveaxis(last, -1, 1))
    again = np.full(shape, np.nan)
    transform._to_channels_last(first, again)
    assert np.array_equal(again, last)


@pytest.mark.parametrize("size", [transform.PAGE // 8, transform.PAGE // 8 + 1])
def test_channels_turn_where_they_lie_pages_apart(size):
    first = np.arange(2.0 * 37 * size).reshape(2, 37, size)
    last = np.full((2, size, 37), np.nan)
    transform._to_channels_last(first, last)
    assert np.array_equal(last, first.swapaxes(1, 2))
