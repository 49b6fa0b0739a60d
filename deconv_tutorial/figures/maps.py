"""The figures of the book that show what each of the three maps takes and returns.

Needs Matplotlib.
"""
# Matplotlib leaves the types of its keyword arguments open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch

from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines.engine import MAPS
from deconv_tutorial.figures.canvas import (
    COLORS,
    INK,
    ROLES,
    TINTS,
    Picture,
    bare_axes,
    draw_cell,
    fit,
    new_figure,
)
from deconv_tutorial.geometry import Geometry

_CORNERS = {"x": (0.0, 0.0), "w": (1.0, 1.5), "y": (2.0, 0.0)}


def tap_windows(
    geometry: Geometry, x: Array, y: Array, *, layer: str = "conv"
) -> Picture:
    """Draw all products of a small weight gradient of two axes, one panel per tap.

    Each panel shows x. The elements that the tap reads are filled, and multiplied by an
    element of y. The title is their sum: one entry of ``weight_grad(x, y)``.

    Parameters
    ----------
    geometry : Geometry
        A geometry with two axes.
    x : array of shape (rows, columns)
        The array that the taps read: the input of a convolution, or the ``d_out`` of a
        transposed convolution.
    y : array of shape (rows, columns)
        The other factor: the ``d_out`` of a convolution, or the input of a transposed
        convolution.
    layer : str
        ``"conv"`` or ``"conv_transpose"``, which sets the colour.
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


def triangles(*layers: str) -> Picture:
    """Draw the three maps of each layer, on a triangle of the form's x, w and y.

    A map takes the arrays at two corners. Arrows point to the third, which it returns.

    Parameters
    ----------
    *layers : str
        ``"conv"``, ``"conv_transpose"``, or both: one row of three triangles each.
        Names and colours are those of the layer's own arrays.
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
    """Return the name of the array at each corner, in one of a layer's maps."""
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
