"""Sizes and indices, against their definitions."""

import dataclasses
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deconv_tutorial.geometry import (
    Axis,
    Geometry,
    Window,
    conv_geometry,
    conv_transpose_geometry,
    padding_sides,
)
from tests.strategies import DrawnLayer, axes, cases


def axis_of(drawn: dict[str, int]) -> Axis:
    return DrawnLayer(1, 1, 1, 1, (drawn,), 0).geometry.axes[0]


@given(axes(largest=6))
def test_connections_are_the_index_rule_inside_the_input(drawn: dict[str, int]) -> None:
    axis = axis_of(drawn)
    expected = [
        (o, k, i)
        for o in range(drawn["output_size"])
        for k in range(drawn["kernel_size"])
        for i in range(drawn["input_size"])
        if i == drawn["stride"] * o + drawn["dilation"] * k - drawn["before"]
    ]
    assert list(axis.connections()) == expected


def test_axes_with_the_same_connections_are_equal_only_where_settings_show() -> None:
    alike: dict[tuple[Any, ...], list[Axis]] = {}
    ranges = range(1, 6), range(1, 4), range(1, 4), range(1, 4), range(1, 4), range(5)
    for i, k, o, s, d, p in itertools.product(*ranges):
        axis = Axis(i, k, o, s, d, p)
        alike.setdefault((i, k, o, *axis.connections()), []).append(axis)
    unequal = 0
    for (_, _, _, *connections), found in alike.items():
        pairs = list(itertools.combinations(connections, 2))
        stride_shows = any(one[1] == other[1] for one, other in pairs)
        dilation_shows = any(one[0] == other[0] for one, other in pairs)
        assert len({axis.stride for axis in found}) == 1 or not stride_shows
        assert len({axis.dilation for axis in found}) == 1 or not dilation_shows
        assert len(found) == 1 or not (stride_shows and dilation_shows)
        unequal += len(found) > 1
    assert unequal > 100


@given(axes(largest=6))
def test_taps_are_the_connections_of_each_tap(drawn: dict[str, int]) -> None:
    axis = axis_of(drawn)
    found = []
    for k in range(axis.kernel_size):
        outputs, inputs = axis.tap(k)
        o = range(axis.output_size)[outputs]
        i = range(axis.input_size)[inputs]
        assert len(o) == len(i)
        found += [(o, k, i) for o, i in zip(o, i, strict=True)]
    assert sorted(found) == sorted(axis.connections())


@given(axes(largest=6))
def test_separate_windows_read_no_input_twice(drawn: dict[str, int]) -> None:
    axis = axis_of(drawn)
    first, last = axis.span
    wide = Axis(
        last - first + 1,
        axis.kernel_size,
        axis.output_size,
        axis.stride,
        axis.dilation,
        0,
    )
    inputs = [i for _, _, i in wide.connections()]
    if axis.separate:
        assert len(set(inputs)) == len(inputs)
    elif axis.stride == 1 == axis.dilation:
        assert len(set(inputs)) < len(inputs)


@given(axes(largest=6))
def test_span_is_from_the_first_to_the_last_input_that_is_read(
    drawn: dict[str, int],
) -> None:
    axis = axis_of(drawn)
    o_and_k = itertools.product(range(axis.output_size), range(axis.kernel_size))
    read = [axis.input_index(o, k) for o, k in o_and_k]
    assert axis.span == (min(read), max(read))


@given(cases())
def test_inside_means_that_every_tap_of_every_output_meets_an_input(
    case: DrawnLayer,
) -> None:
    geometry = case.geometry
    met = len(list(geometry.connections()))
    pairs = math.prod((*geometry.output_size, *geometry.kernel_size))
    assert geometry.inside is (met == pairs)


def test_one_input_too_few_is_not_inside() -> None:
    assert Axis(5, 2, 4).inside
    assert not Axis(4, 2, 4).inside
    assert not Axis(5, 2, 4, padding_before=1).inside


