"""The error of a result."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from deconv_tutorial.dtypes import Array

WRONG = 1e-3
"""A larger relative error is a mistake, not rounding. Such a result is not timed."""


def relative_error(found: Sequence[Array], expected: Sequence[Array]) -> float:
    """Return the relative error of the worst array: largest difference / largest value.

    It is infinite if an array has a wrong shape, or an element that is not finite.

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
