"""custom-cnn: the layers of its package `mytorch`, for one axis and for two."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from importlib import import_module

import numpy as np

from deconv_tutorial.dtypes import Array
from tools.adapters.layer import (
    Backward,
    Foreign,
    ForeignLayer,
    GradientsByName,
    Settings,
    TriedLayer,
    gradient_of_original,
    resized_array,
    result_size,
    shared_number,
)

RANKS = (1, 2)


def layers() -> Iterator[TriedLayer]:
    """Yield the layers of custom-cnn."""
    settings = ("stride", "padding", "output_padding")
    for rank in RANKS:
        name = f"Conv{rank}d"
        kind = getattr(import_module(f"mytorch.nn.{name}"), name)
        yield TriedLayer(f"`{name}`", _conv(kind), ranks=(rank,), settings=settings[:2])
    module = import_module("mytorch.nn.ConvTranspose")
    for rank in RANKS:
        name = f"ConvTranspose{rank}d"
        layer = _conv_transpose(getattr(module, name))
        yield TriedLayer(
            f"`{name}`", layer, transposed=True, ranks=(rank,), settings=settings
        )


def _conv(kind: Foreign) -> ForeignLayer:
    def layer(x: Array, w: Array, s: Settings) -> tuple[Array, Backward]:
        taps, sizes = w.shape[2:], x.shape[2:]
        k, befores = max(taps), (0,) * len(taps)
        larger = tuple(n + k - tap for n, tap in zip(sizes, taps, strict=True))
        padding = shared_number("padding", [n for pair in s.padding for n in pair])
        done = kind(
            x.shape[1],
            len(w),
            k,
            shared_number("stride", s.stride),
            padding,
            weight_init_fn=_initializer(resized_array(w, befores, (k,) * len(taps))),
            bias_init_fn=_initializer(np.zeros(len(w))),
        )
        y = done.forward(resized_array(x, befores, larger))

        def gradients(d_out: Array) -> GradientsByName:
            dx, inner = done.backward(d_out), getattr(done, f"conv{len(taps)}d_stride1")
            return {
                "dx": gradient_of_original(dx, larger, befores, sizes),
                "dw": resized_array(inner.dLdW, befores, taps),
                "db": inner.dLdb,
            }

        return y, gradients

    return layer


def _conv_transpose(kind: Foreign) -> ForeignLayer:
    def layer(x: Array, w: Array, s: Settings) -> tuple[Array, Backward]:
        (c_in, c_out), taps = w.shape[:2], w.shape[2:]
        rank, k, stride = len(taps), max(taps), shared_number("stride", s.stride)
        befores, square = (0,) * rank, (k,) * rank
        # It crops k - 1 at each end. With enough zeros around x, that crops only zeros.
        frame = -(-(k - 1) // stride)
        framed = tuple(n + 2 * frame + 1 + max(s.output_padding) for n in x.shape[2:])
        crops = [stride * frame - (k - 1) + before for before in s.before]
        done = kind(
            c_in,
            c_out,
            k,
            stride,
            weight_init_fn=_initializer(
                _reversed_kernel(resized_array(w, befores, square))
            ),
            bias_init_fn=_initializer(np.zeros((c_out,))),
        )
        with redirect_stdout(io.StringIO()):  # it may print its stride
            y = done.forward(resized_array(x, (frame,) * rank, framed))

        def gradients(d_out: Array) -> GradientsByName:
            dx = done.backward(resized_array(d_out, crops, y.shape[2:]))
            inner = getattr(done, f"conv{rank}d_stride1")
            return {
                "dx": gradient_of_original(dx, framed, (frame,) * rank, x.shape[2:]),
                "dw": resized_array(_reversed_kernel(inner.dLdW), befores, taps),
                "db": inner.dLdb,
            }

        return resized_array(y, [-n for n in crops], result_size(x, w, s)), gradients

    return layer


def _initializer(array: Array) -> Callable[..., Array]:
    """Return a function that initialises a weight or a bias with this array."""

    def initial_array(*_shape: int) -> Array:
        return array

    return initial_array


def _reversed_kernel(w: Array) -> Array:
    """Return a weight with reversed kernels and exchanged channel axes."""
    return np.flip(w, tuple(range(2, w.ndim))).swapaxes(0, 1)
