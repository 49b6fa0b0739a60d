"""What may come in, what comes out, and what is said when it may not."""

import warnings
from collections import deque
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
import sympy
from hypothesis import given

import deconv_tutorial as dt
from deconv_tutorial import dtypes
from deconv_tutorial.call import LayerSettings, checked_call
from tests.strategies import cases

FUNCTIONS = {
    "conv": (dt.conv, ("x", "w", "b")),
    "conv_backward": (dt.conv_backward, ("d_out", "x", "w")),
    "conv_transpose": (dt.conv_transpose, ("x", "w", "b")),
    "conv_transpose_backward": (dt.conv_transpose_backward, ("d_out", "x", "w")),
}
each_function = pytest.mark.parametrize("name", FUNCTIONS)
each_engine = pytest.mark.parametrize("engine", dt.ENGINES.values(), ids=dt.ENGINES)


def a_call(name, dtype=float):
    """Return a good call of a function: small, with a different number everywhere."""
    function, names = FUNCTIONS[name]
    rng = np.random.default_rng(3)
    transposed = "transpose" in name
    shapes = {
        "x": (2, 3, 4, 5),
        "w": (3, 1, 3, 2) if transposed else (1, 3, 3, 2),
        "b": (1,),
        "d_out": (2, 1, 6, 6) if transposed else (2, 1, 2, 4),
    }
    values = {key: rng.integers(-9, 10, shapes[key]).astype(dtype) for key in names}
    return function, values


def flat(result):
    return list(result) if isinstance(result, tuple) else [result]


@each_function
@each_engine
@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("f4", "f4"),
        ("f8", "f8"),
        ("f2", "f2"),
        ("g", "g"),
        (">f4", "f4"),
        ("c8", "c8"),
        ("c16", "c16"),
        ("i1", "i8"),
        ("i8", "i8"),
        ("u2", "i8"),
        ("u8", "i8"),
        ("?", "i8"),
        ("O", "O"),
    ],
)
def test_the_result_has_the_dtype_of_the_arguments(name, engine, dtype, expected):
    function, values = a_call(name, "f8")
    values = {key: np.abs(value).astype(dtype) for key, value in values.items()}
    for result in flat(function(**values, engine=engine)):
        assert result.dtype == np.dtype(expected)
        assert result.dtype.isnative


@each_function
@each_engine
def test_every_dtype_gives_the_numbers_of_float64(name, engine):
    function, values = a_call(name)
    expected = flat(function(**values, engine=engine))
    for dtype in ("i1", "i8", "f4", "c8", "g", "O", ">i4"):
        cast = {key: value.astype(int).astype(dtype) for key, value in values.items()}
        found = flat(function(**cast, engine=engine))
        for one, other in zip(found, expected, strict=True):
            assert np.array_equal(one, other)


@each_function
def test_mixed_dtypes_meet_in_numpys_common_one(name):
    function, values = a_call(name)
    names = list(values)
    values[names[0]] = values[names[0]].astype(np.float32)
    values[names[1]] = values[names[1]].astype(np.int64)
    assert {r.dtype for r in flat(function(**values))} == {np.dtype("f8")}


def test_complex_numbers_are_not_conjugated():
    x, w = np.array([[[1 + 2j, 3j]]]), np.array([[[2 - 1j]]])
    assert np.array_equal(dt.conv(x, w), x * w)
    dx, dw, db = dt.conv_backward([[[1j, 1]]], x, w)
    assert np.array_equal(dx, np.array([[[1j, 1]]]) * w)
    assert dw.item() == 1j * (1 + 2j) + 3j
    assert db.item() == 1 + 1j


@each_engine
def test_half_precision_is_added_up_in_single(engine):
    # Added up in half precision, the sum would stop growing at 256.
    x = np.full((1, 1, 4096), 0.1, np.float16)
    w = np.ones((1, 1, 4096), np.float16)
    exact = 4096 * float(x[0, 0, 0])
    assert dt.conv(x, w, engine=engine).item() == np.float16(exact)


@each_engine
def test_symbols_fractions_and_decimals_go_through(engine):
    a, b = sympy.symbols("a b")
    assert dt.conv([[[a, b]]], [[[2, b]]], engine=engine).item() == 2 * a + b**2
    for kind in (Fraction, Decimal):
        grads = dt.conv_backward([[[kind(3)]]], [[[kind(5), kind(7)]]], [[[1, 2]]])
        assert grads.dw.tolist() == [[[15, 21]]]
        assert isinstance(grads.dw.flat[0], kind)


