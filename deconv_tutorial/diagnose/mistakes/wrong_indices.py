"""Wrong geometries: a right map gets wrong indices.

If a mistake cannot be made in a layer, its function returns None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from deconv_tutorial.diagnose.mistakes.problem import Change, Problem
from deconv_tutorial.geometry import Axis
from deconv_tutorial.geometry.settings import Index


def changed_axes(change: Callable[[Axis], Axis]) -> Change:
    """Return a formula that changes each axis."""
    return lambda p: p.with_axes(lambda _, axis: change(axis))


def setting_of_axis(name: str, n: int) -> Change:
    """Return a formula that uses a setting of one axis for all axes.

    If the setting is 1, or a padding of 0, the mistake is to leave the setting out, and
    has its own formula. With a single axis there is no mistake.
    """
    left_out = 0 if name == "padding_before" else 1

    def change(p: Problem) -> Problem | None:
        axes = p.geometry.axes
        one = getattr(axes[n], name)
        if one == left_out or len(axes) == 1:
            return None
        return p.with_axes(lambda _, axis: replace(axis, **{name: one}))

    return change


def exchanged_axes(name: str) -> Change:
    """Return a formula that gives the axes a setting in reverse order."""

    def change(p: Problem) -> Problem | None:
        turned = [getattr(axis, name) for axis in p.geometry.axes][::-1]
        if len(set(turned)) == 1:
            return None
        return p.with_axes(lambda n, axis: replace(axis, **{name: turned[n]}))

    return change


def one_more_dilation(axis: Axis) -> Axis:
    """Count dilation from 0, so that the taps lie one step farther apart."""
    return replace(axis, dilation=axis.dilation + 1)


def one_less_dilation(p: Problem) -> Problem | None:
    """Let the taps lie one step closer, if that leaves a dilation on some axis."""
    if max(axis.dilation for axis in p.geometry.axes) < 3:
        return None  # then the dilation is missing
    return p.with_axes(lambda _, a: replace(a, dilation=max(1, a.dilation - 1)))


def padding(number: int) -> Change:
    """Return a formula in which every axis has this padding before it."""
    return changed_axes(lambda axis: replace(axis, padding_before=number))


def shift(by: int) -> Callable[[Axis], Axis]:
    """Return a change of an axis that reads so many places too early."""
    return lambda axis: replace(axis, padding_before=axis.padding_before + by)


def clipped_padding(axis: Axis) -> Axis:
    """Let ``dilation*(kernel_size - 1) - padding`` be 0 where it is negative."""
    reach = axis.dilation * (axis.kernel_size - 1)
    return replace(axis, padding_before=min(axis.padding_before, reach))


def padding_at_the_end(p: Problem) -> Problem:
    """Use the padding after an axis as the padding before it."""
    return p.with_axes(lambda n, axis: replace(axis, padding_before=p.padding_after[n]))


def crop_from_the_end(p: Problem) -> Problem:
    """Crop the gradient of the padded input with ``[-size:]``."""

    def change(n: int, axis: Axis) -> Axis:
        before = axis.padding_before + p.padding_after[n]
        return replace(axis, padding_before=before)

    return p.with_axes(change)


def crop_at_the_wrong_end(p: Problem) -> Problem:
    """Keep the last places of the convolution with d_out, as many as taps."""

    def change(n: int, axis: Axis) -> Axis:
        extra = p.leftover[n] // axis.dilation
        return replace(axis, padding_before=axis.padding_before - axis.dilation * extra)

    return p.with_axes(change)


def no_crop_to_taps(p: Problem) -> Problem:
    """Keep all places of the convolution with d_out, even those that are no taps."""

    def change(n: int, axis: Axis) -> Axis:
        extra = p.leftover[n] // axis.dilation
        return replace(axis, kernel_size=axis.kernel_size + extra)

    return p.with_axes(change)


def no_crop(p: Problem) -> Problem:
    """Return the gradient of the padded input."""

    def change(n: int, axis: Axis) -> Axis:
        before, after = axis.padding_before, p.padding_after[n]
        return replace(
            axis, input_size=axis.input_size + before + after, padding_before=0
        )

    return p.with_axes(change)


def no_crop_of_the_rest(p: Problem) -> Problem | None:
    """Return the gradient of the padded input as far as the last window reaches."""
    wrong, leftover = no_crop(p), p.leftover
    if wrong.geometry == p.geometry:
        return None  # there is no padding: what is missing is no crop
    return wrong.with_axes(
        lambda n, axis: replace(axis, input_size=axis.input_size - leftover[n])
    )


def missing_leftover(p: Problem) -> Problem:
    """Return no gradient for inputs behind the last window."""
    return p.with_axes(
        lambda n, axis: replace(axis, input_size=axis.input_size - p.leftover[n])
    )


def unspread_errors(p: Problem) -> Problem:
    """Slide the reversed kernel over d_out, without zeros between its elements."""

    def change(n: int, axis: Axis) -> Axis:
        size = axis.output_size - 1 + axis.dilation * (axis.kernel_size - 1) + 1
        size -= axis.padding_before + p.padding_after[n]
        return replace(axis, stride=1, input_size=size)

    return p.with_axes(change)


def unspread_uncropped(p: Problem) -> Problem:
    """Slide the reversed kernel over d_out without zeros between, and crop nothing."""

    def change(_: int, axis: Axis) -> Axis:
        size = axis.output_size + axis.dilation * (axis.kernel_size - 1)
        return replace(axis, stride=1, input_size=size, padding_before=0)

    return p.with_axes(change)


def padding_of_input(p: Problem) -> Problem:
    """Pad the input of a transposed convolution, and crop nothing from its result."""
    widths = [
        (axis.padding_before, after)
        for axis, after in zip(p.geometry.axes, p.padding_after, strict=True)
    ]

    def change(n: int, axis: Axis) -> Axis:
        more = sum(widths[n])
        return replace(
            axis,
            output_size=axis.output_size + more,
            input_size=axis.input_size + (axis.stride + 1) * more,
            padding_before=0,
        )

    return replace(p.with_axes(change), y=np.pad(p.y, [(0, 0)] * 3 + widths))


def refitted_formula(change: Change) -> Change:
    """Return a formula that also computes the output size again.

    A wrong setting gives a forward pass another number of outputs. Where the setting is
    not wrong, the number of outputs is the right one.
    """

    def refitted_change(p: Problem) -> Problem | None:
        wrong = change(p)
        if wrong is None or wrong.geometry == p.geometry:
            return None
        return _refitted_problem(wrong, p.padding_after)

    return refitted_change


def no_padding(p: Problem) -> Problem | None:
    """Pad nothing, and return the smaller number of outputs that this gives."""
    wrong = padding(0)(p)
    if wrong is None or (not any(p.padding_after) and wrong.geometry == p.geometry):
        return None
    return _refitted_problem(wrong, (0,) * len(p.padding_after))


def _refitted_problem(p: Problem, padding_after: Index) -> Problem | None:
    def change(n: int, axis: Axis) -> Axis:
        room = axis.input_size + axis.padding_before + padding_after[n]
        span = axis.dilation * (axis.kernel_size - 1) + 1
        return replace(axis, output_size=(room - span) // axis.stride + 1)

    return p.with_axes(change)
