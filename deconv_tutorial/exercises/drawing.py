"""Arrays, numbers and geometries for the cases of exercises."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.geometry import Geometry, conv_geometry
from deconv_tutorial.geometry.settings import Index


def integers(*shapes: int | Index) -> list[Array]:
    """Return arrays of random integers from -9 to 9 without 0, the same on every run.

    Examples
    --------
    >>> x, w = integers(3, (1, 2))
    >>> x.shape, w.shape, bool(x.all())
    ((3,), (1, 2), True)
    """
    rng = np.random.default_rng([n for size in _sizes(shapes) for n in size])
    return drawn_integers(rng, *shapes)


def drawn_integers(rng: np.random.Generator, *shapes: int | Index) -> list[Array]:
    """Return arrays of drawn integers from -9 to 9 without 0."""
    return [
        rng.integers(1, 10, size) * rng.choice([-1, 1], size) for size in _sizes(shapes)
    ]


def _sizes(shapes: Iterable[int | Index]) -> list[Index]:
    """Return shapes as tuples, also those of one axis."""
    return [(shape,) if isinstance(shape, int) else shape for shape in shapes]


def drawn_numbers(rng: np.random.Generator, *largest: int) -> list[int]:
    """Return drawn integers from 1 to the largest of each.

    Examples
    --------
    >>> drawn_numbers(np.random.default_rng(0), 1, 1)
    [1, 1]
    """
    return [int(rng.integers(1, most + 1)) for most in largest]


def drawn_geometry(rng: np.random.Generator, rank: int = 1) -> Geometry:
    """Return a drawn geometry, in which each output reads at least one input."""
    axes = [_drawn_axis(rng) for _ in range(rank)]
    inputs, taps, strides, paddings, dilations = zip(*axes, strict=True)
    return conv_geometry(inputs, taps, strides, paddings, dilations)


def _drawn_axis(
    rng: np.random.Generator,
) -> tuple[int, int, int, tuple[int, int], int]:
    taps, stride, dilation, extra = drawn_numbers(rng, 4, 3, 2, 5)
    # Fewer zeros than taps at each end: then no window lies among zeros alone.
    before, after = (int(rng.integers(0, taps)) for _ in range(2))
    fits = dilation * (taps - 1) + 1 - before - after
    return max(1, fits) + extra, taps, stride, (before, after), dilation
