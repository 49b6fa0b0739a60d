"""The layers that the page of the catalogue draws, and what the mistakes do on them.

The layers are drawn at random, always the same ones. They are small, so that a picture
shows all of a result. Half of the settings are the plain ones, so that some layers hide
a mistake and others show it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import product
from typing import Any

import numpy as np

from deconv_tutorial.diagnose.mistakes.catalogue import catalogue
from deconv_tutorial.diagnose.mistakes.formulas import Formula, formulas
from deconv_tutorial.diagnose.mistakes.problem import (
    TARGETS,
    Problem,
    Target,
    problem_of,
)
from deconv_tutorial.diagnose.naming import mistaken_result
from deconv_tutorial.diagnose.probes import LayerCall, Probe
from deconv_tutorial.dtypes import Array

LAYER_COUNT = 100
LARGEST_INPUT = 8
SOME = 40
"""So many of the drawn layers have a version with what is rare."""


@dataclass(frozen=True, eq=False)
class GalleryLayer:
    """A layer call with its problem, which has the right results."""

    call: LayerCall
    problem: Problem


@dataclass(frozen=True, eq=False)
class Sight:
    """What a mistake does on one layer: a found array beside the right one."""

    formula: Formula
    layer: GalleryLayer
    found: Array
    right: Array

    @cached_property
    def shows(self) -> bool:
        """Whether the found array is wrong."""
        return not np.array_equal(self.found, self.right)


@cache
def drawn_layers(*, transposed: bool) -> tuple[GalleryLayer, ...]:
    """Return the drawn convolutions, or the transposed ones of their geometries."""
    rng = np.random.default_rng(0)
    drawn = [_probe(rng, f"drawn {n}") for n in range(LAYER_COUNT)]
    calls = [probe.case(transposed=transposed) for probe in drawn]
    if transposed:
        calls += [wide for call in calls[:SOME] for wide in _wide_calls(call, rng)]
    return tuple(map(_layer, calls))


@cache
def complex_layers(*, transposed: bool) -> tuple[GalleryLayer, ...]:
    """Return some of the drawn layers with complex numbers."""
    rng = np.random.default_rng(0)
    some = drawn_layers(transposed=transposed)[:SOME]
    return tuple(_layer(_complex_call(layer.call, rng)) for layer in some)


def _wide_calls(call: LayerCall, rng: np.random.Generator) -> Iterator[LayerCall]:
    """Yield a call with the largest output_padding, if that is no less than a stride.

    A dilation above the stride allows that. A convolution leaves over less.
    """
    pairs = [*zip(call.settings["stride"], call.settings["dilation"], strict=True)]
    if all(dilation <= stride for stride, dilation in pairs):
        return
    extra = tuple(max(pair) - 1 for pair in pairs)
    settings: dict[str, Any] = {**call.settings, "output_padding": extra}
    size = problem_of(call.x, call.w, transposed=True, **settings).geometry.input_size
    d_out = rng.integers(1, 10, (*call.d_out.shape[:2], *size)).astype(float)
    yield replace(call, d_out=d_out, settings=settings)


def _complex_call(call: LayerCall, rng: np.random.Generator) -> LayerCall:
    """Return a call with complex x and w, for a loss that is real.

    Numbers are complex in the last channel alone: then the others of a gradient are
    right, and a picture tells something.
    """

    def turned(array: Array, axis: int) -> Array:
        numbers = array.astype(np.complex128)
        last: Array = np.moveaxis(numbers, axis, 0)[-1]
        last += 1j * rng.integers(1, 10, last.shape)
        return numbers

    axis = 0 if call.transposed else 1
    return replace(call, x=turned(call.x, 1), w=turned(call.w, axis))


def _layer(call: LayerCall) -> GalleryLayer:
    # Powers are larger numbers: then no sum is 0, or equal to another one, by accident.
    return GalleryLayer(call, replace(call, x=call.x**3, w=call.w**5).problem)


def _probe(rng: np.random.Generator, name: str) -> Probe:
    """Return a random layer of two axes. One of three has the same numbers on both."""
    plain = {setting: rng.random() < 0.5 for setting in ("stride", "padding", "more")}
    axes = [_axis(rng, plain), _axis(rng, plain)]
    if rng.random() < 0.33:
        axes[1] = axes[0]
    samples, groups, c_out, c_in = rng.integers(1, 3, 4).tolist()
    sizes, taps, strides, paddings, dilations = zip(*axes, strict=True)
    settings: dict[str, Any] = {
        "stride": strides,
        "padding": paddings,
        "dilation": dilations,
        "groups": groups,
    }
    x_shape = (samples, groups * c_in, *sizes)
    return Probe(name, x_shape, (groups * c_out, c_in, *taps), settings)


def _axis(rng: np.random.Generator, plain: dict[str, bool]) -> tuple[Any, ...]:
    """Return size, taps, stride, padding and dilation of an axis."""
    while True:
        stride = 1 if plain["stride"] else int(rng.integers(1, 4))
        dilation = 1 if plain["more"] else int(rng.integers(1, 4))
        before, after = (0, 0) if plain["padding"] else rng.integers(0, 3, 2).tolist()
        taps, outputs = rng.integers(1, 4, 2).tolist()
        leftover = int(rng.integers(0, stride))
        needed = stride * (outputs - 1) + dilation * (taps - 1) + 1 + leftover
        size = needed - before - after
        if 2 <= size <= LARGEST_INPUT and (taps > 1 or rng.random() < 0.2):
            return size, taps, stride, (before, after), dilation


@cache
def sights() -> dict[str, list[Sight]]:
    """Return what each mistake does on each layer on which it can be made, by key."""
    found: dict[str, list[Sight]] = {}
    for formula, transposed in all_formulas():
        made = found.setdefault(formula.key, [])
        made += _sights_of(formula, transposed=transposed)
    return found


def all_formulas() -> Iterator[tuple[Formula, bool]]:
    """Yield every formula of both layers, and whether its layer is transposed."""
    for transposed, target in product((False, True), TARGETS):
        for formula in formulas(target, transposed=transposed):
            yield formula, transposed


def _sights_of(formula: Formula, *, transposed: bool) -> Iterator[Sight]:
    shows = False
    for layer in drawn_layers(transposed=transposed):
        for sight in _sight(formula, layer):
            shows |= sight.shows
            yield sight
    for layer in complex_layers(transposed=transposed) if not shows else ():
        yield from _sight(formula, layer)


def _sight(formula: Formula, layer: GalleryLayer) -> Iterator[Sight]:
    found = mistaken_result(layer.problem, [formula])
    if found is not None:
        yield Sight(formula, layer, found, _right(layer, formula.target))


@cache
def _right(layer: GalleryLayer, target: Target) -> Array:
    return layer.problem.result(target)


@cache
def keys_by_entry() -> dict[str, list[str]]:
    """Return the keys of each entry of the catalogue, in the order of the targets."""
    found: dict[str, dict[str, None]] = {name: {} for name in catalogue()}
    for formula, _ in all_formulas():
        name = formula.key if formula.key in found else formula.key.partition("-")[2]
        found[name][formula.key] = None
    return {name: list(keys) for name, keys in found.items()}
