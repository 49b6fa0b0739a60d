r"""The form with letters for its sizes: one proof for every geometry.

The pattern ``KroneckerDelta(i, s*o + d*k - p)`` is 1 if tap ``k`` of output ``o`` reads
input ``i``, and 0 otherwise. With it, the form is a sum over *all* indices::

    T = sum over i, k, o of  KroneckerDelta(i, s*o + d*k - p) * y[o] * w[k] * x[i]

SymPy can differentiate the form by an element with an index of its own. The derivative
has one more delta, and the sums over the deltas remain to be carried out. SymPy 1.14
does that wrong. `safe_sum` does it right.
"""

# SymPy has no complete types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, product
from typing import Any, TypeAlias

import sympy as sp

from deconv_tutorial.engines.engine import By
from deconv_tutorial.geometry import Geometry

Expr: TypeAlias = Any
"""An expression of SymPy, whose own types are incomplete."""
Limits: TypeAlias = tuple[sp.Symbol, sp.Expr, sp.Expr]
"""An index, and its first and last value."""


@dataclass(frozen=True)
class AxisLetters:
    """The letters of one axis, all of which are whole numbers.

    Sizes, stride and dilation are positive. The padding may be negative.
    """

    input_size: sp.Symbol
    kernel_size: sp.Symbol
    output_size: sp.Symbol
    stride: sp.Symbol
    dilation: sp.Symbol
    padding: sp.Symbol
    i: sp.Symbol
    k: sp.Symbol
    o: sp.Symbol

    @property
    def rule(self) -> sp.Expr:
        """The index of the input that tap ``k`` of output ``o`` reads."""
        return self.stride * self.o + self.dilation * self.k - self.padding

    @property
    def pattern(self) -> sp.Expr:
        """The delta that is 1 where ``i``, ``k`` and ``o`` meet, and 0 elsewhere."""
        return sp.KroneckerDelta(self.i, self.rule)


