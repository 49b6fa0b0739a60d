r"""Reads a table of sums of products as one convolution, and checks the reading.

An entry such as ``\delta_0*x_1 + \delta_1*x_3`` says which elements meet. Each product
has three indices: that of the entry, and those of its two factors. If on each axis all
products obey one rule, the table is a convolution, and the rule has its stride, padding
and dilation. The rule is read from the products. To check it, the table is computed
again from padded, spread and flipped arrays, and compared with the whole old table.
"""

# SymPy has no complete types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import NamedTuple

import numpy as np
import sympy as sp

from deconv_tutorial.dtypes import Array
from deconv_tutorial.geometry.settings import Index
from deconv_tutorial.identities import correlation, framed, spread

_TRIES = 1000  # few products may keep many rules
_NAME = re.compile(r"(.*)_\{?([0-9,]+)\}?")


class Rule(NamedTuple):
    """The rule on one axis. Its meaning depends on whether there is a flip."""

    step: int
    """The step between entries; with a flip, by how much the long array is spread."""
    spread: int
    """By how much the short array is spread: the distance of its elements."""
    before: int
    """The zeros before the long array; with a flip, the places cut from the result."""


@dataclass(frozen=True, eq=False)
class Reading:
    r"""A table of sums of products, read as a convolution of two arrays.

    Without a flip, entry ``j`` is the sum over ``m`` of
    ``short[m] * long[step*j + spread*m - before]``. The long array is padded. The short
    array is spread, and slides over the long one in steps.

    With a flip, entry ``j`` is the sum of ``short[m] * long[l]`` over all l and m with
    ``step*l + spread*m - before = j``. Both arrays are spread, and the short one slides
    over the long one in reverse.
    """

    long: str
    """The name of the array that the other one slides over."""
    short: str
    """The name of the array that slides."""
    flipped: bool
    """Whether the short array has to be reversed."""
    rules: tuple[Rule, ...]
    """The rule of each axis."""
    shape: Index
    """The number of entries on each axis."""

    def __repr__(self) -> str:
        """Return the reading in words."""
        step, apart, before = map(_text, zip(*self.rules, strict=True))
        count = " x ".join(map(str, self.shape))
        spread_out = "" if apart == "1" else f", spread by {apart}"
        if self.flipped:
            stuffed = "" if step == "1" else f", spread by {step}"
            start = "" if before == "0" else f" from place {before}"
            return (
                f"full correlation of {self.long}{stuffed}, with {self.short}"
                f"{spread_out}, reversed: {count} places{start}"
            )
        padded = "" if before == "0" else f", padded by {before} before"
        moved = "" if step == "1" else f", {step} apart"
        return (
            f"correlation of {self.long}{padded}, with {self.short}{spread_out}: "
            f"first {count} places{moved}"
        )

    def _repr_latex_(self) -> str:
        rank = len(self.rules)
        entry, long, short = _indices(self.long, self.short)
        j, m, n = (_numbered_letters(each, rank) for each in (entry, short, long))
        if self.flipped:
            read = ", ".join(
                f"{_sum((rule.step, a), (rule.spread, b), -rule.before)} = {c}"
                for a, b, c, rule in zip(n, m, j, self.rules, strict=True)
            )
            under = rf"\substack{{{', '.join(n + m)} \\ {read}}}"
            factor = f"{self.long}_{{{', '.join(n)}}}"
        else:
            read = r",\, ".join(
                _sum((rule.step, a), (rule.spread, b), -rule.before)
                for a, b, rule in zip(j, m, self.rules, strict=True)
            )
            under, factor = ", ".join(m), f"{self.long}_{{{read}}}"
        left = rf"\text{{entry }} {', '.join(j)}"
        body = rf"\sum_{{{under}}} {self.short}_{{{', '.join(m)}}}\, {factor}"
        return f"$$\n{left} = {body}\n$$"

    def entries(self, long: Array, short: Array) -> Array:
        """Return the table that follows from the reading, for two arrays.

        Parameters
        ----------
        long, short : array
            The two arrays, each with as many axes as the table.
        """
        steps, apart, before = (list(each) for each in zip(*self.rules, strict=True))
        short = spread(short, apart)
        if self.flipped:
            short, long = np.flip(short), spread(long, steps)
            pairs = zip(short.shape, before, strict=True)
            before = [size - 1 - place for size, place in pairs]
            steps = [1] * short.ndim
        sizes = [
            (count - 1) * step + size
            for count, step, size in zip(self.shape, steps, short.shape, strict=True)
        ]
        return correlation(framed(long, before, sizes), short, steps)


def recognise(table: object) -> Reading:
    r"""Return a table of sums of products, read as a convolution.

    Parameters
    ----------
    table : array of expressions, or an object with an array ``entries``
        For example the result of `derive` for one sample and one channel. Each entry is
        a sum of products of two symbols, with as many indices as the table has axes.

    Returns
    -------
    Reading
        Which array slides over which, and how. The reading was checked: the table that
        follows from it equals the whole given table.

    Raises
    ------
    ValueError
        If the table cannot be read as a convolution.

    Examples
    --------
    >>> from deconv_tutorial.geometry import conv_geometry
    >>> from deconv_tutorial.symbolic import derive
    >>> geometry = conv_geometry(6, 3, stride=2, padding=1)
    >>> recognise(derive(geometry, "w"))
    correlation of x, padded by 1 before, with \delta, spread by 2: first 3 places
    >>> recognise(derive(geometry, "x"))
    full correlation of \delta, spread by 2, with w, reversed: 6 places from place 1
    """
    entries = np.asarray(getattr(table, "entries", table), object)
    names, meetings = _meetings(entries)
    entries = entries.reshape(entries.shape[-len(meetings[0][0]) :])
    for flipped, (long, short) in product((False, True), ((0, 1), (1, 0))):
        arrays = _array(meetings, long), _array(meetings, short)
        points = [(m.entry, m.places[long], m.places[short]) for m in meetings]
        for rules in _rules(points, flipped=flipped):
            reading = Reading(names[long], names[short], flipped, rules, entries.shape)
            if np.array_equal(reading.entries(*arrays), entries):
                return reading
    msg = "table needs to be a convolution of two arrays, got products without one rule"
    raise ValueError(msg)


