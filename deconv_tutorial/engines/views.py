"""Two views that engines need: channels first, and one matrix for each group."""

from __future__ import annotations

import math

from deconv_tutorial.dtypes import Array


def channels_first(array: Array) -> Array:
    """Return the view ``(g, c, n, *size)`` of an array ``(n, g, c, *size)``."""
    return array.transpose(1, 2, 0, *range(3, array.ndim))


def matrices(array: Array) -> Array:
    """Return an array ``(g, a, ...)`` as ``(g, a, all the rest)``: a matrix a group.

    It is a view where the elements lie in a row, else a copy.
    """
    return array.reshape(*array.shape[:2], math.prod(array.shape[2:]))