@dataclass(frozen=True)
class Form:
    """T with letters for all indices, sizes and settings.

    Parameters
    ----------
    rank : int
        The number of axes. If there are several, their letters have numbers.
    channels : bool
        Whether to write the indices of samples, groups and channels: ``n``, ``g``,
        ``a`` and ``b``. They stand before the indices of the axes.

    Examples
    --------
    >>> t = Form()
    >>> t.sum.function
    KroneckerDelta(i, d*k + o*s - p)*w[k]*x[i]*y[o]
    >>> t.sum.limits
    ((i, 0, N - 1), (k, 0, K - 1), (o, 0, O - 1))
    """

    rank: int = 1
    channels: bool = False

    @cached_property
    def axes(self) -> tuple[AxisLetters, ...]:
        """The letters of each axis."""
        numbers = [""] if self.rank == 1 else [f"_{n + 1}" for n in range(self.rank)]
        return tuple(
            AxisLetters(
                *(sp.Symbol(a + n, integer=True, positive=True) for a in "NKOsd"),
                *(sp.Symbol(a + n, integer=True) for a in "piko"),
            )
            for n in numbers
        )

    @cached_property
    def limits(self) -> dict[By, list[Limits]]:
        """The indices of each array, with their ranges."""
        shared = {
            index: _limits(index, f"{index}_max") for index in "ngab" if self.channels
        }
        lead: dict[By, str] = {"x": "ngb", "w": "gab", "y": "nga"}
        of: dict[By, list[Limits]] = {
            "x": [(axis.i, sp.S.Zero, axis.input_size - 1) for axis in self.axes],
            "w": [(axis.k, sp.S.Zero, axis.kernel_size - 1) for axis in self.axes],
            "y": [(axis.o, sp.S.Zero, axis.output_size - 1) for axis in self.axes],
        }
        return {
            by: [*(shared[index] for index in lead[by] if self.channels), *limits]
            for by, limits in of.items()
        }

    @cached_property
    def sum(self) -> Expr:
        """T as a `Sum` over all indices."""
        factors = [
            element(by, [index for index, _, _ in limits])
            for by, limits in self.limits.items()
        ]
        patterns = (axis.pattern for axis in self.axes)
        # Each index once, in the order in which it first appears.
        limits = dict.fromkeys(chain.from_iterable(self.limits.values()))
        return sp.Sum(sp.Mul(*patterns, *factors), *limits)

    def derivative(self, by: By, at: Sequence[sp.Symbol]) -> Expr:
        """Return the derivative of T by one element, with the safe sums carried out.

        Parameters
        ----------
        by : {"x", "w", "y"}
            The array of the element.
        at : sequence of Symbol
            The indices of the element, which are assumed to lie inside the array. They
            need other letters than the indices of the sum.

        Raises
        ------
        ValueError
            If the array has more or fewer axes than indices are given, or if an index
            of the sum is among them.

        Examples
        --------
        >>> j = sp.Symbol("j", integer=True)
        >>> Form().derivative("x", [j])
        Sum(KroneckerDelta(j, d*k + o*s - p)*w[k]*y[o], (k, 0, K - 1), (o, 0, O - 1))
        """
        own = self.limits[by]
        taken = {index for index, _, _ in self.sum.limits} & set(at)
        if len(at) != len(own) or taken:
            msg = (
                f"at needs {len(own)} indices, none of them an index of the sum, got "
                f"{', '.join(map(str, at))}"
            )
            raise ValueError(msg)
        summand = self.sum.function.diff(element(by, at))
        given = [
            condition
            for (_, first, last), place in zip(own, at, strict=True)
            for condition in (place >= first, place <= last)
        ]
        others = [limit for limit in self.sum.limits if tuple(limit) not in own]
        return safe_sum(summand, *own, *map(tuple, others), given=given)

    def sizes(self, geometry: Geometry) -> dict[sp.Symbol, int]:
        """Return the number for each letter of the axes, in a geometry.

        Examples
        --------
        >>> from deconv_tutorial.geometry import conv_geometry
        >>> t, j = Form(), sp.Symbol("j", integer=True)
        >>> running = t.sizes(conv_geometry(6, 3, stride=2, padding=1))
        >>> expanded_sum(t.derivative("w", [j]), running | {j: 0})
        x[1]*y[1] + x[3]*y[2]
        """
        numbers: dict[sp.Symbol, int] = {}
        for letters, axis in zip(self.axes, geometry.axes, strict=True):
            numbers |= {
                letters.input_size: axis.input_size,
                letters.kernel_size: axis.kernel_size,
                letters.output_size: axis.output_size,
                letters.stride: axis.stride,
                letters.dilation: axis.dilation,
                letters.padding: axis.padding_before,
            }
        return numbers


def element(by: By, indices: Sequence[sp.Expr]) -> Expr:
    """Return an element of x, w or y, as an `Indexed`.

    Examples
    --------
    >>> element("w", sp.symbols("k_1 k_2"))
    w[k_1, k_2]
    """
    base: Any = sp.IndexedBase(by)
    return base[tuple(indices)]


def _limits(index: str, last: str) -> Limits:
    """Return the limits of an index from 0 to a letter."""
    return sp.Symbol(index, integer=True), sp.S.Zero, sp.Symbol(last, integer=True)


def safe_sum(
    summand: sp.Expr,
    *limits: Limits,
    given: Sequence[Any] = (),
    divide: bool = False,
) -> Expr:
    """Return a sum over whole numbers, in which deltas remove the sums they can.

    If an index has the factor 1 or -1 in a delta, exactly one whole number makes the
    delta 1. If that number is in the range of the index, one term of the sum is left.
    If not, the sum is 0. With any other factor there may be no such number:
    ``KroneckerDelta(j, 2*m)`` is 0 for all ``m`` if ``j`` is odd. Then both the delta
    and the sum stay.

    Parameters
    ----------
    summand : expression
        A product. The expressions in its deltas must be linear in each index.
    *limits : (index, first, last)
        The indices to add up over, as symbols of whole numbers, and their ranges.
    given : sequence of conditions
        Conditions that are known to hold. They are left out of the result.
    divide : bool
        Whether to remove sums with other factors, too. The result then has the
        condition that the division leaves no remainder.

    Raises
    ------
    ValueError
        If an index, or the expression that takes its place, may be no whole number.

    Examples
    --------
    >>> j, m, n = sp.symbols("j m n", integer=True)
    >>> g = sp.IndexedBase("g")
    >>> safe_sum(sp.KroneckerDelta(j, m + 3) * g[m], (m, 0, n))
    Piecewise((g[j - 3], (j >= 3) & (n >= j - 3)), (0, True))
    >>> safe_sum(sp.KroneckerDelta(j, 2 * m) * g[m], (m, 0, n))
    Sum(KroneckerDelta(j, 2*m)*g[m], (m, 0, n))
    """
    left: list[Limits] = []
    for limit in limits:
        done = _sum_over_index(summand, limit, given, divide=divide)
        if done is None:
            left.append(limit)
        else:
            summand = done
    return sp.Sum(summand, *left) if left else summand


