"""JAX: its two operators, and their derivatives by `jax.vjp`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
)


def layers() -> Iterator[TriedLayer]:
    """Yield the layers of JAX."""
    jax: Foreign = import_module("jax")
    settings = ("stride", "padding", "dilation")
    yield TriedLayer(
        "`conv_general_dilated`", _conv(jax), settings=(*settings, "groups")
    )
    yield TriedLayer(
        "`conv_transpose`",
        _conv_transpose(jax),
        transposed=True,
        settings=(*settings, "output_padding"),
    )


def _layout(x: Foreign) -> tuple[str, str, str]:
    letters = "DHW"[5 - x.ndim :]
    return f"NC{letters}", f"OI{letters}", f"NC{letters}"


def _conv(jax: Foreign) -> ForeignLayer:
    def layer(x: Array, w: Array, s: Settings) -> tuple[Array, Backward]:
        def function(x: Foreign, w: Foreign) -> Foreign:
            return jax.lax.conv_general_dilated(
                x,
                w,
                s.stride,
                s.padding,
                rhs_dilation=s.dilation,
                dimension_numbers=_layout(x),
                feature_group_count=s.groups,
            )

        return _result_and_backward(jax, function, x, w)

    return layer


def _conv_transpose(jax: Foreign) -> ForeignLayer:
    def layer(x: Array, w: Array, s: Settings) -> tuple[Array, Backward]:
        pairs = zip(s.padding, s.output_padding, strict=True)
        padding = [(before, after - extra) for (before, after), extra in pairs]

        def function(x: Foreign, w: Foreign) -> Foreign:
            return jax.lax.conv_transpose(
                x,
                w,
                s.stride,
                padding,
                rhs_dilation=s.dilation,
                dimension_numbers=_layout(x),
                transpose_kernel=True,
                use_consistent_padding=True,
            )

        return _result_and_backward(jax, function, x, w)

    return layer


def _result_and_backward(
    jax: Foreign, function: Callable[..., Foreign], x: Array, w: Array
) -> tuple[Array, Backward]:
    with jax.enable_x64(True):
        y, back = jax.vjp(function, jax.numpy.asarray(x), jax.numpy.asarray(w))

    def gradients(d_out: Array) -> GradientsByName:
        with jax.enable_x64(True):
            dx, dw = back(jax.numpy.asarray(d_out))
        return {"dx": np.asarray(dx), "dw": np.asarray(dw)}

    return np.asarray(y), gradients
