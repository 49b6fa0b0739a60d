"""Draws the layers that an attempt is tried on, from all that it says it takes.

A *plan* is a set of settings that differ from the usual ones: none, each one alone,
every two, and all of them. In one *round*, each plan gives one layer. A round asks for
something else of each plan: one tap, one output, equal sizes, channels that are groups.
So after all rounds each plan has met each of these. Sizes are small and differ from
axis to axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from random import Random
from typing import Any, TypeAlias

from deconv_tutorial.diagnose.limits import LIMITS, Step, fixed_settings, within
from deconv_tutorial.diagnose.probes import SETTINGS
from deconv_tutorial.diagnose.sketch import Sketch, SketchAxis

Plan: TypeAlias = frozenset[str]
"""The settings that differ from the usual ones."""
Wish: TypeAlias = Callable[[Sketch, Random], Sketch]

_LAYERS = 150
"""About how many layers are drawn for each number of axes, or more."""
_PRODUCTS = 20_000
"""The most products of a layer."""
_OUTPUTS = {1: 6, 2: 4, 3: 3}
_TAPS = {1: 5, 2: 4, 3: 3}
"""The most outputs and taps of an axis, by the number of axes."""


def _axes_with(**numbers: int) -> Wish:
    return lambda s, _: replace(s, axes=tuple(replace(a, **numbers) for a in s.axes))


def _one_tap_somewhere(s: Sketch, random: Random) -> Sketch:
    n = random.randrange(s.rank)
    axes = tuple(replace(a, taps=1) if m == n else a for m, a in enumerate(s.axes))
    return replace(s, axes=axes)


def _even_taps(s: Sketch, random: Random) -> Sketch:
    axes = tuple(replace(a, taps=random.choice((2, 4))) for a in s.axes)
    return replace(s, axes=axes)


def _much_padding(s: Sketch, random: Random) -> Sketch:
    """Pad as much as the kernel reaches, or more, if there is padding at all."""
    return replace(
        s,
        axes=tuple(
            replace(a, before=a.span, after=a.span + random.randrange(2))
            if a.before or a.after
            else a
            for a in s.axes
        ),
    )


def _wide_strides(s: Sketch, _: Random) -> Sketch:
    return replace(
        s,
        axes=tuple(
            replace(a, stride=a.stride + a.span, leftover=a.leftover + a.span)
            if a.stride > 1
            else a
            for a in s.axes
        ),
    )


def _large_kernel(s: Sketch, random: Random) -> Sketch:
    n = random.randrange(s.rank)
    taps = random.randint(5, 8)
    axes = tuple(replace(a, taps=taps) if m == n else a for m, a in enumerate(s.axes))
    return replace(s, axes=axes, short=min(s.short, 2), long=min(s.long, 2))


def _long_axis(s: Sketch, random: Random) -> Sketch:
    """Return a layer with more places on one axis than blocks and tiles often have."""
    n = random.randrange(s.rank)
    axes = tuple(
        replace(a, outputs=random.randint(33, 45)) if m == n else a
        for m, a in enumerate(s.axes)
    )
    return replace(s, axes=axes, batch=1, short=1, long=2)


def _many_channels(s: Sketch, _: Random) -> Sketch:
    axes = tuple(replace(a, outputs=min(a.outputs, 2)) for a in s.axes)
    return replace(s, axes=axes, batch=4, short=9, long=8)


WISHES: Mapping[str, Wish] = {
    "any": lambda s, _: s,
    "all axes equal": lambda s, _: replace(s, axes=s.axes[:1] * s.rank),
    "one tap on an axis": _one_tap_somewhere,
    "all that is left over": _axes_with(leftover=99),  # fitted to the most there is
    "one output": _axes_with(outputs=1, leftover=0),
    "even kernels": _even_taps,
    "one channel": lambda s, _: replace(s, short=1, long=1),
    "one sample": lambda s, _: replace(s, batch=1),
    "much padding": _much_padding,
    "wide strides": _wide_strides,
    "one tap": _axes_with(taps=1),
    "whole windows": _axes_with(leftover=0),
    "several kernels for a channel": lambda s, _: replace(s, long=1, short=3),
    "a large kernel": _large_kernel,
    "a long axis": _long_axis,
    "many channels": _many_channels,
}
"""What a round asks of a plan."""


@dataclass(frozen=True)
class Space:
    """All layers that an attempt says it takes."""

    transposed: bool
    settings: tuple[str, ...] = SETTINGS
    """The settings that it takes."""
    ranks: tuple[int, ...] = (2,)
    fixed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The settings that it always has."""
    seed: int = 0

    @property
    def varied(self) -> tuple[str, ...]:
        """The settings that vary."""
        none = () if self.transposed else ("output_padding",)
        return tuple(
            name
            for name in SETTINGS
            if name in self.settings and name not in {*self.fixed, *none}
        )

    @property
    def steps(self) -> list[Step]:
        """The limits of the space itself: settings that do not vary."""
        usual = {"groups": 1, "dilation": 1, "output_padding": 0, "padding": 0}
        steps = [
            LIMITS[f"{name}={value}"]
            for name, value in {**usual, "stride": 1}.items()
            if name not in self.varied and name not in self.fixed
        ]
        return [*steps, fixed_settings(self.fixed)] if self.fixed else steps

    @property
    def plans(self) -> list[Plan]:
        """The plans, from the plain one to that with all settings."""
        sizes = [0, 1, 2] if len(self.varied) > 2 else [*range(len(self.varied) + 1)]
        plans = [frozenset(p) for n in sizes for p in combinations(self.varied, n)]
        if len(self.varied) > 2:
            plans += [frozenset(self.varied)] * 3
        return [plan for plan in plans if plan != frozenset({"output_padding"})]

    @property
    def rounds(self) -> int:
        """The number of rounds: the fewer plans there are, the more."""
        return len(WISHES) * max(1, round(_LAYERS / len(self.plans) / len(WISHES)))

    @property
    def count(self) -> int:
        """The number of layers that are drawn."""
        return len(self.ranks) * len(self.plans) * self.rounds

    def sketches(self, limits: Sequence[str] = ()) -> Iterator[Sketch]:
        """Yield the layers, round by round.

        Parameters
        ----------
        limits : sequence of str
            The names of limits to keep within. If the list grows while layers are
            drawn, those that follow keep within the new limits too.
        """
        wishes = [*WISHES.values()]
        for n in range(self.rounds):
            for rank in self.ranks:
                for m, plan in enumerate(self.plans):
                    random = Random(f"{self.seed} {n} {rank} {m}")
                    sketch = self._drawn(plan, rank, random)
                    sketch = wishes[(n + m) % len(wishes)](sketch, random)
                    steps = [*self.steps, *(LIMITS[name] for name in limits)]
                    yield _affordable(within(sketch, steps), steps)

    def _drawn(self, plan: Plan, rank: int, random: Random) -> Sketch:
        """Return a layer with the settings of a plan."""
        # A set has another order in each process; alike on all axes are one of three.
        chances = {name: random.random() < 1 / 3 for name in sorted(plan)}
        first = self._drawn_axis(plan, rank, random)
        axes = [first]
        for _ in range(rank - 1):
            axis = self._drawn_axis(plan, rank, random)
            for name, field_names in _FIELDS.items():
                if chances.get(name):
                    shared = {f: getattr(first, f) for f in field_names}
                    axis = replace(axis, **shared)
            axes.append(axis)
        ends = chances.get("padding") or random.random() < 1 / 3
        if ends:  # on all axes alike before and after
            axes = [replace(axis, after=axis.before) for axis in axes]
        short, long = random.sample((1, 2, 3), 2)
        return Sketch(
            tuple(axes),
            self.transposed,
            batch=random.choice((1, 2, 3)),
            groups=random.choice((2, 2, 3, 3, 4)) if "groups" in plan else 1,
            short=short,
            long=long,
            spelling=random.choice(("number", "number", "axis", "pairs")),
            order=random.choice(("C", "C", "F")),
            values=random.choice(("whole", "eighths")),
            seed=self.seed,
        )

    def _drawn_axis(self, plan: Plan, rank: int, random: Random) -> SketchAxis:
        stride = random.choice((2, 2, 3, 3, 4, 5)) if "stride" in plan else 1
        dilation = random.choice((2, 2, 2, 3, 3, 4)) if "dilation" in plan else 1
        most = max(stride, dilation) if self.transposed else stride
        free = not self.transposed or "output_padding" in plan
        padded = "padding" in plan
        return SketchAxis(
            random.randint(1, _OUTPUTS[rank]),
            random.randint(1, _TAPS[rank]),
            stride,
            dilation,
            random.randint(0, 3) if padded else 0,
            random.randint(0, 3) if padded else 0,
            random.randrange(most) if free else 0,
        )


