"""Small pictures of where an array is wrong, with the same in words.

They are SVG with classes in place of colours, so that a style sheet colours them for a
light and for a dark page. All of an array is drawn: each block is one sample and
channel, or one kernel.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import product

import numpy as np

from deconv_tutorial.diagnose.mistakes.problem import Target
from deconv_tutorial.dtypes import Array
from tools.gallery.drawn_layers import Sight
from tools.gallery.signs import signs

STEP, BOX, GAP = 10, 8, 7
SCALE = 1.5
LARGEST = 160
"""No array with more numbers is drawn, if there is a smaller one."""
ROLES: Mapping[Target, str] = {"dx": "x", "dw": "w", "db": "y", "y": "y"}

_SQUARE = f"h{BOX}v{BOX}h-{BOX}z"
_SHAPES = {
    "right": _SQUARE,
    "wrong": _SQUARE,
    "zero": f"l{BOX} {BOX}m-{BOX} 0l{BOX}-{BOX}",
    "missing": _SQUARE,
    "extra": f"m0 {BOX // 2}h{BOX}m-{BOX // 2}-{BOX // 2}v{BOX}",
}
"""The outline of each state of a number, from its upper left corner."""


def best_sight(sights: Sequence[Sight], usual: Sequence[str]) -> Sight | None:
    """Return the sight that shows a mistake best, or None if none tells anything.

    On that layer some numbers are right and some are wrong, or the shape is.
    """
    shown = [s for s in sights if s.shows and s.found.size]
    telling = [s for s in shown if s.found.shape != s.right.shape or _is_mixed(s)]
    return min(telling, key=lambda s: _rank(s, usual), default=None)


def _is_mixed(sight: Sight) -> bool:
    return not (sight.found != sight.right).all()


def _rank(sight: Sight, usual: Sequence[str]) -> tuple[bool, bool, bool, float, int]:
    """Return what the best sight has least of."""
    size = max(sight.found.size, sight.right.size)
    other_shape = sight.found.shape != sight.right.shape
    unusual = not set(usual) & set(signs(sight))
    return size > LARGEST, other_shape, unusual, _unevenness(sight), abs(size - 60)


def _unevenness(sight: Sight) -> float:
    """Return how far the share of wrong numbers is from two fifths, in rough steps."""
    found, right = sight.found, sight.right
    if found.ndim != right.ndim:
        return 3
    common = tuple(slice(n) for n in map(min, found.shape, right.shape))
    return abs(float((found[common] != right[common]).mean()) - 0.4) // 0.2


def states(sight: Sight) -> list[list[Array]]:
    """Return what to draw for each number: a grid of blocks of names of states."""
    found, right = (_blocks(a, sight.right.ndim) for a in (sight.found, sight.right))
    both = tuple(map(max, found.shape, right.shape))
    drawn = np.full(both, "", "U7")
    for at in np.ndindex(both):
        here, there = (_value(array, at) for array in (found, right))
        drawn[at] = _state(here, there)
    return [list(row) for row in drawn]


def _blocks(array: Array, rank: int) -> Array:
    """Return an array with four axes: two of blocks, and rows and columns in each."""
    if array.ndim < 4:  # a bias, or one with too many axes
        array = array.reshape(1, *array.shape, *[1] * (3 - array.ndim))
    return array.reshape(-1, *array.shape[-3:]) if rank == 4 else array


def _value(array: Array, at: tuple[int, ...]) -> complex | None:
    inside = all(n < size for n, size in zip(at, array.shape, strict=True))
    return complex(array[at]) if inside else None


def _state(found: complex | None, right: complex | None) -> str:
    if found is None:
        return "missing" if right is not None else ""
    if right is None:
        return "extra"
    if found == right:
        return "right"
    return "wrong" if found else "zero"


def picture(sight: Sight, title: str) -> str:
    """Return the picture of one sight as the text of an SVG element."""
    rows = states(sight)
    high, wide = (STEP * n for n in rows[0][0].shape)
    paths: dict[str, list[str]] = {}
    for (r, row), (c, _) in product(enumerate(rows), enumerate(rows[0])):
        for at, name in np.ndenumerate(row[c]):
            x, y = c * (wide + GAP) + STEP * at[1], r * (high + GAP) + STEP * at[0]
            paths.setdefault(str(name), []).append(f"M{x + 1} {y + 1}{_outline(name)}")
    width, height = len(rows[0]) * (wide + GAP), len(rows) * (high + GAP)
    inside = "".join(
        f'<path class="{name}" d="{"".join(lines)}"/>'
        for name, lines in sorted(paths.items())
        if name
    )
    words = escape(f"{title}. {description(sight)}", quote=True)
    return (
        f'<svg class="error-map {ROLES[sight.formula.target]}" role="img" '
        f'aria-label="{words}" viewBox="0 0 {width} {height}" '
        f'width="{width * SCALE:g}" height="{height * SCALE:g}">{inside}</svg>'
    )


def _outline(state: str) -> str:
    return _SHAPES.get(state, "")


def description(sight: Sight) -> str:
    """Return in words what a picture shows."""
    rows = states(sight)
    counts = Counter(str(s) for row in rows for block in row for s in block.ravel())
    across, down = len(rows[0]), len(rows)
    high, wide = rows[0][0].shape
    blocks = f"{down} by {across} blocks" if across * down > 1 else "One block"
    told = [f"{blocks} of {high} by {wide} numbers"]
    told += [
        f"{words}: {counts[name]}" for name, words in _WORDS.items() if counts[name]
    ]
    return "; ".join([*told, *_only(sight)])


_WORDS = {
    "right": "right",
    "wrong": "wrong",
    "zero": "0 in place of another number",
    "missing": "missing",
    "extra": "too many",
}


def _only(sight: Sight) -> Iterator[str]:
    """Yield on which part of each axis there are wrong numbers, if not on all of it."""
    if sight.found.shape != sight.right.shape:
        return
    wrong = sight.found != sight.right
    for axis, name in enumerate(_axes(sight.formula.target)):
        others = tuple(n for n in range(wrong.ndim) if n != axis)
        places = np.flatnonzero(wrong.any(axis=others))
        if len(places) < wrong.shape[axis]:
            numbers = ", ".join(map(str, places))
            yield f"wrong only in {name} {numbers} of 0 to {wrong.shape[axis] - 1}"


def _axes(target: Target) -> tuple[str, ...]:
    """Return the names of the axes of a result."""
    if target == "db":
        return ("channel",)
    first = ("first channel axis", "second channel axis")
    return (*(first if target == "dw" else ("sample", "channel")), "row", "column")
