"""The four functions: against SciPy, against nudges of one unit, and each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from deconv_tutorial import (
    ENGINES,
    Gradients,
    conv,
    conv_backward,
    conv_transpose,
    conv_transpose_backward,
)
from deconv_tutorial.checks import matrix_of
from deconv_tutorial.engines import fast, naive
from tests.strategies import cases

each_engine = pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)


def scipy_conv(x, w, stride, padding, dilation, groups):
    """Return the convolution by SciPy: pad, spread the taps, correlate, subsample."""
    rank = x.ndim - 2
    x = np.pad(x, ((0, 0), (0, 0), *padding))
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, w.shape[2:], strict=True)]
    spread = np.zeros((*w.shape[:2], *spans))
    spread[:, :, *(slice(None, None, d) for d in dilation)] = w
    steps = tuple(slice(None, None, s) for s in stride)
    c_in, c_out = w.shape[1], w.shape[0] // groups
    samples = []
    for sample in x:
        maps = []
        for f, kernel in enumerate(spread):
            first = f // c_out * c_in
            group = sample[first : first + c_in]
            # Correlating over the channels too leaves one plane: their sum.
            full = signal.correlate(group, kernel, "valid", method="direct")
            maps.append(full[0][steps[:rank]])
        samples.append(maps)
    return np.array(samples)


@each_engine
@given(case=cases())
def test_conv_agrees_with_scipy(engine, case):
    x, w, _ = case.arrays()
    expected = scipy_conv(x, w, **case.settings)
    assert np.array_equal(conv(x, w, **case.settings, engine=engine), expected)


@given(case=cases())
def test_conv_transpose_is_the_transposed_matrix(case):
    x, w, y = case.arrays()
    forward = matrix_of(lambda v: conv(v, w, **case.settings), (1, *x.shape[1:]))
    back = matrix_of(
        lambda v: conv_transpose(v, w, **case.transposed_settings), (1, *y.shape[1:])
    )
    assert np.array_equal(back, forward.T)


def nudged(function, array, d_out):
    """Return the gradient of ``<d_out, function(array)>`` by steps of one unit.

    Each function here is linear in each of its arguments, so a step of any size
    gives the derivative, and a step of 1 gives it exactly.
    """
    base = (d_out * function(array)).sum()
    gradient = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        moved = array.copy()
        moved[index] += 1
        gradient[index] = (d_out * function(moved)).sum() - base
    return gradient


@each_engine
@given(case=cases())
def test_conv_backward_is_what_nudges_say(engine, case):
    x, w, d_out = case.arrays()
    b = np.arange(len(w)) - 1.0
    settings = {**case.settings, "engine": engine}
    dx, dw, db = conv_backward(d_out, x, w, **settings)
    assert np.array_equal(dx, nudged(lambda v: conv(v, w, b, **settings), x, d_out))
    assert np.array_equal(dw, nudged(lambda v: conv(x, v, b, **settings), w, d_out))
    assert np.array_equal(db, nudged(lambda v: conv(x, w, v, **settings), b, d_out))


@each_engine
@given(case=cases())
def test_conv_transpose_backward_is_what_nudges_say(engine, case):
    d_out, w, x = case.arrays()
    b = np.arange(d_out.shape[1]) - 1.0
    settings = {**case.transposed_settings, "engine": engine}
    dx, dw, db = conv_transpose_backward(d_out, x, w, **settings)

    def loss_in(name):
        def layer(v):
            return conv_transpose(**{"x": x, "w": w, "b": b, name: v}, **settings)

        return layer

    assert np.array_equal(dx, nudged(loss_in("x"), x, d_out))
    assert np.array_equal(dw, nudged(loss_in("w"), w, d_out))
    assert np.array_equal(db, nudged(loss_in("b"), b, d_out))


@given(case=cases())
def test_the_weight_gradients_differ_only_in_the_order_of_arguments(case):
    x, w, y = case.arrays()
    of_conv = conv_backward(y, x, w, **case.settings)
    of_transpose = conv_transpose_backward(x, y, w, **case.transposed_settings)
    assert np.array_equal(of_conv.dw, of_transpose.dw)


@each_engine
@given(case=cases())
def test_groups_are_separate_layers(engine, case):
    x, w, y = case.arrays()
    g = case.groups
    alone = {**case.settings, "groups": 1, "engine": engine}
    whole = {**case.settings, "engine": engine}
    xs, ws, ys = np.split(x, g, 1), np.split(w, g, 0), np.split(y, g, 1)
    parts = [conv(xi, wi, **alone) for xi, wi in zip(xs, ws, strict=True)]
    assert np.array_equal(conv(x, w, **whole), np.concatenate(parts, 1))
    split = zip(ys, xs, ws, strict=True)
    dxs, dws, dbs = zip(*(conv_backward(*s, **alone) for s in split), strict=True)
    dx, dw, db = conv_backward(y, x, w, **whole)
    assert np.array_equal(dx, np.concatenate(dxs, 1))
    assert np.array_equal(dw, np.concatenate(dws, 0))
    assert np.array_equal(db, np.concatenate(dbs, 0))


@given(case=cases())
def test_engines_agree_exactly(case):
    x, w, y = case.arrays()
    expected = [
        conv(x, w, **case.settings, engine=naive),
        *conv_backward(y, x, w, **case.settings, engine=naive),
        conv_transpose(y, w, **case.transposed_settings, engine=naive),
        *conv_transpose_backward(x, y, w, **case.transposed_settings, engine=naive),
    ]
    for engine in ENGINES.values():
        found = [
            conv(x, w, **case.settings, engine=engine),
            *conv_backward(y, x, w, **case.settings, engine=engine),
            conv_transpose(y, w, **case.transposed_settings, engine=engine),
            *conv_transpose_backward(
                x, y, w, **case.transposed_settings, engine=engine
            ),
        ]
        assert all(map(np.array_equal, found, expected))


@given(case=cases())
def test_the_bias_is_added_once_per_output_and_its_gradient_is_a_sum(case):
    x, w, y = case.arrays()
    b = np.arange(1.0, len(w) + 1)
    shaped = b.reshape(-1, *[1] * len(case.axes))
    plain = conv(x, w, **case.settings)
    assert np.array_equal(conv(x, w, b, **case.settings), plain + shaped)
    db = conv_backward(y, x, w, **case.settings).db
    assert db.tolist() == [y[:, f].sum() for f in range(len(w))]


def test_gradients_have_names():
    x, w = np.ones((1, 2, 5)), np.ones((3, 2, 2))
    grads = conv_backward(np.ones((1, 3, 4)), x, w)
    assert isinstance(grads, Gradients)
    assert (grads.dx.shape, grads.dw.shape, grads.db.shape) == (x.shape, w.shape, (3,))


def test_the_default_engine_is_fast(monkeypatch):
    calls = []
    real = fast.forward
    monkeypatch.setattr(
        fast, "forward", lambda *args: calls.append(args) or real(*args)
    )
    conv(np.ones((1, 1, 3)), np.ones((1, 1, 2)))
    assert len(calls) == 1


def test_anything_with_the_three_maps_is_an_engine():
    class Doubling:
        def forward(self, x, w, geometry):
            return 2 * naive.forward(x, w, geometry)

        input_grad = staticmethod(naive.input_grad)
        weight_grad = staticmethod(naive.weight_grad)

    y = conv([[[1, 2, 3]]], [[[1, 1]]], engine=Doubling())
    assert y.tolist() == [[[6, 10]]]


@pytest.mark.parametrize("rank", [1, 2, 3])
@given(data=st.data())
def test_every_form_of_a_setting_means_the_same(rank, data):
    number = st.integers(1, 3)
    s, d, p = data.draw(number), data.draw(number), data.draw(number)
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 10, (2, 4, *range(8, 8 + rank)))
    w = rng.integers(-9, 10, (6, 2, *range(2, 2 + rank)))
    expected = conv(x, w, stride=s, padding=p, dilation=d, groups=2)
    for stride in ((s,) * rank, [s] * rank, np.full(rank, s), np.int8(s)):
        for padding in ((p,) * rank, ((p, p),) * rank, np.full((rank, 2), p)):
            result = conv(x, w, stride=stride, padding=padding, dilation=d, groups=2)
            assert np.array_equal(result, expected)


@pytest.mark.parametrize("word", ["valid", "same", "full"])
@pytest.mark.parametrize("size", [(3,), (4, 3), (2, 3, 4)])
def test_words_of_padding_are_those_of_scipy(word, size):
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 10, (1, 1, *range(5, 5 + len(size)))).astype(float)
    w = rng.integers(-9, 10, (1, 1, *size)).astype(float)
    d_out = conv(x, w, padding=word)
    if word == "same":
        # SciPy centres an even kernel the other way: what counts is the size, and
        # that the odd zero stands at the end.
        assert d_out.shape == x.shape
        odd = [(k - 1) // 2 for k in size]
        pads = tuple((o, k - 1 - o) for o, k in zip(odd, size, strict=True))
        assert np.array_equal(d_out, conv(x, w, padding=pads))
    else:
        expected = signal.correlate(x[0, 0], w[0, 0], word, method="direct")
        assert np.array_equal(d_out[0, 0], expected)
    grads = conv_backward(d_out, x, w, padding=word)
    assert grads.dx.shape == x.shape


def test_a_tall_transposed_convolution_by_hand():
    # Every input paints two elements, three apart; the last row is bias only.
    y = conv_transpose(
        [[[1, 2]]], [[[10, 20]]], [5], stride=1, dilation=3, output_padding=1
    )
    assert y.tolist() == [[[15, 25, 5, 25, 45, 5]]]
