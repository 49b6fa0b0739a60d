"""What a wrong array looks like beside the right one: the signs of a mistake.

They are read off arrays, and know nothing of the mistake that was made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import product

import numpy as np

from deconv_tutorial.diagnose.compare import is_telling, ratio
from deconv_tutorial.dtypes import Array
from tools.gallery.drawn_layers import GalleryLayer, Sight

SIGNS: Mapping[str, str] = {
    "fewer": "The shape is too small",
    "more": "The shape is too large",
    "other": "The shape is another one",
    "negative": "Every number has the wrong sign",
    "factor": "Every number is wrong by the same factor",
    "conjugate": "The imaginary parts have the wrong sign",
    "reversed": "The right numbers run backwards on one axis or on both",
    "turned": "The right numbers have rows and columns exchanged",
    "planes": "The right numbers are in other channels, groups or samples",
    "moved": "The right numbers come some places too early or too late",
    "mixed": "The right numbers are in another order",
    "equal": "The same numbers stand in all channels",
    "samples": "Only some samples are wrong",
    "channels": "Only some channels are wrong",
    "residues": "Only every second or third row or column is wrong",
    "edges": "Only the edges are wrong",
    "taps": "Only some taps are wrong",
    "some": "Some places are wrong, in no simple pattern",
    "zeros": "Every wrong number is 0",
    "all": "Every number is wrong, with no other sign",
}
"""What each sign is called, in the order of the page."""

HIDDEN_BY: Mapping[str, tuple[str, Callable[[GalleryLayer], bool]]] = {
    "stride": ("the stride is 1", lambda d: _settings(d, "stride") == {1}),
    "dilation": ("the dilation is 1", lambda d: _settings(d, "dilation") == {1}),
    "padding": ("there is no padding", lambda d: _settings(d, "padding") == {0}),
    "sides": (
        "the paddings before and after are equal",
        lambda d: all(a == b for a, b in d.call.settings["padding"]),
    ),
    "leftover": (
        "the stride leaves nothing over, and `output_padding` is 0",
        lambda d: not any(d.problem.leftover),
    ),
    "groups": ("there is one group", lambda d: d.call.settings["groups"] == 1),
    "samples": ("there is one sample", lambda d: len(d.problem.x) == 1),
    "in": ("there is one input channel in a group", lambda d: _channels(d)[0] == 1),
    "out": ("there is one output channel in a group", lambda d: _channels(d)[1] == 1),
    "axes": (
        "both axes have the same sizes and settings",
        lambda d: d.problem.geometry.axes[0] == d.problem.geometry.axes[1],
    ),
}
"""Kinds of layers that hide mistakes: their words, and whether a layer is of a kind."""
CHANCE = 1e-3
"""How likely it may be that a kind of layers seems to hide a mistake, and does not."""


def _settings(drawn: GalleryLayer, name: str) -> set[int]:
    return {int(value) for value in np.ravel(drawn.call.settings[name])}


def _channels(drawn: GalleryLayer) -> tuple[int, int]:
    """Return how many channels of the layer's input and result are in a group."""
    a, b = drawn.problem.w.shape[1:3]
    return (a, b) if drawn.problem.transposed else (b, a)


def usual_signs(sights: Iterable[Sight]) -> list[str]:
    """Return the signs on more than a third of the layers that show a mistake.

    If there are none, return its most frequent sign.
    """
    shown = [signs(sight) for sight in sights if sight.shows]
    counts = Counter(sign for each in shown for sign in each)
    usual = [sign for sign in SIGNS if 3 * counts[sign] > len(shown)]
    if len(usual) > 1 and "all" in usual:  # it says nothing beside another one
        usual.remove("all")
    return usual or [sign for sign, _ in counts.most_common(1)]


def hiding_layers(sights: Iterable[Sight]) -> list[str]:
    """Return the kinds of layers on which a mistake never showed, and did elsewhere."""
    tried = list(sights)
    layers = {sight.layer for sight in tried}
    showing = {sight.layer for sight in tried if sight.shows}
    return [kind for kind in HIDDEN_BY if _is_hiding(kind, layers, showing)]


def _is_hiding(
    kind: str, layers: set[GalleryLayer], showing: set[GalleryLayer]
) -> bool:
    """Return whether no showing layer is of a kind, and that is no accident."""
    _, is_of_kind = HIDDEN_BY[kind]
    if any(map(is_of_kind, showing)):
        return False
    others = sum(not is_of_kind(layer) for layer in layers)
    return (others / max(1, len(layers))) ** len(showing) < CHANCE


