"""Wrong sizes: a result with places too few or too many, and what output_padding adds.

On each axis the long array has `leftover` places that the short one does not count: the
stride leaves them over in a convolution, and ``output_padding`` adds them to the result
of a transposed one. If a mistake cannot be made in a layer, its function returns None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from deconv_tutorial.diagnose.mistakes.problem import Change, Problem, first_places
from deconv_tutorial.geometry import Axis

AxisChange = Callable[[Axis, int, int], Axis]
"""Makes a wrong axis from one, its padding after, and its leftover."""


def resized(change: AxisChange) -> Change:
    """Return a formula that changes each axis, its padding and leftover known."""

    def changed(p: Problem) -> Problem:
        leftover = p.leftover
        return p.with_axes(lambda n, a: change(a, p.padding_after[n], leftover[n]))

    return changed


def with_places(axis: Axis, more: int, in_front: int = 0) -> Axis:
    """Return an axis whose long array has more places, some of them in front."""
    return replace(
        axis,
        input_size=axis.input_size + more,
        padding_before=axis.padding_before - in_front,
    )


def with_outputs(axis: Axis, count: int) -> Axis:
    """Return an axis whose short array has another size."""
    return replace(axis, output_size=count)


def reach(axis: Axis) -> int:
    """Return how many places the last tap lies behind the first one."""
    return axis.dilation * (axis.kernel_size - 1)


def outputs_in(axis: Axis, room: int) -> int:
    """Return how many windows fit into so many places, rounded down."""
    return (room - reach(axis) - 1) // axis.stride + 1


def gap(axis: Axis) -> int:
    """Return how many places the dilation adds to the reach of the kernel."""
    return (axis.dilation - 1) * (axis.kernel_size - 1)


def spread_size(axis: Axis) -> int:
    """Return the size of the short array with ``stride - 1`` zeros between elements."""
    return axis.stride * (axis.output_size - 1) + 1


def room_of(axis: Axis, after: int) -> int:
    """Return how many places the padded long array has."""
    return axis.input_size + axis.padding_before + after


# The size of the long array: dx of a convolution, y of a transposed one


leftover_at_most_one = resized(
    lambda a, _, leftover: with_places(a, min(leftover, 1) - leftover)
)
"""Append one place at most for what the stride leaves over."""
short_array_crop = resized(
    lambda a, after, leftover: with_places(a, -max(0, leftover - after))
)
"""Crop ``[before : before + size]`` from an array without the leftover."""
crop_at_the_start_alone = resized(lambda a, after, _: with_places(a, after))
"""Crop ``[before:]``."""
crop_at_the_end_alone = resized(
    lambda a, _, __: with_places(a, a.padding_before, a.padding_before)
)
"""Crop ``[:-after]``."""
size_without_dilation = resized(lambda a, _, __: with_places(a, -gap(a)))
"""Count the taps of the kernel instead of its reach."""
size_of_strides = resized(
    lambda a, _, __: replace(a, input_size=a.stride * a.output_size)
)
"""Take the stride times the size of the short array for the size."""
extra_in_front = resized(lambda a, _, leftover: with_places(a, 0, leftover))
"""Put the leftover in front, so that all moves on."""
extra_at_both_ends = resized(lambda a, _, leftover: with_places(a, leftover, leftover))
"""Put the leftover in front and at the end."""
extra_twice = resized(lambda a, _, leftover: with_places(a, leftover))
"""Put twice the leftover at the end."""
extra_taken_away = resized(lambda a, _, leftover: with_places(a, -2 * leftover))
"""Make the size smaller by the output padding, not larger."""
extra_from_stride = resized(
    lambda a, _, leftover: with_places(a, a.stride - 1 - leftover)
)
"""Assume the largest output padding: the stride less 1."""


def extra_of_the_first_axis(p: Problem) -> Problem | None:
    """Use the output padding of the first axis for all axes."""
    leftover = p.leftover
    if len(leftover) == 1:
        return None
    return p.with_axes(lambda n, a: with_places(a, leftover[0] - leftover[n]))


def unread_extra(p: Problem) -> Problem | None:
    """Take d_out as 0 on the places that ``output_padding`` adds."""
    if not p.transposed:
        return None
    pairs = zip(p.geometry.axes, p.leftover, strict=True)
    return replace(p, x=first_places(p.x, [a.input_size - extra for a, extra in pairs]))


# Zeros around the spread d_out, where the reversed kernel slides over it


spread_short_in_front = resized(lambda a, _, __: with_places(a, -gap(a), -gap(a)))
"""Put too few zeros in front: the kernel counted without its dilation."""
spread_short_at_both_ends = resized(
    lambda a, _, __: with_places(a, -2 * gap(a), -gap(a))
)
"""Put too few zeros in front and at the end."""
spread_short_and_filled = resized(lambda a, _, __: with_places(a, 0, -gap(a)))
"""Put too few zeros in front, and fill up at the end."""


spread_padded_by_padding = resized(
    lambda a, after, _: replace(
        a,
        input_size=spread_size(a) + a.padding_before + after - reach(a),
        padding_before=reach(a) - a.padding_before,
    )
)
"""Put the layer's padding around the spread array, and slide over it."""


