"""Both gradients are forward passes, and each part of the recipe is needed."""

import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

from deconv_tutorial import ENGINES
from deconv_tutorial.engines import naive
from deconv_tutorial.geometry import conv_geometry
from deconv_tutorial.identities import FromForward, correlation, framed, spread
from tests.strategies import axes, cases


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
@given(case=cases())
def test_one_map_makes_both_gradients(engine, case):
    x, w, y = case.engine_arrays()
    one_map = FromForward(engine.forward)
    for name, arguments in {"input_grad": (y, w), "weight_grad": (x, y)}.items():
        found = getattr(one_map, name)(*arguments, case.geometry)
        assert np.array_equal(found, getattr(naive, name)(*arguments, case.geometry))


@given(drawn=axes(6), data=st.data())
def test_the_textbooks_formulas_with_their_exact_sizes(drawn, data):
    """Zeros before, which may be a cut; zeros after; and the number of places."""
    seed = data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    s, d, p = drawn["stride"], drawn["dilation"], drawn["before"]
    n, k, o = drawn["input_size"], drawn["kernel_size"], drawn["output_size"]
    geometry = conv_geometry(n, k, s, ((p, drawn["after"]),), d)
    x, w, y = (rng.integers(-9, 10, size) for size in (n, k, o))

    def engine_array(array):
        return array[None, None, None]

    # The input gradient: the full correlation, cut or filled up on both sides.
    taps = spread(w[::-1], [d])
    around = framed(spread(y, [s]), [d * (k - 1) - p], [n + d * (k - 1)])
    expected = naive.input_grad(engine_array(y), engine_array(w), geometry)
    assert np.array_equal(correlation(around, taps, [1]), expected[0, 0, 0])

    # The weight gradient: there are places for all taps, and one more for each
    # dilation that the leftover has.
    padded = framed(x, [p], [n + p + drawn["after"]])
    places = correlation(padded, spread(y, [s]), [d])
    expected = naive.weight_grad(engine_array(x), engine_array(y), geometry)
    assert np.array_equal(places[:k], expected[0, 0, 0])
    assert len(places) == k + drawn["leftover"] // d


@given(data=st.data(), rank=st.integers(1, 3))
def test_spread_puts_zeros_between(data, rank):
    sizes = data.draw(st.tuples(*[st.integers(1, 4)] * rank))
    steps = data.draw(st.tuples(*[st.integers(1, 3)] * rank))
    array = np.arange(1, np.prod(sizes) + 1).reshape(sizes)
    wide = spread(array, steps)
    assert wide.shape == tuple(
        s * (n - 1) + 1 for n, s in zip(sizes, steps, strict=True)
    )
    assert np.count_nonzero(wide) == array.size
    for place, value in np.ndenumerate(array):
        assert wide[tuple(np.multiply(place, steps))] == value


def test_spread_of_nothing_is_nothing():
    assert spread(np.zeros((0, 2)), [3, 3]).shape == (0, 4)


@given(size=st.integers(1, 5), before=st.integers(-4, 3), frame=st.integers(1, 9))
def test_a_frame_shows_zeros_outside(size, before, frame):
    array = np.arange(1, size + 1)
    expected = [
        array[place - before] if 0 <= place - before < size else 0
        for place in range(frame)
    ]
    assert framed(array, [before], [frame]).tolist() == expected


@pytest.mark.parametrize("steps", [(1, 1), (2, 3)])
def test_correlation_is_scipys(steps):
    rng = np.random.default_rng(0)
    long, short = rng.integers(-9, 10, (7, 8)), rng.integers(-9, 10, (3, 2))
    expected = scipy.signal.correlate(long, short, "valid", method="direct")
    assert np.array_equal(
        correlation(long, short, steps), expected[:: steps[0], :: steps[1]]
    )
