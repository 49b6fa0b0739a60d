"""Wrong sums and wrong last steps: averages, overwriting, wrong axes, wrong crops."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from deconv_tutorial.diagnose.mistakes import wrong_indices
from deconv_tutorial.diagnose.mistakes.problem import Change, Map, Problem, first_places
from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines.engine import zeros_x


def assignment(p: Problem, _: Map) -> Array:
    """Scatter with ``=`` instead of ``+=``, tap by tap."""
    x = zeros_x(p.y, p.w, p.geometry)
    for k, outputs, inputs in p.geometry.taps():
        x[..., *inputs] = np.einsum(
            "nga...,gab->ngb...", p.y[..., *outputs], p.w[..., *k]
        )
    return x


def assignment_by_output(p: Problem, _: Map) -> Array:
    """Scatter with ``=`` instead of ``+=``, output by output."""
    x = zeros_x(p.y, p.w, p.geometry)
    for o, k, i in p.geometry.connections():
        x[..., *i] = np.einsum("nga,gab->ngb", p.y[..., *o], p.w[..., *k])
    return x


def average_of_overlaps(p: Problem, name: Map) -> Array:
    """Divide each element of dx by the number of windows that contain it."""
    right = replace(p, engine_map=None)
    one, tap = np.ones_like(p.y[:1, :1, :1]), np.ones_like(p.w[:1, :1, :1])
    total, ones = right.array(name), replace(right, y=one, w=tap)
    return total / np.maximum(ones.array(name), 1)


def other_sum(array_map: Callable[[Problem, Map], Array]) -> Change:
    """Return a formula that computes the map with another function."""
    return lambda p: None if p.engine_map else replace(p, engine_map=array_map)


def sum_over_samples(p: Problem, _: Map) -> Array:
    """Add up over the samples, but not over space."""
    _, g, c, *size = p.d_out.shape
    return p.d_out.sum(axis=0).reshape(g * c, *size)


def sum_over_places(p: Problem, _: Map) -> Array:
    """Add up over space, but not over the samples."""
    n = len(p.d_out)
    return p.d_out.sum(axis=tuple(range(3, p.d_out.ndim))).reshape(n, -1)


def sum_over_some_axes(p: Problem, _: Map) -> Array:
    """Add up over the samples and all spatial axes but the last."""
    total = p.d_out.sum(axis=(0, *range(3, p.d_out.ndim - 1)))
    return total.reshape(-1, p.d_out.shape[-1])


def sum_over_everything(p: Problem, _: Map) -> Array:
    """Add up over everything, even over the channels."""
    channels = math.prod(p.d_out.shape[1:3])
    return np.full(channels, p.d_out.sum())


def sum_over_other_axes(p: Problem, _: Map) -> Array:
    """Add up over all axes but the last, as if the channels came last."""
    return p.d_out.sum(axis=tuple(range(p.d_out.ndim - 1)))


def sum_over_first_axes(p: Problem, _: Map) -> Array:
    """Add up over samples and channels, as if the places were channels."""
    return p.d_out.sum(axis=(0, 1, 2))


def sum_of_input(p: Problem, _: Map) -> Array:
    """Add up the layer's input instead of d_out."""
    x = p.y if p.transposed else p.x
    return x.sum(axis=(0, *range(3, x.ndim))).reshape(-1)


def sum_of_last_sample(p: Problem, _: Map) -> Array:
    """Add up the last sample alone."""
    return p.d_out[-1].sum(axis=tuple(range(2, p.d_out.ndim - 1))).reshape(-1)


def sum_of_first_sample(p: Problem, _: Map) -> Array:
    """Add up the first sample alone."""
    return p.d_out[0].sum(axis=tuple(range(2, p.d_out.ndim - 1))).reshape(-1)


def gradient_per_sample(p: Problem, name: Map) -> Array:
    """Return one gradient for each sample, without adding them up."""
    each = (
        replace(p, x=p.x[n : n + 1], y=p.y[n : n + 1], engine_map=None)
        for n in range(len(p.x))
    )
    return np.stack([q.array(name) for q in each])


def place_count(p: Problem) -> int:
    """Return the number of outputs that the layer has in one sample and channel."""
    return math.prod(p.d_out.shape[3:])


def tap_count(p: Problem) -> int:
    """Return the number of taps of a kernel."""
    return math.prod(p.geometry.kernel_size)


def division_by(number: Callable[[Problem], int]) -> Change:
    """Return a formula that divides the result by a number of the problem."""

    def change(p: Problem) -> Problem:
        factor = number(p)
        return p.with_last_step(lambda array: array / factor)

    return change


def multiplication_by(factor: int) -> Change:
    """Return a formula that multiplies the result."""
    return lambda p: p.with_last_step(lambda array: factor * array)