@given(cases())
def test_padded_input_is_what_is_read_and_each_old_input_has_its_place(
    case: DrawnLayer,
) -> None:
    part, new, old = case.geometry.padded()
    assert part.inside
    assert [axis.span for axis in part.axes] == [(0, n - 1) for n in part.input_size]
    places = range_product(part.input_size, new)
    inputs = range_product(case.geometry.input_size, old)
    place = dict(zip(inputs, places, strict=True))
    copied = [(o, k, place[i]) for o, k, i in case.geometry.connections()]
    assert copied == [c for c in part.connections() if c[2] in places]


def range_product(size: tuple[int, ...], window: Window) -> list[tuple[int, ...]]:
    """Return every index of a window in an array of a size."""
    ranges = (range(n)[part] for n, part in zip(size, window, strict=True))
    return list(itertools.product(*ranges))


@given(cases())
def test_separate_windows_read_no_input_twice_on_all_axes_at_once(
    case: DrawnLayer,
) -> None:
    wide, _, _ = case.geometry.padded()
    inputs = [i for _, _, i in wide.connections()]
    assert case.geometry.separate in {True, False}
    assert not case.geometry.separate or len(set(inputs)) == len(inputs)


@given(cases())
def test_transposed_inputs_gather_from_outputs_with_zeros_between(
    case: DrawnLayer,
) -> None:
    axes = case.geometry.axes
    transposed = case.geometry.transposed()
    assert transposed == Geometry(tuple(axis.transposed() for axis in axes))
    strides = case.of("stride")
    zeros_between = [
        (i, k, tuple(s * at for s, at in zip(strides, o, strict=True)))
        for o, k, i in case.geometry.connections()
    ]
    flipped = [
        (
            i,
            tuple(n - 1 - at for n, at in zip(case.of("kernel_size"), k, strict=True)),
            o,
        )
        for i, k, o in transposed.connections()
        if not any(at % s for s, at in zip(strides, o, strict=True))
    ]
    assert sorted(flipped) == sorted(zeros_between)


@given(axes(largest=6), st.data())
def test_between_keeps_the_connections_of_its_outputs(
    drawn: dict[str, int], data: st.DataObject
) -> None:
    axis = axis_of(drawn)
    start = data.draw(st.integers(0, axis.output_size - 1))
    stop = data.draw(st.integers(start + 1, axis.output_size))
    part = [(o + start, k, i) for o, k, i in axis.between(start, stop).connections()]
    assert part == [c for c in axis.connections() if start <= c[0] < stop]


@given(cases())
def test_outputs_and_taps_can_change_places(case: DrawnLayer) -> None:
    exchanged = [(k, o, i) for o, k, i in case.geometry.connections()]
    assert sorted(case.geometry.exchanged().connections()) == sorted(exchanged)
    assert case.geometry.exchanged().exchanged() == case.geometry


@given(cases(rank=2))
def test_axes_are_independent(case: DrawnLayer) -> None:
    rows, columns = case.geometry.axes
    expected = [
        tuple(zip(r, c, strict=True))
        for r, c in itertools.product(rows.connections(), columns.connections())
    ]
    assert list(case.geometry.connections()) == expected


@given(cases())
def test_both_functions_recover_the_geometry_that_was_drawn(case: DrawnLayer) -> None:
    settings = {k: v for k, v in case.settings.items() if k != "groups"}
    geometry = conv_geometry(case.of("input_size"), case.of("kernel_size"), **settings)
    assert geometry == case.geometry
    assert geometry == conv_transpose_geometry(
        case.of("output_size"),
        case.of("kernel_size"),
        output_padding=case.of("leftover"),
        **settings,
    )


@given(axes(largest=6))
def test_output_size_counts_the_windows_that_fit(drawn: dict[str, int]) -> None:
    padded = drawn["before"] + drawn["input_size"] + drawn["after"]
    last_tap = drawn["dilation"] * (drawn["kernel_size"] - 1)
    starts = range(0, padded - last_tap, drawn["stride"])
    assert len(starts) == drawn["output_size"]


def test_sizes_are_one_number_per_axis() -> None:
    geometry = conv_geometry((7, 9, 11), (2, 3, 4), (1, 2, 3), (0, 1, 2), (3, 2, 1))
    assert geometry.input_size == (7, 9, 11)
    assert geometry.kernel_size == (2, 3, 4)
    assert geometry.output_size == (4, 4, 4)
    assert [a.padding_before for a in geometry.axes] == [0, 1, 2]


