r"""Arrays of symbols, the form T, and its derivatives.

As everywhere, ``y`` is the output, or the gradient of a loss in the output. It is shown
as ``\delta`` here, since most results of `derive` and `prove` are gradients.
"""

# SymPy has no complete types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
import sympy as sp

from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines.engine import MAPS, By
from deconv_tutorial.geometry import Geometry
from deconv_tutorial.geometry.settings import Index


class Letters(NamedTuple):
    """Arrays of symbols, in the shapes that engines take."""

    x: Array
    w: Array
    y: Array


def letters(name: str, shape: Index, *, hidden: int = 0) -> Array:
    r"""Return an array of symbols, each of which is named after its place.

    Parameters
    ----------
    name : str
        The name before the indices. It may be LaTeX.
    shape : tuple of int
        The shape of the array.
    hidden : int
        How many leading axes show no index if their size is 1.

    Examples
    --------
    >>> letters("x", (3,))
    array([x_0, x_1, x_2], dtype=object)
    >>> letters(r"\delta", (1, 2, 2), hidden=1)[0, 1, 0]
    \delta_{1,0}
    """
    shown = [n for n, size in enumerate(shape) if n >= hidden or size > 1]
    array = np.empty(shape, object)
    for place in np.ndindex(*shape):
        indices = ",".join(str(place[n]) for n in shown)
        array[place] = sp.Symbol(
            f"{name}_{{{indices}}}"
            if "," in indices
            else f"{name}_{indices}"
            if indices
            else name
        )
    return array


def letters_of(
    geometry: Geometry,
    samples: int = 1,
    groups: int = 1,
    y_channels: int = 1,
    x_channels: int = 1,
) -> Letters:
    r"""Return symbols for the three arrays of a geometry, as engines take them.

    Parameters
    ----------
    geometry : Geometry
        Which tap of which output reads which input.
    samples, groups, y_channels, x_channels : int
        The letters ``n``, ``g``, ``a`` and ``b`` of the shapes.

    Returns
    -------
    Letters
        ``x`` of shape ``(n, g, b, *input_size)``, ``w`` of shape
        ``(g, a, b, *kernel_size)`` and ``y`` of shape ``(n, g, a, *output_size)``.

    Examples
    --------
    >>> from deconv_tutorial.geometry import conv_geometry
    >>> x, w, y = letters_of(conv_geometry(3, 2), x_channels=2)
    >>> x.shape, x[0, 0, 1, 2], w[0, 0, 1, 0], y[0, 0, 0, 1]
    ((1, 1, 2, 3), x_{1,2}, w_{1,0}, \delta_1)
    """
    n, g, a, b = samples, groups, y_channels, x_channels
    return Letters(
        letters("x", (n, g, b, *geometry.input_size), hidden=3),
        letters("w", (g, a, b, *geometry.kernel_size), hidden=3),
        letters(r"\delta", (n, g, a, *geometry.output_size), hidden=3),
    )


def form(geometry: Geometry, x: Array, w: Array, y: Array) -> sp.Expr:
    r"""Return T: the sum over all connections and channels of y times w times x.

    Parameters
    ----------
    geometry : Geometry
        Which tap of which output reads which input.
    x : array of shape (n, g, b, *input_size)
        The input.
    w : array of shape (g, a, b, *kernel_size)
        The weight.
    y : array of shape (n, g, a, *output_size)
        The output, or the gradient of a loss in the output.

    Examples
    --------
    >>> from deconv_tutorial.geometry import conv_geometry
    >>> geometry = conv_geometry(3, 2)
    >>> form(geometry, *letters_of(geometry))
    \delta_0*w_0*x_0 + \delta_0*w_1*x_1 + \delta_1*w_0*x_1 + \delta_1*w_1*x_2
    """
    channels = [*product(*map(range, (len(x), *w.shape[:3])))]
    return sp.Add(
        *(
            y[n, g, a, *o] * w[g, a, b, *k] * x[n, g, b, *i]
            for o, k, i in geometry.connections()
            for n, g, a, b in channels
        )
    )