def test_integers_are_exact_beyond_the_range_of_their_products():
    big = 2**40
    x, w = [[[big, -big, 1]]], [[[big, big, 3]]]
    assert dt.conv(x, w).tolist() == [[[3]]]
    with pytest.raises(ValueError, match=r"results that int64 can hold, got .* 2\d+"):
        dt.conv([[[big, big]]], [[[big, big]]])
    assert dt.conv(np.array([[[big, big]]], object), [[[big, big]]]).item() == 2**81


def test_integers_that_would_lose_digits_are_refused():
    w = np.ones((1, 1, 1))
    odd = 2**53 + 1
    for value in (odd, -odd):
        with pytest.raises(
            ValueError, match=f"x needs integers .* float64, .* {value}"
        ):
            dt.conv([[[value, 1]]], w)
    assert dt.conv([[[2**60, -(2**53)]]], w).tolist() == [[[2.0**60, -(2.0**53)]]]
    with pytest.raises(ValueError, match=r"w needs integers .* int64"):
        dt.conv([[[1]]], np.array([[[2**63]]], np.uint64))
    lowest = np.iinfo(np.int64).min
    assert dt.conv([[[lowest]]], [[[1]]]).item() == lowest


@each_function
def test_array_likes_are_taken(name):
    function, values = a_call(name, int)
    lists = {key: value.tolist() for key, value in values.items()}
    for one, other in zip(
        flat(function(**lists)), flat(function(**values)), strict=True
    ):
        assert np.array_equal(one, other)


@each_function
@each_engine
def test_any_strides_and_flags_work(name, engine):
    function, values = a_call(name)
    expected = flat(function(**values, engine=engine))

    def forms(value):
        yield np.asfortranarray(value)
        yield np.flip(np.flip(value).copy())
        spread = np.zeros((*value.shape[:-1], 2 * value.shape[-1]))
        spread[..., ::2] = value
        yield spread[..., ::2]
        yield value.astype(">f8")
        locked = value.copy()
        locked.flags.writeable = False
        yield locked
        yield np.ma.masked_array(value)

    names = list(values)
    for columns in zip(*(forms(values[key]) for key in names), strict=True):
        found = flat(function(**dict(zip(names, columns, strict=True)), engine=engine))
        assert all(map(np.array_equal, found, expected))


@each_engine
@given(case=cases())
def test_arguments_are_neither_changed_nor_shared(engine, case):
    x, w, y = case.arrays()
    b, kept = np.ones(len(w)), [v.copy() for v in (x, w, y)]
    results = [
        dt.conv(x, w, b, **case.settings, engine=engine),
        *dt.conv_backward(y, x, w, **case.settings, engine=engine),
        dt.conv_transpose(y, w, **case.transposed_settings, engine=engine),
        *dt.conv_transpose_backward(x, y, w, **case.transposed_settings, engine=engine),
    ]
    assert all(map(np.array_equal, kept, (x, w, y)))
    for result in results:
        assert result.flags.writeable
        assert not any(np.shares_memory(result, v) for v in (x, w, b, y))


@each_function
@each_engine
def test_an_empty_batch_works(name, engine):
    function, values = a_call(name)
    for key in ("x", "d_out"):
        if key in values:
            values[key] = values[key][:0]
    results = flat(function(**values, engine=engine))
    assert results[0].shape[0] == 0
    if len(results) == 3:
        assert not results[1].any()
        assert results[1].shape == values["w"].shape
        assert results[2].tolist() == [0.0]


def test_no_warning_on_good_calls():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in FUNCTIONS:
            function, values = a_call(name, np.float16)
            function(**values)