def expanded_sum(total: Expr, values: Mapping[sp.Symbol, int]) -> Expr:
    """Return a sum as its terms, added up one by one, with numbers for its letters.

    Parameters
    ----------
    total : expression
        A `Sum`. Any other expression only gets its numbers.
    values : mapping of Symbol to int
        A number for each letter, except for the indices of the sum.

    Notes
    -----
    ``Sum.doit`` of SymPy 1.14 cannot be used here. It first removes sums over deltas in
    its own wrong way, even if all limits are numbers.

    Examples
    --------
    >>> k, o = sp.symbols("k o", integer=True)
    >>> w, y = sp.IndexedBase("w"), sp.IndexedBase("y")
    >>> summand = sp.KroneckerDelta(2, 2 * k + o) * w[k] * y[o]
    >>> total = sp.Sum(summand, (k, 0, 1), (o, 0, 1))
    >>> expanded_sum(total, {}), total.doit()
    (w[1]*y[0], w[1/2]*y[1] + w[1]*y[0])
    """
    total = sp.sympify(total).subs(values)
    if not isinstance(total, sp.Sum):
        return total
    limits: list[Any] = [*total.limits]
    term: Expr = total.function
    indices = [index for index, _, _ in limits]
    ranges = (range(int(first), int(last) + 1) for _, first, last in limits)
    places = (dict(zip(indices, place, strict=True)) for place in product(*ranges))
    return sp.Add(*(term.subs(place) for place in places))


def _sum_over_index(
    summand: sp.Expr, limit: Limits, given: Sequence[Any], *, divide: bool
) -> Expr:
    """Return the sum over one index, or None if no delta can remove it."""
    index, first, last = limit
    found = _delta_solution(summand, index, divide=divide)
    if found is None:
        return None
    delta, place, whole = found
    if not index.is_integer or (whole is sp.true and not place.is_integer):
        msg = f"safe_sum needs whole numbers, got {index}, which would be {place}"
        raise ValueError(msg)
    factors = [f for f in sp.Mul.make_args(summand) if f is not delta]
    touched = sp.Mul(*(f for f in factors if f.has(index)))
    rest = sp.Mul(*(f for f in factors if not f.has(index)))
    conditions = [c for c in (whole, place >= first, place <= last) if c not in given]
    inside = sp.And(*conditions)
    term = touched.subs(index, place)
    return rest * (
        term if inside is sp.true else sp.Piecewise((term, inside), (0, True))
    )


def _delta_solution(
    summand: sp.Expr, index: sp.Symbol, *, divide: bool
) -> tuple[sp.Expr, sp.Expr, Any] | None:
    """Return a delta, the index at which it is 1, and the condition for that."""
    found = None
    for delta in sp.Mul.make_args(summand):
        if not (isinstance(delta, sp.KroneckerDelta) and delta.has(index)):
            continue
        factor, rest = _linear_equation(delta, index)
        if factor in {1, -1}:
            return delta, rest * factor, sp.true
        if divide and found is None:
            if factor.could_extract_minus_sign():
                factor, rest = -factor, -rest
            found = delta, rest / factor, sp.Eq(sp.Mod(rest, factor), 0)
    return found


def _linear_equation(
    delta: sp.KroneckerDelta, index: sp.Symbol
) -> tuple[sp.Expr, sp.Expr]:
    """Return factor and rest of the equation ``factor * index == rest`` in a delta."""
    one, other = delta.args
    difference: Any = sp.expand(one - other)  # pyright: ignore[reportOperatorIssue]
    factor = difference.coeff(index)
    rest = sp.expand(factor * index - difference)
    if rest.has(index):
        msg = f"safe_sum needs deltas that are linear in {index}, got {delta}"
        raise ValueError(msg)
    return factor, rest
