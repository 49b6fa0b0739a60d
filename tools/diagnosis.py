"""Measure how often the checker names a mistake rightly, and how fast, in a table.

Each mistake of the catalogue is made on single probes, on several random layers at
once, and in pairs. The checker gets the wrong arrays.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from deconv_tutorial.diagnose.compare import is_same
from deconv_tutorial.diagnose.mistakes.formulas import Formula, formulas
from deconv_tutorial.diagnose.mistakes.problem import TARGETS, Problem, Target
from deconv_tutorial.diagnose.naming import FEWEST, explanations, mistaken_result
from deconv_tutorial.diagnose.probes import STRONG, LayerCall, Probe
from deconv_tutorial.dtypes import Array

NAMED = ("P1", "P1g", "P2")
FEWEST_NUMBERS = 8
"""Of fewer numbers beside 0, pairs are not named: too many fit by coincidence."""
TOGETHER = 3
"""Whoever tries a function has several layers: so many are drawn for each mistake."""


@dataclass
class Tally:
    """Numbers of mistakes: made, named first, and named among the first three."""

    made: int = 0
    first: int = 0
    among_three: int = 0

    def add(self, keys: Sequence[str], found: Sequence[Sequence[str]]) -> bool:
        """Count one mistake, or two. Return whether its own name is the first."""
        names = [set(each) for each in found[:3]]
        self.made += 1
        self.first += names[:1] == [set(keys)]
        self.among_three += set(keys) in names
        return names[:1] == [set(keys)]

    def reaches(self, first: float, among_three: float) -> bool:
        """Return whether both shares are as large as these."""
        enough = self.first >= first * self.made
        return enough and self.among_three >= among_three * self.made

    def __str__(self) -> str:
        """Return both shares in percent."""
        first, three = (
            100 * n / max(1, self.made) for n in (self.first, self.among_three)
        )
        return f"{self.made:6} made  {first:6.1f} % first  {three:6.1f} % among three"


def mistakes(problem: Problem, target: Target) -> Iterator[tuple[Formula, Array]]:
    """Yield each mistake that makes a difference, and its wrong result."""
    right = problem.result(target)
    for formula in formulas(target, transposed=problem.transposed):
        result = mistaken_result(problem, [formula])
        if result is not None and not is_same(result, right):
            yield formula, result


def count_singles(cases: Sequence[LayerCall], tally: Tally, *, loud: bool) -> None:
    """Make each mistake on all layers at once, and count the names that it gets.

    On one layer, several mistakes may give the same array: with a padding of 2, "the
    padding counts twice" and "the padding is 4" are one. Several layers tell them
    apart.
    """
    problems = [case.problem for case in cases]
    for target in TARGETS:
        rights = [problem.result(target) for problem in problems]
        for formula in formulas(target, transposed=problems[0].transposed):
            evidence = [
                (problem, right if result is None else result)
                for problem, right in zip(problems, rights, strict=True)
                for result in [mistaken_result(problem, [formula])]
            ]
            numbers = (
                np.count_nonzero(found)
                for (_, found), right in zip(evidence, rights, strict=True)
                if not is_same(found, right)
            )
            if sum(numbers) < FEWEST:
                continue  # zeros alone are not named
            names = explanations(target, evidence)
            own = tally.add((formula.key,), names)
            if loud and not own:
                print(f"    {cases[0].name}: {formula.key} is taken for {names[:3]}")


def count_pairs(case: LayerCall, tally: Tally, most: int, *, loud: bool) -> None:
    """Make pairs of mistakes that no single one explains, and count their names."""
    problem, draw = case.problem, random.Random(0)
    for target in TARGETS:
        alone = [*mistakes(problem, target)]
        known = [problem.result(target), *(result for _, result in alone)]
        pairs = [*combinations([formula for formula, _ in alone], 2)]
        draw.shuffle(pairs)
        count = 0
        for one, other in pairs:
            result = mistaken_result(problem, (one, other))
            if not one.goes_with(other) or result is None or count == most:
                continue
            if np.count_nonzero(result) < FEWEST_NUMBERS:
                continue
            if any(is_same(result, array) for array in known):
                continue
            names = explanations(target, [(problem, result)])
            own = tally.add((one.key, other.key), names)
            count += 1
            if loud and not own:
                print(f"    {one.key} and {other.key} are taken for {names[:3]}")


def drawn_layers(count: int, seed: int = 0) -> Iterator[LayerCall]:
    """Yield random layers of ranks 1 to 3 with all kinds of settings."""
    draw = random.Random(seed)
    for n in range(count):
        rank = draw.choice((1, 2, 2, 3))
        groups = draw.choice((1, 1, 2, 3))
        a, b = draw.sample((1, 2, 3), 2)
        largest = {1: 7, 2: 5, 3: 3}[rank]
        outputs = [draw.randint(2, largest) for _ in range(rank)]
        taps = [draw.randint(2, {1: 5, 2: 4, 3: 3}[rank]) for _ in range(rank)]
        stride = [draw.randint(1, 3) for _ in range(rank)]
        dilation = [draw.randint(1, 3) for _ in range(rank)]
        spans = [
            s * (o - 1) + d * (k - 1) + 1 + draw.randrange(s)
            for o, k, s, d in zip(outputs, taps, stride, dilation, strict=True)
        ]
        pads = [(draw.randint(0, 3), draw.randint(0, 3)) for _ in range(rank)]
        pads = [
            p if sum(p) < size else (0, 0) for p, size in zip(pads, spans, strict=True)
        ]
        sizes = [size - sum(pad) for pad, size in zip(pads, spans, strict=True)]
        settings = {
            "stride": tuple(stride),
            "padding": tuple(pads),
            "dilation": tuple(dilation),
            "groups": groups,
        }
        x_shape = (draw.randint(2, 3), groups * b, *sizes)
        probe = Probe(f"drawn {n}", x_shape, (groups * a, b, *taps), settings)
        yield probe.case(transposed=draw.random() < 1 / 2)


def print_line(name: str, tally: object, start: float) -> None:
    """Print a line of the table."""
    print(f"{name:28} {tally}  {time.perf_counter() - start:6.1f} s", flush=True)


def drawn_sets(count: int) -> Iterator[list[LayerCall]]:
    """Yield sets of random layers: convolutions and transposed ones in turn."""
    waiting: dict[bool, list[LayerCall]] = {False: [], True: []}
    for case in drawn_layers(count):
        waiting[case.transposed].append(case)
        if len(waiting[case.transposed]) == TOGETHER:
            yield waiting[case.transposed]
            waiting[case.transposed] = []


def accusations(count: int) -> tuple[int, int]:
    """Return how many right answers were accused, in float32, and how many tried."""
    right = wrong = 0
    for case in drawn_layers(count, seed=1):
        for target in TARGETS:
            result = case.problem.result(target).astype(np.float32)
            right += 1
            wrong += bool(explanations(target, [(case.problem, result)]))
    return wrong, right


def main(arguments: list[str] | None = None) -> int:
    """Print the table, and return 1 if a number is lower than it must be."""
    parser = argparse.ArgumentParser(prog="tools.diagnosis", description=__doc__)
    parser.add_argument("--layers", type=int, default=60, help="how many to draw")
    parser.add_argument("--pairs", type=int, default=40, help="of each result")
    parser.add_argument("--loud", action="store_true", help="name what is mistaken")
    options = parser.parse_args(arguments)
    probes = {probe.name: probe for probe in STRONG if probe.name in NAMED}
    short = False
    for transposed, (name, probe) in product((False, True), probes.items()):
        start, tally = time.perf_counter(), Tally()
        case = probe.case(transposed=transposed)
        count_singles([case], tally, loud=options.loud)
        print_line(f"{name} alone, {layer_name(case)}", tally, start)
        short |= not tally.reaches(0.9, 0.97)
    start, tally = time.perf_counter(), Tally()
    for cases in drawn_sets(options.layers):
        count_singles(cases, tally, loud=options.loud)
    print_line(f"{options.layers} drawn layers, {TOGETHER} at once", tally, start)
    short |= not tally.reaches(0.96, 0.995)
    wrong, right = accusations(options.layers)
    print(f"{'right answers accused':28} {wrong} of {right}")
    for transposed in (False, True):
        start, tally = time.perf_counter(), Tally()
        case = probes["P1g"].case(transposed=transposed)
        count_pairs(case, tally, options.pairs, loud=options.loud)
        print_line(f"pairs on P1g, {layer_name(case)}", tally, start)
        short |= not tally.reaches(0.9, 0.97)
    return int(short or wrong > 0)


def layer_name(case: LayerCall) -> str:
    """Return which of the two layers is called."""
    return "conv_transpose" if case.transposed else "conv"


if __name__ == "__main__":
    sys.exit(main())
