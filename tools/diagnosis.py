"""Measure how often the checker names a mistake rightly, and how fast, in a table.

Each mistake of the catalogue is made on probes and on random layers, alone and in
pairs. The checker gets the wrong arrays.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from deconv_tutorial.diagnose.compare import is_same
from deconv_tutorial.diagnose.mistakes.formulas import Formula, formulas
from deconv_tutorial.diagnose.mistakes.problem import TARGETS, Problem, Target
from deconv_tutorial.diagnose.naming import explanations, mistaken_result
from deconv_tutorial.diagnose.probes import STRONG, LayerCall, Probe
from deconv_tutorial.dtypes import Array

NAMED = ("P1", "P1g", "P2")


@dataclass
class Tally:
    """Numbers of mistakes: made, named first, and named among the first three."""

    made: int = 0
    first: int = 0
    among_three: int = 0

    def add(self, key: object, found: list[object]) -> bool:
        """Count one mistake. Return whether its own name is the first that it got."""
        self.made += 1
        self.first += found[:1] == [key]
        self.among_three += key in found[:3]
        return found[:1] == [key]

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


def count_singles(case: LayerCall, tally: Tally, *, loud: bool = False) -> None:
    """Make each mistake, and count the names that the checker gives it."""
    for target in TARGETS:
        for formula, result in mistakes(case.problem, target):
            found = explanations(target, [(case.problem, result)])
            right = tally.add((formula.key,), list(found))
            if loud and not right:
                print(f"    {case.name}: {formula.key} is taken for {found[:3]}")


def count_pairs(case: LayerCall, tally: Tally) -> None:
    """Make each pair of mistakes that no single one explains, and count its names."""
    problem = case.problem
    for target in TARGETS:
        alone = [*mistakes(problem, target)]
        known = [problem.result(target), *(result for _, result in alone)]
        for one, other in combinations([formula for formula, _ in alone], 2):
            result = mistaken_result(problem, (one, other))
            if result is None or any(is_same(result, array) for array in known):
                continue
            found = explanations(target, [(problem, result)])
            tally.add((one.key, other.key), list(found))


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


def main(arguments: list[str] | None = None) -> int:
    """Print the table, and return 1 if a number is lower than it must be."""
    parser = argparse.ArgumentParser(prog="tools.diagnosis", description=__doc__)
    parser.add_argument("--layers", type=int, default=200, help="how many to draw")
    parser.add_argument("--pairs", type=int, default=2, help="of how many probes")
    parser.add_argument("--loud", action="store_true", help="name what is mistaken")
    options = parser.parse_args(arguments)
    short = False
    cases = {
        f"{name}, {'conv_transpose' if transposed else 'conv'}": probe.case(
            transposed=transposed
        )
        for probe in STRONG
        if (name := probe.name) in NAMED
        for transposed in (False, True)
    }
    for name, case in cases.items():
        start, tally = time.perf_counter(), Tally()
        count_singles(case, tally, loud=options.loud)
        print_line(name, tally, start)
    start, tally = time.perf_counter(), Tally()
    right = wrong = 0
    for case in drawn_layers(options.layers):
        count_singles(case, tally, loud=options.loud)
        for target in TARGETS:
            result = case.problem.result(target).astype(np.float32)
            right += 1
            wrong += bool(explanations(target, [(case.problem, result)]))
    print_line(f"{options.layers} drawn layers", tally, start)
    short |= tally.first < 0.95 * tally.made or tally.among_three < 0.99 * tally.made
    print(f"{'right answers accused':28} {wrong} of {right}")
    both = [case for name, case in cases.items() if name.startswith("P1g")]
    for case in both[: options.pairs]:
        start, tally = time.perf_counter(), Tally()
        count_pairs(case, tally)
        layer = "conv_transpose" if case.transposed else "conv"
        print_line(f"pairs on P1g, {layer}", tally, start)
        short |= tally.first < 0.8 * tally.made
    return int(short or wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
