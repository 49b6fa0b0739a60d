"""MyGrad: its one convolution, for any number of axes."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from deconv_tutorial.dtypes import Array
from tools.adapters.layer import (
    Backward,
    Foreign,
    ForeignLayer,
    GradientsByName,
    Settings,
    TriedLayer,
    layer_with_any_padding,
)


def layers() -> Iterator[TriedLayer]:
    """Yield the layer of MyGrad."""
    mygrad: Foreign = import_module("mygrad")
    nnet: Foreign = import_module("mygrad.nnet")
    layer = layer_with_any_padding(_conv(mygrad, nnet), rest=False)
    settings = ("stride", "padding", "dilation")
    yield TriedLayer("`conv_nd`", layer, settings=settings)


def _conv(mygrad: Foreign, nnet: Foreign) -> ForeignLayer:
    def layer(x: Array, w: Array, s: Settings) -> tuple[Array, Backward]:
        x_, w_ = (mygrad.tensor(array, copy=False) for array in (x, w))
        settings = {"stride": s.stride, "padding": s.before, "dilation": s.dilation}
        y = nnet.conv_nd(x_, w_, **settings)

        def gradients(d_out: Array) -> GradientsByName:
            y.backward(d_out)
            return {"dx": x_.grad, "dw": w_.grad}

        return y.data, gradients

    return layer