def derivative(expression: sp.Expr, array: Array) -> Array:
    """Return an array of derivatives of a sum, by each symbol of an array.

    Terms without the symbol are skipped, since their derivative is 0.

    Examples
    --------
    >>> a, b = letters("a", (2,)), letters("b", (2,))
    >>> derivative(a[0] * b[0] + a[0] * b[1], a)
    array([b_0 + b_1, 0], dtype=object)
    """
    terms: dict[sp.Basic, list[sp.Expr]] = {}
    for term in sp.Add.make_args(expression):
        for symbol in term.free_symbols:
            terms.setdefault(symbol, []).append(term)
    entries = np.empty(array.shape, object)
    for place, symbol in np.ndenumerate(array):
        entries[place] = sp.Add(*(sp.diff(t, symbol) for t in terms.get(symbol, [])))
    return entries


@dataclass(frozen=True, eq=False)
class Table:
    """The derivatives of T by each symbol of an array.

    Notebooks and pages show them as formulas.
    """

    symbols: Array
    """The symbols by which T is differentiated."""
    entries: Array
    """The derivatives, in an array of the same shape."""

    def __repr__(self) -> str:
        """Return a line for each entry."""
        return "\n".join(f"dT/d{symbol} = {entry}" for symbol, entry in self._rows())

    def _repr_latex_(self) -> str:
        rows = (
            rf"\frac{{\partial T}}{{\partial {sp.latex(symbol)}}} &= {sp.latex(entry)}"
            for symbol, entry in self._rows()
        )
        text = "\\\\[8pt]\n".join(rows)
        return f"$$\n\\begin{{aligned}}\n{text}\n\\end{{aligned}}\n$$"

    def _rows(self) -> Iterable[tuple[sp.Symbol, sp.Expr]]:
        return zip(self.symbols.flat, self.entries.flat, strict=True)


def derive(
    geometry: Geometry,
    by: By,
    samples: int = 1,
    groups: int = 1,
    y_channels: int = 1,
    x_channels: int = 1,
) -> Table:
    r"""Return the derivatives of T by each element of one of the three arrays.

    Parameters
    ----------
    geometry : Geometry
        Which tap of which output reads which input.
    by : {"x", "w", "y"}
        The array.
    samples, groups, y_channels, x_channels : int
        As for `letters_of`.

    Raises
    ------
    ValueError
        If `by` is none of the three.

    Examples
    --------
    >>> from deconv_tutorial.geometry import conv_geometry
    >>> derive(conv_geometry(6, 3, stride=2, padding=1), "w")
    dT/dw_0 = \delta_1*x_1 + \delta_2*x_3
    dT/dw_1 = \delta_0*x_0 + \delta_1*x_2 + \delta_2*x_4
    dT/dw_2 = \delta_0*x_1 + \delta_1*x_3 + \delta_2*x_5
    """
    if by not in MAPS:
        msg = f'by needs one of "x", "w" and "y", got {by!r}'
        raise ValueError(msg)
    return tables_of(geometry, samples, groups, y_channels, x_channels)[1][by]


@lru_cache(512)
def tables_of(
    geometry: Geometry, *channels: int
) -> tuple[Letters, dict[By, Table], int]:
    """Return the symbols, the derivatives of their form, and its number of terms."""
    symbols = letters_of(geometry, *channels)
    whole = form(geometry, *symbols)
    tables: dict[By, Table] = {}
    for by in MAPS:
        array: Array = getattr(symbols, by)
        tables[by] = Table(array, derivative(whole, array))
        for each in (array, tables[by].entries):
            each.flags.writeable = False
    return symbols, tables, term_count(whole)


def term_count(whole: sp.Expr) -> int:
    """Return the number of terms of a sum. Zero has no terms."""
    return len(sp.Add.make_args(whole)) if whole != 0 else 0
