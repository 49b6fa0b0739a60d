"""Wrong sums and last steps: what is added up, averaged, overwritten or laid out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from deconv_tutorial.diagnose.mistakes import wrong_indices
from deconv_tutorial.diagnose.mistakes.problem import Change, Map, Problem, emptied
from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines.engine import zeros_x


def assigned(p: Problem, _: Map) -> Array:
    """Write each product of the scatter where it belongs, over what was there."""
    x = zeros_x(p.y, p.w, p.geometry)
    for k, outputs, inputs in p.geometry.taps():
        x[..., *inputs] = np.einsum(
            "nga...,gab->ngb...", p.y[..., *outputs], p.w[..., *k]
        )
    return x


def assigned_by_output(p: Problem, _: Map) -> Array:
    """Write each product where it belongs, output by output."""
    x = zeros_x(p.y, p.w, p.geometry)
    for o, k, i in p.geometry.connections():
        x[..., *i] = np.einsum("nga,gab->ngb", p.y[..., *o], p.w[..., *k])
    return x


def averaged(p: Problem, name: Map) -> Array:
    """Divide each sum of the scatter by the number of windows over it."""
    right = replace(p, engine_map=None)
    one, tap = np.ones_like(p.y[:1, :1, :1]), np.ones_like(p.w[:1, :1, :1])
    total, ones = right.array(name), replace(right, y=one, w=tap)
    return total / np.maximum(ones.array(name), 1)


def summed_by(array_map: Callable[[Problem, Map], Array]) -> Change:
    """Return a formula that adds up in another way."""
    return lambda p: None if p.engine_map else replace(p, engine_map=array_map)


def not_over_space(p: Problem, _: Map) -> Array:
    """Add up over the samples, and not over space."""
    _, g, c, *size = p.d_out.shape
    return p.d_out.sum(axis=0).reshape(g * c, *size)


def over_everything(p: Problem, _: Map) -> Array:
    """Add up over the channels, too."""
    channels = math.prod(p.d_out.shape[1:3])
    return np.full(channels, p.d_out.sum())


def over_other_axes(p: Problem, _: Map) -> Array:
    """Add up over all axes but the last, where the channels are kept."""
    return p.d_out.sum(axis=tuple(range(p.d_out.ndim - 1)))


def of_the_input(p: Problem, _: Map) -> Array:
    """Add up the layer's input in the place of d_out."""
    x = p.y if p.transposed else p.x
    return x.sum(axis=(0, *range(3, x.ndim))).reshape(-1)


def of_last_sample(p: Problem, _: Map) -> Array:
    """Add up over space in the last sample."""
    return p.d_out[-1].sum(axis=tuple(range(2, p.d_out.ndim - 1))).reshape(-1)


def per_sample(p: Problem, name: Map) -> Array:
    """Keep the gradient of each sample."""
    each = (
        replace(p, x=p.x[n : n + 1], y=p.y[n : n + 1], engine_map=None)
        for n in range(len(p.x))
    )
    return np.stack([q.array(name) for q in each])


def places(p: Problem) -> int:
    """Return how many outputs the layer has in a sample and channel."""
    return math.prod(p.d_out.shape[3:])


def taps(p: Problem) -> int:
    """Return how many taps a kernel has."""
    return math.prod(p.geometry.kernel_size)


def divided(number: Callable[[Problem], int]) -> Change:
    """Return a formula that divides the result by a number of a problem."""

    def changed(p: Problem) -> Problem:
        factor = number(p)
        return p.finished(lambda array: array / factor)

    return changed


def times(factor: int) -> Change:
    """Return a formula that multiplies the result."""
    return lambda p: p.finished(lambda array: factor * array)


def reversed_axis(n: int) -> Change:
    """Return a formula that reverses one spatial axis of the result."""

    def changed(p: Problem) -> Problem | None:
        rank = len(p.geometry.axes)
        if rank == 1 or n >= rank:
            return None  # with one axis, all of them are reversed
        return p.finished(lambda array: np.flip(array, n - rank))

    return changed