class _Meeting(NamedTuple):
    """One product: its entry, and the places and symbols of its two factors."""

    entry: Index
    places: tuple[Index, Index]
    symbols: tuple[sp.Symbol, sp.Symbol]


def _meetings(entries: Array) -> tuple[tuple[str, str], list[_Meeting]]:
    """Return the names of the two arrays, and every product of the table."""
    parsed = [
        (place, sorted(map(_name_and_index, _factors(term)), key=_sort_key))
        for place, entry in np.ndenumerate(entries)
        for term in sp.Add.make_args(sp.expand(entry))
        if term != 0
    ]
    kinds = {tuple((name, len(index)) for name, index, _ in pair) for _, pair in parsed}
    if len(kinds) != 1:
        msg = f"table needs products of the same two arrays, got {len(kinds)} kinds"
        raise ValueError(msg)
    ((one, rank), (other, other_rank)) = kinds.pop()
    lead = entries.shape[: entries.ndim - rank]
    if one == other or rank != other_rank or any(size > 1 for size in lead):
        msg = (
            "table needs as many axes as its symbols have indices, and two arrays, "
            f"got shape {entries.shape} with products of {one} and {other}"
        )
        raise ValueError(msg)
    return (one, other), [
        _Meeting(place[len(lead) :], (a[1], b[1]), (a[2], b[2]))
        for place, (a, b) in parsed
    ]


def _factors(term: sp.Expr) -> tuple[sp.Symbol, sp.Symbol]:
    match sp.Mul.make_args(term):
        case (sp.Symbol() as one, sp.Symbol() as other):
            return one, other
        case _:
            msg = f"table needs sums of products of two symbols, got the term {term}"
            raise ValueError(msg)


def _name_and_index(symbol: sp.Symbol) -> tuple[str, Index, sp.Symbol]:
    match = _NAME.fullmatch(symbol.name)
    if match is None:
        msg = (
            f"table needs symbols with indices, such as x_0 or x_{{0,1}}, got {symbol}"
        )
        raise ValueError(msg)
    return match[1], tuple(map(int, match[2].split(","))), symbol


def _sort_key(parsed: tuple[str, Index, sp.Symbol]) -> tuple[bool, bool, str]:
    """Return a key that sorts x first, the usual long array, and w last."""
    name = parsed[0]
    return name == "w", name != "x", name


def _array(meetings: list[_Meeting], n: int) -> Array:
    """Return the array of factor n. An element in no product gets a new symbol."""
    places = {meeting.places[n]: meeting.symbols[n] for meeting in meetings}
    array = np.empty(np.max(list(places), axis=0) + 1, object)
    for place in np.ndindex(*array.shape):
        array[place] = places.get(place) or sp.Dummy()
    return array


def _rules(
    points: list[tuple[Index, Index, Index]], *, flipped: bool
) -> Iterator[tuple[Rule, ...]]:
    """Yield the rules that all products obey: tuples with one rule for each axis."""
    per_axis = (
        [*_axis_rules({(j[n], a[n], b[n]) for j, a, b in points}, flipped=flipped)]
        for n in range(len(points[0][0]))
    )
    yield from islice(product(*per_axis), _TRIES)


def _axis_rules(points: set[Index], *, flipped: bool) -> Iterator[Rule]:
    """Yield the rules of one axis: one index is a sum of multiples of the other two.

    There are several rules if, for example, an index always has the same value.
    """
    columns = [
        (long, short, entry) if flipped else (entry, short, long)
        for entry, long, short in points
    ]
    most = 2 + max(max(column) for column in columns)
    for step, apart in product(range(1, most + 1), repeat=2):
        rests = {step * a + apart * b - c for a, b, c in columns}
        if len(rests) == 1:
            yield Rule(step, apart, rests.pop())


def _text(numbers: Sequence[int]) -> str:
    """Return one number if all are equal, and all numbers otherwise."""
    return str(numbers[0]) if len(set(numbers)) == 1 else str(tuple(numbers))


def _indices(long: str, short: str) -> tuple[str, str, str]:
    """Return the index letters of the entry and of both arrays."""
    known = {"x": "i", "w": "k"}
    two = [known.get(name, "o") for name in (long, short)]
    (entry, *_) = [letter for letter in "oki" if letter not in two]
    return entry, two[0], two[1]


def _numbered_letters(letter: str, rank: int) -> list[str]:
    return [letter] if rank == 1 else [f"{letter}_{n + 1}" for n in range(rank)]


def _sum(*terms: tuple[int, str] | int) -> str:
    """Return a sum as LaTeX. Its terms are numbers, or pairs of factor and letter."""
    total = sp.Add(
        *(
            term[0] * sp.Symbol(term[1]) if isinstance(term, tuple) else term
            for term in terms
        )
    )
    return sp.latex(total)
