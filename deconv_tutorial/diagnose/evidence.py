"""Turns the layers on which a result is wrong into one finding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from deconv_tutorial.diagnose.black_box import broken_properties, wrong_rules
from deconv_tutorial.diagnose.compare import is_same
from deconv_tutorial.diagnose.exploration import Exploration, Trial
from deconv_tutorial.diagnose.mistakes.formulas import formulas
from deconv_tutorial.diagnose.mistakes.problem import Target
from deconv_tutorial.diagnose.naming import (
    Evidence,
    Keys,
    explanations,
    mistaken_result,
)
from deconv_tutorial.diagnose.pasted import array_code, call_code
from deconv_tutorial.diagnose.probes import WEAK, LayerCall
from deconv_tutorial.diagnose.report import Finding
from deconv_tutorial.diagnose.shrink import shrunk
from deconv_tutorial.diagnose.sketch import Sketch
from deconv_tutorial.diagnose.symptoms import (
    general_symptoms,
    has_no_name,
    symptoms,
)
from deconv_tutorial.dtypes import Array

_ASKED = 3
"""So many layers are asked for the rule of a function, until one tells something."""
_CONNECTIONS = 9
"""So many connections on an axis tell its rule."""
_SAMPLES = 12
"""How many of the wrong layers, and of the right ones, mistakes are tried on first."""


def failure_findings(tried: Exploration) -> Iterator[Finding]:
    """Yield a finding for each kind of error that calls ended with."""
    if tried.end is not None:
        answer = tried.end.answer
        yield Finding("call", f"it fails on {tried.end.case}", where=(answer.error,))
    kinds: dict[str, Trial] = {}
    for trial in filter(lambda t: tried.is_accepted(t.sketch), tried.failures):
        kinds.setdefault(trial.answer.kind, trial)
    for kind, trial in [*kinds.items()][:3]:
        smallest = _smallest(
            tried,
            trial,
            lambda t, kind=kind: t.answer.ending == "failed" and t.answer.kind == kind,
        )
        yield Finding(
            "call",
            f"it fails on {smallest.case}",
            where=(smallest.answer.error,),
            call=call_code(tried.attempt, smallest.case),
        )
    for trial in tried.unsteady[:1]:
        yield Finding(
            "call",
            f"a second call with the same arrays gives something else: {trial.case}",
        )
    for trial in tried.trials:
        if "call" in trial.answer.complaints:
            yield Finding("call", trial.answer.complaints["call"])
            break


def result_findings(tried: Exploration) -> Iterator[Finding]:
    """Yield a finding for each result that is wrong or missing."""
    shown: list[Trial] = []
    for target in tried.attempt.targets:
        wrong = [trial for trial in tried.trials if target in trial.wrong]
        if not wrong:
            continue
        # One layer for several results, if they are all wrong on it.
        known = [trial for trial in shown if target in trial.wrong]
        smallest = (
            known[0]
            if known
            else _smallest(
                tried, min(wrong, key=_size), lambda t, n=target: n in t.wrong
            )
        )
        shown.append(smallest)
        yield _finding(tried, target, smallest, wrong)


def _size(trial: Trial) -> int:
    return trial.case.x.size + trial.case.w.size + trial.case.d_out.size


def _telling(trial: Trial) -> tuple[bool, int, bool, int]:
    """Return how much a layer tells about a rule: outputs, taps, connections, samples.

    Windows that see nothing but padding tell nothing.
    """
    sketch = trial.sketch
    some = all(axis.outputs > 1 and axis.taps > 1 for axis in sketch.axes)
    axes = trial.case.problem.geometry.axes
    fewest = min(sum(1 for _ in axis.connections()) for axis in axes)
    return some, min(fewest, _CONNECTIONS), sketch.batch > 1, -_size(trial)


def _smallest(
    tried: Exploration, start: Trial, is_such: Callable[[Trial], bool]
) -> Trial:
    """Return the smallest layer that fails in the same way."""

    def fails(sketch: Sketch) -> bool:
        if tried.end is not None or not tried.is_accepted(sketch):
            return False
        trial = tried.trial(sketch)
        if trial.answer.ending in {"stopped", "gone"}:
            tried.end = trial
        return is_such(trial)

    return tried.trial(shrunk(start.sketch, fails, tried.steps))


def _finding(
    tried: Exploration, target: Target, smallest: Trial, wrong: Sequence[Trial]
) -> Finding:
    case, answer = smallest.case, smallest.answer
    counted = f"wrong on {len(wrong)} of {len(tried.trials)} layers"
    if target not in answer.arrays:
        return Finding(target, str(case), where=(answer.complaints[target], counted))
    found = answer.arrays[target]
    names = _names(tried, target, smallest, wrong)
    where = _symptoms(tried, target, smallest, wrong)
    if not names and not where[0].startswith("it is "):
        telling = sorted(wrong, key=_telling, reverse=True)[:_ASKED]
        clues = (_clues(tried, target, trial.case) for trial in telling)
        where += next(filter(None, clues), list[str]())
    theirs = tried.attempt.layout.theirs
    return Finding(
        target,
        str(case),
        tuple(names),
        (*where, counted),
        _passed_probes(tried, target),
        call_code(tried.attempt, case),
        array_code(theirs(target, case.expected(target))),
        array_code(theirs(target, found)),
    )


def _symptoms(
    tried: Exploration, target: Target, smallest: Trial, wrong: Sequence[Trial]
) -> list[str]:
    """Return what is seen on every wrong layer, as it is on the smallest."""
    case, found = smallest.case, smallest.answer.arrays[target]
    if target == "y" and case.b is not None:
        if is_same(found, case.problem.result("y"), tried.rtol):
            return ["it is right but for the bias, which is not added"]
        found = case.without_bias(target, found)
    kinds: set[str] | None = None
    for trial in [smallest, *_spread(wrong)]:
        if target in trial.answer.arrays:
            array = trial.case.without_bias(target, trial.answer.arrays[target])
            seen = general_symptoms(trial.case.problem, target, array, tried.rtol)
            here = {symptom.kind for symptom in seen}
            kinds = here if kinds is None else kinds & here
    return symptoms(case.problem, target, found, tried.rtol, kinds)


def _names(
    tried: Exploration, target: Target, smallest: Trial, wrong: Sequence[Trial]
) -> list[Keys]:
    """Return the mistakes that explain what was found on every layer."""
    evidence = [_evidence(trial, target) for trial in tried.trials]
    chosen = [smallest, *_spread(wrong)]
    right = [trial for trial in tried.trials if target not in trial.wrong]
    some = [_evidence(trial, target) for trial in [*chosen, *_spread(right)]]
    given = [each for each in some if each is not None]
    if all(_has_no_name(target, each) for each in given[: len(chosen)]):
        return []
    names = explanations(target, given, rtol=tried.rtol)
    known = [each for each in evidence if each is not None]
    return [
        k
        for k in names
        if len(k) > 1 or _explains(target, "".join(k), known, tried.rtol)
    ]


def _has_no_name(target: Target, evidence: Evidence) -> bool:
    return has_no_name(evidence[0], target, evidence[1])


def _explains(
    target: Target, key: str, evidence: Sequence[Evidence], rtol: float | None
) -> bool:
    """Return whether a mistake, in some form of it, gives every array."""
    transposed = evidence[0][0].transposed
    forms = [f for f in formulas(target, transposed=transposed) if f.key == key]
    for problem, found in evidence:
        results = (mistaken_result(problem, [form]) for form in forms)
        some = [result for result in results if result is not None]
        if len(some) < len(forms):  # then it cannot be made here
            some.append(problem.result(target))
        if not any(is_same(found, result, rtol) for result in some):
            return False
    return True


def _spread(trials: Sequence[Trial]) -> list[Trial]:
    """Return a few of the trials, from the first to the last."""
    if len(trials) <= _SAMPLES:
        return [*trials]
    places = np.linspace(0, len(trials) - 1, _SAMPLES).astype(int)
    return [trials[n] for n in places]


def _evidence(trial: Trial, target: Target) -> Evidence | None:
    """Return the problem and what was found, without its bias, if there is a result."""
    found = trial.answer.arrays.get(target)
    return (
        found
        if found is None
        else (trial.case.problem, trial.case.without_bias(target, found))
    )


def _clues(tried: Exploration, target: Target, case: LayerCall) -> list[str]:
    """Return what further calls reveal about a mistake that has no name."""

    def results(changed: LayerCall) -> dict[Target, Array]:
        return dict(tried.runner.answer(changed).arrays)

    sentences: list[str] = []
    for question in (wrong_rules, broken_properties):
        try:
            sentences += question(results, target, case)
        except Exception:  # noqa: BLE001  # it may fail on other arrays
            continue
    return [f"{sentence} ({case})" for sentence in sentences]


def _passed_probes(tried: Exploration, target: Target) -> tuple[str, ...]:
    """Return the names of the weak probes on which a result is right."""
    attempt = tried.attempt
    names: list[str] = []
    if tried.end is not None or attempt.has_bias or tried.space.fixed:
        return ()
    for probe in WEAK:
        if not probe.suits(attempt.settings, transposed=attempt.transposed):
            continue
        case = probe.case(transposed=attempt.transposed)
        found = tried.runner.answer(case).arrays.get(target)
        if found is not None and is_same(found, case.expected(target)):
            names.append(probe.name)
    return tuple(names)
