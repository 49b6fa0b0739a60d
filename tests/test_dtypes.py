"""What an array may hold, how kinds meet, and in how much memory: branch by branch."""

import itertools
import tracemalloc
from collections import deque
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import sympy

import deconv_tutorial as dt
from deconv_tutorial import dtypes
from deconv_tutorial.dtypes import (
    as_numbers,
    as_result,
    as_working,
    require_memory,
    result_dtype,
)

INTEGERS = ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
FLOATS = ("f2", "f4", "f8", "g", "F", "D", "G")
LAST = np.iinfo(np.int64).max
each_engine = pytest.mark.parametrize("engine", dt.ENGINES.values(), ids=dt.ENGINES)


def of(*elements):
    """Return an object array with these elements, in one row of one channel."""
    array = np.empty((1, 1, len(elements)), object)
    array[0, 0] = elements
    return array


def named(*arrays):
    return dict(zip(("x", "w", "b"), arrays, strict=False))


# How kinds meet.


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_dtype_of_a_result_is_numpys_common_one_and_int64_for_integers(count):
    for kinds in itertools.product((*INTEGERS, *FLOATS, "O"), repeat=count):
        arrays = named(*(np.ones(2, kind) for kind in kinds))
        integers = set(kinds) <= set(INTEGERS)
        expected = np.dtype("i8") if integers else np.result_type(*kinds)
        assert result_dtype(arrays) == expected
        working = np.dtype("f4") if expected == np.float16 else expected
        assert {a.dtype for a in as_working(arrays).values()} == {working}


def test_the_result_is_in_the_byte_order_of_the_machine():
    for kinds in ((">f4",), (">f8", "f8"), (">i4",), (">c8", ">f8")):
        arrays = named(*(np.ones(2, kind) for kind in kinds))
        assert result_dtype(arrays).isnative
        assert all(a.dtype.isnative for a in as_working(arrays).values())


@each_engine
def test_kinds_meet_alike_in_each_argument_and_engine(engine):
    settings = {"stride": 2, "padding": 1, "engine": engine}
    values = {"x": [1, 0, 1, 1], "w": [1, 2], "b": [3], "d_out": [1, 1, 2]}
    shapes = {"x": (1, 1, 4), "w": (1, 1, 2), "b": (1,), "d_out": (1, 1, 3)}
    exact = {k: np.array(v).reshape(shapes[k]) for k, v in values.items()}
    y = dt.conv(exact["x"], exact["w"], exact["b"], **settings)
    grads = dt.conv_backward(exact["d_out"], exact["x"], exact["w"], **settings)
    for kinds in itertools.product(("u8", "i8", "f2", "f4", "c8", "O"), repeat=3):
        dtype = result_dtype(named(*(np.ones(1, kind) for kind in kinds)))
        x, w, b = (exact[k].astype(t) for k, t in zip("xwb", kinds, strict=True))
        found = dt.conv(x, w, b, **settings)
        assert found.dtype == dtype
        assert np.array_equal(found, y)
        d_out = exact["d_out"].astype(kinds[2])
        pairs = zip(dt.conv_backward(d_out, x, w, **settings), grads, strict=True)
        for one, other in pairs:
            assert one.dtype == dtype
            assert np.array_equal(one, other)


def test_a_bias_of_another_kind_is_not_cut():
    x, w = np.array([[[2, 3]]]), np.array([[[5]]])
    assert dt.conv(x, w, [0.5]).tolist() == [[[10.5, 15.5]]]
    assert dt.conv(x, w, [1j]).tolist() == [[[10 + 1j, 15 + 1j]]]
    assert dt.conv(x / 2, w, [1]).tolist() == [[[6.0, 8.5]]]
    assert dt.conv(x, w, [Fraction(1, 3)]).tolist() == [
        [[Fraction(31, 3), Fraction(46, 3)]]
    ]
    assert dt.conv(x.astype("f4"), w.astype("f4"), [1]).dtype == np.float64


def test_arrays_in_the_dtype_to_compute_in_are_taken_as_they_are():
    for kind in ("f4", "f8", "c8", "c16", "i8", "O", "g"):
        arrays = named(np.ones(2, kind), np.ones(3, kind))
        working = as_working(arrays)
        assert all(working[name] is arrays[name] for name in arrays)
        assert as_working(arrays, np.dtype(kind)).keys() == arrays.keys()
        assert working is not arrays


def test_the_dtype_of_a_result_that_is_known_is_taken():
    assert as_working(named(np.ones(2, "f4")), np.dtype("f8"))["x"].dtype == np.float64


