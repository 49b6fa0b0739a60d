"""A layer of another project as the checker calls it, with zeros for missing settings.

Many layers pad both ends of an axis alike. Such a layer gets the smaller one of two
paddings. The difference is added to its input in zeros beforehand, or cropped from the
result if the layer is transposed. If zeros cannot help, the adapter raises
`NotImplementedError`, and the probe is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from deconv_tutorial.diagnose.probes import SETTINGS
from deconv_tutorial.dtypes import Array
from deconv_tutorial.geometry import conv_geometry, conv_transpose_geometry
from deconv_tutorial.geometry.settings import Index, padding_pairs, per_axis
from deconv_tutorial.identities import framed

Foreign: TypeAlias = Any
"""An array, a layer or a module of an implementation. They have no types here."""
GradientsByName: TypeAlias = Mapping[str, Array]
"""Gradients by name: ``"dx"``, ``"dw"`` and, if there is a bias, ``"db"``."""
Backward: TypeAlias = Callable[[Array], GradientsByName]
"""A backward pass: it takes d_out and returns the gradients."""


class Settings(NamedTuple):
    """The settings of a layer, with one number or pair for each axis."""

    stride: Index
    padding: tuple[Index, ...]
    dilation: Index
    groups: int
    output_padding: Index

    @property
    def before(self) -> list[int]:
        """The padding before each axis."""
        return [before for before, _ in self.padding]


ForeignLayer: TypeAlias = Callable[[Array, Array, Settings], tuple[Array, Backward]]
"""A forward pass: it takes x, w and settings; it returns y and the backward pass."""


@dataclass(frozen=True)
class TriedLayer:
    """A layer to try, and the ranks and settings that it takes."""

    called: str
    """The function or class that is called, in Markdown."""
    layer: ForeignLayer
    transposed: bool = False
    ranks: tuple[int, ...] = (1, 2, 3)
    settings: tuple[str, ...] = SETTINGS
    only_backward: bool = False
    """Whether it has gradients, but no result."""


def settings_of(given: Mapping[str, Foreign], rank: int) -> Settings:
    """Return the settings that the checker passes, with a value for each axis.

    Examples
    --------
    >>> settings_of({"stride": (2, 3), "padding": 1}, rank=2)[:3]
    ((2, 3), ((1, 1), (1, 1)), (1, 1))
    """
    return Settings(
        per_axis("stride", given.get("stride", 1), rank, 1),
        padding_pairs(given.get("padding", 0), rank),
        per_axis("dilation", given.get("dilation", 1), rank, 1),
        given.get("groups", 1),
        per_axis("output_padding", given.get("output_padding", 0), rank, 0),
    )


def forward(layer: ForeignLayer) -> Callable[..., Array]:
    """Return a function ``(x, w, **settings)`` that the checker can call."""

    def attempt(x: Array, w: Array, **settings: Foreign) -> Array:
        return layer(x, w, settings_of(settings, x.ndim - 2))[0]

    return attempt


def backward(layer: ForeignLayer) -> Callable[..., GradientsByName]:
    """Return a function ``(d_out, x, w, **settings)`` that the checker can call."""

    def attempt(
        d_out: Array, x: Array, w: Array, **settings: Foreign
    ) -> GradientsByName:
        return layer(x, w, settings_of(settings, x.ndim - 2))[1](d_out)

    return attempt


def resized_array(array: Array, befores: Sequence[int], sizes: Sequence[int]) -> Array:
    """Return an array with zeros before its spatial axes, padded or cut to new sizes.

    A negative number of zeros cuts off elements instead.

    Examples
    --------
    >>> import numpy as np
    >>> resized_array(np.array([[[1, 2, 3]]]), [1], [6])
    array([[[0, 1, 2, 3, 0, 0]]])
    >>> resized_array(np.array([[[1, 2, 3]]]), [-1], [1])
    array([[[2]]])
    """
    return framed(array, [0, 0, *befores], [*array.shape[:2], *sizes])


def gradient_of_original(
    array: Array, shape: Index, befores: Index, sizes: Index
) -> Array:
    """Return the gradient of an array, from the gradient of its resized form.

    A gradient of a wrong shape stays as it is, so that the checker sees the shape.
    """
    if array.shape[2:] != shape:
        return array
    return resized_array(array, [-n for n in befores], sizes)


def layer_with_any_padding(layer: ForeignLayer, *, rest: bool = True) -> ForeignLayer:
    """Return a convolution with any padding, from one that pads both ends alike.

    Parameters
    ----------
    layer : ForeignLayer
        The convolution that pads both ends alike.
    rest : bool
        Whether it takes an input that goes on behind the last window. If not, the rest
        of the input is cut off.
    """

    def any_padding(x: Array, w: Array, s: Settings) -> tuple[Array, Backward]:
        sizes, pairs = x.shape[2:], s.padding
        if not rest:
            axes = conv_geometry(sizes, w.shape[2:], s.stride, pairs, s.dilation).axes
            pairs = tuple(
                (axis.padding_before, axis.span[1] + 1 - axis.input_size)
                for axis in axes
            )
        theirs = tuple(max(0, min(pair)) for pair in pairs)
        befores = tuple(pair[0] - p for pair, p in zip(pairs, theirs, strict=True))
        more = (sum(pair) - 2 * p for pair, p in zip(pairs, theirs, strict=True))
        larger = tuple(size + n for size, n in zip(sizes, more, strict=True))
        alike = s._replace(padding=tuple((p, p) for p in theirs))
        y, back = layer(resized_array(x, befores, larger), w, alike)

        def gradients(d_out: Array) -> GradientsByName:
            found = back(d_out)
            return {
                **found,
                "dx": gradient_of_original(found["dx"], larger, befores, sizes),
            }

        return y, gradients

    return any_padding


def transposed_layer_with_any_padding(layer: ForeignLayer) -> ForeignLayer:
    """Return a transposed convolution with any padding, from one with equal ends."""

    def any_padding(x: Array, w: Array, s: Settings) -> tuple[Array, Backward]:
        theirs = [min(pair) for pair in s.padding]
        befores = [p - q for p, q in zip(s.before, theirs, strict=True)]
        y, back = layer(x, w, s._replace(padding=tuple((p, p) for p in theirs)))
        cropped = resized_array(y, [-n for n in befores], result_size(x, w, s))
        return cropped, lambda d_out: back(resized_array(d_out, befores, y.shape[2:]))

    return any_padding


def result_size(x: Array, w: Array, s: Settings) -> Index:
    """Return the size of the result of a transposed convolution."""
    return conv_transpose_geometry(
        x.shape[2:], w.shape[2:], s.stride, s.padding, s.dilation, s.output_padding
    ).input_size


def shared_number(name: str, numbers: Sequence[int]) -> int:
    """Return the number that all axes share.

    Raises
    ------
    NotImplementedError
        If they do not share one.
    """
    if len(set(numbers)) > 1:
        msg = f"it takes one {name} for all axes"
        raise NotImplementedError(msg)
    return numbers[0]
