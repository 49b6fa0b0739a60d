"""Tilings: the same connections as the axis that they cut."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deconv_tutorial.engines.fast.tiling import Lines, tiling
from deconv_tutorial.geometry import Axis, conv_geometry
from tests.strategies import axes


def spread(lines, factor, tile, count):
    """Return the factor of all tiles, (grids, groups, tiles, products, elements)."""
    grids, groups = len(lines.starts), len(lines.starts[0])
    matrix = np.zeros((grids, groups, count, len(factor), lines.size), object)
    for grid, group, n in np.ndindex(grids, groups, count):
        positions, elements = lines.run(grid, group, n * tile, factor.shape[1])
        matrix[grid, group, n][:, elements] += factor[:, positions]
    return matrix


@given(axis=axes(5), tile=st.integers(1, 4), taps=st.integers(1, 3), back=st.booleans())
def test_a_tiling_has_the_connections_of_its_axis(axis, tile, taps, back):
    names = ("input_size", "kernel_size", "output_size", "stride", "dilation", "before")
    axis = Axis(*(axis[name] for name in names))
    cut = tiling(axis, tile, taps, transposed=back)
    source = spread(cut.source, cut.read, cut.tile, cut.count)
    target = spread(cut.target, cut.write, cut.tile, cut.count)
    form = np.einsum("ngcpi,gfpk,nfcpo->oki", source, cut.weights, target)
    found = {place: value for place, value in np.ndenumerate(form) if value != 0}
    if back:
        found = {(o, k, i): value for (i, k, o), value in found.items()}
    assert found == dict.fromkeys(axis.connections(), 1)


def test_tiles_of_one_make_every_tap_a_group():
    cut = tiling(Axis(9, 5, 4, stride=2, padding_before=1), 1, 1, transposed=False)
    assert (cut.products, cut.tile, cut.count) == (1, 1, 4)
    # The sixth group is of a tap that the kernel does not have.
    assert cut.weights[:, 0, 0].tolist() == [*np.eye(5, dtype=int).tolist(), [0] * 5]


@pytest.mark.parametrize(
    ("starts", "first", "count", "span"),
    [
        (((-1, 0),), 0, 3, slice(0, 5)),
        (((2,), (5,)), 1, 2, slice(4, 6)),
        (((-9,),), 0, 2, slice(0, 0)),
        (((-3, -2),), 0, 1, slice(0, 0)),
    ],
)
def test_a_span_has_all_elements_of_its_lines(starts, first, count, span):
    assert Lines(6, 2, starts).span(first, count) == span


# Stride, dilation, padding, what is read, and the counts of tiles, grids and groups.
COUNTS = [
    (1, 1, 0, False, (3, 1, 1)),
    (1, 1, 0, True, (4, 1, 1)),
    (1, 1, 1, True, (4, 1, 1)),
    (2, 1, 1, False, (2, 1, 2)),
    (2, 1, 3, True, (3, 1, 1)),
    (4, 2, 0, False, (1, 1, 2)),
    (2, 4, 4, False, (1, 2, 1)),
    (1, 2, 2, False, (2, 2, 1)),
    (4, 6, 8, False, (1, 3, 2)),
    (3, 1, 1, True, (2, 1, 1)),
]


@pytest.mark.parametrize(("stride", "dilation", "padding", "back", "counts"), COUNTS)
def test_no_more_is_cut_than_there_is(stride, dilation, padding, back, counts):
    (axis,) = conv_geometry(8, 3, stride, padding, dilation).axes
    cut = tiling(axis, 2, 3, transposed=back)
    starts = cut.source.starts
    assert (cut.count, len(starts), len(starts[0])) == counts


def test_nothing_is_cut_where_no_tap_reaches_anything():
    axis = Axis(1, 1, 2, stride=2, padding_before=1)
    assert tiling(axis, 1, 1, transposed=True).count == 0


def test_a_tiling_stays_as_it_is():
    cut = tiling(Axis(9, 5, 5), 2, 3, transposed=False)
    with pytest.raises(FrozenInstanceError):
        cut.count = 1
    assert cut is tiling(Axis(9, 5, 5), 2, 3, transposed=False)