def reversed_axis(n: int) -> Change:
    """Return a formula that reverses one spatial axis of the result."""

    def change(p: Problem) -> Problem | None:
        rank = len(p.geometry.axes)
        if rank == 1 or n >= rank:
            return None  # with one axis, all of them are reversed
        return p.with_last_step(lambda array: np.flip(array, n - rank))

    return change


def reversed_space(p: Problem) -> Problem:
    """Reverse all spatial axes of the result."""
    rank = len(p.geometry.axes)
    return p.with_last_step(lambda array: np.flip(array, tuple(range(-rank, 0))))


def exchanged_channels(p: Problem) -> Problem:
    """Exchange the first two axes of the result."""
    return p.with_last_step(lambda array: array.swapaxes(0, 1))


def reshaped_channels(p: Problem) -> Problem | None:
    """Exchange the first two axes of the result, then reshape it to the old shape."""
    if p.w.shape[0] * p.w.shape[1] == p.w.shape[2]:
        return None  # then there is no need of a reshape
    return p.with_last_step(lambda array: array.swapaxes(0, 1).reshape(array.shape))


def exchanged_space(p: Problem) -> Problem | None:
    """Exchange the two spatial axes of the result."""
    if len(p.geometry.axes) != 2:
        return None
    return p.with_last_step(lambda array: array.swapaxes(-1, -2))


def shared_channels(how: Literal["sum", "mean"], axis: int = 1) -> Change:
    """Return a formula that gives all channels of an axis the same sum or mean."""

    def step(array: Array) -> Array:
        one = getattr(array, how)(axis=axis, keepdims=True)
        return np.broadcast_to(one, array.shape)

    return lambda p: p.with_last_step(step)


def taps_before_channels(p: Problem) -> Problem:
    """Reshape rows that have taps before channels as if channels came first."""

    def step(array: Array) -> Array:
        return np.moveaxis(array, 1, -1).reshape(array.shape)

    return p.with_last_step(step)


def only_the_sample(n: int) -> Change:
    """Return a formula that returns zeros for all samples but one."""

    def step(array: Array) -> Array:
        one = np.zeros_like(array)
        one[n] = array[n]
        return one

    return lambda p: p.with_last_step(step)


def running_sum(p: Problem) -> Problem:
    """Return for each sample the sum of its own result and those before it."""
    return p.with_last_step(lambda array: array.cumsum(axis=0))


def sum_of_samples(*, keepdims: bool) -> Change:
    """Return a formula that adds the results of all samples up."""
    return lambda p: p.with_last_step(lambda array: array.sum(0, keepdims=keepdims))


def empty_last_places(p: Problem) -> Problem:
    """Return zeros in the places that ``output_padding`` adds."""

    def step(array: Array) -> Array:
        pairs = zip(array.shape[2:], p.leftover, strict=True)
        return first_places(array, [size - extra for size, extra in pairs])

    return p.with_last_step(step)


def last_places_in_front(p: Problem) -> Problem:
    """Add zeros before the result for ``output_padding``, instead of places after."""

    def step(array: Array) -> Array:
        moved = np.zeros_like(array)
        places = tuple(slice(extra, None) for extra in p.leftover)
        moved[(..., *places)] = array[
            (..., *[slice(None, size) for size in moved[(..., *places)].shape[2:]])
        ]
        return moved

    return p.with_last_step(step) if any(p.leftover) else p


def first_places_only(p: Problem) -> Problem:
    """Return zeros where a loop ``range(0, input_size, stride)`` does not come."""
    seen = [-(-axis.input_size // axis.stride) for axis in p.geometry.axes]
    return p.with_last_step(lambda array: first_places(array, seen))


def crop_to_minus_after(p: Problem) -> Problem:
    """Crop with ``[before:-after]``, which is empty if after is 0."""
    pairs = zip(p.geometry.axes, p.padding_after, strict=True)
    return _crop(p, [slice(axis.padding_before, -after) for axis, after in pairs])


def crop_to_minus_before(p: Problem) -> Problem:
    """Crop with ``[before:-before]``."""
    befores = [axis.padding_before for axis in p.geometry.axes]
    return _crop(p, [slice(before, -before) for before in befores])


def crop_from_1(p: Problem) -> Problem:
    """Crop with ``[1:1 + size]``, which is too short without padding."""
    return _crop(p, [slice(1, 1 + size) for size in p.geometry.input_size])


def crop_by_1(p: Problem) -> Problem:
    """Crop with ``[1:-1]``."""
    return _crop(p, [slice(1, -1) for _ in p.geometry.axes])


def _crop(p: Problem, window: Sequence[slice]) -> Problem:
    """Return the problem whose result is a window of the padded input's gradient."""
    return wrong_indices.no_crop(p).with_last_step(lambda array: array[(..., *window)])
