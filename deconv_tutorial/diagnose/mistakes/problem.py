"""One layer with its arrays, as the form sees them, and the right results.

In the form, both layers have the same three arrays: ``x`` on the long side, ``y`` on
the short side, ``w`` between them. The d_out of a convolution is its ``y``; the d_out
of a transposed convolution is its ``x``. So a mistake in a map is written once. It then
shows in the result of a layer that this map computes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, get_args

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines import im2col
from deconv_tutorial.engines.engine import in_groups
from deconv_tutorial.geometry import (
    Axis,
    Geometry,
    conv_geometry,
    conv_transpose_geometry,
    padding_sides,
)
from deconv_tutorial.geometry.settings import Index, Padding, PerAxis

Target: TypeAlias = Literal["y", "dx", "dw", "db"]
TARGETS: tuple[Target, ...] = get_args(Target)
"""The results of a layer and of its backward pass."""
Map: TypeAlias = Literal["forward", "input_grad", "weight_grad", "bias"]

Change: TypeAlias = "Callable[[Problem], Problem | None]"
"""A mistake: it makes a wrong problem from a right one, or None if it cannot."""

MAP_OF: Mapping[bool, Mapping[Target, Map]] = {
    False: {"y": "forward", "dx": "input_grad", "dw": "weight_grad", "db": "bias"},
    True: {"y": "input_grad", "dx": "forward", "dw": "weight_grad", "db": "bias"},
}
"""The map that computes each target: of a convolution (False), or a transposed one."""


@dataclass(frozen=True, eq=False)
class Problem:
    """The arrays of one layer, as an engine takes them, and its settings.

    A mistake replaces a part of it.
    """

    transposed: bool
    x: Array
    """On the long side of the form: ``(n, g, b, *input_size)``."""
    w: Array
    """``(g, a, b, *kernel_size)``."""
    y: Array
    """On the short side of the form: ``(n, g, a, *output_size)``."""
    geometry: Geometry
    padding_after: Index
    finish: tuple[Callable[[Array], Array], ...] = field(default=(), repr=False)
    """The last steps: each one changes the result, in the layout of the layer."""
    engine_map: Callable[[Problem, Map], Array] | None = field(default=None, repr=False)
    """Computes the maps, if the engine does not."""

    @property
    def d_out(self) -> Array:
        """The gradient of the loss in the layer's result."""
        return self.x if self.transposed else self.y

    @property
    def leftover(self) -> Index:
        """On each axis, the number of padded inputs behind the last window."""
        pairs = zip(self.geometry.axes, self.padding_after, strict=True)
        return tuple(
            axis.input_size + after - 1 - axis.span[1] for axis, after in pairs
        )

    @property
    def is_possible(self) -> bool:
        """Whether there is anything to compute. A mistake may leave no places."""
        return min(*self.geometry.input_size, *self.geometry.output_size) > 0

    def result(self, target: Target) -> Array:
        """Return one result of the layer, in the layout of the layer."""
        return self.finished(self.unfinished_result(target))

    def unfinished_result(self, target: Target) -> Array:
        """Return one result of the layer before the last steps."""
        return self._layer_array(self.array(MAP_OF[self.transposed][target]), target)

    def finished(self, array: Array) -> Array:
        """Return an array after the last steps."""
        for step in self.finish:
            array = step(array)
        return array

    def array(self, name: Map) -> Array:
        """Return the result of a map, with its channels in groups."""
        if self.engine_map is not None:
            return self.engine_map(self, name)
        if name == "bias":
            spatial = tuple(range(3, self.d_out.ndim))
            return self.d_out.sum(axis=(0, *spatial)).reshape(-1)
        if name == "forward":
            return im2col.forward(self.x, self.w, self.geometry)
        if name == "input_grad":
            return im2col.input_grad(self.y, self.w, self.geometry)
        return im2col.weight_grad(self.x, self.y, self.geometry)

    def _layer_array(self, array: Array, target: Target) -> Array:
        """Return an array in the layout of the layer, without an axis for groups."""
        if target == "db":
            return array
        rank = len(self.geometry.axes)
        first = array.ndim - rank - (3 if target == "dw" else 2)
        shape = array.shape
        channels = shape[first] * shape[first + 1]
        return array.reshape(*shape[:first], channels, *shape[first + 2 :])

    def with_axes(self, change: Callable[[int, Axis], Axis]) -> Problem:
        """Return the problem with another geometry: each axis is changed."""
        axes = (change(n, axis) for n, axis in enumerate(self.geometry.axes))
        return replace(self, geometry=Geometry(tuple(axes)))

    def with_last_step(self, step: Callable[[Array], Array]) -> Problem:
        """Return the problem with one more step after all others."""
        return replace(self, finish=(*self.finish, step))


def problem_of(
    x: Array,
    w: Array,
    d_out: Array | None = None,
    *,
    transposed: bool = False,
    stride: PerAxis = 1,
    padding: Padding = 0,
    output_padding: PerAxis = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
) -> Problem:
    """Return the problem of a layer, from arrays in its own layouts.

    The forward pass needs no `d_out`. If it is left out, zeros stand in its place.
    """
    sizes = x.shape[2:], w.shape[2:]
    if transposed:
        geometry = conv_transpose_geometry(
            *sizes, stride, padding, dilation, output_padding
        )
        result_size, c_out = geometry.input_size, w.shape[1] * groups
    else:
        geometry = conv_geometry(*sizes, stride, padding, dilation)
        result_size, c_out = geometry.output_size, w.shape[0]
    if d_out is None:
        d_out = np.zeros((len(x), c_out, *result_size), x.dtype)
    long, short = (d_out, x) if transposed else (x, d_out)
    arrays = in_groups(long, w, short, groups)
    sides = padding_sides(
        padding,
        geometry.kernel_size,
        tuple(axis.stride for axis in geometry.axes),
        tuple(axis.dilation for axis in geometry.axes),
    )
    return Problem(transposed, *arrays, geometry, tuple(after for _, after in sides))


def first_places(array: Array, sizes: Sequence[int]) -> Array:
    """Return an array of the same shape that keeps its first places, and is 0 beyond.

    Parameters
    ----------
    array : array
        The array to copy.
    sizes : sequence of int
        How many places to keep on each of the last axes.
    """
    array = array.copy()
    for n, size in enumerate(sizes):
        array[(..., slice(size, None), *[slice(None)] * (len(sizes) - 1 - n))] = 0
    return array
