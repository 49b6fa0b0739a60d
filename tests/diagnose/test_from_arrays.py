"""Arrays of any kind are compared as `conv` computes them."""

import warnings

import numpy as np
import pytest

from deconv_tutorial import (
    conv,
    conv_backward,
    conv_transpose,
    conv_transpose_backward,
    diagnose,
)
from deconv_tutorial.diagnose.compare import is_same


def given(dtype=float, seed=0):
    rng = np.random.default_rng(seed)
    shapes = {"d_out": (2, 4, 3, 3), "x": (2, 3, 7, 7), "w": (4, 3, 3, 3)}
    return {n: rng.integers(1, 10, s).astype(dtype) for n, s in shapes.items()}


@pytest.mark.parametrize(
    "dtype", [np.int8, np.uint8, np.int16, bool, np.float16, object]
)
def test_right_gradients_of_any_dtype_are_not_accused(dtype):
    arrays = given(dtype)
    gradients = conv_backward(**arrays, stride=2)
    assert diagnose.gradients(**arrays, **gradients._asdict(), stride=2)
    wrong = gradients.dw.astype(float) + 1
    assert not diagnose.gradients(**arrays, dw=wrong, stride=2)


def test_lists_and_float32_are_taken():
    arrays = {n: a.tolist() for n, a in given().items()}
    gradients = conv_backward(**arrays, stride=2)
    lists = {name: array.tolist() for name, array in gradients._asdict().items()}
    assert diagnose.gradients(**arrays, **lists, stride=2)


def test_bfloat16_has_few_digits():
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    arrays = given()
    gradients = conv_backward(**arrays, stride=2)
    short = {n: a.astype(ml_dtypes.bfloat16) for n, a in gradients._asdict().items()}
    assert diagnose.gradients(**arrays, **short, stride=2)
    off = {"dw": gradients.dw[..., ::-1].astype(ml_dtypes.bfloat16)}
    assert not diagnose.gradients(**arrays, **off, stride=2)


def test_the_result_is_checked_with_its_bias():
    arrays, b = given(), np.array([5.0, -3, 7, 11])
    y = conv(arrays["x"], arrays["w"], b, stride=2)
    assert diagnose.gradients(**arrays, y=y, b=b, stride=2)
    (finding,) = diagnose.gradients(**arrays, y=y, stride=2).findings
    assert finding.target == "y"
    plain = conv(arrays["x"], arrays["w"], stride=2)
    (finding,) = diagnose.gradients(**arrays, y=plain, b=b, stride=2).findings
    assert finding.where == ("it is right but for the bias, which is not added",)
    flipped = conv(arrays["x"], arrays["w"][..., ::-1, ::-1], b, stride=2)
    (finding,) = diagnose.gradients(**arrays, y=flipped, b=b, stride=2).findings
    assert finding.mistakes[0].key == "y-kernel-flipped"


def test_the_result_of_a_transposed_layer_is_checked():
    rng = np.random.default_rng(0)
    x, w = rng.integers(1, 9, (2, 3, 4)), rng.integers(1, 9, (3, 2, 3))
    y = conv_transpose(x, w, stride=2, output_padding=1)
    d_out = rng.integers(1, 9, y.shape)
    layer = {"transposed": True, "stride": 2, "output_padding": 1}
    gradients = conv_transpose_backward(d_out, x, w, stride=2, output_padding=1)
    report = diagnose.gradients(
        d_out=d_out, x=x, w=w, y=y, **gradients._asdict(), **layer
    )
    assert report
    assert report.checked[0].startswith("dx, dw, db, y of conv_transpose")


def test_what_was_computed_in_float32_is_compared_so():
    rng = np.random.default_rng(0)
    arrays = {n: rng.standard_normal(a.shape) for n, a in given().items()}
    single = {n: a.astype("f") for n, a in arrays.items()}
    found = conv_backward(**single, stride=2).dw.astype(float)
    assert diagnose.gradients(**arrays, dw=found, stride=2)
    near = conv_backward(**arrays, stride=2).dw * (1 + 1e-6)
    assert not diagnose.gradients(**arrays, dw=near, stride=2)
    assert diagnose.gradients(**arrays, dw=near, stride=2, rtol=1e-5)


def test_whole_numbers_are_exact_in_any_dtype():
    """One that is off by one in a hundred thousand is wrong."""
    right, wrong = np.array([100_000.0, 3.0]), np.array([100_000.0, 4.0])
    assert not is_same(wrong, right)
    assert not is_same(wrong.astype("f").astype(float), right)
    assert is_same(right.astype("f"), right)


def test_an_empty_batch_has_gradients_too():
    x, d_out = np.zeros((0, 3, 7, 7)), np.zeros((0, 4, 3, 3))
    w = given()["w"]
    gradients = conv_backward(d_out, x, w, stride=2)
    report = diagnose.gradients(d_out=d_out, x=x, w=w, **gradients._asdict(), stride=2)
    assert report
    (finding,) = diagnose.gradients(
        d_out=d_out, x=x, w=w, dw=gradients.dw + 1, stride=2
    ).findings
    assert finding.mistakes == ()


def test_complex_gradients_warn_of_nothing():
    arrays = given(complex)
    arrays["x"] = arrays["x"] * 1j + 1
    gradients = conv_backward(**arrays, stride=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert diagnose.gradients(**arrays, **gradients._asdict(), stride=2)
        conjugates = {n: a.conj() for n, a in gradients._asdict().items()}
        report = diagnose.gradients(**arrays, **conjugates, stride=2)
        assert "complex conjugate" in str(report)
        half = diagnose.gradients(**arrays, dw=gradients.dw.real, stride=2)
        assert not half


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"transposed": None}, TypeError, "transposed needs True or False, got None"),
        ({"transposed": 1}, TypeError, r"transposed needs .*, got 1 \(an int\)"),
        (
            {"dw": None},
            ValueError,
            "needs something to check: dx, dw, db or y, got none",
        ),
        ({"dw": ["a"]}, TypeError, "dw needs numbers: it is a list"),
        ({"dw": object()}, TypeError, "dw needs numbers: it is a object"),
        ({"b": [1.0]}, ValueError, r"b needs .* got shape \(1,\)"),
        ({"stride": 0}, ValueError, "stride needs"),
    ],
)
def test_what_cannot_be_checked_is_refused(change, error, message):
    with pytest.raises(error, match=message):
        diagnose.gradients(
            **{**given(), "dw": np.ones((4, 3, 3, 3)), "stride": 2, **change}
        )


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_wrong_places_of_any_rank_are_told(rank):
    """Also where one channel, one sample or one element is wrong."""
    rng = np.random.default_rng(rank)
    x = rng.integers(1, 9, (2, 3, *range(5, 5 + rank)))
    w = rng.integers(1, 9, (4, 3, *[2] * rank))
    y = conv(x, w)
    d_out = rng.integers(1, 9, y.shape)
    gradients = conv_backward(d_out, x, w)._asdict()
    for name, array in gradients.items():
        for place in [0, (-1,), (..., -1), (slice(None), 1)][: 2 * array.ndim]:
            wrong = array.copy()
            wrong[place if array.ndim > 1 else 1] += 1
            (finding,) = diagnose.gradients(
                d_out=d_out, x=x, w=w, **{name: wrong}
            ).findings
            assert "differ" in finding.where[0]
        if name == "db":
            assert finding.where[1:] == ("only in its channels, at 1, one of 4",)
