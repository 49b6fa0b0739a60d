"""Compares gradients with the right ones, and names the mistake in each wrong one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from deconv_tutorial.diagnose.attempt import as_array
from deconv_tutorial.diagnose.compare import is_same
from deconv_tutorial.diagnose.mistakes.formulas import Formula, formulas
from deconv_tutorial.diagnose.mistakes.problem import Problem, Target
from deconv_tutorial.diagnose.naming import Keys, explanations, mistaken_result
from deconv_tutorial.diagnose.probes import WEAK, LayerCall
from deconv_tutorial.diagnose.report import Finding, Report
from deconv_tutorial.diagnose.symptoms import has_no_name, symptoms
from deconv_tutorial.dtypes import Array, as_numbers, as_working
from deconv_tutorial.functional import (
    conv,
    conv_backward,
    conv_transpose,
    conv_transpose_backward,
)
from deconv_tutorial.geometry.settings import Padding, PerAxis, typed


def gradients(
    *,
    d_out: npt.ArrayLike,
    x: npt.ArrayLike,
    w: npt.ArrayLike,
    dx: npt.ArrayLike | None = None,
    dw: npt.ArrayLike | None = None,
    db: npt.ArrayLike | None = None,
    y: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    transposed: bool = False,
    stride: PerAxis = 1,
    padding: Padding = 0,
    output_padding: PerAxis = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
    rtol: float | None = None,
) -> Report:
    """Check the gradients that somebody computed, and name the mistake in each.

    Parameters
    ----------
    d_out, x, w : array_like
        What the gradients were computed from, in the layouts of `conv_backward`, or of
        `conv_transpose_backward`. Use random integers without zeros, and a different
        size for each axis: then few mistakes give the same numbers.
    dx, dw, db : array_like, optional
        The gradients to check. A gradient that is left out is not checked.
    y, b : array_like, optional
        The result of the layer, to be checked too, and the bias in it.
    transposed : bool
        Whether the layer is a transposed convolution.
    stride, padding, output_padding, dilation, groups
        As for the layer itself; `output_padding` only if it is transposed.
    rtol : float, optional
        The largest difference that counts as rounding, as a share of the largest
        element. By default it depends on the dtype.

    Returns
    -------
    Report
        True if all gradients are right.

    Raises
    ------
    ValueError, TypeError
        If the layer does not take d_out, x, w or a setting; if a gradient is not made
        of numbers, or if none is given.

    Examples
    --------
    >>> import numpy as np
    >>> from deconv_tutorial import conv_backward, diagnose
    >>> rng = np.random.default_rng(0)
    >>> x, w = rng.integers(1, 10, (2, 3, 8)), rng.integers(1, 10, (4, 3, 3))
    >>> d_out = rng.integers(1, 10, (2, 4, 3))
    >>> dw = conv_backward(d_out, x, w, stride=2).dw
    >>> report = diagnose.gradients(d_out=d_out, x=x, w=w, dw=dw[..., ::-1], stride=2)
    >>> report.findings[0].mistakes[0].key
    'dw-flipped'
    >>> bool(diagnose.gradients(d_out=d_out, x=x, w=w, dw=dw, stride=2))
    True
    """
    settings: dict[str, Any] = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
    }
    if not isinstance(cast("object", transposed), bool | np.bool):
        msg = f"transposed needs True or False, got {typed(transposed)}"
        raise TypeError(msg)
    if transposed:
        settings["output_padding"] = output_padding
    given: dict[Target, npt.ArrayLike | None] = {"dx": dx, "dw": dw, "db": db, "y": y}
    found: dict[Target, Array] = {
        target: _numbers(target, value)
        for target, value in given.items()
        if value is not None
    }
    if not found:
        msg = "gradients needs something to check: dx, dw, db or y, got none of them"
        raise ValueError(msg)
    case = _checked_case(d_out, x, w, b, settings, transposed=transposed)
    return report_of(case, found, rtol)


def _numbers(name: str, value: object) -> Array:
    if getattr(value, "dtype", None) == np.dtype(object):
        return as_numbers(name, cast("Array", value))
    try:
        return as_array(value)
    except TypeError as error:
        msg = f"{name} needs numbers: {error}"
        raise TypeError(msg) from None


def _checked_case(
    d_out: npt.ArrayLike,
    x: npt.ArrayLike,
    w: npt.ArrayLike,
    b: npt.ArrayLike | None,
    settings: Mapping[str, Any],
    *,
    transposed: bool,
) -> LayerCall:
    """Return the call of the layer, if it takes these arrays and settings."""
    given = {"d_out": d_out, "x": x, "w": w}
    arrays = {name: as_numbers(name, value) for name, value in given.items()}
    backward = conv_transpose_backward if transposed else conv_backward
    backward(**arrays, **settings)  # refuses what does not fit
    if b is not None:
        arrays["b"] = as_numbers("b", b)
        forward = conv_transpose if transposed else conv
        forward(arrays["x"], arrays["w"], arrays["b"], **settings)
    numbers = as_working(arrays)  # as `conv` computes: in int64, not in int8
    return LayerCall(
        "",
        numbers["x"],
        numbers["w"],
        numbers["d_out"],
        settings,
        transposed,
        numbers.get("b"),
    )


def report_of(
    case: LayerCall, found: Mapping[Target, Array], rtol: float | None = None
) -> Report:
    """Return the report on the results that were found for a layer call, by target."""
    findings = [
        _finding(case, target, array, rtol)
        for target, array in found.items()
        if not is_same(array, case.expected(target), rtol)
    ]
    findings = [_confirmed(case, found, each, findings) for each in findings]
    return Report((f"{', '.join(found)} of {case}",), tuple(findings))


def _confirmed(
    case: LayerCall,
    found: Mapping[Target, Array],
    finding: Finding,
    findings: Sequence[Finding],
) -> Finding:
    """Return a finding on one number with the names that another result confirms.

    One number may come from any mistake. It gets the name of one that shows in another
    result of the same call.
    """
    target = cast("Target", finding.target)
    if finding.alternatives or target == "y" or found[target].size != 1:
        return finding
    shown = {
        key.partition("-")[2]
        for each in findings
        for keys in each.alternatives
        for key in keys
    }
    named = explanations(target, [(case.problem, found[target])], fewest=1)
    keys = tuple(each for each in named if each[0].partition("-")[2] in shown)
    return replace(finding, alternatives=keys)


def _finding(
    case: LayerCall, target: Target, found: Array, rtol: float | None
) -> Finding:
    problem = case.problem
    if target == "y" and case.b is not None:
        if is_same(found, problem.result("y"), rtol):
            where = ("it is right but for the bias, which is not added",)
            return Finding(target, str(case), where=where)
        found = case.without_bias(target, found)
    hidden = has_no_name(problem, target, found)
    alternatives = [] if hidden else explanations(target, [(problem, found)], rtol=rtol)
    where = symptoms(problem, target, found, rtol)
    passes = (
        passed_probes(target, alternatives[0], case.transposed) if alternatives else ()
    )
    return Finding(target, str(case), tuple(alternatives), tuple(where), passes)


@cache
def passed_probes(target: Target, keys: Keys, transposed: bool) -> tuple[str, ...]:
    """Return the names of the weak probes on which these mistakes do not show.

    If a mistake can be made in several ways, it must not show in any of them.
    """
    known = formulas(target, transposed=transposed)
    ways = [*product(*([f for f in known if f.key == key] for key in keys))]
    problems = {probe.name: probe.case(transposed=transposed).problem for probe in WEAK}
    return tuple(
        name
        for name, problem in problems.items()
        if all(_passes(problem, target, way) for way in ways)
    )


def _passes(problem: Problem, target: Target, mistakes: Iterable[Formula]) -> bool:
    result = mistaken_result(problem, mistakes)
    return result is not None and is_same(result, problem.result(target))
