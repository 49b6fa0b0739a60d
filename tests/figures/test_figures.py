"""Figures show what the geometry yields, and the same bytes on every run."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays
from matplotlib.colors import to_rgba

from deconv_tutorial import figures
from deconv_tutorial.engines import im2col, naive
from deconv_tutorial.figures.canvas import COLORS, QUIET, Picture, new_figure
from deconv_tutorial.geometry import conv_geometry, conv_transpose_geometry
from deconv_tutorial.symbolic import letters as symbols
from tests.strategies import cases

RUNNING = conv_geometry(6, 3, stride=2, padding=1)
SQUARE = conv_transpose_geometry((2, 2), 3)


def texts(picture):
    return [text.get_text() for ax in picture.figure.axes for text in ax.texts]


def all_pictures():
    x, y = np.arange(1, 17).reshape(4, 4), np.array([[1, 2], [3, 4]])
    kernel = {"one": np.array([[0.5, -0.25]]), "two": np.array([[1.0, 0.0]])}
    yield figures.connections(RUNNING)
    yield figures.connections(RUNNING, layer="conv_transpose", tap=1)
    yield figures.columns(RUNNING)
    yield figures.coverage({"a": SQUARE, "b": RUNNING})
    yield figures.phases(SQUARE)
    yield figures.pattern_cloud(RUNNING)
    yield figures.tap_windows(SQUARE, x, y)
    yield figures.triangles("conv", "conv_transpose")
    yield figures.kernels(kernel)
    yield figures.learning_curve([1, 10], [3.0, 2.0], {"level": 2.5}, best=1.0)
    yield figures.matrix(np.array([[1, 2, 0], [0, 1, 2]]), row=0, column=1)
    yield figures.pictures({"a": np.eye(3), "b": np.zeros((3, 3))})
    yield figures.growth({"a": [1, 2]}, {"a": {"one": [1.0, 2.0]}})
    yield figures.gather_and_scatter(RUNNING, 1, 3)
    yield figures.step_errors({"a": ([1, 0.1], [1e-3, 0]), "b": ([1], [1e-8])})
    yield figures.survivors({"toy": {"one": True, "two": False}})
    yield figures.error_maps({"a": ("x", x, x.T), "b": ("w", y, y[:1])})


@given(case=cases(rank=1))
def test_connections_draws_one_line_per_connection(case):
    (ax,) = figures.connections(case.geometry).figure.axes
    expected = list(case.geometry.axes[0].connections())
    assert len(ax.lines) == len(expected)
    taps = [t.get_text() for t in ax.texts if t.get_text().startswith("$w_")]
    assert taps == [f"$w_{k}$" for _, k, _ in expected]


def test_connections_draws_every_cell_and_the_places_outside():
    (ax,) = figures.connections(RUNNING).figure.axes
    # Six inputs, three outputs, and the one place before the input that tap 0 reads.
    assert len(ax.patches) == 6 + 3 + 1


def test_a_tap_brings_out_its_own_lines():
    (ax,) = figures.connections(RUNNING, tap=0).figure.axes
    assert [line.get_color() for line in ax.lines].count(COLORS["w"]) == 2
    assert texts(figures.connections(RUNNING, tap=0)).count("$w_0$") == 2


@settings(max_examples=20)
@given(case=cases(rank=1))
def test_columns_copies_what_each_tap_reads(case):
    (axis,) = case.geometry.axes
    (ax,) = figures.columns(case.geometry).figure.axes
    places = {text.get_position(): text.get_text() for text in ax.texts}
    names = {t: at for at, t in places.items() if t.startswith(("$y", "$w"))}
    inside = {(o, k): f"$x_{i}$" for o, k, i in axis.connections()}
    for o, k in np.ndindex(axis.output_size, axis.kernel_size):
        at = (names[f"$y_{o}$"][0], names[f"$w_{k}$"][1])
        assert places[at] == inside.get((o, k), "")


@settings(max_examples=20)
@given(case=cases(rank=1))
def test_columns_counts_the_copies_and_fills_those_of_several(case):
    (axis,) = case.geometry.axes
    found = texts(figures.columns(case.geometry))
    counts = [0] * axis.input_size
    for _, _, i in axis.connections():
        counts[i] += 1
    assert [t for t in found if "times" in t] == [rf"${n}\times$" for n in counts]
    for i, count in enumerate(counts):
        assert found.count(f"$x_{i}$") == 1 + count
    (ax,) = figures.columns(case.geometry).figure.axes
    alphas = [patch.get_facecolor()[3] for patch in ax.patches]
    assert alphas.count(0.3) == sum(1 + count for count in counts if count > 1)


def test_columns_draws_brackets_that_overlap_at_different_heights():
    (ax,) = figures.columns(conv_geometry(7, 3, padding=1, dilation=2)).figure.axes
    brackets = [line.get_xydata() for line in ax.lines if len(line.get_xydata()) == 4]
    ends = [(b[0, 0] + 0.4, b[-1, 0] - 0.4) for b in brackets]
    assert np.allclose(ends, [(o - 1, o + 3) for o in range(5)])
    assert len({bracket[1, 1] for bracket in brackets}) == 5


@settings(max_examples=20)
@given(line=cases(rank=1), plane=cases(rank=2))
def test_coverage_shows_what_fold_makes_of_ones(line, plane):
    geometries = {"line": line.geometry, "plane": plane.geometry}
    picture = figures.coverage(geometries)
    panels = zip(picture.figure.axes, geometries.items(), strict=True)
    for ax, (title, geometry) in panels:
        shape = (1, np.prod(geometry.kernel_size), np.prod(geometry.output_size))
        counts = np.zeros((1, 1, 1, *geometry.input_size), int)
        im2col.fold(np.ones(shape, int), geometry, into=counts)
        assert ax.get_title() == title
        assert [t.get_text() for t in ax.texts] == [str(n) for n in counts.flat]
        hatched = [patch.get_hatch() is not None for patch in ax.patches]
        assert hatched == [n == 0 for n in counts.flat]


def test_coverage_of_a_layer_that_reads_only_padding_is_hatched_throughout():
    far = conv_geometry(1, 1, stride=3, padding=1)
    (ax,) = figures.coverage({"far": far}).figure.axes
    assert [t.get_text() for t in ax.texts] == ["0"]
    assert ax.patches[0].get_hatch()


def letters(picture):
    """Return the letter at each place of a picture of phases."""
    (ax,) = picture.figure.axes
    found = {tuple(np.round(t.get_position(), 3)): t.get_text() for t in ax.texts}
    return {at: text for at, text in found.items() if len(text) == 1}


@settings(max_examples=20)
@given(case=cases(rank=2))
def test_phases_names_each_result_by_the_phase_of_its_taps(case):
    picture = figures.phases(case.geometry)
    found = letters(picture)
    lines = list(case.geometry.connections())
    reached = {i for _, _, i in lines}
    assert len(found) == 2 * np.prod(case.geometry.kernel_size) + len(reached)
    boxes = picture.figure.axes[0].patches[-np.prod(case.geometry.input_size) :]
    corner = boxes[0].get_x() + boxes[0].get_width() / 2
    for _, (row, column), (r, c) in lines:
        assert found[round(corner + c, 3), -r] == found[column, -row]


@settings(max_examples=20)
@given(case=cases(rank=2))
def test_phases_hatches_what_no_tap_reaches(case):
    (ax,) = figures.phases(case.geometry).figure.axes
    hatched = sum(patch.get_hatch() is not None for patch in ax.patches)
    reached = {i for _, _, i in case.geometry.connections()}
    assert hatched == np.prod(case.geometry.input_size) - len(reached)


def test_phases_deals_the_taps_out_by_the_stride():
    found = letters(figures.phases(conv_geometry((6, 6), 3, stride=2, padding=1)))
    kernel = [found[c, -r] for r in range(3) for c in range(3)]
    assert kernel == ["A", "B", "A", "C", "D", "C", "A", "B", "A"]
    apart = [t for (c, _), t in found.items() if 3 < c < 8]
    assert sorted(apart) == sorted(kernel)
    # As many as the stride without what it has in common with the dilation.
    same = letters(figures.phases(conv_geometry((9, 9), 2, stride=2, dilation=2)))
    assert set(same.values()) == {"A"}


@settings(max_examples=20)
@given(case=cases(rank=1))
def test_pattern_cloud_has_a_dot_for_each_connection_and_a_shadow_on_each_wall(case):
    (axis,) = case.geometry.axes
    (ax,) = figures.pattern_cloud(case.geometry).figure.axes
    places, dots = (line.get_xydata() for line in ax.lines[-2:])
    assert len(places) == axis.output_size * axis.kernel_size * axis.input_size
    lines = list(axis.connections())
    assert len(dots) == len(lines)
    shadows = [text for text in ax.texts if text.get_bbox_patch()]
    for n, role in enumerate("ywx"):
        color = to_rgba(COLORS[role])
        on = [t for t in shadows if t.get_bbox_patch().get_facecolor() == color]
        assert [t.get_text() for t in on] == [f"{line[n]}" for line in lines]
        # A shadow falls in the direction of the index that is missing on the wall.
        x, y = (np.array([t.get_position() for t in on]).reshape(-1, 2) - dots).T
        assert np.allclose(x * y[:1], y * x[:1])


@settings(max_examples=20)
@given(case=cases(rank=1))
def test_pattern_cloud_puts_shadows_under_the_names_of_what_meets(case):
    (axis,) = case.geometry.axes
    (ax,) = figures.pattern_cloud(case.geometry).figure.axes
    first = {}
    for text in ax.texts:
        first.setdefault(text.get_text(), text.get_position())
    green = to_rgba(COLORS["y"])
    shadows = [t for t in ax.texts if t.get_bbox_patch()]
    behind = [t for t in shadows if t.get_bbox_patch().get_facecolor() == green]
    for shadow, (_, k, i) in zip(behind, axis.connections(), strict=True):
        at = first[f"$x_{{{i}}}$"][0], first[f"$w_{{{k}}}$"][1]
        assert np.allclose(shadow.get_position(), at)


def test_pattern_cloud_names_the_map_of_each_wall_and_joins_one_dot_to_them():
    picture = figures.pattern_cloud(RUNNING)
    (ax,) = picture.figure.axes
    found = texts(picture)
    names = [t for t in found if t.isidentifier()]
    assert names == ["forward", "weight_grad", "input_grad"]
    assert [found.count(f"$x_{{{n}}}$") for n in range(7)] == [2] * 6 + [0]
    dashed = [line for line in ax.lines if line.get_color() == QUIET]
    assert len({tuple(line.get_xydata()[0]) for line in dashed}) == 1
    assert len(dashed) == 3


def test_growth_draws_each_series_and_what_is_proportional():
    sizes = {"taps": [1, 4], "stride": [1, 2, 3]}
    times = {"taps": {"a": [2.0, 9.0], "b": [3.0, 5.0]}, "stride": {"a": [7.0] * 3}}
    taps, stride = figures.growth(sizes, times, level="stride").figure.axes
    found = [(line.get_label(), *line.get_ydata()) for line in taps.lines]
    assert found == [("products", 2, 8), ("a", 2, 9), ("b", 3, 5)]
    assert list(stride.lines[0].get_ydata()) == [7, 7, 7]
    styles = {(line.get_linestyle(), line.get_marker()) for line in taps.lines}
    assert len(styles) == 3
    names = [text.get_text() for text in taps.get_legend().get_texts()]
    assert names == ["products", "a", "b"]
    alone = figures.growth({"taps": [1, 4]}, {"taps": {"a": [2.0, 9.0]}})
    assert len(alone.figure.axes) == 1


def test_step_errors_draws_each_series_and_zeros_on_a_line_of_their_own():
    steps, errors = [1.0, 0.1, 0.01], [1e-2, 0.0, 1e-11]
    picture = figures.step_errors({"a": (steps, errors), "b": ([1.0], [0.5])})
    (ax,) = picture.figure.axes
    one, two, zero = ax.lines
    floor = zero.get_ydata()[0]
    assert floor < 1e-11
    assert list(one.get_xdata()) == steps
    assert list(one.get_ydata()) == [1e-2, floor, 1e-11]
    assert list(two.get_ydata()) == [0.5]
    assert one.get_linestyle() != two.get_linestyle()
    assert one.get_marker() != two.get_marker()
    ticks = dict(zip(ax.get_yticks(), ax.get_yticklabels(), strict=True))
    assert ticks[floor].get_text() == "0"
    assert "$10^{-8}$" in [label.get_text() for label in ticks.values()]
    (legend,) = picture.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b"]


def test_step_errors_can_be_all_zero():
    (ax,) = figures.step_errors({"a": ([1.0, 2.0], [0.0, 0.0])}).figure.axes
    assert set(ax.lines[0].get_ydata()) == set(ax.lines[-1].get_ydata())


def test_survivors_fills_and_counts_what_is_let_through():
    missed = {
        "toy": {"one": True, "two": True, "three": False},
        "best": {"one": False, "two": False, "three": False},
    }
    picture = figures.survivors(missed)
    (ax,) = picture.figure.axes
    found = texts(picture)
    assert found[:3] == ["one", "two", "three"]
    assert [t for t in found if t in missed] == ["toy", "best"]
    assert found[-1] == "let through"
    assert [t for t in found if t.isdigit()] == ["2", "0"]
    filled = [box for box in ax.patches if box.get_facecolor()[3] > 0]
    crosses = [t for t in ax.texts if t.get_text() == r"$\times$"]
    centers = [(box.get_x() + 0.42, box.get_y() + 0.42) for box in filled]
    assert len(ax.patches) == 6
    assert [t.get_position() for t in crosses] == [(0, 0), (0, -1)]
    assert np.allclose(centers, [(0, 0), (0, -1)])


@settings(max_examples=20)
@given(case=cases(rank=2))
def test_tap_windows_adds_up_to_the_weight_gradient(case):
    rng = np.random.default_rng(case.seed)
    x = rng.integers(-9, 10, case.geometry.input_size)
    y = rng.integers(-9, 10, case.geometry.output_size)
    picture = figures.tap_windows(case.geometry, x, y)
    dw = naive.weight_grad(x[None, None, None], y[None, None, None], case.geometry)
    titles = [ax.get_title() for ax in picture.figure.axes]
    expected = [f"dw[{r}, {c}] = {v}" for (r, c), v in np.ndenumerate(dw[0, 0, 0])]
    assert titles == expected
    products = sum("·" in text for text in texts(picture))
    assert products == len(list(case.geometry.connections()))


@settings(max_examples=20)
@given(case=cases(rank=1))
def test_matrix_shows_each_tap_where_an_output_meets_an_input(case):
    (axis,) = case.geometry.axes
    taps = symbols("w", (axis.kernel_size,))
    entries = np.zeros((axis.output_size, axis.input_size), object)
    for o, k, i in axis.connections():
        entries[o, i] = taps[k]
    (ax,) = figures.matrix(entries).figure.axes
    found = {text.get_position(): text.get_text() for text in ax.texts}
    for o, i in np.ndindex(*entries.shape):
        expected = f"${entries[o, i]}$" if entries[o, i] else "0"
        assert found.pop((i, -o)) == expected
    names = [f"$y_{{{o}}}$" for o in range(axis.output_size)]
    assert [*found.values()] == names + [f"$x_{{{i}}}$" for i in range(axis.input_size)]
    assert len(ax.patches) == entries.size


def test_matrix_brings_out_a_row_and_a_column():
    entries = np.array([[1, 2, 0, 0], [0, 0, 1, 2], [0, 0, 0, 0]])
    (ax,) = figures.matrix(entries, row=1, column=3).figure.axes
    frames = ax.patches[entries.size :]
    corners = [(*f.get_xy(), f.get_width(), f.get_height()) for f in frames]
    assert corners == [(-0.5, -1.5, 4, 1), (2.5, -2.5, 1, 3)]
    assert frames[0].get_linestyle() != frames[1].get_linestyle()
    assert [t.get_text() for t in ax.texts[-2:]] == ["gathers", "scatters"]
    (only,) = figures.matrix(entries, row=0).figure.axes
    assert len(only.patches) == entries.size + 1


def test_matrix_has_one_strength_for_each_entry_in_the_order_of_the_taps():
    taps = symbols("w", (11,))
    (ax,) = figures.matrix(np.stack([taps, taps])).figure.axes
    strengths = [patch.get_facecolor()[3] for patch in ax.patches]
    assert strengths[:11] == strengths[11:] == sorted(set(strengths))
    (empty,) = figures.matrix(np.zeros((2, 2), int)).figure.axes
    assert [t.get_text() for t in empty.texts][:4] == ["0"] * 4


def test_triangles_name_the_arrays_of_each_map():
    rows = [texts(figures.triangles(layer)) for layer in ("conv", "conv_transpose")]
    plain, transposed = ([r[i : i + 5] for i in (0, 5, 10)] for r in rows)
    assert plain == [
        ["x", "y", "w", "forward", "result"],
        ["dx", "d_out", "w", "input_grad", "gradient of x"],
        ["x", "d_out", "dw", "weight_grad", "gradient of w"],
    ]
    assert transposed == [
        ["y", "x", "w", "input_grad", "result"],
        ["d_out", "dx", "w", "forward", "gradient of x"],
        ["d_out", "x", "dw", "weight_grad", "gradient of w"],
    ]


def fan(ax):
    """Return the cells, and the solid and dotted ends of lines with their taps."""
    names = {text.get_position(): text.get_text() for text in ax.texts}
    cells = {at: name for at, name in names.items() if not name.startswith("$w")}
    taps = [text.get_text() for text in ax.texts if text.get_text().startswith("$w")]
    ends = [(line.get_xdata(), line.get_linestyle()) for line in ax.lines]
    lines = list(zip(taps, ends, strict=True))
    solid = {tap: xs[1] for tap, (xs, style) in lines if style == "-"}
    dotted = {tap: xs[1] for tap, (xs, style) in lines if style == ":"}
    assert len(solid) + len(dotted) == len(lines)
    return cells, solid, dotted


@settings(max_examples=30)
@given(case=cases(rank=1))
def test_gather_and_scatter_draws_what_one_output_and_one_input_meet(case):
    (axis,) = case.geometry.axes
    lines = list(axis.connections())
    o, i = case.seed % axis.output_size, case.seed % axis.input_size
    top, bottom = figures.gather_and_scatter(case.geometry, o, i).figure.axes
    for ax, row, apex, met in (
        (top, 2, f"$y_{o}$", {f"$w_{k}$": f"$x_{x}$" for y, k, x in lines if y == o}),
        (
            bottom,
            0,
            f"$x_{i}$",
            {f"$w_{k}$": f"$y_{y}$" for y, k, x in lines if x == i},
        ),
    ):
        cells, solid, dotted = fan(ax)
        assert {tap: cells[at, row] for tap, at in solid.items()} == met
        assert len(dotted) == axis.kernel_size - len(met)
        assert {cells[at, row] for at in dotted.values()} <= {"", "0"}
        assert all(cells[line.get_xdata()[0], 2 - row] == apex for line in ax.lines)
        named = sum(name.startswith("$") for name in cells.values())
        assert named == axis.input_size + axis.output_size


@settings(max_examples=30)
@given(case=cases(rank=1))
def test_gather_and_scatter_has_the_taps_in_opposite_orders(case):
    taps = [f"$w_{k}$" for k in range(*case.geometry.kernel_size)]
    top, bottom = figures.gather_and_scatter(case.geometry, 0, 0).figure.axes
    for ax, order in ((top, taps), (bottom, taps[::-1])):
        _, solid, dotted = fan(ax)
        ends = solid | dotted
        assert sorted(ends, key=ends.get) == order
        assert ax.get_title().endswith(": " + ", ".join(order))


def test_gather_and_scatter_spreads_the_outputs_by_the_stride():
    _, bottom = figures.gather_and_scatter(RUNNING, 1, 3).figure.axes
    cells, solid, dotted = fan(bottom)
    row = [name for (_, height), name in sorted(cells.items()) if height == 0]
    assert row == ["$y_0$", "0", "$y_1$", "0", "$y_2$"]
    assert (list(solid), list(dotted)) == (["$w_0$", "$w_2$"], ["$w_1$"])


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_same_figure_has_the_same_bytes(kind):
    first = [picture.image(kind) for picture in all_pictures()]
    second = [picture.image(kind) for picture in all_pictures()]
    assert first == second
    assert len(set(first)) == len(first)


def test_pages_get_svg_and_notebooks_png(monkeypatch):
    picture = Picture(new_figure(2, 1))
    monkeypatch.delenv("DECONV_FIGURE_FORMAT", raising=False)
    bundle = picture._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/png"}
    assert bundle["image/png"].startswith(b"\x89PNG")
    monkeypatch.setenv("DECONV_FIGURE_FORMAT", "svg")
    bundle = picture._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/svg+xml"}
    assert "<svg" in bundle["image/svg+xml"]


def test_a_picture_can_be_saved(tmp_path):
    picture = figures.connections(RUNNING)
    for kind in ("png", "svg"):
        picture.save(tmp_path / f"table.{kind}")
        assert (tmp_path / f"table.{kind}").read_bytes() == picture.image(kind)


@pytest.mark.parametrize(
    "figure",
    [
        figures.connections,
        figures.columns,
        figures.pattern_cloud,
        lambda geometry: figures.gather_and_scatter(geometry, 0, 0),
    ],
)
def test_figures_of_one_axis_refuse_two(figure):
    with pytest.raises(ValueError, match="geometry needs exactly one axis, got 2"):
        figure(SQUARE)


def placed(ax):
    """Return the places of each kind in a map of errors, by row and column."""
    kinds = {
        ("////", "-"): "wrong",
        ("xxxx", "-"): "wrong: 0",
        (None, ":"): "missing",
        ("---", "-"): "too many",
        (None, "-"): "right",
    }
    found = {}
    for patch in ax.patches:
        boxes = patch.get_path().vertices.reshape(-1, 5, 2)
        found[kinds[patch.get_hatch(), patch.get_linestyle()]] = [
            (-int(box[:, 1].max()), column)
            for box in boxes
            for column in range(int(box[:, 0].min()), int(box[:, 0].max()))
        ]
    return found


def test_error_maps_tell_right_from_wrong_places():
    found, right = np.array([[1, 0], [3, 4], [5, 6]]), np.array([[1, 2, 3], [3, 5, 1]])
    picture = figures.error_maps({"both": ("x", found, right)})
    panel, key = picture.figure.axes
    assert panel.get_title() == "both"
    assert placed(panel) == {
        "right": [(0, 0), (1, 0)],
        "wrong": [(1, 1)],
        "wrong: 0": [(0, 1)],
        "missing": [(0, 2), (1, 2)],
        "too many": [(2, 0), (2, 1)],
    }
    sizes, *states = texts(picture)
    assert sizes == r"3$\times$2, not 2$\times$3"
    assert states == ["missing", "right", "too many", "wrong", "wrong: 0"]
    assert list(placed(key)) == states


@settings(max_examples=20)
@given(wrong=arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=7)))
def test_error_maps_find_each_wrong_place(wrong):
    right = np.arange(1, wrong.size + 1).reshape(wrong.shape)
    ax, _ = figures.error_maps({"a": ("w", right + 100 * wrong, right)}).figure.axes
    found = placed(ax)
    assert found.get("wrong", []) == [tuple(at) for at in np.argwhere(wrong)]
    assert found.get("right", []) == [tuple(at) for at in np.argwhere(~wrong)]
    assert all(
        patch.get_facecolor() == to_rgba(COLORS["w"], 0.5)
        for patch in ax.patches
        if patch.get_hatch()
    )


def test_error_maps_stand_in_rows_and_share_one_key():
    one = np.ones((2, 2))
    maps = {f"a-long-name-for-map-{n}": ("y", one, one) for n in range(5)}
    picture = figures.error_maps(maps)
    *panels, key = picture.figure.axes
    assert [ax.get_title() for ax in panels] == [
        f"a-long-name-for-\nmap-{n}" for n in range(5)
    ]
    rows = [ax.get_subplotspec().rowspan.start for ax in panels]
    assert rows == [0, 0, 0, 1, 1]
    assert [text.get_text() for text in key.texts] == ["right"]
