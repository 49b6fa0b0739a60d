"""How work is cut into blocks, so that each fits in the memory there is for it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product

from deconv_tutorial.geometry import Geometry, Window
from deconv_tutorial.geometry.settings import Index


def cuts(size: int, count: int) -> Iterator[slice]:
    """Yield `count` slices of `size` elements, whose lengths differ by one at most.

    Examples
    --------
    >>> [*cuts(7, 2)]
    [slice(0, 3, None), slice(3, 7, None)]
    """
    for n in range(count):
        yield slice(n * size // count, (n + 1) * size // count)


def blocks(sizes: Index, fit: int, shares: int = 1) -> Iterator[Window]:
    """Yield the windows of a grid that hold at most `fit` of its cells each.

    The inner axes stay whole as long as they fit, and the windows come in the order of
    the grid.

    Parameters
    ----------
    sizes : tuple of int
        How many cells there are on each axis.
    fit : int
        How many cells fit. A window holds at least one.
    shares : int
        The number of windows is a multiple of `shares`, as far as the axis that is cut
        allows. Then each thread gets as many as the others.

    Examples
    --------
    >>> for rows, columns in blocks((2, 6), fit=4):
    ...     print(rows, columns)
    slice(0, 1, None) slice(0, 3, None)
    slice(0, 1, None) slice(3, 6, None)
    slice(1, 2, None) slice(0, 3, None)
    slice(1, 2, None) slice(3, 6, None)
    """
    counts: list[int] = []
    for size in reversed(sizes):
        counts.insert(0, -(-size // max(1, min(size, fit))))
        fit //= max(1, size)
    if shares > 1:
        # The innermost axis that is cut; if none is, the outermost that can be.
        cut = [n for n, count in enumerate(counts) if count > 1][-1:]
        cut = cut or [n for n, size in enumerate(sizes) if size > 1][:1]
        for n in cut:
            step = shares // math.gcd(shares, math.prod(counts) // counts[n])
            counts[n] = min(sizes[n], counts[n] + -counts[n] % step)
    lines = (cuts(size, count) for size, count in zip(sizes, counts, strict=True))
    yield from product(*map(tuple, lines))


def output_blocks(
    samples: int, geometry: Geometry, fit: int, shares: int = 1
) -> Iterator[tuple[slice, Window, Geometry]]:
    """Yield blocks of at most `fit` outputs: samples, outputs, and their geometry.

    The geometry of a block has only its outputs, and still the whole input.

    Examples
    --------
    >>> from deconv_tutorial.geometry import conv_geometry
    >>> for samples, outputs, part in output_blocks(2, conv_geometry(6, 3), fit=4):
    ...     print(samples, *outputs, part.output_size)
    slice(0, 1, None) slice(0, 4, None) (4,)
    slice(1, 2, None) slice(0, 4, None) (4,)
    """
    for part, *outputs in blocks((samples, *geometry.output_size), fit, shares):
        window = tuple(outputs)
        sizes = tuple(each.stop - each.start for each in window)
        whole = sizes == geometry.output_size
        yield part, window, geometry if whole else geometry.between(window)
