"""Tries an attempt on the layers of a space, and steps down where it refuses them."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from deconv_tutorial.diagnose.attempt import Attempt
from deconv_tutorial.diagnose.compare import is_same
from deconv_tutorial.diagnose.limits import LIMITS, within
from deconv_tutorial.diagnose.probes import LayerCall
from deconv_tutorial.diagnose.sketch import Sketch
from deconv_tutorial.diagnose.space import Space
from deconv_tutorial.diagnose.trial import Answer, Runner

Item = TypeVar("Item")

OF_CONVERT = ("whole numbers", "positive numbers")
"""The limits that `convert` sets, and not the attempt."""

_ENOUGH_SECONDS = 2.0
"""The seconds after which no more layers are tried if one was wrong."""
_ENOUGH_FAILURES = 40
"""The failed calls after which no more layers are tried if none succeeded."""
_BAR_AFTER = 2.0
"""The seconds after which a progress bar is shown."""
_SEARCHES = 8
"""How often the limit is searched that a refusal comes from."""
_REPEATED = 16
"""Of so many layers, one is tried twice."""
_OF_THE_FORM = re.compile(r"tuple|sequence|inhomogeneous|unpack|subscript|iterable")
"""What an error speaks of that is raised by a number where a tuple is needed, or the
other way round."""


@dataclass(frozen=True, eq=False)
class Trial:
    """A layer, and what an attempt gave for it."""

    sketch: Sketch
    case: LayerCall
    answer: Answer
    wrong: tuple[str, ...] = ()
    """The results that are wrong or missing."""


@dataclass(eq=False)
class Exploration:
    """What was tried, what was refused, and how the calls ended."""

    attempt: Attempt
    runner: Runner
    space: Space
    limits: list[str]
    """The limits to keep within: those that were declared, and those found."""
    predicates: tuple[Callable[[LayerCall], bool], ...] = ()
    rtol: float | None = None
    trials: list[Trial] = field(default_factory=list[Trial])
    """The layers for which it returned something."""
    failures: list[Trial] = field(default_factory=list[Trial])
    """The layers on which it failed."""
    refusals: dict[str, Trial] = field(default_factory=dict[str, Trial])
    """The limits that were found, each with a layer beyond it that was refused."""
    unexplained: list[Trial] = field(default_factory=list[Trial])
    """The layers that were refused although they are within all limits."""
    unsteady: list[Trial] = field(default_factory=list[Trial])
    """The layers for which a second call gave something else."""
    end: Trial | None = None
    """The last call, if none could follow it."""
    _known: dict[Sketch, Trial] = field(default_factory=dict[Sketch, Trial])
    _searches: int = 0

    def explore(self, budget: float, *, progress: bool | None = None) -> None:
        """Try the layers of the space, within so many seconds."""
        start = time.monotonic()
        drawn = self.space.sketches(self.limits)
        for n, sketch in enumerate(_with_bar(drawn, self.space.count, progress)):
            self._try(sketch, twice=n % _REPEATED == 0)
            if self.end or self._has_enough(time.monotonic() - start, budget):
                break

    def trial(self, sketch: Sketch) -> Trial:
        """Return what the attempt gives for a layer."""
        if sketch not in self._known:
            case = sketch.call(self.attempt.settings, bias=self.attempt.has_bias)
            self._known[sketch] = self._compared(sketch, case)
        return self._known[sketch]

    def is_accepted(self, sketch: Sketch) -> bool:
        """Return whether a layer is within all limits."""
        if within(sketch, self.steps) != sketch:
            return False
        case = sketch.call(self.attempt.settings)
        return all(accepts(case) for accepts in self.predicates)

    @property
    def steps(self) -> list[Callable[[Sketch], Sketch]]:
        """The limits to keep within, as steps."""
        return [*self.space.steps, *(LIMITS[name] for name in self.limits)]

    def _compared(self, sketch: Sketch, case: LayerCall) -> Trial:
        answer = self.runner.answer(case)
        wrong = tuple(
            target
            for target in (self.attempt.targets if answer.ending == "returned" else ())
            if target not in answer.arrays
            or not is_same(answer.arrays[target], case.expected(target), self.rtol)
        )
        return Trial(sketch, case, answer, wrong)

    def _has_enough(self, seconds: float, budget: float) -> bool:
        failed = len(self.failures) + len(self.unexplained)
        return (
            seconds > budget
            or (not self.trials and failed >= _ENOUGH_FAILURES)
            or (seconds > _ENOUGH_SECONDS and any(trial.wrong for trial in self.trials))
        )

    def _try(self, sketch: Sketch, *, twice: bool = False) -> None:
        if sketch in self._known or not self.is_accepted(sketch):
            return
        trial = self.trial(sketch)
        ending = trial.answer.ending
        if ending == "returned":
            self.trials.append(trial)
            if twice:
                self._repeat(trial)
        elif ending in {"stopped", "gone", "uncallable"}:
            self.end = trial
        elif _may_be_refusal(trial.answer) and (found := self._needed_limits(sketch)):
            self.refusals |= dict.fromkeys(found, trial)
            self.limits += found
            self._try(within(sketch, self.steps))
        elif ending == "refused":
            self.unexplained.append(trial)
        else:
            self.failures.append(trial)

    def _repeat(self, trial: Trial) -> None:
        """Call the attempt a second time with the same arrays."""
        again = self._compared(trial.sketch, trial.case).answer
        if again.ending in {"stopped", "gone"}:
            self.end = Trial(trial.sketch, trial.case, again)
        elif again.ending != "returned" or any(
            not is_same(again.arrays[target], array, self.rtol)
            for target, array in trial.answer.arrays.items()
            if target in again.arrays
        ):
            self.unsteady.append(trial)

    def _needed_limits(self, sketch: Sketch) -> list[str]:
        """Return the limits within which a refused layer is taken, or none."""
        if self._searches == _SEARCHES:
            return []
        self._searches += 1
        free = [name for name in LIMITS if name not in self.limits]
        for name in free:
            if self._is_taken(sketch, [name]):
                return [name]
        # No single one: add them one by one, and leave out what is not needed.
        for count in range(2, len(free) + 1):
            if self._is_taken(sketch, free[:count]):
                return self._thinned_out(sketch, free[:count])
        return []

    def _is_taken(self, sketch: Sketch, more: Sequence[str]) -> bool:
        """Return whether the nearest layer within more limits is taken."""
        if self.end is not None:
            return False
        nearer = within(sketch, [*self.steps, *(LIMITS[name] for name in more)])
        if nearer == sketch:
            return False
        trial = self.trial(nearer)
        if trial.answer.ending in {"stopped", "gone"}:
            self.end = trial
        return trial.answer.ending == "returned"

    def _thinned_out(self, sketch: Sketch, names: Sequence[str]) -> list[str]:
        needed = [*names]
        for name in names:
            fewer = [each for each in needed if each != name]
            if fewer and self._is_taken(sketch, fewer):
                needed = fewer
        return needed


def _may_be_refusal(answer: Answer) -> bool:
    """Return whether an error may come from a layer, or a form, that is not taken."""
    of_the_form = answer.kind == "TypeError" or _OF_THE_FORM.search(answer.error)
    return answer.ending == "refused" or bool(of_the_form)


def _with_bar(
    items: Iterable[Item], total: int, progress: bool | None
) -> Iterator[Item]:
    """Yield the items, with a progress bar if that takes longer than two seconds."""
    if progress is None:
        progress = sys.stderr.isatty() or "ipykernel" in sys.modules
    if progress:
        try:
            from tqdm import tqdm  # only where a bar is shown
        except ImportError:
            pass
        else:
            bar = tqdm(
                items, total=total, delay=_BAR_AFTER, leave=False, unit=" layers"
            )
            yield from bar
            return
    yield from items
