"""Runs a function that somebody wrote on layers that few mistakes survive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, cast

import numpy as np

from deconv_tutorial.diagnose.black_box import broken_properties, wrong_rules
from deconv_tutorial.diagnose.compare import is_same, whereabouts
from deconv_tutorial.diagnose.mistakes.problem import Target
from deconv_tutorial.diagnose.naming import explanations
from deconv_tutorial.diagnose.probes import SETTINGS, STRONG, WEAK, LayerCall, Probe
from deconv_tutorial.diagnose.report import Finding, Report
from deconv_tutorial.diagnose.trial import blame, time_limit
from deconv_tutorial.dtypes import Array

FunctionName: TypeAlias = Literal[
    "conv", "conv_backward", "conv_transpose", "conv_transpose_backward"
]
Names: TypeAlias = Mapping[str | tuple[str, ...], str]

Try: TypeAlias = tuple[LayerCall, dict[Target, Array]]
"""A layer call, and the results that the attempt returned for it."""

RETURNS: Mapping[str, tuple[Target, ...]] = {
    "conv": ("y",),
    "conv_backward": ("dx", "dw", "db"),
    "conv_transpose": ("y",),
    "conv_transpose_backward": ("dx", "dw", "db"),
}
"""The results of each function, in the order in which it returns them."""


@dataclass(frozen=True)
class Attempt:
    """A function that somebody wrote, and how to call it."""

    function: Callable[..., Any]
    of: FunctionName
    settings: tuple[str, ...] = SETTINGS
    names: Names = field(default_factory=dict[str | tuple[str, ...], str])
    returns: tuple[str, ...] = ()
    convert: Callable[[Array], Any] | None = None
    seconds: float = 10.0

    @property
    def transposed(self) -> bool:
        """Whether the layer is a transposed convolution."""
        return self.of.startswith("conv_transpose")

    def suits(self, probe: Probe) -> bool:
        """Return whether the function takes every setting that a probe has."""
        return probe.suits(self.settings, transposed=self.transposed)

    def results(self, case: LayerCall) -> dict[Target, Array]:
        """Return what the function returns for a layer call, as arrays by target."""
        given = {"x": case.x, "w": case.w}
        if self.of.endswith("backward"):
            given = {"d_out": case.d_out, **given}
        copies = {name: array.copy() for name, array in given.items()}
        made = {
            name: self.convert(a) if self.convert else a for name, a in copies.items()
        }
        positional, keywords = self._arguments(made, dict(case.settings))
        with time_limit(self.seconds):
            result = self.function(*positional, **keywords)
        changed = [n for n, a in copies.items() if not np.array_equal(a, given[n])]
        if changed:
            msg = f"it changed its argument {', '.join(changed)} in place"
            raise ChangedArgumentError(msg)
        return self._results_by_target(result)

    def _arguments(
        self, arrays: dict[str, Any], settings: dict[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """Return the positional arguments and the keyword arguments of the call."""
        tuples = {
            name for ours in self.names if isinstance(ours, tuple) for name in ours
        }
        theirs = {self.names.get(name, name): v for name, v in settings.items()}
        if "settings" not in tuples:
            settings, theirs = theirs, settings
        else:
            settings = {}
        everything: dict[str, Any] = {**arrays, **theirs, "settings": theirs}
        keywords: dict[str, Any] = dict(settings)
        for ours, name in self.names.items():
            if isinstance(ours, tuple):
                keywords[name] = tuple(everything.get(each) for each in ours)
            elif ours in arrays:
                keywords[name] = arrays[ours]
        named = tuples | set(self.names)
        rest = {name: array for name, array in arrays.items() if name not in named}
        for name in tuples & set(keywords):
            del keywords[name]
        if len(rest) < len(arrays):  # places have changed, so names have to do
            return [], {**rest, **keywords}
        return [*rest.values()], keywords

    def _results_by_target(self, result: Any) -> dict[Target, Array]:  # noqa: ANN401
        kind = type(result).__name__
        if hasattr(result, "_asdict"):
            result = result._asdict()
        if isinstance(result, Mapping):
            values = dict(cast("Mapping[str, Any]", result))
        else:
            several = isinstance(result, tuple | list)
            parts = cast("Sequence[Any]", result) if several else (result,)
            values = dict(zip(self.returns or RETURNS[self.of], parts, strict=False))
        arrays: dict[Target, Array] = {
            target: as_array(values[target])
            for target in RETURNS[self.of]
            if values.get(target) is not None
        }
        if not arrays:
            wanted = " or ".join(RETURNS[self.of])
            msg = f"it needs to return {wanted}, got {kind}"
            raise TypeError(msg)
        return arrays


class ChangedArgumentError(Exception):
    """An attempt wrote into an array that it was given."""


def function(
    attempt: Callable[..., Any],
    of: FunctionName,
    settings: Sequence[str] = SETTINGS,
    *,
    ranks: Sequence[int] = (2,),
    names: Names | None = None,
    returns: Sequence[str] = (),
    convert: Callable[[Array], Any] | None = None,
    seconds: float = 10.0,
) -> Report:
    """Run a function on strong probes, and name the mistake in each wrong result.

    Parameters
    ----------
    attempt : callable
        Called as ``attempt(d_out, x, w, **settings)``, or ``attempt(x, w, **settings)``
        if it is a forward pass. The arrays are float64 and hold whole numbers. If the
        attempt raises `NotImplementedError`, the probe is skipped, and the report says
        so.
    of : {"conv", "conv_backward", "conv_transpose", "conv_transpose_backward"}
        The function of this package that the attempt should equal.
    settings : sequence of str
        The settings that the attempt takes. Probes with other settings are skipped.
        Each setting is passed as a whole number or a tuple of whole numbers, as to the
        function of this package.
    ranks : sequence of int
        The numbers of spatial axes to try.
    names : mapping, optional
        The attempt's names for its arguments, such as ``{"d_out": "dout", "padding":
        "pad"}``. If an array is among them, all arrays are passed by name. Several
        arguments can be passed as one tuple: ``{("x", "w", "settings"): "cache"}``.
        There ``"settings"`` stands for a dictionary of all settings, under the names
        that this mapping gives them.
    returns : sequence of str
        The order of the results, if the attempt returns a tuple in another order than
        ``("dx", "dw", "db")``. It may also return a dictionary.
    convert : callable, optional
        Makes the attempt's kind of array from a NumPy array, such as ``torch.tensor``.
    seconds : float
        How long one call may take, on platforms that can stop it.

    Returns
    -------
    Report
        True if all results are right. An error that the attempt raises is a finding.

    Raises
    ------
    ValueError
        If `of`, a setting or a rank is unknown, or if no probe fits the settings.

    Examples
    --------
    >>> import numpy as np
    >>> from deconv_tutorial import conv_backward, diagnose
    >>> def attempt(d_out, x, w, stride=1):
    ...     dx, dw, db = conv_backward(d_out, x, w, stride=stride)
    ...     return dx, dw, db / d_out[0, 0].size / len(d_out)
    >>> report = diagnose.function(attempt, "conv_backward", ["stride"])
    >>> [(f.target, f.mistakes[0].key) for f in report.findings]
    [('db', 'db-mean-all')]
    """
    tried = Attempt(
        attempt, of, tuple(settings), names or {}, tuple(returns), convert, seconds
    )
    probes = _probes(tried, tuple(ranks))
    tries: list[Try] = []
    failed: dict[str, Finding] = {}
    left_out: list[str] = []
    for probe in probes:
        case = probe.case(transposed=tried.transposed)
        try:
            tries.append((case, tried.results(case)))
        except NotImplementedError:
            left_out.append(probe.name)
        except Exception as error:  # noqa: BLE001  # whatever a learner's code raises
            finding = Finding("call", f"it fails on {case}", where=(blame(error),))
            failed.setdefault(type(error).__name__, finding)
    found = (_finding(tried, target, tries) for target in RETURNS[of])
    if len(left_out) == len(probes):
        why = "NotImplementedError on every probe, so nothing could be checked"
        failed["all"] = Finding("call", "it is not written yet", where=(why,))
    names_of = ", ".join(probe.name for probe in probes if probe.name not in left_out)
    without = f", not on {', '.join(left_out)}" if left_out else ""
    return Report(
        (f"{of} on the probes {names_of}{without}",),
        (*failed.values(), *(f for f in found if f is not None)),
    )


def _probes(attempt: Attempt, ranks: tuple[int, ...]) -> list[Probe]:
    if attempt.of not in RETURNS:
        msg = f"of needs one of {list(RETURNS)}, got {attempt.of!r}"
        raise ValueError(msg)
    unknown = set(attempt.settings) - set(SETTINGS)
    if unknown or not set(ranks) <= {1, 2, 3}:
        msg = (
            f"settings need to be among {SETTINGS} and ranks among (1, 2, 3), got "
            f"{attempt.settings} and {ranks}"
        )
        raise ValueError(msg)
    fitting = [p for p in STRONG if p.rank in ranks and attempt.suits(p)]
    if not fitting:
        msg = f"no probe has only the settings {attempt.settings} and ranks {ranks}"
        raise ValueError(msg)
    return fitting


def _finding(attempt: Attempt, target: Target, tries: Sequence[Try]) -> Finding | None:
    """Return what is wrong with a target on all probes together, or None."""
    evidence = [
        (case.problem, found[target]) for case, found in tries if target in found
    ]
    wrong = [
        (case, found)
        for case, found in tries
        if target in found and not is_same(found[target], case.problem.result(target))
    ]
    if not wrong:
        return None
    case, found = wrong[0]
    alternatives = explanations(target, evidence)
    where: list[str] = []
    if not alternatives:
        where += whereabouts(case.problem, target, found[target])
        where += _clues(attempt, target, wrong[-1][0])
    if len(wrong) < len(evidence):
        names = {case.name for case, _ in wrong}
        right = [case.name for case, _ in tries if case.name not in names]
        where.append(f"it is right on the probes {', '.join(right)}")
    passes = tuple(probe.name for probe in WEAK if _passes(attempt, target, probe))
    return Finding(target, str(case), tuple(alternatives), tuple(where), passes)


def _clues(attempt: Attempt, target: Target, case: LayerCall) -> list[str]:
    """Return what further calls reveal about a mistake that has no name."""
    sentences: list[str] = []
    for question in (wrong_rules, broken_properties):
        try:
            sentences += question(attempt.results, target, case)
        except Exception:  # noqa: BLE001  # it may fail on other arrays
            continue
    return sentences


def _passes(attempt: Attempt, target: Target, probe: Probe) -> bool:
    """Return whether a result is right on a probe. Without a result, it is not."""
    if not attempt.suits(probe):
        return False
    case = probe.case(transposed=attempt.transposed)
    try:
        found = attempt.results(case)
    except Exception:  # noqa: BLE001  # whatever a learner's code raises
        return False
    return target in found and is_same(found[target], case.problem.result(target))


def as_array(value: object) -> Array:
    """Return a NumPy array, also from a tensor of PyTorch that records gradients."""
    for step in ("detach", "cpu"):
        if hasattr(value, step):
            value = getattr(value, step)()
    return np.asarray(value)
