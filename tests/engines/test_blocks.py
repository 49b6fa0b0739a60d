"""Blocks: every cell once, none too large, and as many as are wanted."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from deconv_tutorial.engines.blocks import blocks, cuts, output_blocks
from deconv_tutorial.geometry import conv_geometry
from tests.strategies import cases


@given(size=st.integers(0, 40), count=st.integers(1, 12))
def test_cuts_cover_and_are_even(size, count):
    parts = [*cuts(size, count)]
    lengths = [part.stop - part.start for part in parts]
    assert [n for part in parts for n in range(size)[part]] == [*range(size)]
    assert len(parts) == count
    assert max(lengths) - min(lengths) <= 1


@given(
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=4),
    fit=st.integers(0, 400),
    shares=st.integers(1, 4),
)
def test_blocks_cover_every_cell_once_and_fit(sizes, fit, shares):
    seen = np.zeros(sizes, int)
    order = []
    for window in blocks(tuple(sizes), fit, shares):
        assert 1 <= seen[window].size <= max(1, fit)
        seen[window] += 1
        order.append([part.start for part in window])
    assert (seen == 1).all()
    assert order == sorted(order)


@given(
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=4), fit=st.integers(1, 400)
)
def test_inner_axes_stay_whole_as_long_as_they_fit(sizes, fit):
    for window in blocks(tuple(sizes), fit):
        lengths = [part.stop - part.start for part in window]
        cut = [n for n, size in enumerate(sizes) if lengths[n] < size]
        for n in cut:
            assert math.prod(sizes[n:]) > fit


@given(rows=st.integers(1, 9), fit=st.integers(2, 59), shares=st.integers(1, 5))
def test_threads_get_as_many_blocks_as_the_others(rows, fit, shares):
    plain = len([*blocks((rows, 60), fit)])
    count = len([*blocks((rows, 60), fit, shares)])
    assert count % shares == 0
    assert plain <= count < plain + rows * shares


@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=3), shares=st.integers(1, 5)
)
def test_what_fits_whole_is_cut_for_threads_along_its_first_axis(sizes, shares):
    first = next((size for size in sizes if size > 1), 1)
    assert len([*blocks(tuple(sizes), 10**6, shares)]) == min(shares, first)


def test_an_empty_axis_has_no_blocks():
    assert [*blocks((0, 3), 5)] == []
    assert [*blocks((0, 3), 5, shares=2)] == []


@given(case=cases(), fit=st.integers(1, 60))
def test_a_block_of_outputs_has_their_connections(case, fit):
    geometry = case.geometry
    seen = np.zeros((case.samples, *geometry.output_size), int)
    found = set()
    for samples, outputs, part in output_blocks(case.samples, geometry, fit):
        seen[samples, *outputs] += 1
        assert isinstance(outputs, tuple)
        assert part.output_size == seen[0, *outputs].shape
        assert part.input_size == geometry.input_size
        for o, k, i in part.connections():
            first = (window.start for window in outputs)
            found.add((tuple(map(sum, zip(o, first, strict=True))), k, i))
    assert (seen == 1).all()
    assert found == set(geometry.connections())


def test_a_block_that_is_whole_has_the_geometry_itself():
    geometry = conv_geometry((6, 5), 3)
    ((samples, outputs, part),) = output_blocks(2, geometry, fit=24)
    assert (samples, *outputs) == (slice(0, 2), slice(0, 4), slice(0, 3))
    assert part is geometry
