"""The figures of the book that are curves: times, losses and errors.

Needs Matplotlib.
"""
# Matplotlib leaves the types of its keyword arguments open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator, StrMethodFormatter

from deconv_tutorial.figures.canvas import (
    COLORS,
    FAINT,
    INK,
    QUIET,
    Picture,
    new_figure,
)

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
        By the same titles and by name: a time in ms for each size. Each name has its
        own kind of line and mark.
    level : str, optional
        The title of a panel in which the dotted line does not rise.
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
    """Draw how a distance falls to the best possible distance, on logarithmic axes.

    Parameters
    ----------
    steps, distances : sequences of equal length
        The steps at which the distance was measured, and the distances.
    marks : mapping of str to float
        Distances to compare with. Each is a dashed line with its name.
    best : float
        The best possible distance. The curve shows the distance above it.
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


def step_errors(
    errors: Mapping[str, tuple[Sequence[float], Sequence[float]]],
) -> Picture:
    """Draw how the error of a derivative changes with the step, on logarithmic axes.

    Parameters
    ----------
    errors : mapping of str to pair of sequences of equal length
        By name: the steps, and the error at each step. Each name has its own kind of
        line and mark. Errors of 0 are drawn at a separate level below all others.
    """
    positive = [e for _, series in errors.values() for e in series if e > 0]
    floor = 10.0 ** (np.floor(np.log10(min(positive, default=1))) - 1)
    figure = new_figure(5.8, 4.6)
    ax = figure.add_subplot()
    ax.set(xscale="log", yscale="log", xlabel="step", ylabel="relative error")
    for i, (name, (steps, series)) in enumerate(errors.items()):
        line, mark = (*_LINES, ((0, (6, 1, 1, 1, 1, 1)), "v"))[i % 5]
        drawn = np.where(np.equal(series, 0), floor, series)
        ax.plot(steps, drawn, color=INK, ls=line, marker=mark, ms=5, lw=1, label=name)
    decades = [d for d in range(-16, 17, 4) if floor < 10.0**d < ax.get_ylim()[1]]
    names = ["0", *(f"$10^{{{d}}}$" for d in decades)]
    ax.set_yticks([floor, *(10.0**d for d in decades)], names)
    ax.yaxis.set_minor_locator(NullLocator())
    ax.axhline(floor, color=FAINT, lw=1, zorder=0)
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(
        *ax.get_legend_handles_labels(), loc="lower center", ncols=2, frameon=False
    )
    figure.tight_layout(rect=(0, 0.055 * -(-len(errors) // 2), 1, 1))
    return Picture(figure)


def _mark_scales(ax: Axes, title: str, values: Sequence[float]) -> None:
    """Make both axes logarithmic, with a number at every second size."""
    ax.set(xscale="log", yscale="log", xlabel=title, xticks=values[::2])
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_locator(NullLocator())
    ax.spines[["top", "right"]].set_visible(False)
