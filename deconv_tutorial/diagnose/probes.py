"""The layers that attempts are tried on: strong probes, and the weak ones people use.

The arrays hold integers, so that results can be compared exactly. In strong probes few
mistakes stay hidden: all sizes differ, settings differ from axis to axis and from end
to end, and d_out is random. `STRONG` begins with the smallest probe, since a small
failing case is the easiest to read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from deconv_tutorial.diagnose.mistakes.problem import Problem, Target, problem_of
from deconv_tutorial.dtypes import Array
from deconv_tutorial.geometry.settings import Index

DEFAULTS: Mapping[str, int] = {
    "stride": 1,
    "padding": 0,
    "dilation": 1,
    "groups": 1,
    "output_padding": 0,
}
"""The settings of layers, and what they are if nothing is said."""
SETTINGS = tuple(DEFAULTS)
"""Their names. Only transposed convolutions have the last one."""


@dataclass(frozen=True)
class Probe:
    """A convolution to try an attempt on, or the transposed one of that geometry."""

    name: str
    x_shape: Index
    w_shape: Index
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    ones: bool = False
    """Whether d_out is 1 everywhere, as in many tests."""

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.x_shape) - 2

    def suits(self, settings: Sequence[str], *, transposed: bool) -> bool:
        """Return whether a layer that takes only these settings can be tried on it."""
        return set(self.case(transposed=transposed).settings) <= set(settings)

    def case(self, *, transposed: bool) -> LayerCall:
        """Return a layer call with random arrays, the same ones on every run.

        The transposed layer takes an array of the shape of the convolution's result,
        and returns one of the shape of its input.
        """
        rng = np.random.default_rng([*hashlib.sha256(self.name.encode()).digest()])

        def integers(shape: Index) -> Array:
            # No zeros: they would hide what they are multiplied with.
            values = rng.integers(1, 10, shape) * rng.choice([-1, 1], shape)
            return values.astype(float)

        x, w = integers(self.x_shape), integers(self.w_shape)
        plain = problem_of(x, w, **self.settings)
        y_shape = (len(x), len(w), *plain.geometry.output_size)
        settings = dict(self.settings)
        if transposed:
            if any(plain.leftover):
                settings["output_padding"] = plain.leftover
            x, d_out = integers(y_shape), integers(self.x_shape)
        else:
            d_out = integers(y_shape)
        if self.ones:
            d_out = np.ones_like(d_out)
        return LayerCall(self.name, x, w, d_out, settings, transposed)


@dataclass(frozen=True, eq=False)
class LayerCall:
    """The arrays and settings of one call of a layer, in the layer's own layouts."""

    name: str
    x: Array
    w: Array
    d_out: Array
    settings: Mapping[str, Any]
    transposed: bool
    b: Array | None = None
    """The bias that a forward pass adds, if it has one."""
    fixed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Settings of the layer that are not passed to it."""

    @cached_property
    def problem(self) -> Problem:
        """The call as a problem, whose results are known."""
        everything = {**self.settings, **self.fixed}
        return problem_of(
            self.x, self.w, self.d_out, transposed=self.transposed, **everything
        )

    def expected(self, target: Target) -> Array:
        """Return the right result."""
        right = self.problem.result(target)
        if target != "y" or self.b is None:
            return right
        return right + self.b.reshape(-1, *[1] * (right.ndim - 2))

    def without_bias(self, target: Target, found: Array) -> Array:
        """Return a result without its bias, if it has a channel for each element."""
        if target != "y" or self.b is None or found.ndim < 3:
            return found
        if found.shape[1] != len(self.b):
            return found
        return found - self.b.reshape(-1, *[1] * (found.ndim - 2))

    def __str__(self) -> str:
        """Return the shapes, and the settings that are not the usual ones."""
        layer = "conv_transpose" if self.transposed else "conv"
        settings = "".join(
            f", {name}={value}"
            for name, value in {**self.settings, **self.fixed}.items()
            if not np.array_equal(np.unique(value), [DEFAULTS[name]])
        )
        return f"{layer} of x {self.x.shape} with w {self.w.shape}{settings}"


def _lopsided_settings(**more: object) -> dict[str, Any]:
    return {"padding": ((3, 1), (0, 2)), **more}


STRONG = (
    # One axis: the running example, then with everything.
    Probe("1-D plain", (1, 1, 6), (1, 1, 3)),
    Probe("1-D", (2, 2, 9), (3, 2, 3), {"stride": 2, "padding": 1}),
    Probe(
        "1-D lopsided",
        (2, 4, 11),
        (6, 2, 3),
        {"stride": 2, "padding": ((2, 1),), "dilation": 3, "groups": 2},
    ),
    # Two axes.
    Probe("P3", (1, 1, 2, 2), (1, 1, 3, 3), {"padding": 2}),
    Probe("plain", (2, 3, 5, 6), (4, 3, 3, 2)),
    Probe("square", (2, 3, 7, 7), (3, 3, 3, 3), {"stride": 2, "padding": 1}),
    Probe("leftover", (2, 3, 8, 7), (4, 3, 3, 2), {"stride": 2, "padding": 1}),
    Probe("wide stride", (2, 3, 9, 8), (4, 3, 3, 2), {"stride": 3}),
    Probe("dilated", (2, 3, 9, 8), (4, 3, 3, 2), {"dilation": 2, "padding": 3}),
    Probe("just fits", (2, 3, 5, 7), (4, 3, 3, 3), {"dilation": (2, 3)}),
    Probe("grouped", (2, 4, 5, 6), (6, 2, 3, 2), {"groups": 2}),
    Probe("much padding", (2, 2, 3, 4), (3, 2, 2, 3), {"padding": 3}),
    Probe(
        "P2",
        (2, 4, 8, 8),
        (4, 4, 3, 3),
        _lopsided_settings(stride=(2, 3), dilation=(2, 1)),
    ),
    Probe(
        "P1",
        (2, 4, 8, 9),
        (6, 4, 3, 2),
        _lopsided_settings(stride=(2, 3), dilation=(1, 2)),
    ),
    Probe(
        "P1g",
        (2, 4, 8, 9),
        (6, 2, 3, 2),
        _lopsided_settings(stride=(2, 3), dilation=(1, 2), groups=2),
    ),
    # Three axes.
    Probe("3-D plain", (2, 2, 3, 4, 5), (3, 2, 2, 3, 2)),
    Probe(
        "3-D lopsided",
        (2, 2, 6, 5, 7),
        (3, 2, 2, 3, 2),
        {
            "stride": (2, 1, 3),
            "padding": ((1, 0), (0, 2), (1, 1)),
            "dilation": (1, 2, 1),
        },
    ),
)
"""An attempt must be right on all of these. P1 to P3 find the most mistakes."""

WEAK = (
    Probe("the blogs' 3x3 input and 2x2 filter", (1, 1, 3, 3), (1, 1, 2, 2)),
    Probe("the same with a d_out of ones", (1, 1, 3, 3), (1, 1, 2, 2), ones=True),
    Probe("CS231n's first check", (4, 3, 5, 5), (2, 3, 3, 3), {"padding": 1}),
    Probe(
        "CS231n's second check",
        (4, 3, 31, 31),
        (2, 3, 3, 3),
        {"stride": 2, "padding": 1},
    ),
    Probe(
        "a square layer with stride 2 and a d_out of ones",
        (2, 3, 7, 7),
        (3, 3, 3, 3),
        {"stride": 2, "padding": 1},
        ones=True,
    ),
)
"""Layers that attempts are often tested with, and on which many mistakes hide."""
