"""The limits of what an attempt accepts: each one is a step to a layer within it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, TypeAlias

from deconv_tutorial.diagnose.sketch import Sketch, SketchAxis, Values
from deconv_tutorial.geometry import padding_sides
from deconv_tutorial.geometry.settings import per_axis

Step: TypeAlias = Callable[[Sketch], Sketch]
"""Returns the nearest layer within a limit: the same one if it is within."""


def _each_axis(change: Callable[[SketchAxis], SketchAxis]) -> Step:
    return lambda s: replace(s, axes=tuple(map(change, s.axes)))


def _settings(**values: int) -> Step:
    return _each_axis(lambda axis: replace(axis, **values))


def _like_first(*fields: str) -> Step:
    """Return a step after which all axes have some numbers of the first axis."""

    def step(s: Sketch) -> Sketch:
        shared = {name: getattr(s.axes[0], name) for name in fields}
        return replace(s, axes=tuple(replace(axis, **shared) for axis in s.axes))

    return step


def _symmetric(axis: SketchAxis) -> SketchAxis:
    padding = (axis.before + axis.after + 1) // 2
    return replace(axis, before=padding, after=padding)


def _symmetric_padding(s: Sketch) -> Sketch:
    spelling = "number" if s.spelling == "number" else "axis"
    return replace(_each_axis(_symmetric)(s), spelling=spelling)


def _one_number(s: Sketch) -> Sketch:
    shared = ["stride", "dilation", "before", "after"]
    if s.transposed:
        shared.append("leftover")
    return replace(_like_first(*shared)(_each_axis(_symmetric)(s)), spelling="number")


def _one_per_axis(s: Sketch) -> Sketch:
    return replace(_each_axis(_symmetric)(s), spelling="axis")


def _no_groups(s: Sketch) -> Sketch:
    return replace(s, groups=1)


def _channels(*, inputs: bool) -> Step:
    """Return a step to a layer with one input channel, or with one output channel."""

    def step(s: Sketch) -> Sketch:
        side = "long" if inputs != s.transposed else "short"
        return replace(s, groups=1, **{side: 1})

    return step


def _values(values: Values, *, of: tuple[Values, ...]) -> Step:
    return lambda s: replace(s, values=values) if s.values in of else s


LIMITS: Mapping[str, Step] = {
    "whole numbers": _values("whole", of=("eighths",)),
    "positive numbers": _values("positive", of=("eighths", "whole")),
    "symmetric padding": _symmetric_padding,
    "one number for all axes": _one_number,
    "one number for each axis": _one_per_axis,
    "square kernels": _like_first("taps"),
    "whole windows": _settings(leftover=0),
    "output_padding < stride": _each_axis(
        lambda a: replace(a, leftover=min(a.leftover, a.stride - 1))
    ),
    "stride or dilation": lambda s: (
        _settings(dilation=1)(s) if any(a.stride > 1 for a in s.axes) else s
    ),
    "padding < kernel": _each_axis(
        lambda a: replace(
            a, before=min(a.before, a.span - 1), after=min(a.after, a.span - 1)
        )
    ),
    "stride <= kernel": _each_axis(lambda a: replace(a, stride=min(a.stride, a.span))),
    "odd kernels": _each_axis(lambda a: replace(a, taps=a.taps + 1 - a.taps % 2)),
    "more than one tap": _each_axis(lambda a: replace(a, taps=max(2, a.taps))),
    "contiguous arrays": lambda s: replace(s, order="C"),
    "square inputs": lambda s: replace(s, axes=s.axes[:1] * s.rank),
    "depthwise": lambda s: replace(s, short=1, long=1),
    "groups=1": _no_groups,
    "dilation=1": _settings(dilation=1),
    "output_padding=0": lambda s: _settings(leftover=0)(s) if s.transposed else s,
    "padding=0": _settings(before=0, after=0),
    "stride=1": _settings(stride=1),
    "one sample": lambda s: replace(s, batch=1),
    "one input channel": _channels(inputs=True),
    "one output channel": _channels(inputs=False),
    "one channel": lambda s: replace(s, groups=1, short=1, long=1),
}
"""The limits, from those that are met most often to those that leave the least."""


def within(sketch: Sketch, steps: Iterable[Step]) -> Sketch:
    """Return the nearest layer within all limits.

    Examples
    --------
    >>> sketch = Sketch((SketchAxis(2, 3), SketchAxis(4, 2)))
    >>> [axis.taps for axis in within(sketch, [LIMITS["square kernels"]]).axes]
    [3, 3]
    """
    steps = [*steps]
    for _ in range(10):  # a step may leave what an earlier one has reached
        nearer = sketch.fitted
        for step in steps:
            nearer = step(nearer).fitted
        if nearer == sketch:
            break
        sketch = nearer
    return sketch


def fixed_settings(values: Mapping[str, Any]) -> Step:
    """Return a step to layers with fixed settings.

    Parameters
    ----------
    values : mapping
        Settings as `conv` takes them, or functions that return one from the size of the
        kernel.
    """

    def step(s: Sketch) -> Sketch:
        kernel = tuple(axis.taps for axis in s.axes)
        given: dict[str, Any] = {
            name: value(kernel) if callable(value) else value
            for name, value in values.items()
        }
        columns: dict[str, Sequence[int]] = {
            field: per_axis(name, given[name], s.rank, lowest)
            for name, field, lowest in _FIELDS
            if name in given
        }
        s = _with_columns(s, columns)
        if "padding" in given:
            taps, strides, dilations = (
                tuple(getattr(axis, name) for axis in s.axes)
                for name in ("taps", "stride", "dilation")
            )
            sides = padding_sides(given["padding"], taps, strides, dilations)
            befores, afters = zip(*sides, strict=True)
            s = _with_columns(s, {"before": befores, "after": afters})
        return replace(s, groups=given.get("groups", s.groups))

    return step


_FIELDS = (
    ("stride", "stride", 1),
    ("dilation", "dilation", 1),
    ("output_padding", "leftover", 0),
)


def _with_columns(s: Sketch, columns: Mapping[str, Sequence[int]]) -> Sketch:
    """Return a sketch with other numbers on its axes, given for all axes by field."""
    axes = tuple(
        replace(axis, **{name: numbers[n] for name, numbers in columns.items()})
        for n, axis in enumerate(s.axes)
    )
    return replace(s, axes=axes)


def check_limits(name: str, limits: Iterable[object]) -> None:
    """Check the names of limits.

    Raises
    ------
    ValueError
        If one is unknown, with the nearest one that is known.
    """
    for limit in limits:
        if limit not in LIMITS:
            near = get_close_matches(str(limit), LIMITS, n=1)
            guess = f" (did you mean {near[0]!r}?)" if near else ""
            msg = f"{name} needs limits among {', '.join(LIMITS)}, got {limit!r}{guess}"
            raise ValueError(msg)
