"""One call of a layer: its arguments checked, made ready for an engine, and undone.

The four functions of `functional` take the same steps. `checked_call` checks that the
arrays, the settings and the engine fit each other. `Call.ready` returns the arrays as
an engine takes them: in one dtype, with channels in groups. The engine computes. Then
`Call.result` or `Call.gradients` return what it computed in the layout of the layer.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple, TypeVar, cast

import numpy as np

from deconv_tutorial.dtypes import (
    Array,
    DType,
    as_result,
    as_working,
    require_memory,
    result_dtype,
)
from deconv_tutorial.engines.engine import MAPS
from deconv_tutorial.geometry import Geometry, conv_geometry, conv_transpose_geometry
from deconv_tutorial.geometry.settings import (
    Index,
    Padding,
    PerAxis,
    typed,
    whole_number,
)

Other = TypeVar("Other", Array, Array | None)


class LayerSettings(NamedTuple):
    """The settings of a layer, as they were given."""

    stride: PerAxis
    padding: Padding
    dilation: PerAxis
    groups: int
    output_padding: PerAxis | None = None
    """None for a convolution, which has none."""

    def geometry(self, input_size: Index, kernel_size: Index) -> Geometry:
        """Return the geometry of the layer; of a transposed one, the one transposed."""
        settings = self.stride, self.padding, self.dilation
        if self.output_padding is None:
            return conv_geometry(input_size, kernel_size, *settings)
        extra = self.output_padding
        return conv_transpose_geometry(input_size, kernel_size, *settings, extra)


_known_geometry = lru_cache(1024)(LayerSettings.geometry)


class Call(NamedTuple):
    """A call whose arguments fit each other."""

    geometry: Geometry
    """The convolution, or the one that is transposed."""
    groups: int
    """Into how many independent layers the channels are split."""
    shape: Index
    """The shape of the layer's result."""
    dtype: DType
    """The dtype of the layer's result."""

    def ready(self, x: Array, w: Array, **other: Other) -> tuple[Array, Array, Other]:
        """Return the arrays in the dtype to compute in, with channels in groups.

        The third is the one that is given by name, ``b`` or ``d_out``. An integer that
        would lose digits is a ValueError, and objects that do not multiply with the
        numbers beside them are a TypeError.
        """
        ((name, third),) = other.items()
        given = {"x": x, "w": w} if third is None else {"x": x, "w": w, name: third}
        arrays = as_working(given, self.dtype)
        if name == "d_out":  # (n, g, c_out/g, *size)
            arrays[name] = _split(arrays[name], 1, self.groups)
        return (
            _split(arrays["x"], 1, self.groups),  # (n, g, c_in/g, *size)
            _split(arrays["w"], 0, self.groups),  # (g, c/g, second axis, *kernel)
            cast("Other", arrays.get(name)),
        )

    def result(self, y: Array, x: Array, w: Array, b: Array | None) -> Array:
        """Return what a layer returns: channels joined, bias added."""
        n, c_out, *size = self.shape
        y = _own(y, (n, self.groups, c_out // self.groups, *size), x, w)
        y = y.reshape(self.shape)
        if b is not None:
            y += b.reshape(-1, *[1] * len(size))
        return as_result(y, self.dtype)

    def gradients(
        self, dx: Array, dw: Array, x: Array, w: Array, d_out: Array
    ) -> tuple[Array, Array, Array]:
        """Return the gradients of a layer: channels joined, and that of the bias."""
        dx = _own(dx, x.shape, w, d_out)  # (n, g, c_in/g, *size)
        dw = _own(dw, w.shape, x, d_out)  # (g, c/g, second axis, *kernel)
        n, g, c, *size = dx.shape
        dx, dw = dx.reshape(n, g * c, *size), dw.reshape(-1, *dw.shape[2:])
        db = d_out.reshape(self.shape).sum(axis=(0, *range(2, len(self.shape))))
        return (
            as_result(dx, self.dtype),
            as_result(dw, self.dtype),
            as_result(db, self.dtype),
        )


def checked_call(
    x: Array,
    w: Array,
    settings: LayerSettings,
    engine: object,
    *,
    b: Array | None = None,
    d_out: Array | None = None,
) -> Call:
    """Return the call of a layer, if its arguments fit each other, and memory."""
    _require_engine(engine)
    _require_axes(x, w)
    groups = whole_number("groups", settings.groups, at_least=1)
    transposed = settings.output_padding is not None
    _require_channels(x, w, groups, transposed=transposed)
    geometry = _geometry(x, w, settings)
    size = geometry.input_size if transposed else geometry.output_size
    c_out = w.shape[1] * groups if transposed else w.shape[0]
    shape = (x.shape[0], c_out, *size)
    arrays = {"x": x, "w": w}
    if b is not None:
        _require_shape("b", b, (c_out,), "one element per output channel")
        arrays["b"] = b
    if d_out is not None:
        _require_shape("d_out", d_out, shape, "the shape of the result")
        arrays["d_out"] = d_out
    dtype = result_dtype(arrays)
    require_memory("the result", shape, dtype)
    return Call(geometry, groups, shape, dtype)


def _geometry(x: Array, w: Array, settings: LayerSettings) -> Geometry:
    make = _known_geometry if all(map(_is_plain, settings)) else LayerSettings.geometry
    try:
        return make(settings, x.shape[2:], w.shape[2:])
    except ValueError as error:
        msg = f"{error} (x of shape {x.shape}, w of shape {w.shape})"
        raise ValueError(msg) from None


def _is_plain(setting: object) -> bool:
    """Return whether a setting equals no other that would be refused, as 1 and True."""
    if isinstance(setting, tuple):
        return all(map(_is_plain, cast("tuple[object, ...]", setting)))
    return type(setting) is int or isinstance(setting, str) or setting is None


def _own(array: Array, shape: Index, *given: Array) -> Array:
    """Return what an engine made of given arrays, checked, as an array of our own."""
    if np.shape(array) != shape:
        msg = f"engine needs a map to return shape {shape}, got {np.shape(array)}"
        raise ValueError(msg)
    array = np.asarray(array, given[0].dtype)
    writeable = array.flags.writeable
    if writeable and not any(np.may_share_memory(array, each) for each in given):
        return array
    return array.copy()


def _split(array: Array, axis: int, groups: int) -> Array:
    """Return an array with the channels of one axis split into groups."""
    shape = list(array.shape)
    shape[axis : axis + 1] = [groups, shape[axis] // groups]
    return array.reshape(shape)


def _require_engine(engine: object) -> None:
    has_maps = all(callable(getattr(engine, name, None)) for name in MAPS.values())
    if isinstance(engine, type) or not has_maps:
        msg = (
            "engine needs a module or an object with the maps forward, input_grad and "
            f"weight_grad, such as engine=deconv_tutorial.im2col, got {typed(engine)}"
        )
        raise TypeError(msg)


def _require_axes(x: Array, w: Array) -> None:
    if not 3 <= x.ndim <= 5:
        msg = (
            "x needs 3 to 5 axes (samples, channels, and 1 to 3 spatial axes), "
            f"got x of shape {x.shape}"
        )
        raise ValueError(msg)
    if w.ndim != x.ndim:
        msg = (
            f"w needs as many axes as x (two of channels, {x.ndim - 2} of the kernel), "
            f"got w of shape {w.shape} and x of shape {x.shape}"
        )
        raise ValueError(msg)
    if 0 in x.shape[1:] or 0 in w.shape:
        name, shape = ("w", w.shape) if 0 in w.shape else ("x", x.shape)
        msg = (
            f"{name} needs at least 1 element on every axis (only the batch may be "
            f"empty), got {name} of shape {shape}"
        )
        raise ValueError(msg)


def _require_channels(x: Array, w: Array, groups: int, *, transposed: bool) -> None:
    if w.shape[0] % groups:
        msg = (
            f"groups needs to divide the {w.shape[0]} channels on the first axis of w, "
            f"got groups={groups} and w of shape {w.shape}"
        )
        raise ValueError(msg)
    c_in = w.shape[0] if transposed else w.shape[1] * groups
    if x.shape[1] != c_in:
        msg = (
            f"w of shape {w.shape} with groups={groups} needs x with {c_in} channels, "
            f"got x of shape {x.shape}"
        )
        raise ValueError(msg)


def _require_shape(name: str, array: Array, shape: Index, meaning: str) -> None:
    if array.shape != shape:
        msg = f"{name} needs shape {shape}, {meaning}, got shape {array.shape}"
        raise ValueError(msg)