# Integers keep their digits.


@pytest.mark.parametrize(
    ("kind", "digits"), [("f8", 53), ("D", 53), ("g", np.finfo("g").nmant + 1)]
)
def test_integers_beside_floats_keep_their_digits_or_are_refused(kind, digits):
    beside = np.ones(1, kind)
    common = np.dtype(kind)
    for sign in (1, -1):
        for number in (sign * 2**digits, sign * (2**digits + 2)):
            working = as_working(named(of(number), of(0.5 * beside[0])))
            assert working["x"].item() == number
            if abs(number) < 2**63:
                (x, _) = as_working(named(np.array([number]), beside)).values()
                assert x.dtype == common
                assert int(x.real[0]) == number
        odd = sign * (2**digits + 1)
        message = (
            rf"^x needs integers that keep their digits in {common}, where the arrays "
            rf'meet, got {odd}: numpy\.asarray\(x, "{common}"\) rounds them$'
        )
        with pytest.raises(ValueError, match=message):
            as_working(named(of(odd), beside))
        if abs(odd) < 2**63:
            with pytest.raises(ValueError, match=message):
                as_working(named(np.array([1, odd]), beside))


@pytest.mark.parametrize("name", ["x", "w", "b", "d_out"])
def test_the_array_whose_integers_would_lose_digits_is_named(name):
    arrays = {"x": [[[0.5]]], "w": [[[0.5]]], "b": [0.5], "d_out": [[[0.5]]]}
    arrays[name] = np.full(np.shape(arrays[name]), 2**53 + 1)
    other = arrays.pop("b" if name == "d_out" else "d_out")
    del other
    function = dt.conv_backward if name == "d_out" else dt.conv
    with pytest.raises(
        ValueError, match=rf"^{name} needs integers that keep .* float64"
    ):
        function(**arrays)


def test_integers_in_lists_keep_their_digits_too():
    odd = 2**53 + 1
    for row in ([odd, 0.5], [np.int64(odd), 0.5], (odd, 1j), deque([-odd, 0.5])):
        with pytest.raises(ValueError, match=rf"^x needs integers .* got -?{odd}: num"):
            as_numbers("x", row)
    for row in ([2**64 + 1, 0.5], [10**400, 0.5], [Fraction(odd), 1j]):
        with pytest.raises(ValueError, match=r"^x needs integers .*, got (an int|\d+)"):
            as_working({"x": as_numbers("x", row)})
    assert as_numbers("x", [2**54, 2.0**60, float("inf")]).dtype == np.float64
    assert as_numbers("x", [True, 0.5]).tolist() == [1, 0.5]


def test_integers_that_are_objects_keep_their_digits_beside_any_float():
    odd = 2**53 + 1
    for integer in (odd, sympy.Integer(odd), Fraction(odd)):
        for beside in (of(0.5), np.ones(1), np.ones(1, "f2"), np.ones(1, "c8"), of(1j)):
            with pytest.raises(ValueError, match=rf"^x needs integers .* got {odd}: "):
                as_working(named(of(integer), beside))
            with pytest.raises(ValueError, match=rf"^w needs integers .* got {odd}: "):
                as_working(named(beside, of(integer)))
    assert as_working(named(of(2**24 + 1), np.ones(1, "f4")))["x"].item() == 2**24 + 1
    assert as_working(named(of(Fraction(odd, 2)), of(0.5))).keys() == {"x", "w"}
    assert as_working(named(of(odd), of(3))).keys() == {"x", "w"}


def test_integers_beyond_the_floats_are_refused_without_a_way_to_round_them():
    for number, text in ((10**400, "401"), (-(10**5000), "5001")):
        with pytest.raises(ValueError, match=rf"^x needs .* of about {text} digits$"):
            as_working(named(of(number), of(0.5)))
    with pytest.raises(ValueError, match=r"^x needs .* of about 309 digits$"):
        as_working(named(of(2**1024), of(0.5)))
    with pytest.raises(
        ValueError, match=r"^x needs .* of about 308 digits: numpy.asar"
    ):
        as_working(named(of(2**1023 + 1), of(0.5)))
    assert as_working(named(of(2**1023), of(0.5)))["x"].item() == 2**1023


