"""Finds the smallest layer that still fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from deconv_tutorial.diagnose.limits import Step, within
from deconv_tutorial.diagnose.sketch import Sketch, SketchAxis
from deconv_tutorial.diagnose.space import complexity

CALLS = 400
"""The most layers that are tried."""
SECONDS = 1.5
"""How long smaller layers are looked for."""

_LEAST = {
    "outputs": 1,
    "taps": 1,
    "stride": 1,
    "dilation": 1,
    "before": 0,
    "after": 0,
    "leftover": 0,
}


def shrunk(
    sketch: Sketch, fails: Callable[[Sketch], bool], steps: list[Step]
) -> Sketch:
    """Return the smallest layer found that still fails.

    A layer is smaller if it has fewer elements and smaller settings. Each number is
    lowered alone, and the same one on all axes, until nothing more can be lowered.

    Parameters
    ----------
    sketch : Sketch
        A layer that fails.
    fails : callable
        Returns whether a layer fails.
    steps : list of Step
        The limits to keep within.

    Examples
    --------
    >>> from deconv_tutorial.diagnose.sketch import SketchAxis
    >>> start = Sketch((SketchAxis(5, 4, stride=3),), batch=3, short=2, long=2)
    >>> found = shrunk(start, lambda s: s.axes[0].stride > 1 and s.batch > 1, [])
    >>> found.batch, found.short, found.axes[0].taps, found.axes[0].stride
    (2, 1, 1, 2)
    """
    calls, start = 0, time.monotonic()
    while calls < CALLS and time.monotonic() - start < SECONDS:
        for smaller in _smaller(sketch, steps):
            calls += 1
            if fails(smaller):
                sketch = smaller
                break
            if calls >= CALLS or time.monotonic() - start > SECONDS:
                return sketch
        else:
            return sketch
    return sketch


def _smaller(sketch: Sketch, steps: list[Step]) -> Iterator[Sketch]:
    """Yield smaller layers, each one once, the largest steps first."""
    size = complexity(sketch)
    seen = {sketch}
    for candidate in _candidates(sketch):
        nearer = within(candidate, steps)
        if nearer not in seen and complexity(nearer) < size:
            seen.add(nearer)
            yield nearer


def _candidates(sketch: Sketch) -> Iterator[Sketch]:
    """Yield layers in which a number is lowered: to the least, by half, or by one."""
    yield replace(sketch, values="counted")
    yield replace(sketch, batch=1, groups=1, short=1, long=1)
    for kept in ((), ("taps",), ("outputs",), ("taps", "outputs")):
        axes = tuple(_bare(axis, kept) for axis in sketch.axes)
        yield replace(sketch, axes=axes)
    for change in ({"before": 0, "after": 0}, {"outputs": 1, "before": 0, "after": 0}):
        changed = [replace(axis, **change) for axis in sketch.axes]
        yield replace(sketch, axes=tuple(changed))
        for n in range(sketch.rank):
            axes = (*sketch.axes[:n], changed[n], *sketch.axes[n + 1 :])
            yield replace(sketch, axes=axes)
    for lowered in (_least, _half, _one_less):
        for name in ("batch", "groups", "short", "long"):
            yield replace(sketch, **{name: lowered(getattr(sketch, name), 1)})
        for name, least in _LEAST.items():
            axes = tuple(
                replace(axis, **{name: lowered(getattr(axis, name), least)})
                for axis in sketch.axes
            )
            yield replace(sketch, axes=axes)
            for n, axis in enumerate(axes):
                others = [*sketch.axes]
                others[n] = axis
                yield replace(sketch, axes=tuple(others))
    yield replace(sketch, spelling="number")
    yield replace(sketch, order="C")
    yield replace(sketch, values="positive" if sketch.values == "whole" else "whole")


def _bare(axis: SketchAxis, kept: tuple[str, ...]) -> SketchAxis:
    """Return an axis with the least of all, but with all the settings that it has."""
    numbers = {
        name: min(getattr(axis, name), 1 if name in {"outputs", "taps"} else least + 1)
        for name, least in _LEAST.items()
        if name not in kept
    }
    return replace(axis, **numbers)


def _least(number: int, least: int) -> int:
    return min(number, least)


def _half(number: int, least: int) -> int:
    return max(least, number // 2)


def _one_less(number: int, least: int) -> int:
    return max(least, number - 1)
