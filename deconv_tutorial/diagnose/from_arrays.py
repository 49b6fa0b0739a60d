"""Compares gradients with the right ones, and names the mistake in each wrong one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from itertools import product
from typing import Any

import numpy.typing as npt

from deconv_tutorial.diagnose.compare import is_same
from deconv_tutorial.diagnose.mistakes.formulas import Formula, formulas
from deconv_tutorial.diagnose.mistakes.problem import Problem, Target
from deconv_tutorial.diagnose.naming import Keys, explanations, mistaken_result
from deconv_tutorial.diagnose.probes import WEAK, LayerCall
from deconv_tutorial.diagnose.report import Finding, Report
from deconv_tutorial.diagnose.symptoms import has_no_name, symptoms
from deconv_tutorial.dtypes import Array, as_numbers
from deconv_tutorial.functional import conv_backward, conv_transpose_backward
from deconv_tutorial.geometry.settings import Padding, PerAxis


def gradients(
    *,
    d_out: npt.ArrayLike,
    x: npt.ArrayLike,
    w: npt.ArrayLike,
    dx: npt.ArrayLike | None = None,
    dw: npt.ArrayLike | None = None,
    db: npt.ArrayLike | None = None,
    transposed: bool = False,
    stride: PerAxis = 1,
    padding: Padding = 0,
    output_padding: PerAxis = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
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
    transposed : bool
        Whether the layer is a transposed convolution.
    stride, padding, output_padding, dilation, groups
        As for the layer itself; `output_padding` only if it is transposed.

    Returns
    -------
    Report
        True if all gradients are right.

    Raises
    ------
    ValueError, TypeError
        If the layer does not take d_out, x, w or a setting.

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
    arrays = {"d_out": d_out, "x": x, "w": w}
    numbers = {name: as_numbers(name, value) for name, value in arrays.items()}
    if transposed:
        settings["output_padding"] = output_padding
        conv_transpose_backward(**numbers, **settings)  # refuses what does not fit
    else:
        conv_backward(**numbers, **settings)
    case = LayerCall(
        "", numbers["x"], numbers["w"], numbers["d_out"], settings, transposed
    )
    given: dict[Target, npt.ArrayLike | None] = {"dx": dx, "dw": dw, "db": db}
    found: dict[Target, Array] = {
        target: as_numbers(target, value)
        for target, value in given.items()
        if value is not None
    }
    return report_of(case, found)


def report_of(case: LayerCall, found: Mapping[Target, Array]) -> Report:
    """Return the report on the results that were found for a layer call, by target."""
    findings: list[Finding] = []
    problem = case.problem
    for target, array in found.items():
        if not is_same(array, problem.result(target)):
            findings.append(_finding(case, problem, target, array))
    return Report((f"{', '.join(found)} of {case}",), tuple(findings))


def _finding(
    case: LayerCall, problem: Problem, target: Target, found: Array
) -> Finding:
    hidden = has_no_name(problem, target, found)
    alternatives = [] if hidden else explanations(target, [(problem, found)])
    where = symptoms(problem, target, found)
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
