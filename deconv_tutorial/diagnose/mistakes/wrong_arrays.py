"""Wrong arguments: a right map gets a changed array, or another array."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from deconv_tutorial.diagnose.mistakes.problem import Change, Problem, first_places
from deconv_tutorial.dtypes import Array


def mirror_image(array: Array) -> Array:
    """Return an array with its spatial axes reversed."""
    return np.flip(array, tuple(range(3, array.ndim)))


def flipped_kernel(p: Problem) -> Problem:
    """Reverse the kernel on its spatial axes."""
    return replace(p, w=mirror_image(p.w))


def flipped_channels(p: Problem) -> Problem:
    """Reverse the channel axes of the weight, which are its first two."""
    joined = p.w.reshape(-1, *p.w.shape[2:])[::-1, ::-1]
    return replace(p, w=joined.reshape(p.w.shape))


def flipped_weight(p: Problem) -> Problem:
    """Reverse all axes of the weight."""
    return flipped_kernel(flipped_channels(p))


def flipped_filters(p: Problem) -> Problem | None:
    """Reverse all axes of each filter alone: its channels and its taps."""
    if p.w.shape[2] == 1:
        return None  # then just the kernel is reversed
    return replace(p, w=mirror_image(p.w)[:, :, ::-1])


def exchanged_channels(p: Problem) -> Problem | None:
    """Exchange input and output channels, if there are equally many of both."""
    joined = p.w.reshape(-1, *p.w.shape[2:])
    if len(p.w) > 1 or joined.shape[0] != joined.shape[1]:
        return None
    return replace(p, w=joined.swapaxes(0, 1).reshape(p.w.shape))


def turned_kernel(p: Problem) -> Problem | None:
    """Transpose a square kernel."""
    if p.w.ndim != 5 or p.w.shape[3] != p.w.shape[4]:
        return None
    return replace(p, w=p.w.swapaxes(3, 4))


def true_convolution(p: Problem) -> Problem:
    """Reverse the short array, as a true convolution does."""
    return replace(p, y=mirror_image(p.y))


def result_for_d_out(p: Problem) -> Problem:
    """Use the layer's result instead of the gradient of the loss in the result."""
    if p.transposed:
        return replace(p, x=p.array("input_grad"))
    return replace(p, y=p.array("forward"))


def ones_for_d_out(p: Problem) -> Problem:
    """Use ones instead of the gradient of the loss in the result."""
    name = "x" if p.transposed else "y"
    return replace(p, **{name: np.ones_like(getattr(p, name))})


def unexchanged_arguments(p: Problem) -> Problem | None:
    """Call the map of a convolution with x and d_out, without exchanging them."""
    if not p.transposed:
        return None
    wrong = p.with_axes(
        lambda _, a: replace(a, input_size=a.output_size, output_size=a.input_size)
    )
    return replace(wrong, x=p.y, y=p.x)


def last_sample(p: Problem) -> Problem:
    """Use the last sample alone."""
    return replace(p, x=p.x[-1:], y=p.y[-1:])


def last_output(p: Problem) -> Problem:
    """Use the last output of the last sample alone."""
    y = np.zeros_like(p.y)
    last = (-1, ..., *[-1] * len(p.geometry.axes))
    y[last] = p.y[last]
    return replace(p, y=y)


def first_sample(p: Problem) -> Problem:
    """Use the first sample alone."""
    return replace(p, x=p.x[:1], y=p.y[:1])


def without_sample(n: int) -> Change:
    """Return a formula that leaves one of several samples out."""

    def change(p: Problem) -> Problem | None:
        if len(p.x) == 1:
            return None
        return replace(p, x=np.delete(p.x, n, 0), y=np.delete(p.y, n, 0))

    return change


def multiplied_samples(p: Problem) -> Problem:
    """Add the samples up before they are multiplied."""
    return replace(p, x=p.x.sum(0, keepdims=True), y=p.y.sum(0, keepdims=True))


def masked_errors(p: Problem) -> Problem:
    """Take d_out as 0 where the layer's result is negative, as a ReLU does."""
    if p.transposed:
        return replace(p, x=p.x * (p.array("input_grad") > 0))
    return replace(p, y=p.y * (p.array("forward") > 0))


def last_filter(p: Problem) -> Problem:
    """Use the last channel of y alone."""
    return replace(p, y=p.y[:, :, -1:], w=p.w[:, -1:])


