"""Chainer: its functions for two axes, and those for any number of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.sides.old_imports import chainer_package
from deconv_tutorial.dtypes import Array
from tools.adapters.layer import (
    Backward,
    Foreign,
    ForeignLayer,
    GradientsByName,
    Settings,
    TriedLayer,
    layer_with_any_padding,
    result_size,
    transposed_layer_with_any_padding,
)


def layers() -> Iterator[TriedLayer]:
    """Yield the layers of Chainer."""
    chainer: Foreign = chainer_package()
    settings = ("stride", "padding", "dilation", "groups")
    for end, ranks in (("2d", (2,)), ("nd", (1, 2, 3))):
        name = f"convolution_{end}"
        layer = layer_with_any_padding(_layer(chainer, name, transposed=False))
        yield TriedLayer(f"`{name}`", layer, ranks=ranks, settings=settings)
        name = f"deconvolution_{end}"
        layer = transposed_layer_with_any_padding(
            _layer(chainer, name, transposed=True)
        )
        yield TriedLayer(f"`{name}`", layer, transposed=True, ranks=ranks)


def _layer(chainer: Foreign, name: str, *, transposed: bool) -> ForeignLayer:
    function = getattr(chainer.functions, name)

    def layer(x: Array, w: Array, s: Settings) -> tuple[Array, Backward]:
        settings: dict[str, Foreign] = {
            "stride": s.stride,
            "pad": tuple(s.before),
            "dilate": s.dilation,
            "groups": s.groups,
        }
        if transposed:
            settings["outsize"] = result_size(x, w, s)
        b = np.zeros(w.shape[1] * s.groups if transposed else len(w))
        leaves = [chainer.Variable(array) for array in (x, w, b)]
        y = function(*leaves, **settings)

        def gradients(d_out: Array) -> GradientsByName:
            y.grad = d_out
            y.backward()
            pairs = zip(("dx", "dw", "db"), leaves, strict=True)
            return {name: leaf.grad for name, leaf in pairs}

        return y.array, gradients

    return layer