def test_unsigned_integers_that_int64_does_not_hold_are_refused():
    for beside in (np.ones(1, "i8"), np.ones(1, "u8"), np.ones(1, "?")):
        x = np.array([2**63], "u8")
        with pytest.raises(
            ValueError,
            match=r"^x needs integers that keep their digits in int64, where the "
            r"arrays meet, got 9223372036854775808: arrays of dtype object keep them$",
        ):
            as_working(named(x, beside))
        assert as_working(named(x - 1, beside))["x"].tolist() == [LAST]
    assert as_working(named(x, of(2)))["x"].item() == 2**63


# Sums of products of integers stay in int64, or are Python's.


@pytest.mark.parametrize(
    ("arrays", "kind"),
    [
        # Six terms and a bias: 7 times the product of the largest two is LAST.
        (named([LAST // 7] * 6, [1]), "i8"),
        (named([LAST // 7 + 1] * 6, [1]), "O"),
        (named([-(LAST // 7)] * 6, [1]), "i8"),
        (named([-(LAST // 7) - 1] * 6, [1]), "O"),
        (named([0] * 5 + [-(LAST // 7) - 1], [1]), "O"),
        (named([0] * 5 + [LAST // 7 + 1], [1]), "O"),
        (named([1] * 6, [LAST // 7]), "i8"),
        (named([1] * 6, [LAST // 7 + 1]), "O"),
        (named([1] * 6, [1], [LAST // 7]), "i8"),
        (named([1] * 6, [1], [LAST // 7 + 1]), "O"),
        (named([7] * 6, [-1, LAST // 49], [5]), "i8"),
        (named([7] * 6, [-1, LAST // 49 + 1], [5]), "O"),
        (named([7] * 6, [1], [LAST // 49 + 1]), "O"),
        (named([0] * 6, [0], [LAST // 7 + 1]), "O"),
        (named([0], [0]), "i8"),
        (named([], [LAST // 2]), "i8"),
        (named([], [LAST // 2 + 1]), "O"),
        (named([True], [False]), "i8"),
    ],
)
def test_integers_are_pythons_just_where_int64_might_not_hold_a_sum(arrays, kind):
    assert LAST % 49 == 0
    numbers = {name: np.array(row, "i8") for name, row in arrays.items()}
    assert {a.dtype for a in as_working(numbers).values()} == {np.dtype(kind)}


@each_engine
def test_sums_at_the_end_of_int64_are_exact_or_refused(engine):
    low = -(2**63)
    for number, factor, bias, result in (
        (2**62, -2, 0, low),
        (2**31, 2**32 - 1, 2**31 - 1, LAST),
        (LAST, 1, 0, LAST),
        (LAST, 1, -1, LAST - 1),
        (low, 1, 0, low),
    ):
        y = dt.conv([[[number]]], [[[factor]]], [bias], engine=engine)
        assert y.tolist() == [[[result]]]
        assert y.dtype == np.int64
    for number, factor, bias, result in (
        (2**62, 2, 0, 2**63),
        (2**31, 2**32 - 1, 2**31, 2**63),
        (LAST, 1, 1, 2**63),
        (low, 1, -1, low - 1),
    ):
        message = (
            rf"results that int64 can hold, got integers from {result} to {result}:"
        )
        with pytest.raises(ValueError, match=message):
            dt.conv([[[number]]], [[[factor]]], [bias], engine=engine)
        if not bias:
            with pytest.raises(ValueError, match=message):
                dt.conv([[[number]]], [[[factor]]], engine=engine)


@each_engine
def test_each_gradient_at_the_end_of_int64_is_refused(engine):
    half = 2**62
    for d_out, x, w in (
        ([[[2]]], [[[half]]], [[[0]]]),  # dw
        ([[[2]]], [[[0]]], [[[half]]]),  # dx
        ([[[half]], [[half]]], [[[0]], [[0]]], [[[0]]]),  # db
        ([[[half]], [[half]]], [[[1]], [[1]]], [[[0]]]),  # dw, of two samples
        ([[[1]]], [[[0], [0]]], [[[half], [0]]]),
    ):
        arguments = np.array(d_out), np.array(x).reshape(len(x), -1, 1), np.array(w)
        if np.max(d_out) == 1:
            assert dt.conv_backward(*arguments, engine=engine).dx[0, 0, 0] == half
            continue
        with pytest.raises(ValueError, match=r"results that int64 can hold, got .* 92"):
            dt.conv_backward(*arguments, engine=engine)


def test_results_are_cast_or_refused():
    assert as_result(np.array([2**63 - 1], object), np.dtype("i8")).tolist() == [LAST]
    y = np.array([0.1], "f4")
    assert as_result(y, np.dtype("f4")) is y
    assert as_result(y, np.dtype("f2")) == np.float16(0.1)
    with pytest.raises(
        ValueError, match=r"got integers from -1 to an integer of about 5"
    ):
        as_result(np.array([-1, 10**5000], object), np.dtype("i8"))


# Objects.


def test_objects_are_made_of_pythons_numbers():
    row = (
        np.int64(2**62),
        np.float32(0.5),
        True,
        np.True_,
        np.complex64(2j),
        np.uint8(3),
    )
    x = as_numbers("x", of(*row))
    assert list(map(type, x.flat)) == [int, float, int, int, complex, int]
    assert x.tolist() == [[[2**62, 0.5, 1, 1, 2j, 3]]]
    mixed = as_numbers("x", of(1, np.int64(2), Fraction(1, 2), True))
    assert list(map(type, mixed.flat)) == [int, int, Fraction, int]
    x = of(1, Fraction(1, 2))
    assert as_numbers("x", x) is x
    working = as_working(named(np.array([True]), x, np.array([0.5], "f4")))
    assert [type(a.flat[0]) for a in working.values()] == [int, int, float]


@each_engine
def test_symbols_meet_numbers_of_every_kind(engine):
    a, b = sympy.symbols("a b")
    for kind in ("?", "i1", "u8", "f4", "f8", "c8", "g"):
        one = np.ones((1, 1, 2), kind)
        for x, w in ((of(a, b), one), (one, of(a, b))):
            y = dt.conv(x, w, np.ones(1, kind), engine=engine)
            assert y.dtype == object
            assert sympy.simplify(y.item() - (a + b + 1)) == 0
        dx, dw, db = dt.conv_backward([[[a]]], one, one, engine=engine)
        for found in (*dx.flat, *dw.flat, *db.flat):
            assert sympy.simplify(found - a) == 0
    assert dt.conv(of(True, False), of(a, b), engine=engine).item() == a


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            named(of(Decimal(2)), np.ones(1)),
            r"^x .* with those of w, got Decimal\('2'\) \(a Decimal\) beside 1\.0 \(a ",
        ),
        (
            named(of(3), of(Decimal(2)), of(Fraction(1, 3))),
            r"^w .* with those of b, got Decimal\('2'\) .* beside Fraction\(1, 3\) \(",
        ),
        (
            named(of(3, Decimal(2), 1j), of(5)),
            r"^x needs numbers that multiply and add with each other, got Decimal",
        ),
        (
            named(np.ones(1, "g"), of(Fraction(1, 3))),
            r"^x .* \(a longdouble\) beside Fr",
        ),
        (
            named(np.ones(1, "G"), of(sympy.Symbol("a"))),
            r"\(a clongdouble\) beside a \(",
        ),
    ],
)
def test_objects_that_do_not_meet_are_refused(arrays, message):
    with pytest.raises(TypeError, match=message):
        as_working(arrays)


def test_objects_that_meet_are_not_refused_for_their_size():
    large = Fraction(10**400, 3)
    assert as_working(named(of(large), of(0.5)))["x"].item() == large
    huge = Decimal("1e999999")
    assert as_numbers("x", of(huge)).item() == huge


def test_objects_that_only_add_and_multiply_are_numbers():
    class Least:
        def __add__(self, _):
            return self

        __radd__ = __mul__ = __rmul__ = __add__

    x = as_numbers("x", of(Least(), Least()))
    assert as_working(named(x, of(2)))["x"] is x
    assert type(dt.conv(x, of(3)).flat[0]) is Least


def test_an_empty_batch_of_objects_meets_anything():
    working = as_working(named(of()[:0], of(Decimal(2)), np.ones(0)))
    assert {a.dtype for a in working.values()} == {np.dtype(object)}


# What is an array of numbers.


def test_arrays_of_numbers_are_taken_as_they_are():
    for kind in (*INTEGERS, *FLOATS, ">f4", "O"):
        array = np.ones((2, 3), kind)
        assert as_numbers("x", array) is array


def test_elements_of_an_array_are_not_looked_at_one_by_one():
    array = np.ones(10**5)
    tracemalloc.start()
    assert as_numbers("x", array) is array
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10**5


@pytest.mark.parametrize(
    ("depth", "message"), [(64, "a list with masked"), (65, "that NumPy cannot read")]
)
def test_masked_elements_are_found_as_deep_as_an_array_goes(depth, message):
    nested = np.ma.masked
    for _ in range(depth):
        nested = [nested]
    with pytest.raises(ValueError, match=f"^x needs .*{message}"):
        as_numbers("x", nested)


def test_array_likes_have_the_dtype_that_numpy_gives_them():
    for value, kind in (
        ([1, 2], "i8"),
        ([True], "?"),
        ([1, 2.5], "f8"),
        ([[1j, 2]], "D"),
        ([np.float32(1)], "f4"),
        ([2**63], "u8"),
        ([2**64], "O"),
        (3, "i8"),
        (range(3), "i8"),
        (memoryview(b"12"), "u1"),
        ([sympy.Symbol("a"), 1], "O"),
    ):
        array = as_numbers("x", value)
        assert type(array) is np.ndarray
        assert array.dtype == np.dtype(kind)


def test_masks_without_a_masked_element_and_other_subclasses_are_taken():
    class Ours(np.ndarray):
        pass

    mine = np.array([1, 2]).view(Ours)
    for value in (np.ma.array([1, 2]), [np.ma.array([1, 2])], mine, [mine]):
        array = as_numbers("x", value)
        assert type(array) is np.ndarray
        assert array.ravel().tolist() == [1, 2]


def test_what_only_looks_like_text_or_time_is_named_by_its_dtype():
    class Words:
        def __array__(self, dtype=None, copy=None):
            return np.array([1, 2], "U1" if dtype is None else int)

    with pytest.raises(
        TypeError, match=r"^x needs numbers, got an array of dtype <U1$"
    ):
        as_numbers("x", Words())


def test_the_first_element_that_is_no_number_is_shown():
    with pytest.raises(TypeError, match=r"got a list with an element 'b' \(a str\)$"):
        as_numbers("x", [1, "b", None, "c"])
    with pytest.raises(
        TypeError, match=r"got an object array with an element \[1\] \(a"
    ):
        as_numbers("x", of([1], [2, 3]))
    with pytest.raises(
        TypeError, match=r"with an element masked \(a MaskedConstant\)$"
    ):
        as_numbers("x", of(1, np.ma.masked))
    with pytest.raises(
        TypeError, match=r"with an element array\(\[1, 2\]\) \(an ndarra"
    ):
        as_numbers("x", of(np.array([1, 2]), 1))


# Memory.


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((1001,), "1001.0 bytes"),
        ((3 * 2**9,), "1.5 KiB"),
        ((3 * 2**20,), "3.0 MiB"),
        ((2, 0, 5 * 2**30), "10.0 GiB"),
        ((2**40 + 2**39,), "1.5 TiB"),
        ((2**53,), "8.0 PiB"),
        ((999999, 2**60), "999999.0 EiB"),
        ((10**6, 2**60), r"1.0e\+6 EiB"),
        ((2**63 - 1,) * 3, r"6.8e\+38 EiB"),
    ],
)
def test_memory_is_refused_in_units_that_leave_few_digits(monkeypatch, shape, size):
    monkeypatch.setattr(dtypes, "_machine_memory", lambda: 1000)
    monkeypatch.setattr(dtypes, "_LITTLE", 1000)
    with pytest.raises(
        MemoryError,
        match=rf"^y of shape \({shape[0]}, ?.*\) needs {size}, more than the 1000\.0 b",
    ):
        require_memory("y", shape, np.dtype("i1"))


def test_memory_that_the_machine_has_is_granted(monkeypatch):
    monkeypatch.setattr(dtypes, "_machine_memory", lambda: 2**21)
    require_memory("y", (2**18,), np.dtype("f8"))
    with pytest.raises(MemoryError, match=r"needs 2.0 MiB, more than the 2.0 MiB of"):
        require_memory("y", (2**18 + 1,), np.dtype("f8"))
    monkeypatch.setattr(dtypes, "_machine_memory", lambda: 1)
    require_memory("y", (2**17,), np.dtype("f8"))
    with pytest.raises(MemoryError, match=r"needs 1.0 MiB, more than the"):
        require_memory("y", (2**17 + 1,), np.dtype("f8"))


@pytest.mark.parametrize("error", [AttributeError, ValueError, OSError])
def test_a_machine_that_does_not_tell_its_memory_has_what_it_can_address(
    monkeypatch, error
):
    def unknown(_name):
        raise error

    monkeypatch.setattr(dtypes.os, "sysconf", unknown, raising=False)
    require_memory("y", (2**60 - 1,), np.dtype("f8"))
    with pytest.raises(MemoryError, match=r"needs 8.0 EiB, more than the 8.0 EiB of"):
        require_memory("y", (2**60,), np.dtype("f8"))
