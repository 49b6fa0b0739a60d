"""Runs a function that somebody wrote on layers that it says it takes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from typing import Any

from deconv_tutorial.diagnose.attempt import (
    RETURNS,
    Attempt,
    FunctionName,
    Names,
    check_names,
)
from deconv_tutorial.diagnose.coverage import Coverage, coverage_of
from deconv_tutorial.diagnose.evidence import failure_findings, result_findings
from deconv_tutorial.diagnose.exploration import OF_CONVERT, Exploration
from deconv_tutorial.diagnose.isolation import Child
from deconv_tutorial.diagnose.layouts import layout_of
from deconv_tutorial.diagnose.limits import check_limits
from deconv_tutorial.diagnose.probes import SETTINGS, LayerCall
from deconv_tutorial.diagnose.reference import Reference, int_parameters
from deconv_tutorial.diagnose.report import Report
from deconv_tutorial.diagnose.space import Space
from deconv_tutorial.diagnose.trial import InProcess, Runner, can_stop, check_seconds
from deconv_tutorial.dtypes import Array
from deconv_tutorial.geometry.settings import shown, typed


def function(
    attempt: Callable[..., Any] | str,
    of: FunctionName,
    settings: Sequence[str] | str = SETTINGS,
    *,
    ranks: Sequence[int] | int = (2,),
    names: Names | None = None,
    returns: Sequence[str] = (),
    convert: Callable[[Array], Any] | None = None,
    layout: Mapping[str, str] | None = None,
    bias: bool = False,
    fixed: Mapping[str, Any] | None = None,
    accepts: Sequence[str | Callable[[LayerCall], bool]] | str = (),
    rtol: float | None = None,
    seconds: float = 10.0,
    budget: float = 60.0,
    seed: int = 0,
    isolated: bool = False,
    progress: bool | None = None,
) -> Report:
    """Run a function on layers drawn for it, and name the mistake in a wrong result.

    Some two hundred small layers are drawn for each number of axes, from what the
    attempt says it takes: no setting, each one alone, every two, and all; one number
    for all axes and different ones; padding that differs at both ends; even and odd
    kernels, one tap, one window, inputs left over, groups, one channel, one sample. The
    report ends with a table of what was tried.

    Parameters
    ----------
    attempt : callable or str
        Called as ``attempt(d_out, x, w, **settings)``, or ``attempt(x, w, **settings)``
        if it is a forward pass. The arrays are float64; their elements are whole, or
        multiples of 1/8. With `isolated` it may be a text such as ``"layers.py:conv"``,
        ``"layers:conv"`` or ``"layers:Conv.run"``: only the other process imports it.
    of : {"conv", "conv_backward", "conv_transpose", "conv_transpose_backward"}
        The function of this package that the attempt should equal.
    settings : str or sequence of str
        The settings that the attempt takes. All of them are passed in each call, as one
        whole number where that says it, or as tuples: as to the function of this
        package.
    ranks : int or sequence of int
        The numbers of spatial axes to try.
    names : mapping, optional
        The attempt's names for its arguments, such as ``{"d_out": "dout", "padding":
        "pad"}``. If an array is among them, all arrays are passed by name. Several
        arguments can be passed as one tuple: ``{("x", "w", "settings"): "cache"}``.
        There, or alone, ``"settings"`` stands for a dictionary of all settings, under
        the names that this mapping gives them.
    returns : sequence of str
        The results in the order in which the attempt returns them, if that is not
        ``("dx", "dw", "db")``. Those left out are not compared; ``"_"`` stands for one
        to ignore. It may also return a dictionary.
    convert : callable, optional
        Makes the attempt's kind of array from a NumPy array, such as ``torch.tensor``.
    layout : mapping, optional
        The order of its axes, such as ``{"x": "n*c", "w": "*io"}``: n samples, c
        channels, o and i output and input channels, * space. An axis that is left out
        has length 1; ``{"w": "c*"}`` is depthwise. ``NHWC`` and ``HWIO`` are taken too.
    bias : bool
        Whether it also takes a bias ``b``, after ``w``.
    fixed : mapping, optional
        Settings that it always has, and that are not passed: ``{"padding": "same"}``. A
        value may be a function of the kernel's size.
    accepts : str, or sequence of str and callables
        Limits of what it accepts, such as ``"one number for all axes"`` or ``"square
        kernels"``; `limits.LIMITS` has all. A callable takes a `LayerCall`, and returns
        whether it is accepted. What it refuses beyond these is reported.
    rtol : float, optional
        The largest difference that counts as rounding, as a share of the largest
        element. By default it depends on the dtype of the result.
    seconds : float
        How long one call may take. The first one that takes longer is the last. Without
        `isolated` it needs the main thread, and does not stop a function in C.
    budget : float
        How many seconds layers are tried. Fewer layers are tried if they do not
        suffice.
    seed : int
        Other numbers draw other layers.
    isolated : bool
        Whether to run the attempt in a process of its own, which may have 4 GiB of
        memory. Otherwise it can do all that this process can do: end it, or change what
        compares its results. Functions of a notebook and lambdas need ``cloudpickle``.
    progress : bool, optional
        Whether to show a bar. By default, in a terminal and in a notebook, after two
        seconds, if ``tqdm`` is installed.

    Returns
    -------
    Report
        True if all results are right, and if enough was tried to say so.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    LoadError
        If an attempt that is isolated cannot be imported.

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
    if of not in RETURNS:
        msg = f"of needs one of {list(RETURNS)}, got {of!r}"
        raise ValueError(msg)
    transposed = of.startswith("conv_transpose")
    fixed = _checked_fixed(fixed or {})
    given = tuple(name for name in _words("settings", settings) if name not in fixed)
    tried = Attempt(
        _callable(attempt, isolated=isolated),
        of,
        given,
        names or {},
        tuple(_words("returns", returns)),
        convert,
        layout_of(layout, transposed=transposed),
        bias,
    )
    check_names(tried)
    for name, number in (("seconds", seconds), ("budget", budget)):
        check_seconds(name, number)
    space = Space(transposed, given, _checked_ranks(ranks), fixed, seed)
    limits = [accepts] if isinstance(accepts, str) else [*accepts]
    named = [limit for limit in limits if not callable(limit)]
    check_limits("accepts", named)
    runner = _runner(tried, seconds, isolated=isolated)
    with closing(runner):
        named += [n for n in _annotated_limits(runner, tried) if n not in named]
        exploration = Exploration(
            tried,
            runner,
            space,
            [*named, *tried.layout.limits],
            tuple(limit for limit in limits if callable(limit)),
            rtol,
        )
        declared = tuple(exploration.limits)
        exploration.explore(budget, progress=progress)
        return _report(exploration, declared, _notes(isolated=isolated))