@each_function
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (None, TypeError, "numbers, got None$"),
        ("text", TypeError, r"numbers, got 'text' \(a str\)$"),
        (b"text", TypeError, r"numbers, got b'text' \(a bytes\)$"),
        ({1, 2}, TypeError, r"numbers, got \{1, 2\} \(a set\)$"),
        (
            np.datetime64(1, "D"),
            TypeError,
            r"got np\.datetime64\('1970-01-02'\) \(a da",
        ),
        ([["a", 1]], TypeError, r"numbers, got a list with an element 'a' \(a str\)$"),
        ([[1, None]], TypeError, "numbers, got a list with an element None$"),
        (np.array([["a"]]), TypeError, "numbers, got an array of dtype <U1$"),
        (
            np.array([[[None]]]),
            TypeError,
            "numbers, got an object array with an element ",
        ),
        (np.array([[["a"]]], object), TypeError, r"object array .* 'a' \(a str\)$"),
        (np.array([[[int]]]), TypeError, r"object array .* <class 'int'> \(a type\)$"),
        (
            np.array([[[np.datetime64(1, "D")]]], object),
            TypeError,
            r"an object array with an element np\.datetime64.*\(a datetime64\)$",
        ),
        (
            np.array([[[np.timedelta64(1, "ns")]]], object),
            TypeError,
            r"an object array with an element np\.timedelta64.*\(a timedelta64\)$",
        ),
        (
            np.zeros(3, "M8[D]"),
            TypeError,
            r"numbers, got an array of dtype datetime64\[",
        ),
        (np.zeros(3, "V8"), TypeError, r"numbers, got an array of dtype \|V8$"),
        (np.ma.zeros((1, 1, 1), "i4,f4"), TypeError, "numbers, got an array of dtype "),
        (
            [[1, 2], [3]],
            ValueError,
            "an array .*, got a list with rows of different len",
        ),
        (
            [[1, 2], 3],
            ValueError,
            "an array .*, got a list with rows of different length",
        ),
        (
            ([1], []),
            ValueError,
            "an array .*, got a tuple with rows of different lengths",
        ),
        (
            np.ma.masked_equal([1, 2], 2),
            ValueError,
            r"numbers everywhere, got a MaskedArray with masked .*: fill them first",
        ),
        (
            [[[np.ma.masked, 1]]],
            ValueError,
            "numbers everywhere, got a list with masked",
        ),
        (
            deque([[np.ma.masked_equal([1, 2], 2)]]),
            ValueError,
            "numbers everywhere, got a deque with masked",
        ),
    ],
)
def test_what_is_not_an_array_of_numbers_is_refused(name, value, error, message):
    function, values = a_call(name)
    for key in values:
        if value is None and key == "b":
            continue
        with pytest.raises(error, match=f"^{key} needs .*{message}"):
            function(**{**values, key: value})


