"""Proofs that run an engine on symbols, and compare its results with derivatives of T.

Two functions may agree on all numbers that were tried, and differ on the next ones.
Symbols leave no such doubt: if two expressions are equal, they are equal for all
numbers. So `prove` calls an unchanged engine with symbols, and compares each entry of
its results with the derivative of the form.
"""

# SymPy has no complete types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import sympy as sp

from deconv_tutorial import functional
from deconv_tutorial.engines import fast
from deconv_tutorial.engines.engine import MAPS, Engine, in_groups
from deconv_tutorial.geometry import (
    Geometry,
    conv_geometry,
    conv_transpose_geometry,
)
from deconv_tutorial.geometry.settings import Index, Padding
from deconv_tutorial.symbolic.trilinear import (
    Table,
    derivative,
    form,
    letters,
    tables_of,
    term_count,
)


@dataclass(frozen=True)
class Proof:
    """What was compared, and is equal for all numbers.

    The proof holds for the code that ran, with these sizes and settings.
    """

    subject: str
    """The engine, or the layer and its engine."""
    sizes: str
    """The sizes and the settings."""
    products: int
    """The number of terms of T."""
    entries: dict[str, int] = field(hash=False)
    """For each map, the number of its entries. All of them were compared."""
    ways: dict[str, str] = field(default_factory=dict[str, str], hash=False)
    """For each map, the way that ran, if the engine has several ways, as `fast` has."""

    def __repr__(self) -> str:
        """Return the subject, the sizes and the numbers of entries in three lines."""
        counts = ", ".join(f"{name} {n}" for name, n in self.entries.items())
        return (
            f"Proved for {self.subject}{self._ways_in_words()}, "
            f"with {self.products} products in T\n"
            f"    {self.sizes}\n"
            f"    entries equal to derivatives of T: {counts}"
        )

    def _ways_in_words(self) -> str:
        """Return the way that ran; if several ways ran, each of them with its maps."""
        maps_of: dict[str, list[str]] = {}
        for name, way in self.ways.items():
            maps_of.setdefault(way, []).append(name)
        if len(maps_of) < 2:
            return "".join(f" by its way {way}" for way in maps_of)
        each = (f"{way} ({', '.join(maps)})" for way, maps in maps_of.items())
        return f" by its ways {' and '.join(each)}"


class ProofError(AssertionError):
    """An entry is not the derivative of T.

    The message shows both sums side by side, with one row for each product. A product
    that only one of the sums has stands alone in its row.
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
        """The entry that was returned instead."""
        rows = [(f"dT/d{symbol}", name), *_rows_side_by_side(expected, found)]
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
        The engine to prove or disprove. It must take arrays of objects.
    geometry : Geometry
        Which tap of which output reads which input.
    samples, groups, y_channels, x_channels : int
        As for `letters_of`.

    Returns
    -------
    Proof
        What was compared. It is a proof of the code that ran. If the engine has several
        ways, it is a proof of the ways that symbols take, and it names them. The other
        ways are engines, too, such as ``fast.WAYS["planes"]``.

    Raises
    ------
    ProofError
        If an entry differs. The error shows the first such entry, with both sums side
        by side. A result of another shape is an error, too.
    TypeError
        If the engine does not take symbols.

    Examples
    --------
    >>> from deconv_tutorial import im2col
    >>> from deconv_tutorial.geometry import conv_geometry
    >>> prove(im2col, conv_geometry(6, 3, stride=2, padding=1))
    Proved for im2col, with 8 products in T
        input 6, kernel 3, output 3, stride 2, dilation 1, padding before 1
        entries equal to derivatives of T: forward 3, input_grad 6, weight_grad 3
    """
    symbols, tables, products = tables_of(
        geometry, samples, groups, y_channels, x_channels
    )
    given = {by: getattr(symbols, by) for by in MAPS}
    entries: dict[str, int] = {}
    for by, name in MAPS.items():
        arrays = [given[other].copy() for other in ("x", "y", "w") if other != by]
        found = getattr(engine, name)(*arrays, geometry)
        entries[name] = _equal_entry_count(name, tables[by], found)
    choose = getattr(engine, "ways", None)
    ways = choose(given["x"], given["w"], given["y"], geometry) if choose else {}
    taken = {name: _name(way) for name, way in ways.items()}
    return Proof(_name(engine), _sizes(geometry), products, entries, taken)


def prove_layer(
    layer: Literal["conv", "conv_transpose"],
    x_shape: Index,
    w_shape: Index,
    *,
    groups: int = 1,
    engine: Engine = fast,
    **settings: Padding,
) -> Proof:
    r"""Run a layer and its backward pass on symbols, and compare with derivatives.

    The results are compared with the derivatives of ``L = sum of d_out * (layer + b)``,
    with a bias b. The sum of ``d_out * layer`` is ``T(x, w, d_out)`` for `conv`, and
    ``T(d_out, w, x)`` for `conv_transpose`.

    Parameters
    ----------
    layer : {"conv", "conv_transpose"}
        The layer.
    x_shape, w_shape : tuple of int
        The shapes of x and w, as the layer takes them.
    groups : int
        The number of independent layers into which the channels are split.
    engine : module or object with the three maps
        The engine that computes.
    **settings
        The other keywords of the layer.

    Returns
    -------
    Proof
        What was compared.

    Raises
    ------
    ProofError
        If an entry differs. The error shows the first such entry, with both sums side
        by side.
    ValueError, TypeError
        If the layer itself raises them.

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
        entries[name] = _equal_entry_count(
            name, Table(by, derivative(biased, by)), array
        )
    subject = f"{layer} with {_name(engine)}"
    return Proof(subject, _sizes(geometry), term_count(whole), entries)


def _equal_entry_count(name: str, table: Table, found: object) -> int:
    """Return the number of entries if all are equal. Raise an error otherwise."""
    array = np.asarray(found, object)
    expected = table.entries
    if array.shape != expected.shape:
        shapes = f"shape {expected.shape}", f"shape {array.shape}"
        raise ProofError(name, table.symbols.flat[0], *shapes)
    for place, entry in np.ndenumerate(expected):
        if not _is_equal(entry, array[place]):
            raise ProofError(name, table.symbols[place], entry, array[place])
    return expected.size


def _is_equal(a: sp.Expr, b: object) -> bool:
    if a == b:
        return True
    try:
        return sp.expand(a - sp.sympify(b)) == 0
    except (sp.SympifyError, TypeError):
        return False


def _rows_side_by_side(expected: object, found: object) -> list[tuple[str, str]]:
    """Return the terms of two sums in rows, with equal terms in one row."""
    if not (isinstance(expected, sp.Expr) and isinstance(found, sp.Expr)):
        return [(str(expected), str(found))]
    left, right = (
        [str(term) for term in sp.expand(each).as_ordered_terms()]
        for each in (expected, found)
    )
    rows = [(term, term if term in right else "") for term in left]
    return rows + [("", term) for term in right if term not in left]


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
