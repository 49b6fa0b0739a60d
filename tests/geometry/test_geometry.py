"""Sizes and indices, against their definitions."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deconv_tutorial.geometry import (
    Axis,
    Geometry,
    conv_geometry,
    conv_transpose_geometry,
)
from tests.strategies import Case, axes, cases


def axis_of(drawn: dict[str, int]) -> Axis:
    return Case(1, 1, 1, 1, (drawn,), 0).geometry.axes[0]


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
def test_outputs_and_taps_can_change_places(case: Case) -> None:
    exchanged = [(k, o, i) for o, k, i in case.geometry.connections()]
    assert sorted(case.geometry.exchanged().connections()) == sorted(exchanged)
    assert case.geometry.exchanged().exchanged() == case.geometry


@given(cases(rank=2))
def test_axes_are_independent(case: Case) -> None:
    rows, columns = case.geometry.axes
    expected = [
        tuple(zip(r, c, strict=True))
        for r, c in itertools.product(rows.connections(), columns.connections())
    ]
    assert list(case.geometry.connections()) == expected


@given(cases())
def test_both_functions_recover_the_geometry_that_was_drawn(case: Case) -> None:
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
    ({"stride": 0}, ValueError, r"stride needs whole numbers of at least 1, got 0"),
    ({"stride": (2, -1)}, ValueError, r"stride .* at least 1, got \(2, -1\)"),
    ({"stride": (2,)}, ValueError, r"stride .* one per axis \(here 2\), got \(2,\)"),
    ({"stride": ()}, ValueError, r"stride .* one per axis \(here 2\), got \(\)"),
    ({"stride": 1.0}, TypeError, r"stride needs whole numbers .* got 1\.0"),
    ({"stride": True}, TypeError, r"stride needs whole numbers .* got True"),
    ({"stride": "2"}, TypeError, r"stride needs whole numbers .* got '2'"),
    ({"stride": None}, TypeError, r"stride needs whole numbers .* got None"),
    ({"stride": {1, 2}}, TypeError, r"stride needs whole numbers .* got \{1, 2\}"),
    ({"dilation": 0}, ValueError, r"dilation needs whole numbers .* 1, got 0"),
    ({"dilation": (1, 2.5)}, TypeError, r"dilation .* got \(1, 2\.5\)"),
    ({"padding": -1}, ValueError, r"padding needs .* at least 0, got -1"),
    ({"padding": 0.5}, TypeError, r"padding needs whole numbers .* got 0\.5"),
    ({"padding": None}, TypeError, r"padding needs whole numbers .* got None"),
    ({"padding": (1, 2, 3)}, ValueError, r"padding .* one per axis \(here 2\), got"),
    ({"padding": ((1, 2), 3)}, ValueError, r"padding .* pair per axis, got"),
    ({"padding": ((1, 2),)}, ValueError, r"padding .* pair per axis, got"),
    ({"padding": ((1, 2), (3,))}, ValueError, r"padding .* pair per axis, got"),
    ({"padding": ((1, 2), (3, -4))}, ValueError, r"at least 0, got \(3, -4\)"),
    ({"padding": ((1, 2), (3, 4.0))}, TypeError, r"whole numbers .* \(3, 4\.0\)"),
    ({"padding": "SAME"}, ValueError, r"padding .* words .*'valid'.* got 'SAME'"),
    (
        {"padding": "same", "stride": 2},
        ValueError,
        r"padding 'same' needs stride 1 .* got stride \(2, 2\)",
    ),
    (
        {"input_size": ()},
        ValueError,
        r"input_size .* one per axis \(here 1\), got \(\)",
    ),
    ({"input_size": (4, 0)}, ValueError, r"input_size .* at least 1, got \(4, 0\)"),
    ({"kernel_size": (3, 0)}, ValueError, r"kernel_size .* at least 1, got \(3, 0\)"),
    ({"kernel_size": (3, 3, 3)}, ValueError, r"kernel_size .* \(here 2\), got"),
    (
        {"kernel_size": (4, 3), "dilation": (1, 2)},
        ValueError,
        r"kernel_size \(4, 3\) with dilation \(1, 2\) spans \(4, 5\) .* got \(4, 4\)",
    ),
)


@pytest.mark.parametrize(("change", "error", "message"), CONV)
def test_conv_geometry_refuses(
    change: dict[str, object], error: type[Exception], message: str
) -> None:
    arguments = {"input_size": (4, 4), "kernel_size": (3, 3), **change}
    with pytest.raises(error, match=message):
        conv_geometry(**arguments)  # type: ignore[arg-type]


TRANSPOSED = (
    ({"padding": "same"}, ValueError, r"padding .* needs whole numbers.* got 'same'"),
    ({"padding": 3}, ValueError, r"padding .* leave at least 1 .* leaves \(0, 0\)"),
    ({"output_padding": -1}, ValueError, r"output_padding .* at least 0, got -1"),
    ({"output_padding": 1.0}, TypeError, r"output_padding .* got 1\.0"),
    (
        {"output_padding": (0, 3), "stride": (4, 2), "dilation": (1, 3)},
        ValueError,
        r"output_padding .* \(0, 3\), stride \(4, 2\), dilation \(1, 3\)",
    ),
    ({"output_size": 0}, ValueError, r"output_size .* at least 1, got 0"),
)


@pytest.mark.parametrize(("change", "error", "message"), TRANSPOSED)
def test_conv_transpose_geometry_refuses(
    change: dict[str, object], error: type[Exception], message: str
) -> None:
    arguments = {"output_size": (4, 4), "kernel_size": (3, 3), **change}
    with pytest.raises(error, match=message):
        conv_transpose_geometry(**arguments)  # type: ignore[arg-type]
