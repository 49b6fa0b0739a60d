"""A layer in a few whole numbers, from which its shapes and arrays follow.

The numbers are those of a convolution, and its input size is what follows from them, so
that whatever numbers are drawn, the layer is valid. The transposed layer is that of the
same convolution.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np

from deconv_tutorial.diagnose.probes import DEFAULTS, LayerCall
from deconv_tutorial.dtypes import Array
from deconv_tutorial.geometry.settings import Index

Values: TypeAlias = Literal["counted", "positive", "whole", "eighths"]
"""The elements of arrays: 1, 2, 3 and so on; from 1 to 9; the same with signs; or with
signs in steps of 1/8, none of them 0."""


@dataclass(frozen=True)
class SketchAxis:
    """The numbers of one axis of a convolution."""

    outputs: int
    taps: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    """The padding before the axis."""
    after: int = 0
    """The padding after it."""
    leftover: int = 0
    """The number of padded inputs behind the last window. It is the `output_padding` of
    the transposed layer."""

    @property
    def span(self) -> int:
        """How far the kernel reaches."""
        return self.dilation * (self.taps - 1) + 1

    @property
    def input_size(self) -> int:
        """The size of the input without its padding."""
        padded = self.stride * (self.outputs - 1) + self.span + self.leftover
        return padded - self.before - self.after

    def fitted(self, *, transposed: bool) -> SketchAxis:
        """Return the nearest axis that exists: as few more outputs as it needs."""
        most = max(self.stride, self.dilation) if transposed else self.stride
        axis = replace(self, leftover=min(self.leftover, most - 1))
        missing = 1 - axis.input_size
        more = max(0, -(-missing // axis.stride))
        return replace(axis, outputs=axis.outputs + more)


@dataclass(frozen=True)
class Sketch:
    """The numbers of a layer."""

    axes: tuple[SketchAxis, ...]
    transposed: bool = False
    batch: int = 1
    groups: int = 1
    short: int = 1
    """The channels in a group on the short side: the outputs of a convolution."""
    long: int = 1
    """The channels in a group on the long side: the inputs of a convolution."""
    spelling: Literal["number", "axis", "pairs"] = "number"
    """Whether a setting is passed as one number if that says it, as a number for each
    axis, or, if it is a padding, as two numbers for each axis."""
    order: Literal["C", "F"] = "C"
    """The order of the elements of arrays in memory."""
    values: Values = "whole"
    seed: int = 0

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.axes)

    @cached_property
    def fitted(self) -> Sketch:
        """The nearest layer that exists."""
        axes = tuple(axis.fitted(transposed=self.transposed) for axis in self.axes)
        return self if axes == self.axes else replace(self, axes=axes)

    def numbers(self, name: str) -> Index:
        """Return a setting, with a number for each axis; of a padding, that before."""
        if name == "groups":
            return (self.groups,)
        if name == "output_padding" and not self.transposed:
            return (0,) * self.rank
        field = {"padding": "before", "output_padding": "leftover"}.get(name, name)
        return tuple(getattr(axis, field) for axis in self.axes)

    def value(self, name: str) -> Any:  # noqa: ANN401  # a number, or tuples of them
        """Return a setting as it is passed."""
        if name == "groups":
            return self.groups
        numbers = self.numbers(name)
        if name == "padding":
            pairs = tuple((axis.before, axis.after) for axis in self.axes)
            if self.spelling == "pairs" or any(a != b for a, b in pairs):
                return pairs
        alike = len(set(numbers)) == 1 and self.spelling == "number"
        return numbers[0] if alike else numbers

    def is_default(self, name: str) -> bool:
        """Return whether a setting is what it is if nothing is said."""
        ends = tuple(axis.after for axis in self.axes) if name == "padding" else ()
        return {*self.numbers(name), *ends} == {DEFAULTS[name]}

    def call(self, settings: Sequence[str], *, bias: bool = False) -> LayerCall:
        """Return the layer call, to which these settings are passed."""
        size = tuple(axis.input_size for axis in self.axes)
        outputs = tuple(axis.outputs for axis in self.axes)
        taps = tuple(axis.taps for axis in self.axes)
        long = (self.batch, self.groups * self.long, *size)
        short = (self.batch, self.groups * self.short, *outputs)
        x, d_out = (short, long) if self.transposed else (long, short)
        w = (self.groups * self.short, self.long, *taps)
        known = [n for n in DEFAULTS if n != "output_padding" or self.transposed]
        return LayerCall(
            "",
            self._array("x", x),
            self._array("w", w),
            self._array("d_out", d_out),
            {name: self.value(name) for name in known if name in settings},
            self.transposed,
            self._array("b", (d_out[1],)) if bias else None,
            {
                name: self.value(name)
                for name in known
                if name not in settings and not self.is_default(name)
            },
        )

    def _array(self, name: str, shape: Index) -> Array:
        """Return the elements of an array, the same ones on every run."""
        size = int(np.prod(shape))
        if self.values == "counted":
            numbers: Array = 1.0 + np.arange(size) % 9
        else:
            rng = np.random.default_rng([self.seed, zlib.crc32(name.encode()), *shape])
            most = 72 if self.values == "eighths" else 9
            numbers = rng.integers(1, most + 1, size).astype(float)
            if self.values != "positive":
                numbers *= rng.choice([-1, 1], size)
            if self.values == "eighths":
                numbers /= 8
        return np.asarray(numbers.reshape(shape), order=self.order)