def test_a_number_alone_speaks_for_every_axis() -> None:
    assert conv_geometry((7, 9), 3, 2, 1, 1) == conv_geometry(
        (7, 9), (3, 3), (2, 2), ((1, 1), (1, 1)), (1, 1)
    )
    assert conv_geometry(7, 3) == conv_geometry((7,), (3,))


def test_settings_left_out_are_1_and_the_padding_is_0() -> None:
    axis = Axis(7, 3, 5, stride=1, dilation=1, padding_before=0)
    assert Axis(7, 3, 5) == axis
    assert conv_geometry(7, 3) == Geometry((axis,))
    assert conv_transpose_geometry(5, 3) == Geometry((axis,))


def test_geometries_do_not_change_and_are_keys() -> None:
    geometry = conv_geometry((7, 9), 3)
    assert {geometry: "known"}[conv_geometry((7, 9), 3)] == "known"
    with pytest.raises(dataclasses.FrozenInstanceError):
        geometry.axes = ()  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        geometry.axes[0].stride = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("word", "kernel_size", "dilation", "pads"),
    [
        ("valid", 3, 2, (0, 0)),
        ("full", 3, 2, (4, 4)),
        ("same", 3, 2, (2, 2)),
        ("same", 4, 1, (1, 2)),
        ("same", 2, 3, (1, 2)),
    ],
)
def test_words_of_padding(
    word: str, kernel_size: int, dilation: int, pads: tuple[int, int]
) -> None:
    geometry = conv_geometry(9, kernel_size, 1, word, dilation)
    assert geometry == conv_geometry(9, kernel_size, 1, (pads,), dilation)
    if word == "same":
        assert geometry.output_size == geometry.input_size


def test_words_of_padding_mean_nothing_on_no_axis() -> None:
    assert padding_sides("full", kernel_size=(), stride=(), dilation=()) == ()


def test_more_output_padding_than_stride_leaves_the_output_size() -> None:
    geometry = conv_transpose_geometry(3, 2, stride=1, dilation=4, output_padding=3)
    assert geometry.input_size == (10,)
    assert geometry.output_size == (3,)
    assert max(i for _, _, (i,) in geometry.connections()) == 6


def test_a_window_is_a_geometry_again() -> None:
    geometry = conv_geometry((7, 9), (3, 2), stride=2, padding=1)
    part = geometry.between((slice(1, 3), slice(2, 4)))
    assert isinstance(part, Geometry)
    assert part.output_size == (2, 2)
    assert part.input_size == (7, 9)


