"""The layers that the page of the catalogue draws, and what the mistakes do on them.

The layers are drawn at random, always the same ones. They are small, so that a picture
shows all of a result. Half of the settings are the plain ones, so that some layers hide
a mistake and others show it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any

import numpy as np

from deconv_tutorial.diagnose.mistakes.catalogue import catalogue
from deconv_tutorial.diagnose.mistakes.formulas import Formula, formulas
from deconv_tutorial.diagnose.mistakes.problem import TARGETS, Problem
from deconv_tutorial.diagnose.naming import mistaken_result
from deconv_tutorial.diagnose.probes import LayerCall, Probe
from deconv_tutorial.dtypes import Array

LAYER_COUNT = 100
LARGEST_INPUT = 8


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

    @property
    def shows(self) -> bool:
        """Whether the found array is wrong."""
        return not np.array_equal(self.found, self.right)


@cache
def drawn_layers(*, transposed: bool) -> tuple[GalleryLayer, ...]:
    """Return the drawn convolutions, or the transposed ones of their geometries."""
    rng = np.random.default_rng(0)
    drawn = (_probe(rng, f"drawn {n}") for n in range(LAYER_COUNT))
    return tuple(_layer(probe.case(transposed=transposed)) for probe in drawn)


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
    for layer in drawn_layers(transposed=transposed):
        found = mistaken_result(layer.problem, [formula])
        if found is not None:
            yield Sight(formula, layer, found, _right(layer, formula))


def _right(layer: GalleryLayer, formula: Formula) -> Array:
    return layer.problem.result(formula.target)


@cache
def keys_by_entry() -> dict[str, list[str]]:
    """Return the keys of each entry of the catalogue, in the order of the targets."""
    found: dict[str, dict[str, None]] = {name: {} for name in catalogue()}
    for formula, _ in all_formulas():
        name = formula.key if formula.key in found else formula.key.partition("-")[2]
        found[name][formula.key] = None
    return {name: list(keys) for name, keys in found.items()}
