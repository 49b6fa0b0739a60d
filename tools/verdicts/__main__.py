"""Count how often the checker's verdict holds.

Right functions in five styles, as whole settings, with a dictionary in a cache, and
with channels last: none may be accused. Then random mutations of their backward passes:
where a result changes on some of many layers, the function has to be called wrong.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

from deconv_tutorial import diagnose
from deconv_tutorial.diagnose.from_function import FunctionName
from deconv_tutorial.diagnose.report import Report
from tools.verdicts.layers import (
    SETTINGS_OF,
    Attempt,
    layer,
    with_channels_last,
    with_dictionary,
)
from tools.verdicts.mutated import FUNCTIONS, Outcome, chosen_mutants, outcome
from tools.verdicts.styles import STYLES

NOT_RIGHT = ("wrong", "refused")
"""What may be said of a mutated function. One that raises errors is refused."""


def reports_on_right(seeds: int) -> Iterator[tuple[str, str, Report]]:
    """Yield the style, how it is handed in, and the report, for each right function."""
    for seed in range(seeds):
        for name, style in STYLES.items():
            for of, attempt in layer(style).items():
                forms: dict[str, tuple[Attempt, dict[str, Any]]]
                forms = {"plain": (attempt, {})}
                if of.endswith("backward"):
                    forms["dictionary"] = with_dictionary(attempt)
                    forms["channels last"] = with_channels_last(
                        attempt, transposed="transpose" in of
                    )
                for form, (function, options) in forms.items():
                    report = diagnose.function(
                        function,
                        cast("FunctionName", of),
                        SETTINGS_OF[of],
                        ranks=(1, 2, 3),
                        seed=seed,
                        progress=False,
                        **options,
                    )
                    yield name, f"{of}, {form}", report


def print_right(seeds: int) -> int:
    """Print how many right functions were accused, and return their number."""
    layers: Counter[tuple[str, int]] = Counter()
    accused = calls = 0
    for style, form, report in reports_on_right(seeds):
        calls += 1
        for rank in (1, 2, 3):
            layers[style, rank] += report.coverage.ranks[rank] if report.coverage else 0
        if not report:
            accused += 1
            print(f"accused: {style}, {form}\n{report}")
    for style in STYLES:
        counts = ", ".join(f"{layers[style, rank]} of {rank}-D" for rank in (1, 2, 3))
        print(f"{style:14} layers {counts}")
    print(f"right attempts accused: {accused} of {calls}, on {layers.total()} layers")
    return accused


def print_mutated(count: int, layers: int, seed: int) -> int:
    """Print what became of mutated functions, and return how many passed as right."""
    found: list[Outcome] = []
    for mutant in chosen_mutants(count, seed):
        found += (outcome(mutant, of, layers, seed) for of in FUNCTIONS)
    changed = [(each, each.report) for each in found if each.report is not None]
    statuses = Counter(report.status for _, report in changed)
    shown = sum(any(f.call for f in report.findings) for _, report in changed)
    slowest = max((each.seconds for each, _ in changed), default=0.0)
    print(
        f"{count} mutations in {len(found)} functions; {len(changed)} change a result"
    )
    print(f"they are called: {dict(statuses)}; a call is shown for {shown}")
    print(f"the slowest report took {slowest:.1f} s")
    passed = [each for each, report in changed if report.status not in NOT_RIGHT]
    for each in passed:
        print(
            each.report.status if each.report is not None else "", each.of, each.mutant
        )
    return len(passed)


def main(arguments: list[str] | None = None) -> int:
    """Print both tables, and return 1 if a verdict does not hold."""
    parser = argparse.ArgumentParser(prog="tools.verdicts", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="for right functions")
    parser.add_argument("--mutants", type=int, default=500, help="how many to draw")
    parser.add_argument("--layers", type=int, default=2000, help="to compare each on")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    wrong = print_right(options.seeds) if options.seeds else 0
    if options.mutants:
        wrong += print_mutated(options.mutants, options.layers, options.seed)
    print(f"{time.perf_counter() - start:.0f} s")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