def assert_right(
    attempt: Callable[..., Any],
    of: FunctionName,
    settings: Sequence[str] | str = SETTINGS,
    **options: Any,  # noqa: ANN401
) -> None:
    """Raise an AssertionError with the report if a function is not right.

    For tests: ``diagnose.assert_right(my_backward, of="conv_backward")``.

    Parameters
    ----------
    attempt, of, settings, **options
        As for `function`.

    Raises
    ------
    AssertionError
        If the report is not true: also if too little could be tried.

    Examples
    --------
    >>> from deconv_tutorial import conv, diagnose
    >>> diagnose.assert_right(conv, "conv", ["stride", "padding"])
    """
    __tracebackhide__ = True  # pytest shows the line that called
    report = function(attempt, of, settings, **options)
    if not report:
        raise AssertionError(f"{of}: {report.status}\n\n{report}")


def _callable(
    attempt: Callable[..., Any] | str, *, isolated: bool
) -> Callable[..., Any]:
    """Return a function, or for a text what imports it where it is called."""
    if not isinstance(attempt, str):
        return attempt
    if isolated:
        return Reference(attempt)
    msg = f"attempt needs a function, or isolated=True for a text, got {attempt!r}"
    raise ValueError(msg)


def _runner(attempt: Attempt, seconds: float, *, isolated: bool) -> Runner:
    return Child(attempt, seconds) if isolated else InProcess(attempt, seconds)


