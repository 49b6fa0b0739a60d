"""What a verdict rests on: the layers that were tried, and what they had."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from deconv_tutorial.diagnose.sketch import Sketch

_LARGE = 4
_WIDTH = 86
MINIMUM = 20
"""The fewest layers for a verdict. With less there is not enough to say."""


@dataclass(frozen=True)
class Coverage:
    """What the layers had that an attempt was tried on, and what it refused."""

    layers: int
    """The number of layers whose results were compared."""
    ranks: Mapping[int, int]
    """The number of layers by their number of spatial axes."""
    targets: Mapping[str, int]
    """The number of layers on which each result was compared."""
    values: Mapping[str, Mapping[int, int]]
    """For each setting, the numbers that it had, each with its number of layers."""
    forms: Mapping[str, Mapping[str, int]]
    """For each setting, the number of layers where it differs between axes, or ends."""
    shapes: Mapping[str, int]
    """The number of layers of a special shape."""
    pairs: Mapping[tuple[str, str], int]
    """The number of layers where both of two settings are not the usual ones."""
    limits: tuple[str, ...] = ()
    """The limits that were declared: beyond them nothing was tried."""
    refused: Mapping[str, str] = field(default_factory=dict[str, str])
    """The limits that the attempt has without saying so, each with what it raised."""
    seed: int = 0

    @property
    def gaps(self) -> list[str]:
        """What was never reached: sentences, of which each leaves too little to say."""
        gaps: list[str] = []
        if self.layers < MINIMUM:
            gaps.append(f"{self.layers} layers were tried, and {MINIMUM} are needed")
        gaps += [
            f"{name} was never tried with anything but {next(iter(numbers))}"
            for name, numbers in self.values.items()
            if len(numbers) == 1
        ]
        gaps += [
            f"{n} was never compared" for n, count in self.targets.items() if not count
        ]
        gaps += [
            f"no layer with {n} axes" for n, count in self.ranks.items() if not count
        ]
        return gaps

    def as_dict(self) -> dict[str, Any]:
        """Return the table as a dictionary that JSON can store."""
        return {
            "layers": self.layers,
            "ranks": _with_text_keys(self.ranks),
            "targets": dict(self.targets),
            "values": {name: _with_text_keys(n) for name, n in self.values.items()},
            "forms": {name: dict(counts) for name, counts in self.forms.items()},
            "shapes": dict(self.shapes),
            "pairs": {" and ".join(pair): n for pair, n in self.pairs.items()},
            "never_together": [" and ".join(p) for p, n in self.pairs.items() if not n],
            "limits": list(self.limits),
            "refused": dict(self.refused),
            "gaps": self.gaps,
            "seed": self.seed,
        }

    def rows(self) -> Iterator[tuple[str, str]]:
        """Yield the lines of the table: what, and how many layers."""
        if not self.layers:
            yield "layers", f"0: no call came to its end; seed {self.seed}"
            return
        axes = ", ".join(f"{n} of {rank}-D" for rank, n in self.ranks.items())
        yield "layers", f"{self.layers}: {axes}; seed {self.seed}"
        yield (
            "compared",
            ", ".join(f"{name} on {n}" for name, n in self.targets.items()),
        )
        for name, numbers in self.values.items():
            told = ", ".join(f"{value} on {n}" for value, n in _short(numbers))
            forms = [f"{form} on {n}" for form, n in self.forms[name].items() if n]
            yield name, "; ".join([told, *forms])
        yield (
            "shapes",
            ", ".join(f"{name} on {n}" for name, n in self.shapes.items() if n),
        )
        missing = [" with ".join(pair) for pair, n in self.pairs.items() if not n]
        together = len(self.pairs) - len(missing)
        if together:
            least = min(n for n in self.pairs.values() if n)
            yield "pairs", f"{together} of {len(self.pairs)}, each on {least} or more"
        if missing:
            yield "never tried", ", ".join(missing)
        if self.limits:
            yield "only", ", ".join(self.limits)

    def __str__(self) -> str:
        """Return the table as text."""
        rows = [*self.rows()]
        width = max(len(name) for name, _ in rows)
        return "\n".join(
            textwrap.fill(
                text,
                _WIDTH,
                initial_indent=f"{name:{width}}  ",
                subsequent_indent=" " * (width + 2),
            )
            for name, text in rows
        )


def coverage_of(
    sketches: Sequence[Sketch],
    settings: Sequence[str],
    targets: Mapping[str, int],
    *,
    ranks: Sequence[int],
    limits: Sequence[str] = (),
    refused: Mapping[str, str] | None = None,
    seed: int = 0,
) -> Coverage:
    """Return what layers have.

    Parameters
    ----------
    sketches : sequence of Sketch
        The layers on which results were compared.
    settings : sequence of str
        The settings that vary.
    targets : mapping
        The number of layers on which each result was compared.
    ranks, limits, refused, seed
        What was asked for, and what was refused.
    """
    found = Counter(sketch.rank for sketch in sketches)
    return Coverage(
        len(sketches),
        {rank: found[rank] for rank in ranks},
        targets,
        {name: _values(sketches, name) for name in settings},
        {name: _forms(sketches, name) for name in settings},
        {name: sum(map(has, sketches)) for name, has in _SHAPES.items()},
        {
            pair: sum(not any(map(s.is_default, pair)) for s in sketches)
            for pair in combinations(settings, 2)
        },
        tuple(limits),
        refused or {},
        seed,
    )


def _values(sketches: Sequence[Sketch], name: str) -> dict[int, int]:
    """Return the numbers that a setting has on some axis, each with its layers."""
    counts: Counter[int] = Counter()
    for sketch in sketches:
        ends = [a.after for a in sketch.axes] if name == "padding" else []
        counts.update({*sketch.numbers(name), *ends})
    return dict(sorted(counts.items()))


def _forms(sketches: Sequence[Sketch], name: str) -> dict[str, int]:
    """Return on how many layers a setting differs between axes, and between ends."""
    forms = {
        "different on each axis": sum(len({*s.numbers(name)}) > 1 for s in sketches)
    }
    if name == "padding":
        forms["different at both ends"] = sum(
            any(a.before != a.after for a in s.axes) for s in sketches
        )
    return forms


def _short(numbers: Mapping[int, int]) -> Iterator[tuple[str, int]]:
    """Yield numbers with their layers, the large ones together."""
    yield from ((str(n), count) for n, count in numbers.items() if n <= _LARGE)
    more = [n for n in numbers if n > _LARGE]
    if more:
        ends = f"{more[0]} to {more[-1]}" if len(more) > 1 else str(more[0])
        yield ends, sum(numbers[n] for n in more)


def _with_text_keys(counts: Mapping[int, int]) -> dict[str, int]:
    return {str(key): count for key, count in counts.items()}


def _is_depthwise(s: Sketch) -> bool:
    return s.groups > 1 and (s.short if s.transposed else s.long) == 1


_SHAPES: Mapping[str, Callable[[Sketch], bool]] = {
    "even kernels": lambda s: any(a.taps % 2 == 0 for a in s.axes),
    "odd kernels": lambda s: any(a.taps % 2 for a in s.axes),
    "one tap": lambda s: all(a.taps == 1 for a in s.axes),
    "one window": lambda s: all(a.outputs == 1 for a in s.axes),
    "inputs left over": lambda s: any(a.leftover for a in s.axes),
    "two or more left over": lambda s: any(a.leftover > 1 for a in s.axes),
    "stride above kernel": lambda s: any(a.stride > a.span for a in s.axes),
    "padding above kernel": lambda s: any(
        max(a.before, a.after) >= a.span for a in s.axes
    ),
    "depthwise": _is_depthwise,
    "one sample": lambda s: s.batch == 1,
    "one channel": lambda s: s.groups == s.short == s.long == 1,
}