def spread_with_copies(p: Problem) -> Problem:
    """Repeat each element of the short array, where zeros belong between them."""
    y = p.y
    for n, axis in enumerate(p.geometry.axes):
        y = np.repeat(y, axis.stride, axis=3 + n)
    wrong = p.with_axes(
        lambda _, a: replace(a, output_size=a.output_size * a.stride, stride=1)
    )
    return replace(wrong, y=y)


# The size of the short array: y of a convolution, dx of a transposed one


outputs_of_all_places = resized(
    lambda a, after, _: with_outputs(a, outputs_in(a, room_of(a, after)))
)
"""Count the windows in all of d_out, also where output_padding makes room for more."""
outputs_rounded_up = resized(
    lambda a, _, leftover: with_outputs(a, a.output_size - -leftover // a.stride)
)
"""Round the number of outputs up."""
outputs_without_dilation = resized(
    lambda a, after, _: with_outputs(a, outputs_in(a, room_of(a, after) + gap(a)))
)
"""Count outputs as if the dilation were 1."""
outputs_with_one_padding = resized(
    lambda a, _, __: with_outputs(a, outputs_in(a, room_of(a, 0)))
)
"""Count the padding once, not at both ends."""
outputs_without_padding = resized(
    lambda a, _, __: with_outputs(a, outputs_in(a, a.input_size))
)
"""Count outputs without the padding, and pad all the same."""
outputs_but_the_last = resized(lambda a, _, __: with_outputs(a, a.output_size - 1))
"""Leave out the last output."""


def only_unpadded_outputs(p: Problem) -> Problem:
    """Visit as many outputs as there would be without padding."""
    counts = [max(0, outputs_in(a, a.input_size)) for a in p.geometry.axes]
    return replace(p, y=first_places(p.y, counts))


def all_outputs_but_the_last(p: Problem) -> Problem:
    """Visit all outputs but the last one of each axis."""
    return replace(p, y=first_places(p.y, [n - 1 for n in p.geometry.output_size]))


def all_but_the_last_of(axis: int) -> Change:
    """Return a formula that visits all outputs but the last one of one axis."""

    def change(p: Problem) -> Problem | None:
        if len(p.geometry.axes) == 1:
            return None
        counts = [*p.geometry.output_size]
        counts[axis] -= 1
        return replace(p, y=first_places(p.y, counts))

    return change


def all_outputs_but_the_first(p: Problem) -> Problem:
    """Visit all outputs but the first one of each axis."""
    y = np.zeros_like(p.y)
    inner = (..., *[slice(1, None)] * len(p.geometry.axes))
    y[inner] = p.y[inner]
    return replace(p, y=y)


def all_taps_but_the_last(p: Problem) -> Problem:
    """Visit all taps but the last one of each axis."""
    return replace(p, w=first_places(p.w, [n - 1 for n in p.geometry.kernel_size]))


def no_last_taps(p: Problem) -> Problem:
    """Return 0 for the last tap of each axis."""
    counts = [n - 1 for n in p.geometry.kernel_size]
    return p.with_last_step(lambda array: first_places(array, counts))


def no_last_outputs(p: Problem) -> Problem:
    """Return 0 for the last output of each axis."""
    counts = [n - 1 for n in p.geometry.output_size]
    return p.with_last_step(lambda array: first_places(array, counts))
