"""What all figures of the book share: colours, cells, and the finished picture.

In all of them ``x`` is blue, ``w`` is orange and ``y`` is green. Each array also has
its letter, so that no figure depends on colour alone. Needs Matplotlib.
"""
# Matplotlib leaves the types of its keyword arguments open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from deconv_tutorial.geometry import Axis, Geometry

COLORS = {"x": "#0072B2", "w": "#C24E00", "y": "#00805E"}
"""The colour of each array, and of its gradient: dark enough for text on white."""
TINTS = {"x": "#DCEBF7", "w": "#FBE6D8", "y": "#DAF0E7"}
"""The same colours as a background for dark text."""
ROLES = {
    "conv": {"x": "x", "y": "y"},
    "conv_transpose": {"x": "y", "y": "x"},
}
"""For each layer: the array that is the x of the form, and the one that is its y."""
INK, QUIET, FAINT = "#222222", "#6A6A6A", "#B8B8B8"
_STYLE: dict[Any, Any] = {
    "font.size": 12,  # a phone shows the widest figures at two thirds of their size
    "axes.titlesize": 12,
    "svg.hashsalt": "deconv_tutorial",
}


class Picture:
    """A finished figure that notebooks and pages show as an image.

    It is stored as PNG, or as SVG if the environment variable ``DECONV_FIGURE_FORMAT``
    is ``svg``. The image is the same on every run. The Matplotlib figure is in the
    attribute ``figure``, so that you can change it.

    Examples
    --------
    >>> Picture(new_figure(width=6, height=3))
    <Picture of 6 by 3 inches>
    """

    def __init__(self, figure: Figure) -> None:
        self.figure = figure

    def __repr__(self) -> str:
        """Return the size in words."""
        width, height = self.figure.get_size_inches()
        return f"<Picture of {width:.0f} by {height:.0f} inches>"

    def image(self, kind: str) -> bytes:
        """Return the bytes of the image: ``"png"`` or ``"svg"``."""
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        buffer = io.BytesIO()
        with mpl.rc_context(_STYLE):
            self.figure.savefig(
                buffer, format=kind, dpi=144, bbox_inches="tight", metadata=metadata
            )
        return buffer.getvalue()

    def save(self, path: str | Path) -> None:
        """Write the image to a file whose name ends in ``.png`` or ``.svg``."""
        path = Path(path)
        path.write_bytes(self.image(path.suffix.removeprefix(".")))

    def _repr_mimebundle_(self, **_kwargs: object) -> dict[str, bytes | str]:
        if os.environ.get("DECONV_FIGURE_FORMAT") == "svg":
            image: dict[str, bytes | str] = {
                "image/svg+xml": self.image("svg").decode()
            }
        else:
            image = {"image/png": self.image("png")}
        return {"text/plain": repr(self), **image}


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure in the style of the book. Its size is in inches."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height))
        FigureCanvasAgg(figure)
    figure.subplots_adjust(left=0, bottom=0, right=1, top=1)
    return figure


def bare_axes(figure: Figure, rows: int = 1, columns: int = 1, place: int = 0) -> Axes:
    """Return one place of a grid of drawings, without axis lines or numbers."""
    ax = figure.add_subplot(rows, columns, place + 1)
    ax.set_axis_off()
    return ax


def draw_cell(
    ax: Axes, at: tuple[float, float], text: str, role: str | None, size: float = 12
) -> None:
    """Draw a box with a text, in the colour of a role, or faint if there is no role."""
    if role is None:
        draw_box(ax, at, "none", FAINT)
    else:
        draw_box(ax, at, TINTS[role], COLORS[role])
    color = QUIET if role is None else INK
    ax.text(*at, text, ha="center", va="center", size=size, color=color)


def draw_box(
    ax: Axes,
    at: tuple[float, float],
    face: str | tuple[str, float],
    edge: str,
    hatch: str | None = None,
) -> None:
    """Draw a box around a point of a grid with steps of 1."""
    corner = (at[0] - 0.42, at[1] - 0.42)
    ax.add_patch(Rectangle(corner, 0.84, 0.84, fc=face, ec=edge, hatch=hatch))


def fit(ax: Axes, margin: float = 0.3) -> None:
    """Show the whole drawing at one scale, with a margin in steps of the grid."""
    ax.set_aspect("equal")
    ax.margins(0)
    ax.autoscale_view()
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    ax.set(xlim=(left - margin, right + margin), ylim=(low - margin, high + margin))


def only_axis(geometry: Geometry) -> Axis:
    """Return the axis of a geometry with one axis. Raise an error if it has more."""
    if len(geometry.axes) != 1:
        msg = f"geometry needs exactly one axis, got {len(geometry.axes)}"
        raise ValueError(msg)
    return geometry.axes[0]


def window_center(axis: Axis, o: int) -> float:
    """Return the place at which an output is drawn: the middle of its window."""
    return (axis.input_index(o, 0) + axis.input_index(o, axis.kernel_size - 1)) / 2
