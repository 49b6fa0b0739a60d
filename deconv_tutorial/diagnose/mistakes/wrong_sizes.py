"""Wrong sizes: what a stride leaves over, what `output_padding` adds, how many outputs.

If a mistake changes nothing in a layer, or cannot be made in it, its function returns
None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from deconv_tutorial.diagnose.mistakes.problem import Change, Problem, first_places
from deconv_tutorial.dtypes import Array
from deconv_tutorial.geometry import Axis
from deconv_tutorial.geometry.settings import Index


def resized(size: Callable[[Problem, int, Axis], int]) -> Change:
    """Return a formula that gives the long array another size on each axis."""

    def change(p: Problem) -> Problem | None:
        wrong = p.with_axes(
            lambda n, axis: replace(axis, input_size=max(0, size(p, n, axis)))
        )
        return None if wrong.geometry == p.geometry else wrong

    return change


def one_left_over(p: Problem, n: int, axis: Axis) -> int:
    """Count at most one of the inputs that the stride leaves over."""
    return axis.input_size - max(0, p.leftover[n] - 1)


def end_of_last_window(p: Problem, n: int, axis: Axis) -> int:
    """Crop an array that ends with the last window, which may be too short."""
    return axis.input_size - max(0, p.leftover[n] - p.padding_after[n])


def unread_output_padding(p: Problem) -> Problem | None:
    """Take d_out as 0 in the places that `output_padding` adds."""
    if not any(p.leftover):
        return None
    pairs = zip(p.x.shape[3:], p.leftover, strict=True)
    return replace(p, x=first_places(p.x, [size - extra for size, extra in pairs]))


def output_padding_of_first_axis(p: Problem, n: int, axis: Axis) -> int:
    """Use the `output_padding` of the first axis on all axes."""
    return axis.input_size - p.leftover[n] + p.leftover[0]


def conv_over_all(p: Problem) -> Problem | None:
    """Let a convolution of all of d_out decide how many places there are."""
    wrong = refitted(p, p.padding_after)
    return None if wrong is None or wrong.geometry == p.geometry else wrong


def padding_without_dilation(*, both: bool) -> Change:
    """Return a formula that pads the spread d_out for a kernel without its dilation.

    The result lacks as many places as the dilation adds to the kernel: at the start, or
    at both ends.
    """

    def change(p: Problem) -> Problem | None:
        def axis_change(_: int, axis: Axis) -> Axis:
            less = (axis.dilation - 1) * (axis.kernel_size - 1)
            return replace(
                axis,
                input_size=max(0, axis.input_size - (2 if both else 1) * less),
                padding_before=axis.padding_before + less,
            )

        wrong = p.with_axes(axis_change)
        return None if wrong.geometry == p.geometry else wrong

    return change


def other_output_size(size: Callable[[Problem, int, Axis], int]) -> Change:
    """Return a formula that computes another number of outputs."""

    def change(p: Problem) -> Problem | None:
        wrong = p.with_axes(
            lambda n, axis: replace(axis, output_size=max(0, size(p, n, axis)))
        )
        return None if wrong.geometry == p.geometry else wrong

    return change


def rounded_up(p: Problem, n: int, axis: Axis) -> int:
    """Round the number of outputs up."""
    return axis.output_size + (p.leftover[n] > 0)


def without_the_one(_: Problem, __: int, axis: Axis) -> int:
    """Forget that the first window counts too."""
    return axis.output_size - 1


def without_span(p: Problem, n: int, axis: Axis) -> int:
    """Count as if the kernel had no dilation."""
    room = axis.input_size + axis.padding_before + p.padding_after[n]
    return (room - axis.kernel_size) // axis.stride + 1


def padding_once(p: Problem, n: int, axis: Axis) -> int:
    """Count the padding at one end only."""
    span = axis.dilation * (axis.kernel_size - 1) + 1
    room = axis.input_size + axis.padding_before
    return (room - span) // axis.stride + 1 if p.padding_after[n] else axis.output_size


def refitted(p: Problem, padding_after: Index) -> Problem | None:
    """Return a problem with as many outputs as its windows have room for."""

    def change(n: int, axis: Axis) -> Axis:
        room = axis.input_size + axis.padding_before + padding_after[n]
        span = axis.dilation * (axis.kernel_size - 1) + 1
        return replace(axis, output_size=(room - span) // axis.stride + 1)

    return p.with_axes(change)


def refitted_formula(change: Change) -> Change:
    """Return a formula that also computes the number of outputs again.

    A wrong setting gives a forward pass another number of outputs.
    """

    def refitted_change(p: Problem) -> Problem | None:
        wrong = change(p)
        if wrong is None or wrong.geometry == p.geometry:
            return None  # then only the size would be another one
        return refitted(wrong, p.padding_after)

    return refitted_change


def no_padding(p: Problem) -> Problem | None:
    """Pad nothing, and return the smaller number of outputs that this gives."""
    wrong = p.with_axes(lambda _, axis: replace(axis, padding_before=0))
    if wrong.geometry == p.geometry and not any(p.padding_after):
        return None
    return refitted(wrong, (0,) * len(p.padding_after))


def interleaved_channels(p: Problem) -> Problem | None:
    """Give every group each G-th channel of x, instead of channels side by side."""
    n, g, b, *size = p.x.shape
    if g == 1 or b == 1:
        return None
    return replace(p, x=p.x.reshape(n, b, g, *size).swapaxes(1, 2))


def interleaved_result(p: Problem) -> Problem | None:
    """Put the channels of dx where every G-th one belongs to a group."""
    g, b = p.w.shape[0], p.w.shape[2]
    if g == 1 or b == 1:
        return None

    def step(array: Array) -> Array:
        n, _, *size = array.shape
        return array.reshape(n, g, b, *size).swapaxes(1, 2).reshape(array.shape)

    return p.with_last_step(step)


def exchanged_groups_and_dilation(p: Problem) -> Problem | None:
    """Take the dilation as the number of groups, and the other way round."""
    groups = p.geometry.axes[0].dilation
    a, b = p.w.shape[1:3]
    alike = {axis.dilation for axis in p.geometry.axes} == {groups}
    if not alike or groups == 1 or p.w.shape[0] != 1 or a % groups or b % groups:
        return None
    n, _, _, *long = p.x.shape
    short = p.y.shape[3:]
    kernels = p.w.reshape(groups, a // groups, b, *p.w.shape[3:])
    wrong = p.with_axes(lambda _, axis: replace(axis, dilation=1))
    return refitted(
        replace(
            wrong,
            x=p.x.reshape(n, groups, b // groups, *long),
            w=np.ascontiguousarray(kernels[:, :, : b // groups]),
            y=p.y.reshape(n, groups, a // groups, *short),
        ),
        p.padding_after,
    )