def _affordable(sketch: Sketch, steps: Sequence[Step]) -> Sketch:
    """Return a layer with fewer samples, channels and outputs if it has many products.

    Loops in Python make some hundred thousand products in a second.
    """
    while _products(sketch) > _PRODUCTS:
        fewer = replace(
            sketch,
            batch=max(1, sketch.batch - 1),
            short=max(1, sketch.short - 1),
            long=max(1, sketch.long - 1),
        )
        if fewer == sketch:
            halves = (replace(a, outputs=-(-a.outputs // 2)) for a in sketch.axes)
            fewer = replace(sketch, axes=tuple(halves))
        nearer = within(fewer, steps)
        if _products(nearer) >= _products(sketch):
            break
        sketch = nearer
    return sketch


def _products(s: Sketch) -> int:
    """Return the number of products that the maps of a layer add up."""
    places = math.prod(axis.outputs * axis.taps for axis in s.axes)
    return s.batch * s.groups * s.short * s.long * places


_FIELDS: Mapping[str, tuple[str, ...]] = {
    "stride": ("stride",),
    "dilation": ("dilation",),
    "padding": ("before", "after"),
    "output_padding": ("leftover",),
}
"""The numbers of an axis that a setting is made of."""


def complexity(sketch: Sketch) -> int:
    """Return how much there is to read in a layer.

    That is first the number of settings that are not the usual ones, then the number of
    elements, and how large the settings are.
    """
    taps = math.prod(axis.taps for axis in sketch.axes)
    inputs = math.prod(axis.input_size for axis in sketch.axes)
    outputs = math.prod(axis.outputs for axis in sketch.axes)
    channels = sketch.groups * sketch.short * sketch.long
    elements = (
        sketch.groups * sketch.batch * (sketch.long * inputs + sketch.short * outputs)
    )
    numbers = sum(
        axis.stride + axis.dilation + axis.before + axis.after + axis.leftover
        for axis in sketch.axes
    )
    form = (sketch.spelling != "number") + (sketch.order != "C")
    form += {"counted": 0, "positive": 1, "whole": 2, "eighths": 3}[sketch.values]
    settings = sum(not sketch.is_default(name) for name in SETTINGS)
    settings += any(axis.leftover for axis in sketch.axes) and not sketch.transposed
    tuples = sum(isinstance(sketch.value(name), tuple) for name in SETTINGS)
    size = 4 * (elements + taps * channels) + 3 * (numbers + sketch.groups)
    return 100 * settings + 30 * tuples + size + form
