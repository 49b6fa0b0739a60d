"""Mutated backward passes: whether a result changes, and what the checker says."""

from __future__ import annotations

import itertools
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from deconv_tutorial import diagnose
from deconv_tutorial.diagnose.from_function import FunctionName
from deconv_tutorial.diagnose.report import Report
from deconv_tutorial.diagnose.trial import time_limit
from tools.mutations import Mutant, drawn, mutants_of
from tools.verdicts import layers, styles
from tools.verdicts.drawn_calls import DrawnCall, drawn_calls

FUNCTIONS: tuple[FunctionName, ...] = ("conv_backward", "conv_transpose_backward")
LIMIT = 2.0
"""So many seconds one call may take."""
WORDS = {
    "loops": "loops",
    "input_place": "loops",
    "output_size": "columns",
    "places": "loops",
    "slices": "slices",
    "tap_slices": "slices",
    "columns": "columns",
    "column_indices": "columns",
    "windows": "windows",
    "window_slices": "windows",
    "spread": "zeros between",
    "slide": "zeros between",
}
"""The style to which a function of `styles` belongs, by its name or the first word."""
NOT_PASSES = {"with_dictionary", "with_channels_last", "backward", "first", "<module>"}


class Outcome(NamedTuple):
    """What became of one mutated function."""

    mutant: Mutant
    of: FunctionName
    changes: bool
    report: Report | None
    seconds: float


def chosen_mutants(count: int, seed: int) -> list[Mutant]:
    """Return random mutations of the text of the styles and of the layers."""
    lists: list[Mutant] = []
    for module in (styles, layers):
        path = Path(module.__file__ or "")
        lists += mutants_of(path.read_bytes(), path.name)
    usable = (m for m in drawn(lists, seed) if m.function not in NOT_PASSES)
    return list(itertools.islice(usable, count))


def mutated_functions(mutant: Mutant) -> dict[str, layers.Attempt]:
    """Return the two backward passes with a mutation in them."""
    path = Path(styles.__file__ or "").with_name(mutant.file)
    text = mutant.applied(path.read_bytes())
    module = ModuleType(path.stem)
    exec(compile(text, path.name, "exec"), module.__dict__)
    made: Any = module
    if mutant.file == "layers.py":
        build, style = made.layer, styles.STYLES["columns"]
    else:
        name = mutant.function
        word = WORDS[name if name in WORDS else name.partition("_")[0]]
        build, style = layers.layer, made.STYLES[word]
    return build(style)


def changes(attempt: layers.Attempt, calls: Iterator[DrawnCall]) -> bool:
    """Return whether a function is wrong on some layer, or fails there."""
    return any(_is_wrong(attempt, call) for call in calls)


def _is_wrong(attempt: layers.Attempt, call: DrawnCall) -> bool:
    given = call.d_out.copy(), call.x.copy(), call.w.copy()
    warnings.simplefilter("ignore")  # a mutation may divide by zero
    with suppress(Exception), time_limit(LIMIT):
        found = attempt(*given, **call.settings)
        return not all(map(np.array_equal, found, call.right))
    return True


def outcome(mutant: Mutant, of: FunctionName, count: int, seed: int) -> Outcome:
    """Return what the checker says of a mutated function, if a result changes."""
    transposed = of.startswith("conv_transpose")
    try:
        attempt = mutated_functions(mutant)[of]
    except Exception:  # noqa: BLE001  # it cannot even be defined
        return Outcome(mutant, of, changes=False, report=None, seconds=0.0)
    if not changes(attempt, drawn_calls(count, seed, transposed=transposed)):
        return Outcome(mutant, of, changes=False, report=None, seconds=0.0)
    start = time.perf_counter()
    settings = layers.SETTINGS_OF[of]
    report = diagnose.function(
        attempt, of, settings, ranks=(1, 2), seconds=LIMIT, progress=False
    )
    return Outcome(mutant, of, True, report, time.perf_counter() - start)