def _notes(*, isolated: bool) -> tuple[str, ...]:
    if isolated:
        return ("It ran in a process of its own.",)
    return () if can_stop() else ("No call had a time limit here: use isolated=True.",)


def _report(
    tried: Exploration, declared: Sequence[str], notes: tuple[str, ...]
) -> Report:
    """Return the report on what was tried."""
    coverage = _coverage(tried, declared)
    findings = (*failure_findings(tried), *result_findings(tried))
    refusals: list[str] = []
    if tried.end is not None and tried.end.answer.ending == "uncallable":
        refusals.append(tried.end.answer.error)
        findings = ()
    refusals += [
        f"layers beyond {name!r}: {text}. If that is meant: accepts=[{name!r}]"
        for name, text in coverage.refused.items()
    ]
    if tried.unexplained:
        trial = tried.unexplained[0]
        count = len(tried.unexplained)
        refusals.append(f"{count} layers, such as {trial.case}: {trial.answer.error}")
    targets = ", ".join(tried.attempt.targets)
    checked = f"{targets} of {tried.attempt.of}, on {coverage.layers} layers"
    return Report((checked,), findings, coverage, tuple(refusals), notes)


def _coverage(tried: Exploration, declared: Sequence[str]) -> Coverage:
    """Return what the layers had that were tried."""
    compared = {
        target: sum(target in trial.answer.arrays for trial in tried.trials)
        for target in tried.attempt.targets
    }
    refused = {
        name: f"{trial.answer.error} ({trial.case})"
        for name, trial in tried.refusals.items()
        if name not in OF_CONVERT
    }
    lossy = tuple(name for name in tried.refusals if name in OF_CONVERT)
    return coverage_of(
        [trial.sketch for trial in tried.trials],
        tried.space.varied,
        compared,
        ranks=tried.space.ranks,
        limits=(*declared, *lossy),
        refused=refused,
        seed=tried.space.seed,
    )


def _annotated_limits(runner: Runner, attempt: Attempt) -> list[str]:
    """Return the limit that annotations set: ``stride: int`` is one for all axes."""
    isolated = isinstance(runner, Child)
    annotated = runner.int_parameters if isolated else int_parameters(attempt.function)
    settings = {*attempt.settings} - {"groups"}
    return ["one number for all axes"] if settings & {*annotated} else []


def _words(name: str, value: Collection[str] | str) -> tuple[str, ...]:
    """Return one word, or several, as a tuple."""
    words = (value,) if isinstance(value, str) else tuple(value)
    if name == "settings" and (unknown := [w for w in words if w not in SETTINGS]):
        msg = f"settings need to be among {SETTINGS}, got {unknown[0]!r}"
        raise ValueError(msg)
    return words


def _checked_ranks(ranks: Sequence[int] | int) -> tuple[int, ...]:
    found = (ranks,) if isinstance(ranks, int) else tuple(dict.fromkeys(ranks))
    if not found or not set(found) <= {1, 2, 3} or True in map(_is_bool, found):
        msg = f"ranks need to be among 1, 2 and 3, got {shown(ranks)}"
        raise ValueError(msg)
    return found


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _checked_fixed(fixed: Mapping[str, Any]) -> Mapping[str, Any]:
    unknown = [name for name in fixed if name not in SETTINGS]
    if unknown:
        msg = f"fixed needs settings among {SETTINGS}, got {typed(unknown[0])}"
        raise ValueError(msg)
    return fixed
