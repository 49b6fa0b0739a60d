"""Five styles of writing the three maps of a convolution, as people write them.

Each map gets the arrays of one group: `x` (n, b, *long), which is padded, `w`
(a, b, *kernel) and `y` (n, a, *short), and the stride and dilation of each axis. This
text is also mutated, so it has no helper but those above the first style.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.geometry.settings import Index


class Style(NamedTuple):
    """The three maps in one style."""

    forward: Callable[[Array, Array, Index, Index], Array]
    input_grad: Callable[[Array, Array, Index, Index, Index], Array]
    weight_grad: Callable[[Array, Array, Index, Index, Index], Array]


def output_size(size: Index, kernel: Index, s: Index, d: Index) -> Index:
    """Return how many windows fit on each axis."""
    spans = (e * (k - 1) + 1 for e, k in zip(d, kernel, strict=True))
    return tuple((n - span) // t + 1 for n, span, t in zip(size, spans, s, strict=True))


def places(*sizes: Index) -> Iterator[tuple[Index, ...]]:
    """Yield the places of several grids, each with each."""
    yield from product(*(np.ndindex(size) for size in sizes))


# Loops over outputs and taps


def input_place(o: Index, k: Index, s: Index, d: Index) -> Index:
    """Return the input that an output meets with a tap."""
    return tuple(a * b + c * e for a, b, c, e in zip(s, o, d, k, strict=True))


def loops_forward(x: Array, w: Array, s: Index, d: Index) -> Array:
    """Return y."""
    kernel = w.shape[2:]
    size = output_size(x.shape[2:], kernel, s, d)
    y = np.zeros((len(x), len(w), *size))
    for o, k in places(size, kernel):
        i = input_place(o, k, s, d)
        y[:, :, *o] += x[:, :, *i] @ w[:, :, *k].T
    return y


def loops_input_grad(y: Array, w: Array, size: Index, s: Index, d: Index) -> Array:
    """Return dx."""
    dx = np.zeros((len(y), w.shape[1], *size))
    for o, k in places(y.shape[2:], w.shape[2:]):
        i = input_place(o, k, s, d)
        dx[:, :, *i] += y[:, :, *o] @ w[:, :, *k]
    return dx


def loops_weight_grad(x: Array, y: Array, kernel: Index, s: Index, d: Index) -> Array:
    """Return dw."""
    dw = np.zeros((y.shape[1], x.shape[1], *kernel))
    for o, k in places(y.shape[2:], kernel):
        i = input_place(o, k, s, d)
        dw[:, :, *k] += y[:, :, *o].T @ x[:, :, *i]
    return dw


# Slices, tap by tap


def tap_slices(k: Index, size: Index, s: Index, d: Index) -> tuple[slice, ...]:
    """Return where one tap reads."""
    return tuple(
        slice(e * n, e * n + t * (m - 1) + 1, t)
        for n, m, t, e in zip(k, size, s, d, strict=True)
    )


def slices_forward(x: Array, w: Array, s: Index, d: Index) -> Array:
    """Return y."""
    size = output_size(x.shape[2:], w.shape[2:], s, d)
    y = np.zeros((len(x), len(w), *size))
    for k in np.ndindex(w.shape[2:]):
        part = x[:, :, *tap_slices(k, size, s, d)]
        y += np.einsum("nb...,ab->na...", part, w[:, :, *k])
    return y


def slices_input_grad(y: Array, w: Array, size: Index, s: Index, d: Index) -> Array:
    """Return dx."""
    dx = np.zeros((len(y), w.shape[1], *size))
    for k in np.ndindex(w.shape[2:]):
        part = np.einsum("na...,ab->nb...", y, w[:, :, *k])
        dx[:, :, *tap_slices(k, y.shape[2:], s, d)] += part
    return dx


def slices_weight_grad(x: Array, y: Array, kernel: Index, s: Index, d: Index) -> Array:
    """Return dw."""
    dw = np.zeros((y.shape[1], x.shape[1], *kernel))
    axes = [0, *range(2, y.ndim)]
    for k in np.ndindex(kernel):
        part = x[:, :, *tap_slices(k, y.shape[2:], s, d)]
        dw[:, :, *k] = np.tensordot(y, part, (axes, axes))
    return dw


# Columns


def column_indices(kernel: Index, size: Index, s: Index, d: Index) -> tuple[Array, ...]:
    """Return the inputs of all windows, for each axis a table of taps and outputs."""
    taps = np.indices(kernel).reshape(len(kernel), -1, 1)
    outputs = np.indices(size).reshape(len(size), 1, -1)
    return tuple(e * k + t * o for k, o, t, e in zip(taps, outputs, s, d, strict=True))


def columns_forward(x: Array, w: Array, s: Index, d: Index) -> Array:
    """Return y."""
    size = output_size(x.shape[2:], w.shape[2:], s, d)
    columns = x[:, :, *column_indices(w.shape[2:], size, s, d)]
    rows = w.reshape(len(w), -1)
    product_ = rows @ columns.reshape(len(x), rows.shape[1], -1)
    return product_.reshape(len(x), len(w), *size)


def columns_input_grad(y: Array, w: Array, size: Index, s: Index, d: Index) -> Array:
    """Return dx."""
    outputs = y.reshape(*y.shape[:2], -1)
    columns = w.reshape(len(w), -1).T @ outputs
    dx = np.zeros((len(y), w.shape[1], *size))
    at = column_indices(w.shape[2:], y.shape[2:], s, d)
    shape = len(y), w.shape[1], -1, outputs.shape[2]
    everywhere: Any = (slice(None), slice(None), *at)
    np.add.at(dx, everywhere, columns.reshape(shape))
    return dx


def columns_weight_grad(x: Array, y: Array, kernel: Index, s: Index, d: Index) -> Array:
    """Return dw."""
    columns = x[:, :, *column_indices(kernel, y.shape[2:], s, d)]
    outputs = y.reshape(*y.shape[:2], -1)
    dw = np.einsum("nao,nbko->abk", outputs, columns)
    return dw.reshape(y.shape[1], x.shape[1], *kernel)


# Windows, output by output


def window_slices(o: Index, kernel: Index, s: Index, d: Index) -> tuple[slice, ...]:
    """Return what one output reads."""
    return tuple(
        slice(t * n, t * n + e * (k - 1) + 1, e)
        for n, k, t, e in zip(o, kernel, s, d, strict=True)
    )


def windows_forward(x: Array, w: Array, s: Index, d: Index) -> Array:
    """Return y."""
    kernel, axes = w.shape[2:], [*range(1, x.ndim)]
    size = output_size(x.shape[2:], kernel, s, d)
    y = np.zeros((len(x), len(w), *size))
    for o in np.ndindex(size):
        window = x[:, :, *window_slices(o, kernel, s, d)]
        y[:, :, *o] = np.tensordot(window, w, (axes, axes))
    return y


def windows_input_grad(y: Array, w: Array, size: Index, s: Index, d: Index) -> Array:
    """Return dx."""
    dx = np.zeros((len(y), w.shape[1], *size))
    for o in np.ndindex(y.shape[2:]):
        stroke = np.tensordot(y[:, :, *o], w, 1)
        dx[:, :, *window_slices(o, w.shape[2:], s, d)] += stroke
    return dx


def windows_weight_grad(x: Array, y: Array, kernel: Index, s: Index, d: Index) -> Array:
    """Return dw."""
    dw = np.zeros((y.shape[1], x.shape[1], *kernel))
    for o in np.ndindex(y.shape[2:]):
        window = x[:, :, *window_slices(o, kernel, s, d)]
        dw += np.tensordot(y[:, :, *o], window, (0, 0))
    return dw


# Zeros between the elements, and a slide of stride 1


def spread(array: Array, step: Index) -> Array:
    """Return an array with zeros between its elements."""
    size = (t * (n - 1) + 1 for n, t in zip(array.shape[2:], step, strict=True))
    wide = np.zeros((*array.shape[:2], *size))
    wide[:, :, *(slice(None, None, t) for t in step)] = array
    return wide


def slide(x: Array, w: Array, letters: str) -> Array:
    """Return the sums of products of all windows of x with w."""
    kernel = w.shape[2:]
    axes = tuple(range(2, x.ndim))
    views = np.lib.stride_tricks.sliding_window_view(x, kernel, axes)
    names = "uvw"[: len(kernel)]
    first, second, result = letters.split()
    return np.einsum(f"{first}...{names},{second}{names}->{result}...", views, w)


def spread_forward(x: Array, w: Array, s: Index, d: Index) -> Array:
    """Return y."""
    dense = slide(x, spread(w, d), "nb ab na")
    return dense[:, :, *(slice(None, None, t) for t in s)]


def spread_input_grad(y: Array, w: Array, size: Index, s: Index, d: Index) -> Array:
    """Return dx."""
    wide, kernel = spread(y, s), np.flip(spread(w, d), tuple(range(2, w.ndim)))
    sizes = zip(kernel.shape[2:], size, wide.shape[2:], strict=True)
    room = [(k - 1, n - m) for k, n, m in sizes]
    padded = np.pad(wide, [(0, 0), (0, 0), *room])
    return slide(padded, kernel, "na ab nb")


def spread_weight_grad(x: Array, y: Array, kernel: Index, s: Index, d: Index) -> Array:
    """Return dw."""
    dense = slide(x.swapaxes(0, 1), spread(y, s).swapaxes(0, 1), "bn an ab")
    taps = (slice(0, e * (k - 1) + 1, e) for k, e in zip(kernel, d, strict=True))
    return dense[:, :, *taps]


STYLES = {
    "loops": Style(loops_forward, loops_input_grad, loops_weight_grad),
    "slices": Style(slices_forward, slices_input_grad, slices_weight_grad),
    "columns": Style(columns_forward, columns_input_grad, columns_weight_grad),
    "windows": Style(windows_forward, windows_input_grad, windows_weight_grad),
    "zeros between": Style(spread_forward, spread_input_grad, spread_weight_grad),
}
