"""Layers to compare a mutated function on, drawn apart from the checker's own."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

import numpy as np

from deconv_tutorial import conv_backward, conv_transpose_backward
from deconv_tutorial.dtypes import Array


class DrawnCall(NamedTuple):
    """The arrays and settings of a backward pass, and its right results."""

    d_out: Array
    x: Array
    w: Array
    settings: dict[str, Any]
    right: tuple[Array, ...]


class DrawnAxis(NamedTuple):
    """One axis: the sizes and settings of a convolution."""

    long: int
    short: int
    taps: int
    stride: int
    dilation: int
    before: int
    after: int
    extra: int


def drawn_calls(count: int, seed: int, *, transposed: bool) -> Iterator[DrawnCall]:
    """Yield random layers with one or two axes."""
    random = Random(seed)
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield _call(random, rng, transposed=transposed)


def _call(random: Random, rng: np.random.Generator, *, transposed: bool) -> DrawnCall:
    axes = [_axis(random, transposed=transposed) for _ in range(random.choice((1, 2)))]
    if random.random() < 1 / 4:
        axes = axes[:1] * len(axes)
    groups, a, b = (
        random.choice((1, 1, 2, 3)),
        random.randint(1, 3),
        random.randint(1, 3),
    )
    batch = random.randint(1, 3)

    def integers(*shape: int) -> Array:
        return rng.integers(-9, 10, shape).astype(float)

    settings: dict[str, Any] = {
        "stride": tuple(axis.stride for axis in axes),
        "padding": tuple((axis.before, axis.after) for axis in axes),
        "dilation": tuple(axis.dilation for axis in axes),
        "groups": groups,
    }
    long = integers(batch, groups * b, *(axis.long for axis in axes))
    short = integers(batch, groups * a, *(axis.short for axis in axes))
    w = integers(groups * a, b, *(axis.taps for axis in axes))
    if not transposed:
        right = conv_backward(short, long, w, **settings)
        return DrawnCall(short, long, w, settings, tuple(right))
    settings["output_padding"] = tuple(axis.extra for axis in axes)
    right = conv_transpose_backward(long, short, w, **settings)
    return DrawnCall(long, short, w, settings, tuple(right))


def _axis(random: Random, *, transposed: bool) -> DrawnAxis:
    while True:
        stride, dilation = random.randint(1, 5), random.randint(1, 4)
        taps, short = random.randint(1, 5), random.randint(1, 5)
        before, after = random.choice(((0, 0), (1, 1), (2, 1), (0, 3), (5, 4)))
        most = max(stride, dilation) if transposed else stride
        extra = random.randrange(most)
        long = stride * (short - 1) + dilation * (taps - 1) + 1 + extra - before - after
        if long >= 1:
            settings = stride, dilation, before, after, extra
            return DrawnAxis(long, short, taps, *settings)
