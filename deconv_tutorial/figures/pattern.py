"""The figures of the book that show which indices meet, seen from both directions.

Needs Matplotlib.
"""
# Matplotlib leaves the types of its keyword arguments open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines.engine import MAPS
from deconv_tutorial.figures.canvas import (
    COLORS,
    FAINT,
    INK,
    QUIET,
    TINTS,
    Picture,
    bare_axes,
    draw_cell,
    fit,
    new_figure,
    only_axis,
    window_center,
)
from deconv_tutorial.geometry import Geometry

_HEIGHTS = {"x": 2.0, "y": 0.0}
_ROLES = ("y", "w", "x")  # whose indices o, k and i are
_STEPS = np.array([[0.66, 0.46], [0, -1], [1, 0]])  # of o, k and i on the page
# For the wall of each role: beside which end of the wall the other two have names.
_SIDES = {"y": {"x": -1, "w": 1}, "w": {"x": -1, "y": 1}, "x": {"w": -1, "y": -1}}


def pattern_cloud(geometry: Geometry) -> Picture:
    """Draw the connections of a geometry of one axis as dots in space, with shadows.

    The three directions are the indices of y, w and x. A large dot is a connection; a
    small dot is a place without one. Each map has a wall, with its two arrays along the
    edges. Every connection has a shadow on each wall. The number in it is the third
    index: the element of the map's result to which the product is added. One dot has
    lines to its shadows.

    Raises
    ------
    ValueError
        If the geometry has more than one axis.
    """
    axis = only_axis(geometry)
    sizes = axis.output_size, axis.kernel_size, axis.input_size
    dots = np.array([*axis.connections()], float).reshape(-1, 3)
    figure = new_figure(4.7, 3.6)
    ax = bare_axes(figure)
    for n, place in enumerate(_places(sizes)):
        _draw_wall(ax, n, place, sizes)
        shadows = np.where(np.arange(3) == n, place, dots)
        for ends in list(zip(dots, shadows, strict=True))[len(dots) // 2 :][:1]:
            ax.plot(*(ends @ _STEPS).T, color=QUIET, lw=1.2, ls=(0, (2, 2)))
        for dot, shadow in zip(dots, shadows, strict=True):
            _draw_shadow(ax, shadow @ _STEPS, int(dot[n]), _ROLES[n])
    ax.plot(*(np.argwhere(np.ones(sizes)) @ _STEPS).T, ".", color=FAINT, ms=4)
    ax.plot(*(dots @ _STEPS).T, "o", color=INK, ms=8)
    fit(ax)
    return Picture(figure)


def _places(sizes: tuple[int, int, int]) -> tuple[float, float, float]:
    """Return the places of the walls: behind the dots, below, and to their left."""
    outputs, taps, inputs = sizes
    right, up = _STEPS[0]
    behind = min((taps + 0.2) / up, (inputs + 0.4) / right)
    return outputs - 1 + float(behind), taps + 0.7, -2.2


def _draw_wall(ax: Axes, n: int, place: float, sizes: tuple[int, int, int]) -> None:
    """Draw the wall across direction `n`, with its map and the names of two arrays."""
    role, others = _ROLES[n], [m for m in range(3) if m != n]
    corners = np.full((4, 3), place)
    for m, ends in zip(others, ([0, 1, 1, 0], [0, 0, 1, 1]), strict=True):
        corners[:, m] = np.multiply(ends, sizes[m]) - 0.5
    outline = corners @ _STEPS
    ax.fill(*outline.T, fc=TINTS[role], zorder=-2)
    ax.fill(*outline.T, fc="none", ec=COLORS[role])
    for m, across in (others, others[::-1]):
        before = _SIDES[role][_ROLES[m]] < 0
        for index in range(sizes[m]):
            at = np.full(3, place)
            at[m], at[across] = index, -1.05 if before else sizes[across] + 0.05
            _draw_name(ax, at @ _STEPS, f"${_ROLES[m]}_{{{index}}}$", _ROLES[m])
            edge = np.full((2, 3), place)
            edge[:, m], edge[:, across] = index - 0.5, (-0.5, sizes[across] - 0.5)
            ax.plot(*(edge @ _STEPS).T, color="white", lw=1, zorder=-1)
    low, high = outline[:, 1].min(), outline[:, 1].max()
    height = {"y": high + 1.25, "w": low - 1.0, "x": low - 0.5}[role]
    _draw_name(ax, np.array([outline[:, 0].mean(), height]), MAPS[role], role)


def _draw_name(ax: Axes, at: Array, name: str, role: str) -> None:
    ax.text(at[0], at[1], name, color=COLORS[role], ha="center", va="center", size=12)


def _draw_shadow(ax: Axes, at: Array, index: int, role: str) -> None:
    disc = {"boxstyle": "circle,pad=0.15", "fc": COLORS[role], "ec": "none"}
    centre: dict[str, Any] = {"ha": "center", "va": "center", "size": 10.5}
    ax.text(at[0], at[1], f"{index}", color="white", bbox=disc, **centre)


def gather_and_scatter(geometry: Geometry, o: int, i: int) -> Picture:
    """Draw the taps of one output, and below them the taps that one input meets.

    Both panels have x above y. In the first panel an output reaches up to x. In the
    second panel an input reaches down to y, which has zeros between its elements. The
    titles name the taps from left to right. Dotted lines lead to no input or output.

    Parameters
    ----------
    geometry : Geometry
        A geometry with one axis.
    o : int
        The output of the first panel.
    i : int
        The input of the second panel.

    Raises
    ------
    ValueError
        If the geometry has more than one axis.
    """
    axis = only_axis(geometry)
    taps, far = range(axis.kernel_size), axis.transposed()
    inputs = {float(n): f"$x_{n}$" for n in range(axis.input_size)}
    outputs = {window_center(axis, n): f"$y_{n}$" for n in range(axis.output_size)}
    start = window_center(axis, 0)
    scattered = {k: float(axis.input_index(o, k)) for k in taps}
    met = {k: far.input_index(i, taps[-1] - k) for k in taps}
    gathered = {k: start + n for k, n in met.items()}
    last = max(far.input_size - 1, *met.values())
    stuffed = [start + n for n in range(min(0, *met.values()), last + 1)]

    figure = new_figure(5.5, 5.6)
    outside = dict.fromkeys(scattered.values(), "")
    top = bare_axes(figure, 2, 1, 0)
    _draw_cells(top, {"x": outside | inputs, "y": outputs})
    _draw_fan(top, (window_center(axis, o), "y"), scattered, inputs)
    top.set_title(_title("one output scatters", scattered))
    bottom = bare_axes(figure, 2, 1, 1)
    _draw_cells(bottom, {"x": inputs, "y": dict.fromkeys(stuffed, "0") | outputs})
    _draw_fan(bottom, (float(i), "x"), gathered, outputs)
    bottom.set_title(_title("one input gathers", gathered))
    for ax in (top, bottom):
        fit(ax)
    figure.tight_layout()
    return Picture(figure)


def _title(text: str, places: Mapping[int, float]) -> str:
    """Return a text, followed by the taps from left to right."""
    taps = sorted(places, key=places.__getitem__)
    return f"{text}: " + ", ".join(f"$w_{k}$" for k in taps)


def _draw_cells(ax: Axes, rows: Mapping[str, Mapping[float, str]]) -> None:
    """Draw the rows of x and y. Cells without a name are faint."""
    for role, cells in rows.items():
        for place, text in cells.items():
            named = text.startswith("$")
            draw_cell(ax, (place, _HEIGHTS[role]), text, role if named else None)


def _draw_fan(
    ax: Axes,
    apex: tuple[float, str],
    places: Mapping[int, float],
    cells: Mapping[float, str],
) -> None:
    """Draw a line from one cell to the place of each tap, with the tap at its end."""
    start, role = apex
    low, high = (0.45, 1.55) if role == "y" else (1.55, 0.45)
    for k, place in places.items():
        there = place in cells
        style = ("solid", COLORS["w"]) if there else (":", FAINT)
        ax.plot([start, place], [low, high], ls=style[0], color=style[1], lw=1.8)
        spot = start + 0.68 * (place - start), low + 0.68 * (high - low)
        box = {"boxstyle": "round,pad=0.12", "fc": "white", "ec": "none"}
        color = COLORS["w"] if there else QUIET
        ax.text(*spot, f"$w_{k}$", color=color, ha="center", va="center", bbox=box)
