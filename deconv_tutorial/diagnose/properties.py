"""What every right answer keeps: it is linear in d_out, and samples do not mix.

A function that breaks one of these is wrong in a way that no geometry explains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from deconv_tutorial.diagnose.detect import same
from deconv_tutorial.diagnose.probes import Case
from deconv_tutorial.diagnose.problem import Target
from deconv_tutorial.dtypes import Array


def broken_properties(
    call: Callable[[Case], Mapping[Target, Array]], target: Target, case: Case
) -> list[str]:
    """Return sentences on the properties that a function does not have.

    Parameters
    ----------
    call : callable
        Returns what the function makes of a case, by target.
    target : {"y", "dx", "dw", "db"}
        Which result.
    case : Case
        The arrays and settings to try it with.
    """
    found = call(case)[target]
    sentences: list[str] = []
    name = "x" if target == "y" else "d_out"
    doubled = call(replace(case, **{name: 2 * getattr(case, name)}))[target]
    if not same(doubled, 2 * found):
        sentences.append(f"it is not linear in {name}: twice that gives another result")
    each = [
        call(replace(case, x=case.x[n : n + 1], d_out=case.d_out[n : n + 1]))[target]
        for n in range(len(case.x))
    ]
    if target in {"dw", "db"}:
        if not same(np.sum(each, axis=0), found):
            sentences.append("it is not the sum of what each sample gives alone")
    elif not same(np.concatenate(each), found):
        sentences.append("a sample gives another result in the batch than alone")
    return sentences
