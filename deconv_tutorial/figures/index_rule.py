"""The figures that show the index rule: which tap of which output reads which input.

Needs Matplotlib.
"""
# Matplotlib leaves the types of its keyword arguments open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping
from math import gcd

import numpy as np
from matplotlib.axes import Axes

from deconv_tutorial.dtypes import Array
from deconv_tutorial.figures.canvas import (
    COLORS,
    FAINT,
    ROLES,
    Picture,
    bare_axes,
    draw_box,
    draw_cell,
    fit,
    new_figure,
    only_axis,
    window_center,
)
from deconv_tutorial.geometry import Axis, Geometry

_DASHES = ("solid", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)))


def connections(
    geometry: Geometry, *, layer: str = "conv", tap: int | None = None
) -> Picture:
    """Draw a geometry of one axis: which tap of which output meets which input.

    Parameters
    ----------
    geometry : Geometry
        A geometry with one axis. If a tap reads outside the input, an empty box stands
        there.
    layer : str
        ``"conv"``, which takes the long row and returns the short one, or
        ``"conv_transpose"``, which takes the short row and returns the long one.
    tap : int, optional
        The one tap to show in colour. The others are faint.

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


def columns(geometry: Geometry) -> Picture:
    """Draw how a geometry of one axis is unfolded: one column of copies per output.

    The number above each input is the number of its copies. If it has several, they are
    filled. If a tap reads outside the input, an empty box stands there.

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
        Geometries of one or two axes by title. Darker cells are read by more taps.
        Cells that no tap reads are hatched.
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
    """Draw the phases of a kernel of two axes, and the results that each phase makes.

    From left to right: the kernel of a transposed convolution, the same taps sorted
    into small kernels, and the result. Each phase has its own letter, and its own
    strength of colour. Results that no tap reaches are hatched.

    Parameters
    ----------
    geometry : Geometry
        A geometry with two axes.
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
    """Draw a cell with the letter of the phase of its tap, or hatched without a tap."""
    if k is None:
        draw_box(ax, at, "none", FAINT, "///")
        return
    phase = int(np.ravel_multi_index(tuple(k % steps), tuple(steps)))
    strength = 0.08 + 0.6 * phase / int(steps.prod())
    draw_box(ax, at, (COLORS[role], strength), FAINT)
    ax.text(*at, chr(ord("A") + phase), ha="center", va="center", size=11)


def _counts(geometry: Geometry) -> Array:
    """Return the number of connections of each input."""
    counts = np.zeros(geometry.input_size, int)
    for _, _, i in geometry.connections():
        counts[i] += 1
    return counts


def _draw_copy(
    ax: Axes, at: tuple[float, float], i: int, counts: Mapping[int, int]
) -> None:
    """Draw an input or a copy of it, filled if it has several; or an empty box."""
    if i in counts:
        draw_cell(ax, at, f"$x_{i}$", "x")
        if counts[i] > 1:
            draw_box(ax, at, (COLORS["x"], 0.3), COLORS["x"])
    else:
        draw_cell(ax, at, "", None)


def _draw_bracket(ax: Axes, axis: Axis, o: int, heights: tuple[float, float]) -> None:
    """Draw a bracket for the window of an output, and a line down to its column."""
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
    """Return all inputs and all places outside that a tap reads, in order."""
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