def last_input_channel(p: Problem) -> Problem:
    """Use the last channel of x alone."""
    return replace(p, x=p.x[:, :, -1:], w=p.w[:, :, -1:])


def first_group(p: Problem) -> Problem:
    """Use the input of the first group for all groups."""
    return replace(p, x=np.broadcast_to(p.x[:, :1], p.x.shape))


def first_kernels(p: Problem) -> Problem:
    """Use the kernels of the first group for all groups."""
    return replace(p, w=np.broadcast_to(p.w[:1], p.w.shape))


def reversed_groups(p: Problem) -> Problem:
    """Take the groups of y in reverse order."""
    return replace(p, y=p.y[:, ::-1])


def reversed_kernels(p: Problem) -> Problem:
    """Take the kernels of the groups in reverse order."""
    return replace(p, w=p.w[::-1])


def mixed_batch(p: Problem) -> Problem:
    """Move the channels of y to the front by a reshape instead of a transpose."""
    return replace(p, y=_scrambled_array(p.y))


def mixed_errors(p: Problem) -> Problem:
    """Move the channels of x to the front by a reshape instead of a transpose."""
    return replace(p, x=_scrambled_array(p.x))


def _scrambled_array(array: Array) -> Array:
    n, g, c, *size = array.shape
    return array.reshape(g * c, n, *size).swapaxes(0, 1).reshape(array.shape)


def only_some_outputs(p: Problem) -> Problem:
    """Visit as many outputs as ``range(0, input_size, stride)`` has elements."""
    seen = [-(-axis.input_size // axis.stride) for axis in p.geometry.axes]
    return replace(p, y=first_places(p.y, seen))


def as_many_inputs_as_taps(p: Problem) -> Problem:
    """Visit as many inputs as the kernel has taps."""
    return replace(p, x=first_places(p.x, p.geometry.kernel_size))


def first_size_everywhere(p: Problem) -> Problem:
    """Use the size of the first axis for all axes."""
    first = p.geometry.input_size[:1]
    return replace(p, x=first_places(p.x, first * len(p.geometry.axes)))


def turned_errors(p: Problem) -> Problem | None:
    """Transpose the short array, if it is square."""
    if p.y.ndim != 5 or p.y.shape[3] != p.y.shape[4]:
        return None
    return replace(p, y=p.y.swapaxes(3, 4))


def wrapped_indices(p: Problem) -> Problem | None:
    """Read from the end where an index is negative, as Python's lists do."""
    if any(axis.span[1] >= axis.input_size for axis in p.geometry.axes):
        return None  # there a list has nothing to read
    x = p.x
    for n, axis in enumerate(p.geometry.axes):
        before = min(axis.padding_before, axis.input_size)
        end = x[(*[slice(None)] * (3 + n), slice(axis.input_size - before, None))]
        x = np.concatenate([end, x], axis=3 + n)
    wrong = p.with_axes(
        lambda _, a: replace(
            a,
            input_size=a.input_size + min(a.padding_before, a.input_size),
            padding_before=max(0, a.padding_before - a.input_size),
        )
    )
    return replace(wrong, x=x)


def one_flipped_axis(n: int) -> Change:
    """Return a formula that reverses one axis of a kernel that has several."""

    def change(p: Problem) -> Problem | None:
        rank = len(p.geometry.axes)
        return replace(p, w=np.flip(p.w, 3 + n)) if 1 < rank > n else None

    return change


def reversed_filters(p: Problem) -> Problem | None:
    """Reverse the first axis of the weight."""
    if 1 in p.w.shape[1:3]:
        return None  # then it is both channel axes, or just the groups
    joined = p.w.reshape(-1, *p.w.shape[2:])[::-1]
    return replace(p, w=joined.reshape(p.w.shape))


def reversed_filters_and_kernels(p: Problem) -> Problem | None:
    """Reverse the first axis of the weight, and the kernels."""
    wrong = reversed_filters(p)
    return None if wrong is None else flipped_kernel(wrong)


def reshaped_channels(p: Problem) -> Problem | None:
    """Exchange the channel axes of the weight, then reshape it to the old shape."""
    joined = p.w.reshape(-1, *p.w.shape[2:])
    if joined.shape[0] == joined.shape[1]:
        return None  # then there is no need of a reshape
    return replace(p, w=joined.swapaxes(0, 1).reshape(p.w.shape))