@each_function
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x": np.ones((3, 4))}, ValueError, r"x needs 3 to 5 axes .* \(3, 4\)"),
        ({"x": np.ones((1,) * 6)}, ValueError, r"x needs 3 to 5 axes .* \(1, 1, 1"),
        ({"x": 5}, ValueError, r"x needs 3 to 5 axes .* shape \(\)"),
        (
            {"w": np.ones((1, 3, 2))},
            ValueError,
            r"w needs as many axes as x .* 2\) and",
        ),
        ({"x": np.ones((2, 3, 0, 5))}, ValueError, r"x needs at least 1 .* \(2, 3, 0"),
        ({"x": np.ones((2, 0, 4, 5))}, ValueError, r"x needs at least 1 .* \(2, 0, 4"),
        ({"w": np.ones((1, 3, 0, 2))}, ValueError, r"w needs at least 1 .* 3, 0, 2"),
        ({"w": np.ones((0, 3, 3, 2))}, ValueError, r"w needs at least 1 .* \(0, 3"),
        (
            {"x": np.ones((2, 7, 4, 5))},
            ValueError,
            r"w of shape .* groups=1 needs x with 3 channels, got x of shape \(2, 7, 4",
        ),
        ({"groups": 0}, ValueError, r"groups needs a whole number .* 1, got 0"),
        (
            {"groups": True},
            TypeError,
            r"groups needs a whole number .* got True \(a bool\)",
        ),
        (
            {"groups": 1.0},
            TypeError,
            r"groups needs a whole number .* got 1\.0 \(a float\)",
        ),
        (
            {"groups": (1,)},
            TypeError,
            r"groups needs a whole .* got \(1,\) \(a tuple\)",
        ),
        ({"groups": 2}, ValueError, r"groups .* divide .* groups=2 and w of shape"),
        ({"stride": 0}, ValueError, r"stride needs a whole number .* 1, got 0"),
        (
            {"dilation": True},
            TypeError,
            r"dilation needs a whole number .* got True \(a ",
        ),
        ({"padding": -1}, ValueError, r"padding needs a whole number .* 0, got -1"),
        ({"stride": np.ma.array(2, mask=True)}, TypeError, r"stride needs .* got mask"),
        ({"stride": bytearray(b"\2\2")}, TypeError, r"stride needs .* got bytearray"),
        ({"padding": memoryview(b"\1\1")}, TypeError, r"padding needs .* got <memory"),
        (
            {"stride": -(10**5000)},
            ValueError,
            r"stride .* got a negative integer of abo",
        ),
        (
            {"padding": 10**400},
            ValueError,
            r"^padding .* below 2\*\*63, got an integer",
        ),
        (
            {"stride": 2**63},
            ValueError,
            r"^stride .* below 2\*\*63, got 92233720368547",
        ),
        ({"dilation": 2**63}, ValueError, r"^dilation .* below 2\*\*63, got 922337203"),
        (
            {"dilation": 2**62},
            ValueError,
            r"^kernel_size and dilation need a span below",
        ),
        (
            {"groups": 2**64},
            ValueError,
            r"^groups .* below 2\*\*63, got 1844674407370955",
        ),
        (
            {"groups": 10**5000},
            ValueError,
            r"^groups .* got an integer of about 5001 d",
        ),
        ({"engine": dt.Engine}, TypeError, r"=deconv_tutorial\.im2col, got <class"),
        ({"engine": "im2col"}, TypeError, r"=deconv_tutorial\.im2col, got 'im2col'"),
        ({"engine": None}, TypeError, r"=deconv_tutorial\.im2col, got None"),
        ({"engine": np}, TypeError, r"engine needs a module or an object .*numpy"),
        (
            {"engine": SimpleNamespace(forward=max, input_grad=max)},
            TypeError,
            r"engine needs a module or an object with the maps .* got namespace",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_refused(name, change, error, message):
    function, values = a_call(name)
    with pytest.raises(error, match=message):
        function(**{**values, **change})


@pytest.mark.parametrize("padding", [1, (1, 0), ((0, 1), (1, 0)), "same"])
def test_a_geometry_is_made_once(padding):
    x, w = np.ones((1, 1, 5, 4)), np.ones((1, 1, 3, 2))
    settings = LayerSettings((1, 1), padding, 1, 1)
    one, two = (checked_call(x, w, settings, dt.fast) for _ in range(2))
    assert one.geometry is two.geometry


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ({"stride": (2, 1)}, {"stride": (2, True)}),
        ({"stride": (1, 2)}, {"stride": (1.0, 2)}),
        ({"padding": ((0, 1), (1, 0))}, {"padding": ((0, 1), (True, 0))}),
    ],
)
def test_what_equals_good_settings_is_refused_after_them_too(good, bad):
    x, w = np.ones((1, 1, 5, 4)), np.ones((1, 1, 3, 2))
    dt.conv(x, w, **good)
    with pytest.raises(TypeError, match=r"whole number"):
        dt.conv(x, w, **bad)


def test_groups_that_do_not_divide_are_refused():
    x = np.ones((1, 4, 5))
    with pytest.raises(ValueError, match=r"divide the 5 channels .* groups=2 and w"):
        dt.conv(x, np.ones((5, 2, 3)), groups=2)
    with pytest.raises(ValueError, match=r"needs x with 6 channels, got x of shape"):
        dt.conv(x, np.ones((6, 2, 3)), groups=3)


@each_function
def test_a_wrong_third_array_is_refused(name):
    function, values = a_call(name)
    if "b" in values:
        with pytest.raises(
            ValueError, match=r"b needs shape \(1,\), .* got shape \(2,"
        ):
            function(**{**values, "b": np.ones(2)})
        with pytest.raises(ValueError, match=r"b needs shape \(1,\), .* shape \(\)"):
            function(**{**values, "b": 1.0})
    else:
        good = values["d_out"].shape
        with pytest.raises(ValueError, match=r"d_out needs shape \(2, 1, .* got shape"):
            function(**{**values, "d_out": np.ones((*good[:-1], good[-1] + 1))})


@each_function
def test_a_kernel_or_crop_that_is_too_large_is_refused(name):
    function, values = a_call(name)
    if "transpose" in name:
        with pytest.raises(
            ValueError, match=r"padding .* leave at least 1 .* got padd"
        ):
            function(**values, padding=9)
        with pytest.raises(
            ValueError, match=r"output_padding needs to be smaller .* 2"
        ):
            function(**values, stride=2, output_padding=2)
    else:
        with pytest.raises(ValueError, match=r"kernel_size \(3, 2\) with dilation \(9"):
            function(**values, dilation=9)


