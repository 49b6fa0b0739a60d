"""The four functions of the package, built of the three maps in any style."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np

from deconv_tutorial.diagnose.probes import SETTINGS
from deconv_tutorial.dtypes import Array
from deconv_tutorial.geometry.settings import Index
from tools.verdicts.styles import Style

SETTINGS_OF: Mapping[str, tuple[str, ...]] = {
    "conv": SETTINGS[:-1],
    "conv_backward": SETTINGS[:-1],
    "conv_transpose": SETTINGS,
    "conv_transpose_backward": SETTINGS,
}
Attempt: TypeAlias = Callable[..., Any]
Sides: TypeAlias = list[tuple[int, int]]


class Parsed(NamedTuple):
    """The settings of a call, for each axis."""

    s: Index
    d: Index
    sides: Sides
    groups: int
    extra: Index


def parsed(w: Array, settings: Mapping[str, Any]) -> Parsed:
    """Return the settings of a call, which may be whole numbers or tuples."""
    rank = w.ndim - 2
    s = numbers(settings.get("stride", 1), rank)
    d = numbers(settings.get("dilation", 1), rank)
    sides = [numbers(side, 2) for side in numbers(settings.get("padding", 0), rank)]
    extra = numbers(settings.get("output_padding", 0), rank)
    ends = [(before, after) for before, after in sides]
    return Parsed(s, d, ends, settings.get("groups", 1), extra)


def numbers(value: Any, count: int) -> tuple[Any, ...]:  # noqa: ANN401
    """Return a setting as so many numbers."""
    if isinstance(value, tuple):
        return cast("tuple[Any, ...]", value)
    return (value,) * count


def padded(array: Array, sides: Sides) -> Array:
    """Return an array with zeros around it."""
    return np.pad(array, [(0, 0), (0, 0), *sides])


def cropped(array: Array, sides: Sides) -> Array:
    """Return an array without what was padded."""
    sizes = zip(array.shape[2:], sides, strict=True)
    return array[:, :, *(slice(before, n - after) for n, (before, after) in sizes)]


def split(groups: int, *arrays: Array) -> list[tuple[Array, ...]]:
    """Return the arrays of each group: of w by its first axis, of others by channels.

    The second array is w.
    """
    parts = [np.split(a, groups, int(n != 1)) for n, a in enumerate(arrays)]
    return list(zip(*parts, strict=True))


def full_size(x: Array, w: Array, p: Parsed) -> Index:
    """Return the size of what a transposed convolution gives before it is cropped."""
    sizes = zip(x.shape[2:], w.shape[2:], p.s, p.d, p.extra, strict=True)
    return tuple(t * (n - 1) + e * (k - 1) + 1 + extra for n, k, t, e, extra in sizes)


def bias_gradient(d_out: Array) -> Array:
    """Return the sum over samples and places."""
    return d_out.sum(axis=(0, *range(2, d_out.ndim)))


def layer(style: Style) -> dict[str, Attempt]:
    """Return the four functions in a style, by name, with the settings of ours."""

    def conv(x: Array, w: Array, **settings: Any) -> Array:  # noqa: ANN401
        p = parsed(w, settings)
        parts = split(p.groups, padded(x, p.sides), w)
        return np.concatenate([style.forward(a, b, p.s, p.d) for a, b in parts], 1)

    def conv_backward(
        d_out: Array,
        x: Array,
        w: Array,
        **settings: Any,  # noqa: ANN401
    ) -> tuple[Array, Array, Array]:
        p = parsed(w, settings)
        dx: list[Array] = []
        dw: list[Array] = []
        for a, b, y in split(p.groups, padded(x, p.sides), w, d_out):
            dx.append(style.input_grad(y, b, a.shape[2:], p.s, p.d))
            dw.append(style.weight_grad(a, y, b.shape[2:], p.s, p.d))
        long = cropped(np.concatenate(dx, 1), p.sides)
        return long, np.concatenate(dw), bias_gradient(d_out)

    def conv_transpose(x: Array, w: Array, **settings: Any) -> Array:  # noqa: ANN401
        p = parsed(w, settings)
        size, parts = full_size(x, w, p), split(p.groups, x, w)
        long = [style.input_grad(a, b, size, p.s, p.d) for a, b in parts]
        return cropped(np.concatenate(long, 1), p.sides)

    def conv_transpose_backward(
        d_out: Array,
        x: Array,
        w: Array,
        **settings: Any,  # noqa: ANN401
    ) -> tuple[Array, Array, Array]:
        p = parsed(w, settings)
        dx: list[Array] = []
        dw: list[Array] = []
        for y, b, a in split(p.groups, x, w, padded(d_out, p.sides)):
            dx.append(style.forward(a, b, p.s, p.d))
            dw.append(style.weight_grad(a, y, b.shape[2:], p.s, p.d))
        places = tuple(slice(size) for size in x.shape[2:])
        short = np.concatenate(dx, 1)[:, :, *places]
        return short, np.concatenate(dw), bias_gradient(d_out)

    functions = conv, conv_backward, conv_transpose, conv_transpose_backward
    return {function.__name__: function for function in functions}


def with_dictionary(attempt: Attempt) -> tuple[Attempt, dict[str, Any]]:
    """Return a function of a cache with a dictionary, and how to hand it in."""

    def backward(
        dout: Array, cache: tuple[Array, Array, dict[str, Any]]
    ) -> dict[str, Array]:
        x, w, params = cache
        settings = {("padding" if k == "pad" else k): v for k, v in params.items()}
        dx, dw, db = attempt(dout, x, w, **settings)
        return {"db": db, "dw": dw, "dx": dx}

    names = {"d_out": "dout", ("x", "w", "settings"): "cache", "padding": "pad"}
    return backward, {"names": names}


def with_channels_last(
    attempt: Attempt, *, transposed: bool
) -> tuple[Attempt, dict[str, Any]]:
    """Return a function of arrays with channels last, and how to hand it in.

    The last axis of its w has the output channels.
    """
    first_axes = (0, 1) if transposed else (1, 0)

    def first(array: Array) -> Array:
        return np.moveaxis(array, -1, 1)

    def backward(
        d_out: Array,
        x: Array,
        w: Array,
        **settings: Any,  # noqa: ANN401
    ) -> tuple[Array, Array, Array]:
        kernel = np.moveaxis(w, (-2, -1), first_axes)
        dx, dw, db = attempt(first(d_out), first(x), kernel, **settings)
        return np.moveaxis(dx, 1, -1), np.moveaxis(dw, first_axes, (-2, -1)), db

    return backward, {"layout": {"x": "n*c", "w": "*io"}}
