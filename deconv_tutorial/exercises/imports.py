"""The imports that a piece of code needs, so that it runs wherever it is pasted."""

from __future__ import annotations

import re
from collections.abc import Iterable

_MODULES = {"np": "numpy", "sp": "sympy"}
"""The modules that have a short name here."""
_ORIGINS = {
    "signal": "scipy",
    "conv": "deconv_tutorial",
    "conv_backward": "deconv_tutorial",
    "conv_transpose": "deconv_tutorial",
    "im2col": "deconv_tutorial",
    "naive": "deconv_tutorial",
    "check": "deconv_tutorial.exercises",
    "conv_geometry": "deconv_tutorial.geometry",
}
"""Where each other name comes from, in the order of the lines."""


def import_lines(code: str) -> list[str]:
    r"""Return the lines that import what a piece of code uses.

    Examples
    --------
    >>> print(*import_lines("np.flip(conv_backward(y, conv(x, w), w).dw)"), sep="\n")
    import numpy as np
    <BLANKLINE>
    from deconv_tutorial import conv, conv_backward
    """
    used = set(re.findall(r"(?<![\w.])[a-z]\w*(?=[.(])", code))
    modules = [
        f"import {_MODULES[name]} as {name}" for name in _MODULES if name in used
    ]
    names = [name for name in _ORIGINS if name in used]
    others = [_from_line(origin, names) for origin in _origins(names)]
    foreign = modules + [line for line in others if "deconv_tutorial" not in line]
    own = [line for line in others if "deconv_tutorial" in line]
    return [*foreign, "", *own] if foreign and own else foreign + own


def _origins(names: Iterable[str]) -> list[str]:
    """Return where names come from, each place once."""
    return list(dict.fromkeys(_ORIGINS[name] for name in names))


def _from_line(origin: str, names: Iterable[str]) -> str:
    """Return the line that imports those names that come from one place."""
    return (
        f"from {origin} import {', '.join(n for n in names if _ORIGINS[n] == origin)}"
    )
