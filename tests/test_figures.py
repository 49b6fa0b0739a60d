"""Figures show what the geometry yields, and the same bytes on every run."""

import numpy as np
import pytest
from hypothesis import given, settings

from deconv_tutorial import figures, naive
from deconv_tutorial.canvas import COLORS, Picture, new_figure
from deconv_tutorial.geometry import conv_geometry, conv_transpose_geometry
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
    yield figures.index_table(RUNNING)
    yield figures.tap_windows(SQUARE, x, y)
    yield figures.triangles("conv", "conv_transpose")
    yield figures.kernels(kernel)
    yield figures.learning_curve([1, 10], [3.0, 2.0], {"level": 2.5}, best=1.0)
    yield figures.pictures({"a": np.eye(3), "b": np.zeros((3, 3))})


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


def test_index_table_shows_what_each_tap_reads():
    found = texts(figures.index_table(RUNNING))
    assert found[3:] == [
        *("$y_0$", "·", "$x_0$", "$x_1$"),
        *("$y_1$", "$x_1$", "$x_2$", "$x_3$"),
        *("$y_2$", "$x_3$", "$x_4$", "$x_5$"),
    ]


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
    picture = figures.index_table(RUNNING)
    for kind in ("png", "svg"):
        picture.save(tmp_path / f"table.{kind}")
        assert (tmp_path / f"table.{kind}").read_bytes() == picture.image(kind)


@pytest.mark.parametrize("figure", [figures.connections, figures.index_table])
def test_figures_of_one_axis_refuse_two(figure):
    with pytest.raises(ValueError, match="geometry needs exactly one axis, got 2"):
        figure(SQUARE)