CONV = (
    ({"stride": 0}, ValueError, r"stride needs a whole number of at least 1, got 0$"),
    ({"stride": (2, -1)}, ValueError, r"stride .* at least 1, got -1 in \(2, -1\)$"),
    ({"stride": (2,)}, ValueError, r"stride .* one per axis \(here 2\), got \(2,\)$"),
    ({"stride": ()}, ValueError, r"stride .* one per axis \(here 2\), got \(\)$"),
    (
        {"stride": 1.0},
        TypeError,
        r"stride needs a whole number .* got 1\.0 \(a float\)$",
    ),
    ({"stride": True}, TypeError, r"stride needs a whole .* got True \(a bool\)$"),
    ({"stride": np.True_}, TypeError, r"stride needs .* got np\.True_ \(a bool\)$"),
    ({"stride": "2"}, TypeError, r"stride needs a whole number .* got '2' \(a str\)$"),
    ({"stride": None}, TypeError, r"stride needs a whole number .* got None$"),
    ({"stride": {1, 2}}, TypeError, r"stride needs a .* got \{1, 2\} \(a set\)$"),
    ({"stride": 1j}, TypeError, r"stride needs a .* got 1j \(a complex\)$"),
    (
        {"stride": ([1], 2)},
        TypeError,
        r"stride .* got \[1\] \(a list\) in \(\[1\], 2\)$",
    ),
    ({"dilation": 0}, ValueError, r"dilation needs a whole number .* 1, got 0$"),
    (
        {"dilation": (1, 2.5)},
        TypeError,
        r"dilation needs whole numbers .* got 2\.5 \(a float\) in \(1, 2\.5\)$",
    ),
    (
        {"dilation": np.array([[1, 1], [2, 1]])},
        TypeError,
        r"dilation .* got array\(\[1, 1\]\) \(an ndarray\) in array\(\[\[1, 1\], \[2, ",
    ),
    ({"padding": -1}, ValueError, r"padding needs .* at least 0, got -1$"),
    ({"padding": 0.5}, TypeError, r"padding needs a whole .* got 0\.5 \(a float\)$"),
    ({"padding": None}, TypeError, r"padding needs a whole number .* got None$"),
    (
        {"padding": (1, 2, 3)},
        ValueError,
        r"padding .* one per axis \(here 2\), got \(1",
    ),
    ({"padding": ((1, 2), 3)}, ValueError, r"padding .* pair per axis, got \(\(1, 2\)"),
    (
        {"padding": ((1, 2),)},
        ValueError,
        r"padding .* pair per axis, got \(\(1, 2\),\)",
    ),
    ({"padding": ((1, 2), (3,))}, ValueError, r"padding .* pair per axis, got \(\(1, "),
    ({"padding": ((1, 2), (3, -4))}, ValueError, r"at least 0, got -4 in \(3, -4\)$"),
    (
        {"padding": ((1, 2), (3, 4.0))},
        TypeError,
        r"padding needs whole numbers .* got 4\.0 \(a float\) in \(3, 4\.0\)$",
    ),
    (
        {"padding": "SAME"},
        ValueError,
        r"padding needs numbers or one of the words .*'valid'.* got 'SAME' \(a str\)$",
    ),
    (
        {"padding": b"same"},
        TypeError,
        r"padding needs a whole number .* got b'same' \(a bytes\)$",
    ),
    (
        {"padding": "same", "stride": 2},
        ValueError,
        r"padding 'same' needs stride 1 on every axis, got stride \(2, 2\)$",
    ),
    (
        {"padding": "same", "stride": (1, 2)},
        ValueError,
        r"padding 'same' needs stride 1 .* got stride \(1, 2\)",
    ),
    (
        {"input_size": ()},
        ValueError,
        r"input_size .* one per axis \(here 1\), got \(\)$",
    ),
    ({"input_size": (4, 0)}, ValueError, r"input_size .* 1, got 0 in \(4, 0\)$"),
    ({"kernel_size": (3, 0)}, ValueError, r"kernel_size .* 1, got 0 in \(3, 0\)$"),
    (
        {"kernel_size": (3, 3, 3)},
        ValueError,
        r"kernel_size .* \(here 2\), got \(3, 3, ",
    ),
    (
        {"kernel_size": (4, 3), "dilation": (1, 2)},
        ValueError,
        r"kernel_size \(4, 3\) with dilation \(1, 2\) spans \(4, 5\) .* got \(4, 4\) "
        r"from input_size \(4, 4\) and padding \(\(0, 0\), \(0, 0\)\)$",
    ),
)


TOO_LARGE = (
    (
        {"stride": 2**63},
        r"stride needs a whole number below 2\*\*63, got 9223372036854",
    ),
    (
        {"stride": (1, 2**64)},
        r"stride .* below 2\*\*63, got 1844674407370955\d+ in \(1,",
    ),
    (
        {"stride": 10**5000},
        r"stride .* below 2\*\*63, got an integer of about 5001 digits$",
    ),
    (
        {"stride": (10**5000, 1)},
        r"stride .* of about 5001 digits in \(an integer of about 5001 digits, 1\)$",
    ),
    (
        {"stride": -(10**5000)},
        r"stride .* at least 1, got a negative integer of about 5001 d",
    ),
    ({"dilation": 2**63}, r"dilation .* below 2\*\*63, got 9223372036854775808$"),
    ({"padding": 2**63}, r"padding .* below 2\*\*63, got 9223372036854775808$"),
    ({"padding": ((0, 0), (0, 2**63))}, r"padding .* got 9223372036854775808 in \(0, "),
    ({"kernel_size": 2**63}, r"kernel_size .* below 2\*\*63, got 92233720368547758"),
)


