"""The figures of the book that show arrays: matrices, kernels, pictures and errors.

Needs Matplotlib.
"""
# Matplotlib leaves the types of its keyword arguments open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import itertools
import operator
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from deconv_tutorial.dtypes import Array
from deconv_tutorial.figures.canvas import (
    COLORS,
    FAINT,
    INK,
    QUIET,
    TINTS,
    Picture,
    bare_axes,
    draw_box,
    draw_cell,
    fit,
    new_figure,
)

_BOX = (Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY)


def kernels(weights: Mapping[str, Array]) -> Picture:
    """Draw kernels of two axes side by side, each number in its place.

    Parameters
    ----------
    weights : mapping of str to array of shape (rows, columns)
        The kernels by title. Darker cells have larger weights. Cells with negative
        weights are hatched.
    """
    figure = new_figure(5.5, 2.3)
    largest = max(float(np.abs(w).max()) for w in weights.values())
    for column, (title, w) in enumerate(weights.items()):
        ax = bare_axes(figure, 1, len(weights), column)
        for (r, c), value in np.ndenumerate(w):
            strength = 0.75 * abs(float(value)) / largest
            hatch = "///" if value < 0 else None
            draw_box(ax, (c, -r), (COLORS["w"], strength), FAINT, hatch)
            ax.text(c, -r, f"{value:.2f}", ha="center", va="center", size=9)
        ax.set_title(title)
        fit(ax, margin=0.1)
    figure.tight_layout()
    return Picture(figure)


def matrix(
    entries: Array, *, row: int | None = None, column: int | None = None
) -> Picture:
    """Draw the matrix of a convolution, each entry in its place.

    Each row has the name of an output, and each column that of an input, in flat order.
    Different entries have colours of different strength, and show their own symbols.

    Parameters
    ----------
    entries : array of shape (outputs, inputs)
        Numbers, or symbols that Matplotlib can set. Zeros stay without colour.
    row : int, optional
        The output whose row gets a solid frame: the inputs that it gathers.
    column : int, optional
        The input whose column gets a dashed frame: the outputs that it is scattered to.
    """
    outputs, inputs = entries.shape
    step = min(0.5, 5.5 / (inputs + 2.4))
    figure = new_figure(step * (inputs + 2.4), step * (outputs + 1.8))
    ax = bare_axes(figure)
    texts = {str(entry) for entry in entries.flat if entry != 0}
    kinds = sorted(texts, key=lambda text: (len(text), text))  # w_2 before w_10
    for (o, i), entry in np.ndenumerate(entries):
        if entry == 0:
            draw_cell(ax, (i, -o), "0", None, size=11)
            continue
        strength = 0.1 + 0.5 * kinds.index(str(entry)) / max(1, len(kinds) - 1)
        draw_box(ax, (i, -o), (COLORS["w"], strength), COLORS["w"])
        ax.text(i, -o, f"${entry}$", ha="center", va="center", size=12, color=INK)
    for o in range(outputs):
        ax.text(-1, -o, f"$y_{{{o}}}$", color=COLORS["y"], ha="center", va="center")
    for i in range(inputs):
        ax.text(i, 0.9, f"$x_{{{i}}}$", color=COLORS["x"], ha="center", va="center")
    if row is not None:
        _draw_frame(ax, (-0.5, -row - 0.5), (inputs, 1), "y")
        ax.text(inputs - 0.35, -row, "gathers", color=COLORS["y"], va="center")
    if column is not None:
        _draw_frame(ax, (column - 0.5, 0.5 - outputs), (1, outputs), "x")
        ax.text(column, -outputs, "scatters", color=COLORS["x"], ha="center")
    fit(ax)
    return Picture(figure)


