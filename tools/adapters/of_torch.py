"""PyTorch: its functions with autograd, and the gradients of `torch.nn.grad`."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import numpy as np

from deconv_tutorial.diagnose.attempt import as_array
from deconv_tutorial.dtypes import Array
from tools.adapters.layer import (
    Backward,
    Foreign,
    ForeignLayer,
    GradientsByName,
    Settings,
    TriedLayer,
    layer_with_any_padding,
    transposed_layer_with_any_padding,
)

CONV = ("stride", "padding", "dilation", "groups")


def layers() -> Iterator[TriedLayer]:
    """Yield the layers of PyTorch."""
    torch: Foreign = import_module("torch")
    yield TriedLayer("`conv*d`", layer_with_any_padding(_conv(torch)), settings=CONV)
    yield TriedLayer(
        "`nn.grad.conv*d_input`, `nn.grad.conv*d_weight`",
        layer_with_any_padding(_operators(torch)),
        settings=CONV,
        only_backward=True,
    )
    yield TriedLayer(
        "`conv_transpose*d`",
        transposed_layer_with_any_padding(_conv_transpose(torch)),
        transposed=True,
    )


def _conv(torch: Foreign) -> ForeignLayer:
    def layer(x: Array, w: Array, s: Settings) -> tuple[Array, Backward]:
        function = getattr(torch.nn.functional, f"conv{x.ndim - 2}d")
        rest = s.stride, s.before, s.dilation, s.groups
        return _result_and_backward(torch, function, (x, w, np.zeros(len(w))), rest)

    return layer


def _conv_transpose(torch: Foreign) -> ForeignLayer:
    def layer(x: Array, w: Array, s: Settings) -> tuple[Array, Backward]:
        function = getattr(torch.nn.functional, f"conv_transpose{x.ndim - 2}d")
        rest = s.stride, s.before, s.output_padding, s.groups, s.dilation
        b = np.zeros(w.shape[1] * s.groups)
        return _result_and_backward(torch, function, (x, w, b), rest)

    return layer


def _result_and_backward(
    torch: Foreign,
    function: Foreign,
    arrays: tuple[Array, ...],
    rest: tuple[Foreign, ...],
) -> tuple[Array, Backward]:
    leaves = [torch.from_numpy(array).requires_grad_() for array in arrays]
    y = function(*leaves, *rest)

    def gradients(d_out: Array) -> GradientsByName:
        found = torch.autograd.grad(y, leaves, torch.from_numpy(d_out))
        return dict(zip(("dx", "dw", "db"), map(as_array, found), strict=True))

    return as_array(y), gradients


def _operators(torch: Foreign) -> ForeignLayer:
    def layer(x: Array, w: Array, s: Settings) -> tuple[Array, Backward]:
        names = (f"conv{x.ndim - 2}d_{name}" for name in ("input", "weight"))
        dx_of, dw_of = (getattr(torch.nn.grad, name) for name in names)
        rest = s.stride, s.before, s.dilation, s.groups

        def gradients(d_out: Array) -> GradientsByName:
            x_, w_, d_ = (torch.from_numpy(array) for array in (x, w, d_out))
            dx, dw = dx_of(x.shape, w_, d_, *rest), dw_of(x_, w.shape, d_, *rest)
            return {"dx": as_array(dx), "dw": as_array(dw)}

        return x, gradients

    return layer
