"""Tilings: one axis of a convolution cut into short convolutions of stride 1.

Let ``g = gcd(s, d)``, ``s' = s / g`` and ``d' = d / g``. Outputs are dealt out to
``d'`` grids, and taps to ``s'`` phases::

    o = d' * t + grid          k = s' * q + phase
    i = s*o + d*k - p  =  g*s'*d' * (t + q) + s * grid + d * phase - p

On one grid and one phase this is a convolution of stride 1: position ``t + q`` is read
for position ``t``. It is cut into tiles of a few positions, and the taps into groups of
a few taps. Grids are like samples, phases and groups are like channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import gcd
from typing import NamedTuple

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines.fast.winograd import factors
from deconv_tutorial.geometry import Axis


class Lines(NamedTuple):
    """Evenly spaced elements of one axis of an array: a line per grid and group."""

    size: int
    """How many elements the axis has."""
    step: int
    """From one position of a line to the next."""
    starts: tuple[tuple[int, ...], ...]
    """The element at position 0, which may be outside, by grid and group."""

    def run(self, grid: int, group: int, first: int, count: int) -> tuple[slice, slice]:
        """Return which of `count` positions are inside, and their elements.

        Examples
        --------
        >>> Lines(size=6, step=2, starts=((-1,),)).run(0, 0, first=0, count=4)
        (slice(1, 4, None), slice(1, 7, 2))
        """
        before = -(self.starts[grid][group] + self.step * first)
        return Axis(self.size, 1, count, self.step, 1, before).tap(0)

    def ends(self, first: int, count: int) -> tuple[int, int]:
        """Return the ends of `count` positions of all lines, which may be outside.

        Examples
        --------
        >>> Lines(size=6, step=2, starts=((-1, 0),)).ends(first=0, count=4)
        (-1, 7)
        """
        starts = [start for grid in self.starts for start in grid]
        last = max(starts) + self.step * (first + count - 1)
        return min(starts) + self.step * first, last + 1

    def span(self, first: int, count: int) -> slice:
        """Return the elements between those ends that are inside."""
        start, end = self.ends(first, count)
        return slice(max(0, start), max(0, min(self.size, end)))

    def place(self, grid: int, group: int, count: int) -> slice:
        """Return where `count` positions of a line are, counted from the first end."""
        start = self.starts[grid][group] - self.ends(0, 1)[0]
        return slice(start, start + self.step * (count - 1) + 1, self.step)


@dataclass(frozen=True, eq=False)
class Tiling:
    """One axis, cut into tiles: what is read, what is written, and three factors.

    The written array is cut into tiles of ``write.shape[1]`` positions, which do not
    overlap. Each needs ``read.shape[1]`` positions of the array that is read.
    """

    count: int
    """How many tiles there are on every grid."""
    source: Lines
    """What is read."""
    target: Lines
    """What is written."""
    read: Array
    """Fractions of shape (products, positions read)."""
    write: Array
    """Fractions of shape (products, positions written)."""
    weights: Array
    """Fractions of shape (source groups, target groups, products, kernel size)."""

    @property
    def tile(self) -> int:
        """How many positions a tile has."""
        return self.write.shape[1]

    @property
    def products(self) -> int:
        """How many products a tile takes, for each pair of groups."""
        return self.read.shape[0]


@lru_cache(256)
def tiling(axis: Axis, tile: int, taps: int, *, transposed: bool) -> Tiling:
    """Return the tiling of an axis with tiles and groups of taps of a given size.

    Parameters
    ----------
    axis : Axis
        The axis.
    tile, taps : int
        How many positions a tile has, and how many taps a group. With one of each,
        nothing is saved: every tap is a group, and there is one product for each.
    transposed : bool
        Whether y is read and x written, as for the input gradient.
    """
    common = gcd(axis.stride, axis.dilation)
    s, d, step = axis.stride // common, axis.dilation // common, axis.stride // common
    step *= axis.dilation
    phases = range(min(s, axis.kernel_size))
    groups = range(-(-axis.kernel_size // (s * taps)))
    grids = range(d)
    corners = [
        [axis.stride * n + axis.input_index(0, f) for f in phases] for n in grids
    ]
    form = factors(tile, taps)
    weights = np.full(
        (len(groups), len(phases), len(form.w), axis.kernel_size), Fraction(0)
    )
    for group, phase, q in product(groups, phases, range(taps)):
        k = s * (taps * group + q) + phase
        if k < axis.kernel_size:
            weights[group, phase, :, k] = form.w[:, taps - 1 - q if transposed else q]
    if transposed:
        # Position v of x takes tap q of a group from v - q - taps * group of y.
        first = min(-(corner // step) for row in corners for corner in row)
        last = max(
            (axis.input_size - 1 - corner) // step for row in corners for corner in row
        )
        count = last - first + 1
        back = [first - taps * group - (taps - 1) for group in groups]
        source = [[d * each + n for each in back] for n in grids]
        target = [[corner + step * first for corner in row] for row in corners]
        lines = (
            _lines(axis.output_size, d, source),
            _lines(axis.input_size, step, target),
        )
    else:
        count = -(-axis.output_size // d)
        # of shape (groups*phases, 1, products, taps)
        weights = weights.reshape(-1, 1, *weights.shape[2:])
        ahead = [step * taps * group for group in groups]
        source = [
            [each + corner for each in ahead for corner in row] for row in corners
        ]
        target = [[n] for n in grids]
        lines = (
            _lines(axis.input_size, step, source),
            _lines(axis.output_size, d, target),
        )
    return Tiling(-(-count // tile), *lines, form.x, form.y, weights)


def _lines(size: int, step: int, starts: list[list[int]]) -> Lines:
    return Lines(size, step, tuple(tuple(row) for row in starts))
