"""Wrong channels: groups that read each other's, orders of columns, exchanged settings.

If a mistake cannot be made in a layer, its function returns None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from deconv_tutorial.diagnose.mistakes.problem import Change, Problem
from deconv_tutorial.dtypes import Array


def dealt(array: Array) -> Array:
    """Return an array whose channels are dealt to the groups like cards.

    The channels of ``(n, g, c, *size)`` come in the order in which one of each group
    follows one of the group before: channel 0 goes to group 0, channel 1 to group 1.
    """
    n, g, c, *size = array.shape
    return array.reshape(n, c, g, *size).swapaxes(1, 2)  # (n, g, c, *size)


def _collected(axis: int, groups: int) -> Callable[[Array], Array]:
    """Return a last step that lays down the channels of the groups in turn."""

    def step(array: Array) -> Array:
        shape = array.shape
        parts = shape[:axis], groups, shape[axis] // groups, shape[axis + 1 :]
        split = array.reshape(*parts[0], *parts[1:3], *parts[3])
        return split.swapaxes(axis, axis + 1).reshape(shape)

    return step


def dealt_x(p: Problem) -> Problem:
    """Deal the channels of the long array to the groups."""
    return replace(p, x=dealt(p.x))


def dealt_y(p: Problem) -> Problem:
    """Deal the channels of the short array to the groups."""
    return replace(p, y=dealt(p.y))


def dealt_result(p: Problem) -> Problem:
    """Lay the channels of the groups down in turn, in y or dx."""
    return p.with_last_step(_collected(1, p.w.shape[0]))


def dealt_filters(p: Problem) -> Problem:
    """Deal the channels of the short array, and collect those of dw."""
    return dealt_y(p).with_last_step(_collected(0, p.w.shape[0]))


def dealt_x_and_result(p: Problem) -> Problem:
    """Deal the channels of x to the groups, and collect those of the result."""
    return dealt_result(dealt_x(p))


def dealt_y_and_result(p: Problem) -> Problem:
    """Deal the channels of y to the groups, and collect those of the result."""
    return dealt_result(dealt_y(p))


def dealt_x_and_y(p: Problem) -> Problem:
    """Deal the channels of x and of y to the groups."""
    return dealt_x(dealt_y(p))


def one_group(n: int, *, of: str) -> Change:
    """Return a formula that computes one group alone, and leaves 0 for the others.

    Parameters
    ----------
    n : int
        The index of the group.
    of : {"w", "y"}
        The array of which the other groups are taken as 0.
    """

    def change(p: Problem) -> Problem | None:
        if p.w.shape[0] == 1:
            return None
        array = getattr(p, of)
        kept = np.zeros_like(array)
        place = n if of == "w" else (slice(None), n)
        kept[place] = array[place]
        return replace(p, **{of: kept})

    return change


def last_filter_of_all(p: Problem) -> Problem:
    """Use the last channel of the last group of y alone."""
    y = np.zeros_like(p.y)
    y[:, -1, -1] = p.y[:, -1, -1]
    return replace(p, y=y)


def first_filter(p: Problem) -> Problem:
    """Use the first channel of y alone."""
    return replace(p, y=p.y[:, :, :1], w=p.w[:, :1])


def all_filters_but_the_last(p: Problem) -> Problem | None:
    """Use all channels of y but the last."""
    return replace(p, y=p.y[:, :, :-1], w=p.w[:, :-1]) if p.w.shape[1] > 1 else None


def all_input_channels_but_the_last(p: Problem) -> Problem | None:
    """Use all channels of x but the last."""
    if p.w.shape[2] == 1:
        return None
    return replace(p, x=p.x[:, :, :-1], w=p.w[:, :, :-1])


def first_input_channel(p: Problem) -> Problem:
    """Use the first channel of x alone."""
    return replace(p, x=p.x[:, :, :1], w=p.w[:, :, :1])


def taps_first_weight(p: Problem) -> Problem:
    """Multiply columns that have taps first with weights that have channels first."""
    g, a, b, *taps = p.w.shape
    wrong = np.moveaxis(p.w.reshape(g, a, *taps, b), -1, 2)  # (g, a, b, *taps)
    return replace(p, w=wrong)


def channels_first_weight(p: Problem) -> Problem:
    """Multiply columns that have channels first with weights that have taps first."""
    wrong = np.moveaxis(p.w, 2, -1).reshape(p.w.shape)  # (g, a, *taps, b) before
    return replace(p, w=wrong)


def channels_before_taps(p: Problem) -> Problem:
    """Reshape rows that have channels before taps as if taps came first."""

    def step(array: Array) -> Array:
        first, channels, *taps = array.shape
        return np.moveaxis(array.reshape(first, *taps, channels), -1, 1)

    return p.with_last_step(step)


def exchanged_dilation_and_groups(*, resized: bool) -> Change:
    """Return a formula that takes the dilation for the groups, and the other way.

    Parameters
    ----------
    resized : bool
        Whether the long array gets the size that follows from the wrong dilation.
    """

    def change(p: Problem) -> Problem | None:
        dilations = {axis.dilation for axis in p.geometry.axes}
        groups = p.w.shape[0]
        if len(dilations) > 1 or groups in dilations:
            return None
        (new,) = dilations
        wrong = _regrouped(p, new)
        return wrong and wrong.with_axes(
            lambda _, a: replace(
                a,
                dilation=groups,
                input_size=a.input_size
                + resized * (groups - a.dilation) * (a.kernel_size - 1),
            )
        )

    return change


def without_groups(p: Problem) -> Problem | None:
    """Connect each channel with all others, as if there were one group."""
    return _regrouped(p, 1) if p.w.shape[0] > 1 else None


def summed_groups(p: Problem) -> Problem:
    """Let each group read the sum of all groups of the long array."""
    one = p.x.sum(axis=1, keepdims=True)
    return replace(p, x=np.broadcast_to(one, p.x.shape))


def _regrouped(p: Problem, groups: int) -> Problem | None:
    """Return the problem with its channels split into another number of groups."""
    x, y = (_joined_channels(array) for array in (p.x, p.y))
    w = p.w.reshape(-1, *p.w.shape[2:])  # (g*a, b, *taps)
    if any(n % groups for n in (x.shape[1], y.shape[1], len(w))):
        return None
    return replace(
        p,
        x=x.reshape(len(x), groups, -1, *x.shape[2:]),
        w=w.reshape(groups, -1, *w.shape[1:]),
        y=y.reshape(len(y), groups, -1, *y.shape[2:]),
    )


def _joined_channels(array: Array) -> Array:
    """Return ``(n, g, c, *size)`` as ``(n, g*c, *size)``."""
    return array.reshape(len(array), -1, *array.shape[3:])


def conjugated_weight(p: Problem) -> Problem | None:
    """Multiply with the conjugate of the weight, if it is complex."""
    return replace(p, w=p.w.conj()) if np.iscomplexobj(p.w) else None


def conjugated_input(p: Problem) -> Problem | None:
    """Multiply with the conjugate of the layer's input, if it is complex."""
    name = "y" if p.transposed else "x"
    array = getattr(p, name)
    return replace(p, **{name: array.conj()}) if np.iscomplexobj(array) else None