def test_lists_keep_the_digits_of_their_integers():
    # NumPy makes floats of each of these lists before anybody can look.
    w = [[[1]]]
    for row in ([2**64 - 1, -1], [2**63 + 1, -1], [2**53 + 1, 0.5], [2**53 + 1, 1j]):
        with pytest.raises(ValueError, match=f"x needs integers .* got {row[0]}"):
            dt.conv([[row]], w)
    assert dt.conv([[[2.0**60, 2**60]]], w).tolist() == [[[2.0**60, 2.0**60]]]
    assert dt.conv([[[float("inf"), 2**60]]], w)[0, 0, 0] == np.inf


def test_object_integers_meet_floats_only_where_nothing_is_lost():
    half = np.array([[[0.5]]])
    with pytest.raises(ValueError, match=f"x needs integers .* got {2**53 + 1}"):
        dt.conv(np.array([[[2**53 + 1]]], object), half)
    assert dt.conv(np.array([[[2**53]]], object), half).item() == 2.0**52


def test_numpy_integers_in_object_arrays_do_not_overflow():
    x = np.empty((1, 1, 2), object)
    x[...] = np.int64(2**62)
    w = np.array([[[4, 4]]], object)
    assert dt.conv(x, w).item() == 2**65


def test_lists_that_are_no_arrays_are_refused():
    endless = []
    endless.append(endless)
    deep = 1
    for _ in range(2000):
        deep = [deep]
    for value in (endless, deep):
        with pytest.raises(
            ValueError, match=r"^x needs an array .* list that NumPy can"
        ):
            dt.conv(value, [[[1]]])


@pytest.mark.parametrize(
    ("error", "refusal"),
    [(RuntimeError, TypeError), (TypeError, TypeError), (ValueError, ValueError)],
)
def test_what_numpy_cannot_read_is_refused_by_name(error, refusal):
    class Tensor:
        def __array__(self, dtype=None, copy=None):
            raise error("detach me first")

    with pytest.raises(
        refusal, match=r"^x .* got a Tensor that NumPy .* read: detach m"
    ):
        dt.conv(Tensor(), [[[1]]])


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (None, ValueError, r"map to return shape \(1, 1, 1, 2\), got \(\)"),
        (np.ones((1, 1, 2)), ValueError, r"map to return shape .* got \(1, 1, 2\)"),
    ],
)
def test_engines_that_return_something_else_are_refused(answer, error, message):
    class Strange:
        forward = staticmethod(lambda *_: answer)
        input_grad = weight_grad = forward

    with pytest.raises(error, match=message):
        dt.conv([[[1, 2]]], [[[1]]], engine=Strange())


@pytest.mark.parametrize("form", [np.ndarray.tolist, np.float32, np.asfortranarray])
def test_engines_may_return_other_arrays_of_these_numbers(form):
    class Loose:
        forward = staticmethod(lambda *a: form(dt.naive.forward(*a)))
        input_grad = staticmethod(lambda *a: form(dt.naive.input_grad(*a)))
        weight_grad = staticmethod(lambda *a: form(dt.naive.weight_grad(*a)))

    x, w = np.array([[[1.0, 2, 3]]]), np.array([[[10.0, 100]]])
    y = dt.conv(x, w, [5], engine=Loose())
    assert y.tolist() == [[[215, 325]]]
    for result in (y, *dt.conv_backward(y, x, w, engine=Loose())):
        assert result.dtype == np.float64


def test_the_array_that_an_engine_made_is_not_copied():
    made = []

    class Keeping:
        forward = staticmethod(lambda *a: made.append(dt.naive.forward(*a)) or made[0])
        input_grad = weight_grad = forward

    y = dt.conv([[[1.0, 2, 3]]], [[[10.0, 100]]], engine=Keeping())
    assert np.shares_memory(y, made[0])


