"""numpy-ml: its three layers, whose arrays have their channels last."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.sides.old_imports import numpy_ml_module
from deconv_tutorial.dtypes import Array
from tools.adapters.layer import (
    Backward,
    Foreign,
    ForeignLayer,
    GradientsByName,
    Settings,
    TriedLayer,
    shared_number,
    transposed_layer_with_any_padding,
)


def layers() -> Iterator[TriedLayer]:
    """Yield the layers of numpy-ml."""
    kinds: Foreign = numpy_ml_module("neural_nets.layers")

    def conv1d(w: Array, s: Settings) -> Foreign:
        rest = s.padding[0], s.stride[0], s.dilation[0] - 1
        return kinds.Conv1D(len(w), w.shape[2], *rest)

    def conv2d(w: Array, s: Settings) -> Foreign:
        rest = (
            shared_number("stride", s.stride),
            shared_number("dilation", s.dilation) - 1,
        )
        return kinds.Conv2D(len(w), w.shape[2:], sum(s.padding, ()), *rest)

    def deconv2d(w: Array, s: Settings) -> Foreign:
        rest = sum(s.padding, ()), shared_number("stride", s.stride)
        return kinds.Deconv2D(w.shape[1], w.shape[2:], *rest)

    settings = ("stride", "padding", "dilation")
    yield TriedLayer("`Conv1D`", _layer(conv1d), ranks=(1,), settings=settings)
    yield TriedLayer("`Conv2D`", _layer(conv2d), ranks=(2,), settings=settings)
    yield TriedLayer(
        "`Deconv2D`",
        transposed_layer_with_any_padding(_layer(deconv2d, transposed=True)),
        transposed=True,
        ranks=(2,),
        settings=("stride", "padding"),
    )


def _layer(
    make: Callable[[Array, Settings], Foreign], *, transposed: bool = False
) -> ForeignLayer:
    def their_weight(w: Array) -> Array:
        """Return a weight with its channel axes last: first the input's, then y's."""
        return np.moveaxis(w if transposed else w.swapaxes(0, 1), (0, 1), (-2, -1))

    def our_weight(w: Array) -> Array:
        w = np.moveaxis(w, (-2, -1), (0, 1))
        return w if transposed else w.swapaxes(0, 1)

    def layer(x: Array, w: Array, s: Settings) -> tuple[Array, Backward]:
        done = make(w, s)
        done.in_ch = x.shape[1]
        done._init_params()
        done.parameters["W"] = their_weight(w)
        y = done.forward(np.moveaxis(x, 1, -1))

        def gradients(d_out: Array) -> GradientsByName:
            dx = done.backward(np.moveaxis(d_out, 1, -1))
            return {
                "dx": np.moveaxis(dx, -1, 1),
                "dw": our_weight(done.gradients["W"]),
                "db": done.gradients["b"].reshape(-1),
            }

        return np.moveaxis(y, -1, 1), gradients

    return layer