def pictures(images: Mapping[str, Array], *, columns: int = 2) -> Picture:
    """Draw grey pictures side by side, all on one scale from black to white.

    Parameters
    ----------
    images : mapping of str to array of shape (rows, columns)
        The pictures by title. The first one sets the scale from black to white.
    columns : int
        The number of pictures in a row.
    """
    rows = -(-len(images) // columns)
    figure = new_figure(5.5, 5.5 / columns * rows * 1.12)
    first = next(iter(images.values()))
    for place, (title, image) in enumerate(images.items()):
        ax = bare_axes(figure, rows, columns, place)
        ax.imshow(image, cmap="gray", vmin=first.min(), vmax=first.max())
        ax.set_title(title)
    figure.tight_layout()
    return Picture(figure)


def error_maps(
    maps: Mapping[str, tuple[str, Array, Array]], *, columns: int = 3
) -> Picture:
    """Draw the places where arrays are wrong, with one small panel for each array.

    Parameters
    ----------
    maps : mapping of str to (role, found, right)
        By title: the role ``"x"``, ``"w"`` or ``"y"``, which sets the colour, a found
        array and the right array, both of shape (rows, columns). If their shapes
        differ, the panel shows missing and superfluous places, and names both shapes.
    columns : int
        The number of panels in a row.
    """
    panels = list(maps.items())
    lines = [panels[n : n + columns] for n in range(0, len(panels), columns)]
    tall = [max(_share(a, b) for _, (_, a, b) in line) for line in lines]
    heights = [5.2 / columns * share for share in tall]
    figure = new_figure(5.8, sum(heights) + 0.7 * len(lines) + 0.3)
    figure.set_layout_engine("constrained", h_pad=0.08, w_pad=0.04)
    grid = figure.add_gridspec(len(lines) + 1, columns, height_ratios=[*heights, 0.2])
    states: dict[str, str] = {}
    for row, line in enumerate(lines):
        for column, (title, (role, found, right)) in enumerate(line):
            ax = figure.add_subplot(grid[row, column])
            drawn = _draw_error_map(ax, role, found, right)
            states |= dict.fromkeys(drawn, role) | states
            ax.set_title("\n".join(textwrap.wrap(title, 17)))
    _draw_states(figure.add_subplot(grid[-1, :]), states)
    return Picture(figure)


def survivors(missed: Mapping[str, Mapping[str, bool]]) -> Picture:
    """Draw which mistakes a test does not see, one column per test.

    Parameters
    ----------
    missed : mapping of str to mapping of str to bool
        By test and by mistake: whether the test misses the mistake. All tests have the
        same mistakes. A filled box with a cross is a missed mistake, and their number
        stands below each column.
    """
    mistakes = list(next(iter(missed.values())))
    figure = new_figure(5.8, 0.25 * len(mistakes) + 1.25)
    ax = bare_axes(figure)
    for row, mistake in enumerate(mistakes):
        ax.text(-0.7, -row, mistake, ha="right", va="center", size=10)
    for column, (test, passes) in enumerate(missed.items()):
        ax.text(column, 0.7, test, rotation=50, rotation_mode="anchor", va="center")
        for row, mistake in enumerate(mistakes):
            if passes[mistake]:
                draw_box(ax, (column, -row), QUIET, INK)
                cross = ax.text(column, -row, r"$\times$", color="white")
                cross.set(ha="center", va="center")
            else:
                draw_box(ax, (column, -row), "none", FAINT)
        total = sum(passes[mistake] for mistake in mistakes)
        ax.text(column, -len(mistakes) - 0.2, f"{total}", ha="center", va="center")
    ax.text(-0.7, -len(mistakes) - 0.2, "let through", ha="right", va="center")
    ax.set(xlim=(-6.2, len(missed) + 0.8), ylim=(-len(mistakes) - 0.7, 3.3))
    return Picture(figure)


def _share(found: Array, right: Array) -> float:
    """Return the height of a panel as a share of its width."""
    high, wide = np.maximum(found.shape, right.shape)
    return float(high / max(high, wide, 6))


def _draw_error_map(ax: Axes, role: str, found: Array, right: Array) -> set[str]:
    """Draw each place of two arrays, and both sizes if they differ."""
    ax.set_axis_off()
    high, wide = (int(size) for size in np.maximum(found.shape, right.shape))
    states = [[_state(found, right, (r, c)) for c in range(wide)] for r in range(high)]
    kinds = {state for row in states for state in row if state}
    for state in sorted(kinds):
        _draw_state(ax, _runs(states, state), role, state)
    half, middle = max(high, wide, 6) / 2 + 0.1, wide / 2
    ax.vlines(range(1, wide), -high, 0, color="white", lw=0.7)
    ax.hlines(range(1 - high, 0), 0, wide, color="white", lw=0.7)
    ax.set(xlim=(middle - half, middle + half), ylim=(-high - 0.1, 0.1))
    ax.set(aspect="equal", anchor="N")
    if found.shape != right.shape:
        sizes = r"{}$\times${}, not {}$\times${}".format(*found.shape, *right.shape)
        ax.text(middle, -high - 0.3, sizes, ha="center", va="top")
    return kinds


def _runs(states: Sequence[Sequence[str]], state: str) -> list[tuple[int, int, int]]:
    """Return each run of a state: its row, its first column, and its length."""
    runs: list[tuple[int, int, int]] = []
    for row, line in enumerate(states):
        column = 0
        for kind, group in itertools.groupby(line):
            length = len([*group])
            if kind == state:
                runs.append((row, column, length))
            column += length
    return runs


def _state(found: Array, right: Array, at: tuple[int, ...]) -> str:
    """Return how two arrays compare in a place, or "" if neither of them has it."""
    is_found = all(map(operator.lt, at, found.shape))
    is_needed = all(map(operator.lt, at, right.shape))
    if not is_found:
        return "missing" if is_needed else ""
    if not is_needed:
        return "too many"
    if found[at] == right[at]:
        return "right"
    return "wrong" if found[at] else "wrong: 0"


def _draw_state(
    ax: Axes, runs: Sequence[tuple[int, int, int]], role: str, state: str
) -> None:
    """Draw runs of places as one shape, with fill, edge and hatch for their state."""
    face, edge, hatch, line = {
        "right": (TINTS[role], FAINT, None, "-"),
        "wrong": ((COLORS[role], 0.5), INK, "////", "-"),
        "wrong: 0": ("white", INK, "xxxx", "-"),
        "missing": ("none", QUIET, None, ":"),
        "too many": ((QUIET, 0.3), QUIET, "---", "-"),
    }[state]
    boxes = [
        Path([(c, -r), (c, -r - 1), (c + n, -r - 1), (c + n, -r), (c, -r)], _BOX)
        for r, c, n in runs
    ]
    shape = Path.make_compound_path(*boxes)
    ax.add_patch(PathPatch(shape, fc=face, ec=edge, hatch=hatch, ls=line, lw=0.5))


def _draw_states(ax: Axes, states: Mapping[str, str]) -> None:
    """Draw the legend: one box for each state, in the colour of a role."""
    ax.set_axis_off()
    for n, (state, role) in enumerate(sorted(states.items())):
        _draw_state(ax, [(0, 6 * n, 1)], role, state)
        ax.text(6 * n + 1.4, -0.5, state, va="center")
    ax.set(xlim=(-0.5, 29.5), ylim=(-1.1, 0.1), aspect="equal")


def _draw_frame(
    ax: Axes, corner: tuple[float, float], size: tuple[float, float], role: str
) -> None:
    """Draw a frame around cells: solid around a row, for y, or else dashed."""
    line = "solid" if role == "y" else (0, (3, 1.5))
    frame = Rectangle(corner, *size, fill=False, ec=COLORS[role], lw=2.5, ls=line)
    ax.add_patch(frame)