def test_results_are_fresh_even_if_an_engine_returns_its_arguments():
    class Identity:
        forward = staticmethod(lambda x, _w, _g: x)
        input_grad = staticmethod(lambda y, _w, _g: y)
        weight_grad = staticmethod(lambda *_: np.broadcast_to(1.0, (1, 1, 1, 1)))

    x, w = np.ones((1, 1, 2)), np.ones((1, 1, 1))
    y = dt.conv(x, w, [5.0], engine=Identity())
    assert y.tolist() == [[[6, 6]]]
    assert x.tolist() == [[[1, 1]]]
    for result in (y, *dt.conv_backward(x, x, w, engine=Identity())):
        assert result.flags.writeable
        assert not np.shares_memory(result, x)


@pytest.mark.parametrize(
    ("function", "settings"),
    [
        (dt.conv, {"padding": 10**7}),
        (dt.conv_transpose, {"stride": 10**7}),
        (dt.conv_transpose, {"dilation": 2**62}),
        (dt.conv_transpose, {"stride": 2**61}),
        (dt.conv, {"padding": 2**61}),
    ],
)
def test_what_cannot_fit_in_memory_is_refused_at_once(function, settings):
    x, w = np.ones((2, 1, 3, 3)), np.ones((1, 1, 2, 2))
    with pytest.raises(MemoryError, match=r"of shape .* needs [\d.e+]+ .iB, more than"):
        function(x, w, **settings)


def test_an_empty_batch_of_results_that_cannot_fit_is_refused_too():
    with pytest.raises(MemoryError, match=r"result of shape \(0, 1, .* needs 14.2 PiB"):
        dt.conv(np.zeros((0, 1, 4)), [[[1.0]]], padding=10**15)


def test_arguments_that_cannot_be_written_out_are_refused_at_once():
    x = np.broadcast_to(np.array(1, object), (1, 1, 10**10))
    with pytest.raises(MemoryError, match=r"x of shape .* needs 74.5 GiB"):
        dt.conv(x, [[[1]]])
    w = np.broadcast_to(1.0, (10**7, 10**7, 1))
    d_out = np.broadcast_to(1.0, (1, 10**7, 1))
    for function in (dt.conv_backward, dt.conv_transpose_backward):
        with pytest.raises(MemoryError, match=r"w of shape .* needs 727.6 TiB"):
            function(d_out, d_out, w)


def test_a_gradient_as_large_as_a_broadcast_input_is_refused_at_once():
    x = np.broadcast_to(1.0, (1, 1, 10**6, 10**7))
    w = np.broadcast_to(1.0, (1, 1, 10**6, 10**7))
    with pytest.raises(MemoryError, match=r"^x of shape .* needs 72.8 TiB"):
        dt.conv_backward(np.ones((1, 1, 1, 1)), x, w)


def test_a_machine_that_does_not_tell_its_memory_is_trusted(monkeypatch):
    def unknown(_name):
        raise ValueError

    monkeypatch.setattr(dtypes.os, "sysconf", unknown)
    dtypes.require_memory("y", (2**50,), np.dtype("f8"))


def test_huge_steps_cost_nothing():
    x, far = [[[1, 2, 3, 4, 5, 6]]], 10**9
    y = dt.conv(x, [[[1, 10]]], stride=far, padding=far, dilation=far)
    assert y.tolist() == [[[10, 1]]]


@each_engine
def test_steps_that_are_never_taken_may_be_as_large_as_a_size(engine):
    x, w = [[[1, 2, 3, 4, 5]]], [[[7]]]
    for far in (2**60, 2**63 - 1):
        y = dt.conv(x, w, stride=far, dilation=far, engine=engine)
        assert y.tolist() == [[[7]]]
        grads = dt.conv_backward([[[2]]], x, w, stride=far, engine=engine)
        assert grads.dx.tolist() == [[[14, 0, 0, 0, 0]]]
        assert grads.dw.tolist() == [[[2]]]
        y = dt.conv_transpose([[[3]]], w, stride=far, dilation=far, engine=engine)
        assert y.tolist() == [[[21]]]


def test_sizes_that_numpy_cannot_count_are_refused_by_name():
    x, w = np.ones((1, 1, 3)), np.ones((1, 1, 1))
    with pytest.raises(ValueError, match=r"^input_size and padding need .* 2\*\*63"):
        dt.conv(x, w, padding=2**62)
    with pytest.raises(
        ValueError, match=r"^output_size, .* stride, .* need .* 2\*\*63"
    ):
        dt.conv_transpose(x, w, stride=2**62, padding=2**61)
