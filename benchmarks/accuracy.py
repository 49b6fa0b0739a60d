"""How far a result is from the right one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from deconv_tutorial.dtypes import Array

WRONG = 1e-3
"""A relative error above this is no rounding: such a result is not timed."""


def relative_error(found: Sequence[Array], expected: Sequence[Array]) -> float:
    """Return the largest difference over the largest value, of the worst array.

    An array of another shape, or one that is not finite, is infinitely wrong.

    Examples
    --------
    >>> relative_error([np.array([8.0, 3.0])], [np.array([8.0, 4.0])])
    0.125
    """
    if len(found) != len(expected):
        return math.inf
    return max(map(_error, found, expected))


def _error(found: Array, expected: Array) -> float:
    if np.shape(found) != expected.shape or not np.isfinite(found).all():
        return math.inf
    difference = float(np.abs(found - expected).max())
    return difference / float(np.abs(expected).max()) if difference else 0.0
