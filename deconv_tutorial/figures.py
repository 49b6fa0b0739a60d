"""The figures of the book: one function each, drawn from what a geometry yields.

Those drawn from numbers alone are in `charts`, and offered here, too. Needs Matplotlib.
"""
# Matplotlib leaves the types of its keyword arguments open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping
from math import gcd

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch

from deconv_tutorial.canvas import (
    COLORS,
    FAINT,
    INK,
    TINTS,
    Picture,
    bare_axes,
    draw_box,
    draw_cell,
    fit,
    new_figure,
    only_axis,
    window_center,
)
from deconv_tutorial.charts import error_maps as error_maps
from deconv_tutorial.charts import growth as growth
from deconv_tutorial.charts import kernels as kernels
from deconv_tutorial.charts import learning_curve as learning_curve
from deconv_tutorial.charts import matrix as matrix
from deconv_tutorial.charts import pictures as pictures
from deconv_tutorial.charts import step_errors as step_errors
from deconv_tutorial.charts import survivors as survivors
from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines.engine import MAPS
from deconv_tutorial.geometry import Axis, Geometry
from deconv_tutorial.patterns import gather_and_scatter as gather_and_scatter
from deconv_tutorial.patterns import pattern_cloud as pattern_cloud

ROLES = {
    "conv": {"x": "x", "y": "y"},
    "conv_transpose": {"x": "y", "y": "x"},
}
"""For each layer: which of its arrays stands at the x and at the y of the form."""
_DASHES = ("solid", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)))


def connections(
    geometry: Geometry, *, layer: str = "conv", tap: int | None = None
) -> Picture:
    """Draw a geometry of one axis: which tap of which output meets which input.

    Parameters
    ----------
    geometry : Geometry
        With one axis. Places outside the input that a tap would read are drawn as
        empty boxes.
    layer : str
        ``"conv"``, which takes the long row and returns the short one, or
        ``"conv_transpose"``, which takes the short one and returns the long one.
    tap : int, optional
        The one tap to bring out. The others stay faint.

    Raises
    ------
    ValueError
        If the geometry has more than one axis.
    """
    axis = only_axis(geometry)
    long, short = ROLES[layer]["x"], ROLES[layer]["y"]
    top, bottom = (2, 0) if layer == "conv_transpose" else (0, 2)
    figure = new_figure(5.5, 2.3)
    ax = bare_axes(figure)
    places = _places(axis)
    for i in places:
        inside = 0 <= i < axis.input_size
        draw_cell(ax, (i, bottom), f"{i}" if inside else "", long if inside else None)
    for o in range(axis.output_size):
        draw_cell(ax, (window_center(axis, o), top), f"{o}", short)
    for o, k, i in axis.connections():
        ends = np.array([[window_center(axis, o), top], [i, bottom]], float)
        _draw_tap(ax, ends, k, faint=tap not in {None, k})
    left = places[0] - 0.9
    for row, name in ((bottom, long), (top, short)):
        ax.text(left, row, f"${name}$", color=COLORS[name], va="center", ha="right")
    fit(ax)
    return Picture(figure)


def index_table(geometry: Geometry) -> Picture:
    """Draw the table of a geometry of one axis: what each tap of each output reads.

    Rows are outputs, columns are taps, and the entry is the input. A dot stands where
    the tap reads outside.

    Raises
    ------
    ValueError
        If the geometry has more than one axis.
    """
    axis = only_axis(geometry)
    inside = {(o, k): i for o, k, i in axis.connections()}
    figure = new_figure(0.6 * (2 + axis.kernel_size), 0.6 * (2 + axis.output_size))
    ax = bare_axes(figure)
    for k in range(axis.kernel_size):
        ax.text(k, 1, f"$w_{k}$", color=COLORS["w"], ha="center", va="center")
    for o in range(axis.output_size):
        ax.text(-1, -o, f"$y_{o}$", color=COLORS["y"], ha="center", va="center")
        for k in range(axis.kernel_size):
            i = inside.get((o, k))
            text, role = ("·", None) if i is None else (f"$x_{i}$", "x")
            draw_cell(ax, (k, -o), text, role)
    fit(ax)
    return Picture(figure)