def reversed_space(p: Problem) -> Problem:
    """Reverse all spatial axes of the result."""
    rank = len(p.geometry.axes)
    return p.finished(lambda array: np.flip(array, tuple(range(-rank, 0))))


def exchanged_channels(p: Problem) -> Problem:
    """Exchange the first two axes of the result."""
    return p.finished(lambda array: array.swapaxes(0, 1))


def reshaped_channels(p: Problem) -> Problem | None:
    """Exchange the first two axes of the result, and reshape it back."""
    if p.w.shape[0] * p.w.shape[1] == p.w.shape[2]:
        return None  # then there is no need of a reshape
    return p.finished(lambda array: array.swapaxes(0, 1).reshape(array.shape))


def exchanged_space(p: Problem) -> Problem | None:
    """Exchange the two spatial axes of the result."""
    if len(p.geometry.axes) != 2:
        return None
    return p.finished(lambda array: array.swapaxes(-1, -2))


def same_for_input_channels(how: Literal["sum", "mean"]) -> Change:
    """Return a formula that makes the second axis of the result one, and repeats it."""

    def step(array: Array) -> Array:
        one = getattr(array, how)(axis=1, keepdims=True)
        return np.broadcast_to(one, array.shape)

    return lambda p: p.finished(step)


def taps_before_channels(p: Problem) -> Problem:
    """Reshape from an order in which taps stand before channels."""

    def step(array: Array) -> Array:
        return np.moveaxis(array, 1, -1).reshape(array.shape)

    return p.finished(step)


def only_the_last_sample(p: Problem) -> Problem:
    """Leave all samples but the last empty."""

    def step(array: Array) -> Array:
        last = np.zeros_like(array)
        last[-1:] = array[-1:]
        return last

    return p.finished(step)


def last_places_empty(p: Problem) -> Problem:
    """Let the places that only ``output_padding`` adds be 0."""

    def step(array: Array) -> Array:
        pairs = zip(array.shape[2:], p.leftover, strict=True)
        return emptied(array, [size - extra for size, extra in pairs])

    return p.finished(step)


def last_places_in_front(p: Problem) -> Problem:
    """Put the places that ``output_padding`` adds in front, as zeros."""

    def step(array: Array) -> Array:
        moved = np.zeros_like(array)
        places = tuple(slice(extra, None) for extra in p.leftover)
        moved[(..., *places)] = array[
            (..., *[slice(None, size) for size in moved[(..., *places)].shape[2:]])
        ]
        return moved

    return p.finished(step) if any(p.leftover) else p


def first_places_only(p: Problem) -> Problem:
    """Leave the places empty that a loop ``range(0, input_size, stride)`` misses."""
    seen = [-(-axis.input_size // axis.stride) for axis in p.geometry.axes]
    return p.finished(lambda array: emptied(array, seen))


def sliced(p: Problem) -> Problem:
    """Crop with ``[before:-after]``, which is empty where after is 0."""
    pairs = zip(p.geometry.axes, p.padding_after, strict=True)
    return _sliced(p, [slice(axis.padding_before, -after) for axis, after in pairs])


def sliced_by_the_first(p: Problem) -> Problem:
    """Crop with ``[before:-before]`` at both ends."""
    befores = [axis.padding_before for axis in p.geometry.axes]
    return _sliced(p, [slice(before, -before) for before in befores])


def sliced_from_1(p: Problem) -> Problem:
    """Crop with ``[1:1 + size]``, which is short where there is no padding."""
    return _sliced(p, [slice(1, 1 + size) for size in p.geometry.input_size])


def sliced_by_1(p: Problem) -> Problem:
    """Crop with ``[1:-1]``."""
    return _sliced(p, [slice(1, -1) for _ in p.geometry.axes])


def _sliced(p: Problem, window: Sequence[slice]) -> Problem:
    """Return the problem whose result is a window of the gradient of the padded x."""
    return wrong_indices.not_cropped(p).finished(lambda array: array[(..., *window)])
