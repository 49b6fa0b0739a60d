"""The figures of the book that are drawn from numbers: arrays and curves.

`figures` offers them together with those of a geometry. Needs Matplotlib.
"""
# Matplotlib leaves the types of its keyword arguments open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator, StrMethodFormatter

from deconv_tutorial.canvas import (
    COLORS,
    FAINT,
    INK,
    QUIET,
    Picture,
    bare_axes,
    draw_box,
    fit,
    new_figure,
)
from deconv_tutorial.engine import Array

_LINES = (("-", "o"), ("--", "s"), ("-.", "^"), ((0, (1, 1)), "D"))


def growth(
    sizes: Mapping[str, Sequence[float]],
    times: Mapping[str, Mapping[str, Sequence[float]]],
    *,
    level: str | None = None,
) -> Picture:
    """Draw how times grow with sizes, one panel per size, on logarithmic axes.

    A dotted line in each panel grows in proportion to the size.

    Parameters
    ----------
    sizes : mapping of str to sequence
        The sizes by title.
    times : mapping of str to mapping of str to sequence of equal length
        By the same titles and by name: a time in ms for each size. Each name has a
        line and a mark of its own.
    level : str, optional
        The panel in which the dotted line stays level.
    """
    rows = -(-len(sizes) // 2)
    figure = new_figure(5.8, 2.5 * rows)
    axes = figure.subplots(rows, 2, sharey=True, squeeze=False).ravel()
    for ax, (title, values) in zip(axes, sizes.items(), strict=False):
        rise = np.divide(values, values[0]) if title != level else np.ones(len(values))
        first = min(series[0] for series in times[title].values())
        ax.plot(values, first * rise, color=QUIET, ls=":", lw=1.5, label="products")
        for i, (name, series) in enumerate(times[title].items()):
            line, mark = _LINES[i % len(_LINES)]
            ax.plot(values, series, color=INK, ls=line, marker=mark, ms=5, label=name)
        _mark_scales(ax, title, values)
    for ax in axes[::2]:
        ax.set_ylabel("ms")
    for ax in axes[len(sizes) :]:
        ax.remove()
    axes[0].legend(frameon=False, fontsize=10)
    figure.tight_layout()
    return Picture(figure)


def learning_curve(
    steps: Sequence[int],
    distances: Sequence[float],
    marks: Mapping[str, float],
    best: float,
) -> Picture:
    """Draw how a distance comes down to the best possible one, on logarithmic axes.

    Parameters
    ----------
    steps, distances : sequences of equal length
        Where the distance was measured, and what it was.
    marks : mapping of str to float
        Distances to compare with, each a dashed line with its name.
    best : float
        The best possible distance. What is drawn lies above it.
    """
    figure = new_figure(5.5, 3.2)
    ax = figure.add_subplot()
    ax.plot(steps, np.subtract(distances, best), color=COLORS["w"], lw=2, marker="o")
    ax.set(xlabel="steps", ylabel="distance above the best", xscale="log", yscale="log")
    for name, level in marks.items():
        ax.axhline(level - best, color=INK, lw=1, ls=(0, (4, 3)))
        ax.annotate(
            name,
            (1, level - best),
            xytext=(-4, 4),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
        )
    ax.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    return Picture(figure)


def kernels(weights: Mapping[str, Array]) -> Picture:
    """Draw kernels of two axes side by side, each number in its place.

    Parameters
    ----------
    weights : mapping of str to array of shape (rows, columns)
        The kernels by title. Darker cells weigh more; negative ones are hatched.
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


def pictures(images: Mapping[str, Array], *, columns: int = 2) -> Picture:
    """Draw grey pictures side by side, all on one scale from black to white.

    Parameters
    ----------
    images : mapping of str to array of shape (rows, columns)
        The pictures by title. The first one sets the scale.
    columns : int
        How many stand beside each other.
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


def _mark_scales(ax: Axes, title: str, values: Sequence[float]) -> None:
    """Make both axes logarithmic, and name every second size that was measured."""
    ax.set(xscale="log", yscale="log", xlabel=title, xticks=values[::2])
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_locator(NullLocator())
    ax.spines[["top", "right"]].set_visible(False)