def columns(geometry: Geometry) -> Picture:
    """Draw how a geometry of one axis is unfolded: one column of copies per output.

    Above each input stands how many copies it has; with more than one, they are
    filled. An empty box stands where a tap reads outside.

    Raises
    ------
    ValueError
        If the geometry has more than one axis.
    """
    axis = only_axis(geometry)
    counts = dict(enumerate(_counts(geometry)))
    first, last = axis.input_index(0, 0), axis.input_index(0, axis.kernel_size - 1)
    levels = min((last - first) // axis.stride + 1, axis.output_size)
    top = -1.5 - 0.25 * levels
    bottom = top - axis.kernel_size
    figure = new_figure(5.5, 0.55 * (2 - bottom))
    ax = bare_axes(figure)
    for i in _places(axis):
        _draw_copy(ax, (i, 0), i, counts)
    for i, count in counts.items():
        ax.text(i, 0.72, rf"${count}\times$", ha="center", va="center")
    for o in range(axis.output_size):
        center = window_center(axis, o)
        _draw_bracket(ax, axis, o, (-0.7 - 0.25 * (o % levels), top + 0.5))
        for k in range(axis.kernel_size):
            _draw_copy(ax, (center, top - k), axis.input_index(o, k), counts)
        ax.text(center, bottom, f"$y_{o}$", color=COLORS["y"], ha="center", va="center")
    left = window_center(axis, 0) - 0.7
    for k in range(axis.kernel_size):
        ax.text(left, top - k, f"$w_{k}$", color=COLORS["w"], ha="right", va="center")
    fit(ax)
    return Picture(figure)


def coverage(geometries: Mapping[str, Geometry]) -> Picture:
    """Draw how many taps read each input, one panel per geometry.

    Parameters
    ----------
    geometries : mapping of str to Geometry
        Geometries of one or two axes by title. Darker cells are read more often;
        cells that nothing reads are hatched.
    """
    counts = {title: _counts(geometry) for title, geometry in geometries.items()}
    largest = max(1, *(int(count.max()) for count in counts.values()))
    rows = -(-len(counts) // 2)
    figure = new_figure(5.5, 3 * rows)
    for place, (title, count) in enumerate(counts.items()):
        ax = bare_axes(figure, rows, 2, place)
        for (r, c), value in np.ndenumerate(np.atleast_2d(count)):
            hatch = None if value else "///"
            face = (COLORS["x"], 0.6 * float(value) / largest)
            draw_box(ax, (c, -r), face, FAINT, hatch)
            ax.text(c, -r, f"{value}", ha="center", va="center", size=11)
        ax.set_title(title)
        fit(ax, margin=0.1)
    figure.tight_layout()
    return Picture(figure)


def phases(geometry: Geometry) -> Picture:
    """Draw the phases of a kernel of two axes, and where in the result each one goes.

    From left to right: the kernel of a transposed convolution, its taps dealt out to
    small kernels, and the result. A letter names the phase, and so does the strength
    of the colour. Results that no tap reaches are hatched.

    Parameters
    ----------
    geometry : Geometry
        With two axes.
    """
    steps = np.array([a.stride // gcd(a.stride, a.dilation) for a in geometry.axes])
    taps = [np.array(k) for k in np.ndindex(geometry.kernel_size)]
    room = -(-np.array(geometry.kernel_size) // steps) + 0.5
    reached = {i: np.array(k) for _, k, i in geometry.connections()}
    places = np.ndindex(geometry.input_size)
    panels = {
        "kernel": ("w", [(k, k) for k in taps]),
        "phases": ("w", [(k // steps + k % steps * room, k) for k in taps]),
        "result": ("y", [(np.array(i), reached.get(i)) for i in places]),
    }
    figure, left = new_figure(5.2, 2.4), 0.0
    ax = bare_axes(figure)
    for title, (role, cells) in panels.items():
        right = left + max(float(at[1]) for at, _ in cells)
        ax.text((left + right) / 2, 1, title, color=COLORS[role], ha="center")
        for at, k in cells:
            _draw_phase(ax, (left + float(at[1]), -float(at[0])), k, steps, role)
        left = right + 2.2
    fit(ax)
    return Picture(figure)


def _draw_phase(
    ax: Axes, at: tuple[float, float], k: Array | None, steps: Array, role: str
) -> None:
    """Draw the letter of the phase that a tap belongs to; without a tap, hatches."""
    if k is None:
        draw_box(ax, at, "none", FAINT, "///")
        return
    phase = int(np.ravel_multi_index(tuple(k % steps), tuple(steps)))
    strength = 0.08 + 0.6 * phase / int(steps.prod())
    draw_box(ax, at, (COLORS[role], strength), FAINT)
    ax.text(*at, chr(ord("A") + phase), ha="center", va="center", size=11)


def tap_windows(
    geometry: Geometry, x: Array, y: Array, *, layer: str = "conv"
) -> Picture:
    """Draw every product of a small weight gradient of two axes, one panel per tap.

    Each panel shows x. The elements that the tap meets are filled and carry their
    factor, and the title is the sum: one entry of ``weight_grad(x, y)``.

    Parameters
    ----------
    geometry : Geometry
        With two axes.
    x : array of shape (rows, columns)
        What the taps read: the input of a convolution, or the ``d_out`` of a
        transposed one.
    y : array of shape (rows, columns)
        What that is multiplied with: the ``d_out`` of a convolution, or the input of
        a transposed one.
    layer : str
        ``"conv"`` or ``"conv_transpose"``: it decides the colour.
    """
    rows, columns = geometry.kernel_size
    figure = new_figure(1.85 * columns, 2.1 * rows)
    for place, (k, outputs, inputs) in enumerate(geometry.taps()):
        ax = bare_axes(figure, rows, columns, place)
        texts = x.astype(str).astype(object)
        texts[inputs] += "·" + y[outputs].astype(str).astype(object)
        met = np.zeros(x.shape, bool)
        met[inputs] = True
        for (r, c), text in np.ndenumerate(texts):
            role = ROLES[layer]["x"] if met[r, c] else None
            draw_cell(ax, (c, -r), text, role, size=9.5)
        total = (x[inputs] * y[outputs]).sum()
        ax.set_title(f"dw[{k[0]}, {k[1]}] = {total}", color=COLORS["w"])
        fit(ax, margin=0.1)
    figure.tight_layout()
    return Picture(figure)


_CORNERS = {"x": (0.0, 0.0), "w": (1.0, 1.5), "y": (2.0, 0.0)}


def triangles(*layers: str) -> Picture:
    """Draw the three maps of each layer, on a triangle of the form's x, w and y.

    Two corners are given; the arrows point to the third, which the map returns.

    Parameters
    ----------
    *layers : str
        ``"conv"``, ``"conv_transpose"``, or both: one row of three triangles each.
        The names and colours are those of the layer's own arrays.
    """
    figure = new_figure(6, 2.4 * len(layers))
    for row, layer in enumerate(layers):
        in_order = ("y", "x", "w") if layer == "conv" else ("x", "y", "w")
        for column, wanted in enumerate(in_order):
            ax = bare_axes(figure, len(layers), 3, 3 * row + column)
            names = _names(layer, result=column == 0, wanted=wanted)
            for corner, name in names.items():
                _draw_corner(ax, corner, name, wanted)
            meaning = "result" if column == 0 else f"gradient of {names[wanted][1]}"
            ax.text(1, -0.62, MAPS[wanted], ha="center", family="monospace", size=11)
            ax.text(1, -1.0, meaning, ha="center", size=11)
            if column == 0:
                ax.set_title(layer, family="monospace", loc="left", fontweight="bold")
            ax.set(xlim=(-0.55, 2.55), ylim=(-1.1, 2.0), aspect="equal")
    figure.tight_layout()
    return Picture(figure)


def _names(layer: str, *, result: bool, wanted: str) -> dict[str, str]:
    """Return what stands at each corner of the form in one of a layer's maps."""
    names = {**ROLES[layer], "w": "w"}
    if result:
        return names
    gradients = {"x": "dx", "w": "dw"}
    return {
        corner: gradients[name] if corner == wanted else {"y": "d_out"}.get(name, name)
        for corner, name in names.items()
    }


def _draw_corner(ax: Axes, corner: str, name: str, wanted: str) -> None:
    at = _CORNERS[corner]
    color = "y" if name == "d_out" else name[-1]
    given = corner != wanted
    if given:
        arrow = FancyArrowPatch(
            at,
            _CORNERS[wanted],
            arrowstyle="-|>",
            mutation_scale=14,
            color=INK,
            lw=1.3,
            shrinkA=17,
            shrinkB=19,
        )
        ax.add_patch(arrow)
    face = TINTS[color] if given else COLORS[color]
    ax.text(
        *at,
        name,
        ha="center",
        va="center",
        family="monospace",
        color=COLORS[color] if given else "white",
        bbox={"boxstyle": "round,pad=0.35", "fc": face, "ec": COLORS[color]},
    )


def _counts(geometry: Geometry) -> Array:
    """Return how many connections each input has."""
    counts = np.zeros(geometry.input_size, int)
    for _, _, i in geometry.connections():
        counts[i] += 1
    return counts


def _draw_copy(
    ax: Axes, at: tuple[float, float], i: int, counts: Mapping[int, int]
) -> None:
    """Draw an input or a copy of it, filled if there are several; outside, a box."""
    if i in counts:
        draw_cell(ax, at, f"$x_{i}$", "x")
        if counts[i] > 1:
            draw_box(ax, at, (COLORS["x"], 0.3), COLORS["x"])
    else:
        draw_cell(ax, at, "", None)


def _draw_bracket(ax: Axes, axis: Axis, o: int, heights: tuple[float, float]) -> None:
    """Draw the window of an output at one height, and a line down to the other."""
    level, low = heights
    left = axis.input_index(o, 0) - 0.4
    right = axis.input_index(o, axis.kernel_size - 1) + 0.4
    center = window_center(axis, o)
    tips = level + 0.15
    for xs, ys in (
        ([left, left, right, right], [tips, level, level, tips]),
        ([center, center], [level, low]),
    ):
        ax.plot(xs, ys, color=COLORS["y"], lw=1.5)


def _places(axis: Axis) -> list[int]:
    """Return every input in order, and every place outside that a tap would read."""
    read = {
        axis.input_index(o, k)
        for o in range(axis.output_size)
        for k in range(axis.kernel_size)
    }
    return sorted({*read, *range(axis.input_size)})


def _draw_tap(ax: Axes, ends: Array, k: int, *, faint: bool) -> None:
    """Draw the line of a tap between two cells, given as the rows of `ends`."""
    color = FAINT if faint else COLORS["w"]
    start, stop = (
        ends[0] + 0.2 * (ends[1] - ends[0]),
        ends[1] + 0.2 * (ends[0] - ends[1]),
    )
    start[0], stop[0] = ends[:, 0]
    line = np.stack([start, stop])
    ax.plot(
        line[:, 0],
        line[:, 1],
        color=color,
        ls=_DASHES[k % len(_DASHES)],
        lw=1.8,
        zorder=1,
    )
    if not faint:
        # Nearer to the output, where the lines of one window are spread apart.
        spot = start + 0.42 * (stop - start)
        box = {"boxstyle": "round,pad=0.12", "fc": "white", "ec": "none"}
        x, y = float(spot[0]), float(spot[1])
        ax.text(x, y, f"$w_{k}$", color=color, ha="center", va="center", bbox=box)
