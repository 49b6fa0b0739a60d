"""Wrong paddings: from another setting, of another sign, or filled with no zeros.

If a mistake cannot be made in a layer, its function returns None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from deconv_tutorial.diagnose.mistakes import wrong_indices
from deconv_tutorial.diagnose.mistakes.problem import Change, Problem
from deconv_tutorial.diagnose.mistakes.wrong_sizes import reach
from deconv_tutorial.dtypes import Array
from deconv_tutorial.geometry import Axis


def padded_by(width: Callable[[Axis], int]) -> Change:
    """Return a formula in which each axis has another padding before it."""
    return wrong_indices.changed_axes(lambda a: replace(a, padding_before=width(a)))


opposite = padded_by(lambda a: -a.padding_before)
"""Add the padding to the place instead of subtracting it."""
times_stride = padded_by(lambda a: a.padding_before * a.stride)
"""Subtract the padding before the stride is multiplied: ``stride*(o - padding)``."""
times_dilation = padded_by(lambda a: a.padding_before * a.dilation)
"""Subtract the padding before the dilation is multiplied."""
HALVES = {
    "half of the reach": padded_by(lambda a: reach(a) // 2),
    "half of the taps": padded_by(lambda a: (a.kernel_size - 1) // 2),
}
"""Paddings that follow from the kernel, whatever the layer's padding is."""


def exchanged_pairs(p: Problem) -> Problem | None:
    """Give the axes their pairs of paddings in reverse order, and count outputs anew.

    `torch.nn.functional.pad` takes the last axis first.
    """
    pairs = [
        (a.padding_before, after)
        for a, after in zip(p.geometry.axes, p.padding_after, strict=True)
    ][::-1]
    if len(set(pairs)) == 1:
        return None

    def change(n: int, a: Axis) -> Axis:
        room = a.input_size + sum(pairs[n])
        count = (room - reach(a) - 1) // a.stride + 1
        return replace(a, padding_before=pairs[n][0], output_size=count)

    return p.with_axes(change)


def refitted_half(p: Problem) -> Problem:
    """Pad half of the kernel on both sides, and return as many outputs as fit."""

    def change(_: int, a: Axis) -> Axis:
        half = (reach(a) + 1) // 2
        count = (a.input_size + 2 * half - reach(a) - 1) // a.stride + 1
        return replace(a, padding_before=half, output_size=count)

    return p.with_axes(change)


def filled(mode: Any) -> Change:  # noqa: ANN401  # NumPy's type of it is private
    """Return a formula that pads the long array by a mode of `numpy.pad`."""

    def change(p: Problem) -> Problem | None:
        befores = [max(0, a.padding_before) for a in p.geometry.axes]
        widths = [*zip(befores, p.padding_after, strict=True)]
        if not np.any(widths):
            return None
        wrong = p.with_axes(
            lambda n, a: replace(
                a, input_size=a.input_size + sum(widths[n]), padding_before=0
            )
        )
        return replace(wrong, x=np.pad(p.x, [(0, 0)] * 3 + widths, mode))

    return change


def wrapped_scatter(p: Problem) -> Problem | None:
    """Add what belongs to negative places to the last places, as Python counts them."""
    axes = p.geometry.axes
    befores = [min(max(0, a.padding_before), a.input_size) for a in axes]
    if not any(befores):
        return None

    def step(array: Array) -> Array:
        for n, before in enumerate(befores):
            axis = n - len(befores)
            front, rest = np.split(array, [before], axis)
            rest = np.moveaxis(rest.copy(), axis, 0)
            rest[len(rest) - before :] += np.moveaxis(front, axis, 0)
            array = np.moveaxis(rest, 0, axis)
        return array

    wrong = p.with_axes(
        lambda n, a: replace(
            a,
            input_size=a.input_size + befores[n],
            padding_before=a.padding_before - befores[n],
        )
    )
    return wrong.with_last_step(step)