@pytest.mark.parametrize(("change", "message"), TOO_LARGE)
@pytest.mark.parametrize("function", [conv_geometry, conv_transpose_geometry])
def test_settings_that_numpy_cannot_count_are_refused(
    function: Callable[..., Geometry], change: dict[str, object], message: str
) -> None:
    sizes: dict[str, object] = {"kernel_size": (3, 3), **change}
    with pytest.raises(ValueError, match=f"^{message}"):
        function((4, 4), **sizes)


def test_sizes_that_numpy_cannot_count_are_refused() -> None:
    for size, function in {
        "input_size": conv_geometry,
        "output_size": conv_transpose_geometry,
    }.items():
        with pytest.raises(ValueError, match=rf"^{size} .* below 2\*\*63, got 1000000"):
            function((1, 10**20), 1)
        with pytest.raises(
            ValueError,
            match=r"^kernel_size and dilation need a span below 2\*\*63 on each axis, "
            r"got kernel_size \(2, 3\), dilation \(1, 4611686018427387904\): it would "
            r"be \(2, 9223372036854775809\)$",
        ):
            function((4, 4), (2, 3), dilation=(1, 2**62))
    with pytest.raises(
        ValueError,
        match=r"^input_size and padding need a padded input below 2\*\*63 on each "
        r"axis, got input_size \(4,\), padding \(\(0, 9223372036854775804\),\): it "
        r"would be \(9223372036854775808,\)$",
    ):
        conv_geometry(4, 1, padding=[(0, 2**63 - 4)])
    with pytest.raises(
        ValueError,
        match=r"^output_size, kernel_size, stride, dilation and output_padding need an "
        r"uncropped result below 2\*\*63 on each axis, got output_size \(3,\), "
        r"kernel_size \(1,\), stride \(4611686018427387904,\), dilation \(1,\), "
        r"output_padding \(0,\): it would be \(9223372036854775809,\)$",
    ):
        conv_transpose_geometry(3, 1, stride=2**62, padding=2**61)


def test_the_largest_sizes_are_right() -> None:
    last = 2**63 - 1
    assert conv_geometry(5, 1, stride=last, dilation=last).output_size == (1,)
    assert conv_geometry(last, 2, dilation=last - 1).output_size == (1,)
    assert conv_geometry(1, 1, padding=[(0, last - 1)]).output_size == (last,)
    assert conv_transpose_geometry(1, 1, dilation=last).input_size == (1,)
    assert conv_transpose_geometry(2, 1, stride=last - 1).input_size == (last,)
    axis = conv_geometry(5, 2, stride=last, padding=2**61, dilation=2**62).axes[0]
    assert list(axis.connections()) == []
    assert axis.span == (-(2**61), 2**61)


@pytest.mark.parametrize(("change", "error", "message"), CONV)
def test_conv_geometry_refuses(
    change: dict[str, object], error: type[Exception], message: str
) -> None:
    arguments = {"input_size": (4, 4), "kernel_size": (3, 3), **change}
    with pytest.raises(error, match=message):
        conv_geometry(**arguments)  # type: ignore[arg-type]


TRANSPOSED = (
    ({"padding": "same"}, ValueError, r"padding .* not a word, got 'same' \(a str\)$"),
    ({"padding": 3}, ValueError, r"padding .* leave at least 1 .* leaves \(0, 0\)$"),
    ({"padding": (2, 3)}, ValueError, r"padding .* at least 1 .* leaves \(2, 0\)$"),
    ({"output_padding": -1}, ValueError, r"output_padding .* at least 0, got -1"),
    ({"output_padding": 1.0}, TypeError, r"output_padding .* got 1\.0 \(a float\)$"),
    (
        {"output_padding": (0, 3), "stride": (4, 2), "dilation": (1, 3)},
        ValueError,
        r"output_padding .* \(0, 3\), stride \(4, 2\), dilation \(1, 3\)",
    ),
    ({"output_size": 0}, ValueError, r"output_size .* at least 1, got 0$"),
)


@pytest.mark.parametrize(("change", "error", "message"), TRANSPOSED)
def test_conv_transpose_geometry_refuses(
    change: dict[str, object], error: type[Exception], message: str
) -> None:
    arguments = {"output_size": (4, 4), "kernel_size": (3, 3), **change}
    with pytest.raises(error, match=message):
        conv_transpose_geometry(**arguments)  # type: ignore[arg-type]
