"""One call of a layer: its arguments checked against each other and made ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from deconv_tutorial.dtypes import (
    Array,
    DType,
    as_numbers,
    as_result,
    as_working,
    require_memory,
    result_dtype,
)
from deconv_tutorial.engines.engine import MAPS
from deconv_tutorial.geometry import Geometry
from deconv_tutorial.geometry.settings import Index, whole_number


class Call(NamedTuple):
    """A checked call, ready for an engine."""

    arrays: dict[str, Array]
    """By name, in the dtype to compute in; all but b with channels in groups."""
    geometry: Geometry
    """The convolution, or the one that is transposed."""
    shape: Index
    """The shape of the layer's result, with channels in groups."""
    dtype: DType
    """The dtype of the result."""


def checked_call(
    arguments: Mapping[str, npt.ArrayLike | None],
    geometry_of: partial[Geometry],
    groups: int,
    engine: object,
    *,
    transposed: bool = False,
) -> Call:
    """Return a call whose arguments fit each other, or refuse it.

    Parameters
    ----------
    arguments : mapping of str to array_like or None
        ``x`` and ``w``, and one of ``b`` and ``d_out``. A ``b`` of None is left out.
    geometry_of : partial
        A function of the sizes of x and of the kernel, with the settings as keywords.
    groups : int
        Into how many independent layers the channels are split.
    engine : object
        What is to do the work.
    transposed : bool
        Whether the layer is a transposed convolution.

    Raises
    ------
    ValueError, TypeError, MemoryError
        If an argument is not usable, or does not fit the others.
    """
    _require_engine(engine)
    arrays = {
        name: as_numbers(name, value)
        for name, value in arguments.items()
        if value is not None or name != "b"
    }
    x, w = arrays["x"], arrays["w"]
    _require_axes(x, w)
    groups = whole_number("groups", groups, at_least=1)
    _require_channels(x, w, groups, transposed=transposed)
    geometry = _geometry(geometry_of, x, w)
    size = geometry.input_size if transposed else geometry.output_size
    c_out = w.shape[1] * groups if transposed else w.shape[0]
    shape = (x.shape[0], c_out, *size)
    _require_shape(arrays, "b", (c_out,), "one element per output channel")
    _require_shape(arrays, "d_out", shape, "the shape of the result")
    dtype = result_dtype(arrays)
    require_memory("the result", shape, dtype)
    working = as_working(arrays, dtype)
    for name, axis in {"x": 1, "w": 0, "d_out": 1}.items():
        if name in working:
            working[name] = _split(working[name], axis, groups)
    grouped = (x.shape[0], groups, c_out // groups, *size)
    return Call(working, geometry, grouped, dtype)


def layer_result(y: Array, call: Call) -> Array:
    """Return what a layer returns: channels joined, bias added."""
    y = _joined(_own(y, call.shape, call))
    if "b" in call.arrays:
        y += call.arrays["b"].reshape(-1, *[1] * (y.ndim - 2))
    return as_result(y, call.dtype)


def layer_gradients(dx: Array, dw: Array, call: Call) -> tuple[Array, Array, Array]:
    """Return the gradients of a layer: channels joined, and that of the bias."""
    dx = _joined(_own(dx, call.arrays["x"].shape, call))
    dw = _own(dw, call.arrays["w"].shape, call)
    d_out = _joined(call.arrays["d_out"])
    db = d_out.sum(axis=(0, *range(2, d_out.ndim)))
    dw = dw.reshape(-1, *dw.shape[2:])
    return (
        as_result(dx, call.dtype),
        as_result(dw, call.dtype),
        as_result(db, call.dtype),
    )


def _own(array: Array, shape: Index, call: Call) -> Array:
    """Return what an engine returned, checked, as an array that nobody else has."""
    if np.shape(array) != shape:
        msg = f"engine needs a map to return shape {shape}, got {np.shape(array)}"
        raise ValueError(msg)
    array = np.asarray(array, call.arrays["x"].dtype)
    if not array.flags.writeable:
        return array.copy()
    for given in call.arrays.values():
        if np.may_share_memory(array, given):
            return array.copy()
    return array


def _joined(array: Array) -> Array:
    """Return an array ``(n, g, c, *size)`` as ``(n, g * c, *size)``."""
    n, g, c, *size = array.shape
    return array.reshape((n, g * c, *size))


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
            f"weight_grad, such as engine=deconv_tutorial.im2col, got {engine!r}"
        )
        raise TypeError(msg)


def _geometry(geometry_of: partial[Geometry], x: Array, w: Array) -> Geometry:
    settings = geometry_of.keywords
    make = _known_geometry if all(map(_plain, settings.values())) else _new_geometry
    try:
        return make(geometry_of.func, x.shape[2:], w.shape[2:], *settings.items())
    except ValueError as error:
        msg = f"{error} (x of shape {x.shape}, w of shape {w.shape})"
        raise ValueError(msg) from None


def _new_geometry(
    function: Callable[..., Geometry],
    input_size: Index,
    kernel_size: Index,
    *settings: tuple[str, Any],
) -> Geometry:
    return function(input_size, kernel_size, **dict(settings))


_known_geometry = lru_cache(1024)(_new_geometry)


def _plain(setting: object) -> bool:
    """Return whether a setting equals no other that would be refused, as 1 and True."""
    if isinstance(setting, tuple):
        return all(map(_plain, cast("tuple[object, ...]", setting)))
    return type(setting) is int or isinstance(setting, str)


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
    for name, shape in {"x": x.shape[1:], "w": w.shape}.items():
        if 0 in shape:
            msg = (
                f"{name} needs at least 1 element on every axis (only the batch may be "
                f"empty), got {name} of shape {x.shape if name == 'x' else w.shape}"
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


def _require_shape(
    arrays: Mapping[str, Array], name: str, shape: Index, meaning: str
) -> None:
    if name in arrays and arrays[name].shape != shape:
        msg = f"{name} needs shape {shape}, {meaning}, got shape {arrays[name].shape}"
        raise ValueError(msg)
