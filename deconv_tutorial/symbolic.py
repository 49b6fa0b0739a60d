r"""Arrays of symbols, the form T, its derivatives, and proofs that run the engines.

Two functions may agree on all numbers that were tried, and differ on the next. Symbols
leave no such doubt: a result is an expression, and two expressions are equal for all
numbers, or they are not. So `prove` hands symbols to an engine as it is, and
compares each entry that comes back with the derivative of the form::

    T(x, w, y) = sum of  y[n, g, a, *o] * w[g, a, b, *k] * x[n, g, b, *i]

over all connections ``(o, k, i)`` and all channels. As everywhere, ``y`` is the output,
or the gradient of a loss in it. To the eye it is ``\delta`` here, since `derive` and
`prove` mostly speak of gradients.
"""

# SymPy has no complete types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import sympy as sp

from deconv_tutorial import functional
from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines import fast
from deconv_tutorial.engines.engine import Engine, in_groups
from deconv_tutorial.geometry import (
    Geometry,
    conv_geometry,
    conv_transpose_geometry,
)
from deconv_tutorial.geometry.settings import Index, Padding
from deconv_tutorial.reading import Reading, recognise

__all__ = [
    "Letters",
    "Proof",
    "ProofError",
    "Reading",
    "Table",
    "derivative",
    "derive",
    "form",
    "letters",
    "letters_of",
    "prove",
    "prove_layer",
    "recognise",
]

By: TypeAlias = Literal["x", "w", "y"]

MAPS: Mapping[By, str] = {"y": "forward", "x": "input_grad", "w": "weight_grad"}
"""Which map is the derivative by which array."""


class Letters(NamedTuple):
    """Arrays of symbols, in the shapes that engines take."""

    x: Array
    w: Array
    y: Array


