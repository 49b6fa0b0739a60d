"""Where an attempt has its axes: samples, channels and space, in letters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from deconv_tutorial.dtypes import Array

_FORMS = {
    "x": ("n, c and *", re.compile(r"n?c?\*|n?\*c?|c?n?\*|c?\*n?|\*n?c?|\*c?n?")),
    "w": (
        "o, i and *",
        re.compile(r"o?i?\*|o?\*i?|i?o?\*|i?\*o?|\*o?i?|\*i?o?|c\*|\*c"),
    ),
}


@dataclass(frozen=True)
class AxisLayout:
    """The order of the axes in the arrays of an attempt.

    Letters name the axes: ``n`` samples, ``c`` channels, ``o`` and ``i`` the output and
    input channels of the weight, ``*`` all axes of space or of the kernel. An axis that
    an attempt does not have is left out: then its length is 1. If ``c`` stands in `w`,
    each channel has one kernel, as in a depthwise layer.

    Examples
    --------
    >>> x = np.zeros((2, 3, 5, 6))
    >>> AxisLayout(x="n*c").theirs("x", x).shape
    (2, 5, 6, 3)
    >>> AxisLayout(x="n*c").ours("dx", np.zeros((2, 5, 6, 3))).shape
    (2, 3, 5, 6)
    """

    x: str = "nc*"
    """The axes of x, y, d_out and dx."""
    w: str = "oi*"
    """The axes of w and dw."""
    transposed: bool = False
    """Whether our own w begins with the input channels."""

    @property
    def limits(self) -> tuple[str, ...]:
        """The names of the limits that hold for a layer with such arrays."""
        limits = [] if "n" in self.x else ["one sample"]
        if "c" in self.w:
            limits.append("depthwise")
        else:
            limits += [] if "o" in self.w else ["one output channel"]
            limits += [] if "i" in self.w else ["one input channel"]
        if "c" not in self.x:
            limits += ["one output channel", "one input channel"]
        return tuple(dict.fromkeys(limits))

    def theirs(self, name: str, array: Array) -> Array:
        """Return an array of ours, such as ``x`` or ``dw``, as the attempt has it.

        One that has too few axes for it stays as it is.
        """
        if name in {"b", "db"} or array.ndim < 3:
            return array
        order, absent = self._axes(name, array.ndim - 2)
        moved = array.transpose(*order, *absent)
        return moved.reshape(moved.shape[: len(order)])

    def ours(self, name: str, array: Array) -> Array:
        """Return an array of the attempt as we have it.

        If it has too few axes for the layout, it stays as it is.
        """
        if name in {"b", "db"}:
            single = "one output channel" in self.limits and array.size == 1
            return array.reshape(1) if single else array
        rank = array.ndim - (len(self._letters(name)) - 1)
        if rank < 1:
            return array
        order, absent = self._axes(name, rank)
        longer = array.reshape(*array.shape, *[1] * len(absent))
        return longer.transpose(np.argsort([*order, *absent]))

    def _letters(self, name: str) -> str:
        return self.w if name in {"w", "dw"} else self.x

    def _axes(self, name: str, rank: int) -> tuple[list[int], list[int]]:
        """Return our axes in the order of the attempt, and those it does not have."""
        ours = "nc" if name not in {"w", "dw"} else "io" if self.transposed else "oi"
        letters = self._letters(name)
        if "c" in letters and ours != "nc":
            ours = "c-"
        places = {ours[0]: [0], ours[1]: [1], "*": [*range(2, 2 + rank)]}
        order = [axis for letter in letters for axis in places[letter]]
        return order, [axis for axis in (0, 1) if axis not in order]


def layout_of(given: Mapping[str, str] | None, *, transposed: bool) -> AxisLayout:
    """Return a layout from letters, such as ``{"x": "n*c", "w": "*io"}``.

    The common names, such as ``NHWC`` and ``HWIO``, are taken too.

    Raises
    ------
    ValueError
        If an array or a letter is unknown.

    Examples
    --------
    >>> layout_of({"x": "NHWC", "w": "HWIO"}, transposed=False)
    AxisLayout(x='n*c', w='*io', transposed=False)
    """
    found = {"x": "nc*", "w": "io*" if transposed else "oi*"}
    for name, text in (given or {}).items():
        if name not in _FORMS:
            msg = f"layout needs letters for x (as for y and d_out) or w, got {name!r}"
            raise ValueError(msg)
        letters = re.sub("[DHW]+", "*", text).lower() if text.isupper() else text
        words, form = _FORMS[name]
        if not form.fullmatch(letters):
            msg = f"layout of {name} needs each of {words} at most once, got {text!r}"
            raise ValueError(msg)
        found[name] = letters
    return AxisLayout(found["x"], found["w"], transposed)
