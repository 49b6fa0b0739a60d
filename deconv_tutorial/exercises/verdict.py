"""The verdict of `check` on an answer, for people and for programs."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.exercises.differences import array_text

VERSION = 1
"""The version of the form of `Verdict.as_dict`."""
_MOST = 1000
"""The most elements of an array that are stored."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """A result that is wrong or missing, beside the right one."""

    name: str
    """The name of the result."""
    expected: Array | None
    """The right result, or None if it is not revealed."""
    found: Array | None
    """The result of the answer, or None if the call failed."""

    def hidden(self) -> Comparison:
        """Return the comparison without the right result."""
        return replace(self, expected=None)

    def __str__(self) -> str:
        """Return the arrays below each other, as far as they are known."""
        pairs = (("expected", self.expected), ("got", self.found))
        return "\n\n".join(
            array_text(f"{word} {self.name}", array)
            for word, array in pairs
            if array is not None
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as a dictionary that JSON can store."""
        return {
            "name": self.name,
            "expected": _stored(self.expected),
            "found": _stored(self.found),
        }


@dataclass(frozen=True, eq=False)
class Verdict:
    """What is wrong with an answer. The verdict is true if the answer is right."""

    key: str
    """The key of the exercise."""
    cases: int
    """The number of cases on which the answer was tried."""
    passed: int
    """The number of cases in which it was right."""
    call: str = ""
    """The first call that fails, as code."""
    compared: tuple[Comparison, ...] = ()
    """The results of this call that are wrong."""
    findings: tuple[str, ...] = ()
    """Sentences on what is wrong."""
    hint: str = ""
    """A question or a hint to think about."""
    seed: int | None = None
    """What the further cases were drawn from, if there were any."""

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def require(self) -> None:
        """Do nothing if the answer is right.

        Raises
        ------
        AssertionError
            If it is not. The message is the text of the verdict.
        """
        if not self.right:
            raise AssertionError(str(self))

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as a dictionary that JSON can store.

        Its form has the number ``version``, which changes if a key changes its meaning
        or goes. An array has its shape and its values; the values are null if there are
        more than 1000. A number that JSON lacks is a text, such as ``"nan"``.
        """
        return {
            "version": VERSION,
            "key": self.key,
            "right": self.right,
            "cases": self.cases,
            "passed": self.passed,
            "seed": None if self.seed is None else int(self.seed),
            "call": self.call,
            "compared": [each.as_dict() for each in self.compared],
            "findings": list(self.findings),
            "hint": self.hint,
        }

    def __bool__(self) -> bool:
        """Return whether the answer is right."""
        return self.right

    def __str__(self) -> str:
        """Return the failing call with both arrays, the findings, and the hint."""
        return "\n\n".join(
            "\n".join(f"    {line}".rstrip() for line in text.splitlines())
            if is_code
            else _plain_text(text)
            for is_code, text in self._blocks()
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        blocks = "\n".join(
            f'<pre style="margin: 1em 0">{html.escape(text)}</pre>'
            if is_code
            else f"<p>{_html_text(text)}</p>"
            for is_code, text in self._blocks()
        )
        return f'<div class="report">\n{blocks}\n</div>'

    def _blocks(self) -> Iterator[tuple[bool, str]]:
        """Yield pairs: whether a paragraph is code, and its text."""
        if self.right:
            drawn = "" if self.seed is None else f" (seed {self.seed})"
            yield False, f"{self.key}: right, in all {self.cases} cases{drawn}."
            return
        if not self.call:
            yield False, f"{self.key}: {self.findings[0]}"
        else:
            yield (
                False,
                (
                    f"{self.key}: not yet. Right in {self.passed} of {self.cases} "
                    "cases. The first that fails:"
                ),
            )
            yield True, self.call
            yield from ((True, text) for text in map(str, self.compared) if text)
            yield from ((False, finding) for finding in self.findings)
        if self.hint:
            yield False, f"Hint: {self.hint}"


def _stored(array: Array | None) -> dict[str, Any] | None:
    """Return the shape and the values of an array, as JSON has them."""
    if array is None:
        return None
    values = _plain(array).tolist() if array.size <= _MOST else None
    return {"shape": list(array.shape), "values": values}


def _plain(array: Array) -> Array:
    """Return an array of objects: texts in the place of numbers that JSON lacks."""
    lacks = (array.dtype.kind == "c") | ~np.isfinite(array)
    plain = array.astype(object)
    plain[lacks] = array[lacks].astype(str)
    return plain


def _plain_text(text: str) -> str:
    """Return a text with signs instead of LaTeX commands."""
    for mark, sign in {"\\le": "≤", "\\,": " ", "$": ""}.items():
        text = text.replace(mark, sign)
    return text


def _html_text(text: str) -> str:
    """Return a text as HTML, in which backticks become code.

    The code has the colour of the text, which can be read on any background.
    """
    code = r'<span style="font-family: monospace">\1</span>'
    return re.sub("`(.+?)`", code, html.escape(text))