def letters(name: str, shape: Index, *, hidden: int = 0) -> Array:
    r"""Return an array of symbols, each named after its place.

    Parameters
    ----------
    name : str
        What stands before the indices; it may be LaTeX.
    shape : tuple of int
        The shape of the array.
    hidden : int
        Of how many leading axes to leave out the index where there is only one.

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
        The output, or the gradient of a loss in it.

    Examples
    --------
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
    """Return the derivatives of a sum by each symbol of an array, in its shape.

    A term without the symbol has the derivative 0, and is not looked at.

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
    """A derivative of T: an entry for each symbol, in arrays of the same shape.

    Notebooks and pages show it as formulas.
    """

    symbols: Array
    """By what T was differentiated."""
    entries: Array
    """The derivatives."""

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
    >>> derive(conv_geometry(6, 3, stride=2, padding=1), "w")
    dT/dw_0 = \delta_1*x_1 + \delta_2*x_3
    dT/dw_1 = \delta_0*x_0 + \delta_1*x_2 + \delta_2*x_4
    dT/dw_2 = \delta_0*x_1 + \delta_1*x_3 + \delta_2*x_5
    """
    if by not in MAPS:
        msg = f'by needs one of "x", "w" and "y", got {by!r}'
        raise ValueError(msg)
    return _tables(geometry, samples, groups, y_channels, x_channels)[1][by]


@lru_cache(512)
def _tables(geometry: Geometry, *channels: int) -> tuple[Letters, dict[By, Table], int]:
    """Return symbols, the derivatives of their form, and how many terms it has."""
    symbols = letters_of(geometry, *channels)
    whole = form(geometry, *symbols)
    tables: dict[By, Table] = {}
    for by in MAPS:
        array: Array = getattr(symbols, by)
        tables[by] = Table(array, derivative(whole, array))
        for each in (array, tables[by].entries):
            each.flags.writeable = False
    return symbols, tables, _count(whole)


@dataclass(frozen=True)
class Proof:
    """What was compared, and found equal for all numbers.

    It is a proof for these sizes and settings, of the code that ran.
    """

    subject: str
    """The engine, or the layer and its engine."""
    sizes: str
    """Sizes and settings."""
    products: int
    """How many terms T has."""
    entries: dict[str, int] = field(hash=False)
    """For each map, how many entries were compared, which is all that it has."""

    def __repr__(self) -> str:
        """Return what it was, and how much of it there was, in three lines."""
        counts = ", ".join(f"{name} {n}" for name, n in self.entries.items())
        return (
            f"Proved for {self.subject}, with {self.products} products in T\n"
            f"    {self.sizes}\n"
            f"    entries equal to derivatives of T: {counts}"
        )


class ProofError(AssertionError):
    """An entry is not the derivative of T.

    The message has both sums, a row for each product; those without a partner stand
    alone.
    """

    def __init__(
        self, name: str, symbol: object, expected: object, found: object
    ) -> None:
        self.name = name
        """The map, or the gradient."""
        self.symbol = symbol
        """The symbol by which T was differentiated."""
        self.expected = expected
        """The derivative."""
        self.found = found
        """What was returned in its place."""
        rows = [(f"dT/d{symbol}", name), *_side_by_side(expected, found)]
        width = max(len(left) for left, _ in rows)
        table = "\n".join(f"    {a:{width}}    {b}".rstrip() for a, b in rows)
        super().__init__(f"{name} differs from the derivative by {symbol}:\n{table}")


def prove(
    engine: Engine,
    geometry: Geometry,
    *,
    samples: int = 1,
    groups: int = 1,
    y_channels: int = 1,
    x_channels: int = 1,
) -> Proof:
    r"""Run an engine on symbols, and compare each entry with the derivative of T.

    Parameters
    ----------
    engine : module or object with the three maps
        What is proved or disproved. It must take arrays of objects.
    geometry : Geometry
        Which tap of which output reads which input.
    samples, groups, y_channels, x_channels : int
        As for `letters_of`.

    Returns
    -------
    Proof
        What was compared.

    Raises
    ------
    ProofError
        With the first entry that differs, and both sums side by side. A result of
        another shape differs, too.

    Examples
    --------
    >>> from deconv_tutorial import im2col
    >>> prove(im2col, conv_geometry(6, 3, stride=2, padding=1))
    Proved for im2col, with 8 products in T
        input 6, kernel 3, output 3, stride 2, dilation 1, padding before 1
        entries equal to derivatives of T: forward 3, input_grad 6, weight_grad 3
    """
    symbols, tables, products = _tables(
        geometry, samples, groups, y_channels, x_channels
    )
    given = {by: getattr(symbols, by) for by in MAPS}
    entries: dict[str, int] = {}
    for by, name in MAPS.items():
        arrays = [given[other].copy() for other in ("x", "y", "w") if other != by]
        found = getattr(engine, name)(*arrays, geometry)
        entries[name] = _compare(name, tables[by], found)
    return Proof(_name(engine), _sizes(geometry), products, entries)


def prove_layer(
    layer: Literal["conv", "conv_transpose"],
    x_shape: Index,
    w_shape: Index,
    *,
    groups: int = 1,
    engine: Engine = fast,
    **settings: Padding,
) -> Proof:
    r"""Run a layer and its backward pass on symbols, with a bias, and compare.

    What the results are compared with are the derivatives of
    ``L = sum of d_out * (layer + b)``, where the sum of ``d_out * layer`` is
    ``T(x, w, d_out)`` for `conv`, and ``T(d_out, w, x)`` for `conv_transpose`.

    Parameters
    ----------
    layer : {"conv", "conv_transpose"}
        The layer.
    x_shape, w_shape : tuple of int
        The shapes of x and w, as the layer takes them.
    groups : int
        Into how many independent layers the channels are split.
    engine : module or object with the three maps
        What computes.
    **settings
        The other keywords of the layer.

    Returns
    -------
    Proof
        What was compared.

    Raises
    ------
    ProofError
        With the first entry that differs, and both sums side by side.
    ValueError, TypeError
        As the layer itself.

    Examples
    --------
    >>> prove_layer("conv_transpose", (1, 2, 2), (2, 3, 3), stride=2).entries
    {'y': 15, 'dx': 4, 'dw': 18, 'db': 3}
    """
    x, w = letters("x", x_shape, hidden=2), letters("w", w_shape, hidden=2)
    transposed = layer == "conv_transpose"
    b = letters("b", (w_shape[1] * groups if transposed else w_shape[0],))
    keywords = {**settings, "groups": groups, "engine": engine}
    y = getattr(functional, layer)(x, w, b, **keywords)
    d_out = letters(r"\delta", y.shape, hidden=2)
    gradients = getattr(functional, f"{layer}_backward")(d_out, x, w, **keywords)

    of: dict[str, Callable[..., Geometry]] = {
        "conv": conv_geometry,
        "conv_transpose": conv_transpose_geometry,
    }
    geometry = of[layer](x_shape[2:], w_shape[2:], **settings)
    long, short = (d_out, x) if transposed else (x, d_out)
    whole = form(geometry, *in_groups(long, w, short, groups))
    biased = whole + sp.Add(*(d_out * b.reshape(-1, *[1] * (y.ndim - 2))).flat)
    found = {"y": y, "dx": gradients.dx, "dw": gradients.dw, "db": gradients.db}
    entries: dict[str, int] = {}
    for (name, array), by in zip(found.items(), (d_out, x, w, b), strict=True):
        entries[name] = _compare(name, Table(by, derivative(biased, by)), array)
    subject = f"{layer} with {_name(engine)}"
    return Proof(subject, _sizes(geometry), _count(whole), entries)


def _compare(name: str, table: Table, found: object) -> int:
    """Return how many entries there are, if all are equal."""
    array = np.asarray(found, object)
    expected = table.entries
    if array.shape != expected.shape:
        shapes = f"shape {expected.shape}", f"shape {array.shape}"
        raise ProofError(name, table.symbols.flat[0], *shapes)
    for place, entry in np.ndenumerate(expected):
        if not _equal(entry, array[place]):
            raise ProofError(name, table.symbols[place], entry, array[place])
    return expected.size


def _equal(a: sp.Expr, b: object) -> bool:
    if a == b:
        return True
    try:
        return sp.expand(a - sp.sympify(b)) == 0
    except (sp.SympifyError, TypeError):
        return False


def _side_by_side(expected: object, found: object) -> list[tuple[str, str]]:
    """Return the terms of two sums in rows, equal ones beside each other."""
    if not (isinstance(expected, sp.Expr) and isinstance(found, sp.Expr)):
        return [(str(expected), str(found))]
    left, right = (
        [str(term) for term in sp.expand(each).as_ordered_terms()]
        for each in (expected, found)
    )
    rows = [(term, term if term in right else "") for term in left]
    return rows + [("", term) for term in right if term not in left]


def _count(whole: sp.Expr) -> int:
    return len(sp.Add.make_args(whole)) if whole != 0 else 0


def _name(engine: object) -> str:
    name = getattr(engine, "__name__", type(engine).__name__)
    return name.rpartition(".")[2]


def _sizes(geometry: Geometry) -> str:
    axes = geometry.axes
    columns = {
        "input": geometry.input_size,
        "kernel": geometry.kernel_size,
        "output": geometry.output_size,
        "stride": tuple(axis.stride for axis in axes),
        "dilation": tuple(axis.dilation for axis in axes),
        "padding before": tuple(axis.padding_before for axis in axes),
    }
    return ", ".join(
        f"{name} {numbers[0] if len(numbers) == 1 else numbers}"
        for name, numbers in columns.items()
    )
