"""How lists, names and numbers are written in the options of a shell."""

from __future__ import annotations

import ast
import re
from typing import Any


def words(text: str) -> list[str]:
    """Return what stands between the commas of a text, but not those in brackets.

    Examples
    --------
    >>> words("stride=(2,1), padding=same")
    ['stride=(2,1)', 'padding=same']
    """
    parts = re.findall(r"(?:\([^()]*(?:\([^()]*\)[^()]*)*\)|[^,])+", text)
    return [part.strip() for part in parts if part.strip()]


def numbers(text: str) -> list[int]:
    """Return whole numbers between commas."""
    found = words(text)
    if not all(part.isdecimal() for part in found):
        msg = f"needs whole numbers, such as 1,2,3, got {text!r}"
        raise ValueError(msg)
    return [int(part) for part in found]


def pairs(text: str) -> dict[str, str]:
    """Return what is written as ``ours=theirs``, between commas.

    Examples
    --------
    >>> pairs("x=NHWC,w=HWIO")
    {'x': 'NHWC', 'w': 'HWIO'}
    """
    found: dict[str, str] = {}
    for part in words(text):
        ours, _, theirs = part.partition("=")
        if not theirs or ours in found:
            msg = f"needs the form ours=theirs, got {part!r}"
            raise ValueError(msg)
        found[ours] = theirs
    return found


def names(text: str) -> dict[str | tuple[str, ...], str]:
    """Return names of arguments; several for one tuple stand between plus signs.

    Examples
    --------
    >>> names("d_out=dout,x+w=cache")
    {'d_out': 'dout', ('x', 'w'): 'cache'}
    """
    return {
        tuple(ours.split("+")) if "+" in ours else ours: theirs
        for ours, theirs in pairs(text).items()
    }


def literals(text: str) -> dict[str, Any]:
    """Return settings with their values, which are words, numbers or tuples.

    Examples
    --------
    >>> literals("padding=same,stride=(2,1)")
    {'padding': 'same', 'stride': (2, 1)}
    """
    return {name: _literal(value) for name, value in pairs(text).items()}


def _literal(text: str) -> object:
    if text.isalpha():
        return text
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        msg = f"needs a word, a number or a tuple, got {text!r}"
        raise ValueError(msg) from None