@cache
def signs(sight: Sight) -> list[str]:
    """Return the signs of one wrong array."""
    found, right = sight.found, sight.right
    if found.shape != right.shape:
        return [_shape_sign(found, right)]
    moved = next(_relations(found, right), "")
    wrong = found != right
    zeros = ["zeros"] if not found[wrong].any() else []
    return [moved] if moved else [*_where(sight, wrong), *zeros]


def _shape_sign(found: Array, right: Array) -> str:
    if found.ndim != right.ndim:
        return "more" if found.ndim > right.ndim else "fewer"
    pairs = [*zip(found.shape, right.shape, strict=True)]
    if all(a <= b for a, b in pairs):
        return "fewer"
    return "more" if all(a >= b for a, b in pairs) else "other"


def _relations(found: Array, right: Array) -> Iterator[str]:
    """Yield what turns all of the right array into the found one."""
    factor = ratio(found, right)
    if factor is not None and is_telling(right):
        yield "negative" if factor == -1 else "factor"
    if np.iscomplexobj(found) and np.array_equal(found, right.conj()):
        yield "conjugate"
    if right.ndim == 4:
        yield from _moves(found, right)
    if np.array_equal(np.sort(found, None), np.sort(right, None)):
        yield "mixed"
    if any(_is_shared(found, right, axis) for axis in range(max(1, right.ndim - 2))):
        yield "equal"


def _moves(found: Array, right: Array) -> Iterator[str]:
    """Yield how the right numbers changed their places, if that is simple."""
    if any(np.array_equal(found, np.flip(right, a)) for a in (2, 3, (2, 3))):
        yield "reversed"
    if np.array_equal(found, right.swapaxes(2, 3)):
        yield "turned"
    if _planes(found) == _planes(right):
        yield "planes"
    parts = _parts(right.shape[2:])
    if any(np.array_equal(right[..., *a], found[..., *b]) for a, b in parts):
        yield "moved"


def _is_shared(found: Array, right: Array, axis: int) -> bool:
    """Return whether the found numbers repeat on an axis, and the right ones do not."""
    return bool((found.max(axis) == found.min(axis)).all()) and not bool(
        (right.max(axis) == right.min(axis)).all()
    )


def _planes(array: Array) -> list[bytes]:
    return sorted(p.tobytes() for p in array.reshape(-1, *array.shape[2:]))


@cache
def _parts(size: tuple[int, int]) -> list[tuple[tuple[slice, ...], ...]]:
    """Return, for each move that keeps most of a plane, what is kept: before, after."""
    found: list[tuple[tuple[slice, ...], ...]] = []
    for by in product(range(-3, 4), repeat=2):
        if any(by) and all(2 * abs(n) < s for n, s in zip(by, size, strict=True)):
            pairs = [*zip(by, size, strict=True)]
            here = tuple(slice(max(0, -n), s - max(0, n)) for n, s in pairs)
            there = tuple(slice(max(0, n), s - max(0, -n)) for n, s in pairs)
            found.append((here, there))
    return found


def _where(sight: Sight, wrong: Array) -> list[str]:
    """Return which samples, channels or places are wrong, if not all are."""
    if wrong.all():
        return ["all"]
    target = sight.formula.target
    names = {"dw": ("channels", "channels"), "db": ("channels",)}
    leading = names.get(target, ("samples", "channels"))
    found = {
        name
        for axis, name in enumerate(leading)
        if not wrong.any(axis=tuple(n for n in range(wrong.ndim) if n != axis)).all()
    }
    if target != "db":
        found |= _places(sight, np.asarray(wrong.any(axis=(0, 1))))
    return [sign for sign in SIGNS if sign in found] or ["some"]


def _places(sight: Sight, wrong: Array) -> set[str]:
    """Return how the wrong places lie, or nothing if all of them are wrong."""
    if wrong.all():
        return set()
    if sight.formula.target == "dw":
        return {"taps"}
    strides = [axis.stride for axis in sight.layer.problem.geometry.axes]
    rows_and_columns = np.flatnonzero(wrong.any(1)), np.flatnonzero(wrong.any(0))
    if any(map(_is_every_other, rows_and_columns, wrong.shape, strides)):
        return {"residues"}
    middle = tuple(slice(n // 3, n - n // 3) for n in wrong.shape)
    has_edges = max(wrong.shape) > 2
    return {"edges"} if has_edges and not wrong[middle].any() else {"some"}


def _is_every_other(places: Array, size: int, stride: int) -> bool:
    """Return whether the wrong places leave only some remainders of a stride."""
    remainders = {int(place) % stride for place in places}
    return len(places) > 1 and len(remainders) < min(size, stride)
