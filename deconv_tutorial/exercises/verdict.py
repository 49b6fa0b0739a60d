"""The verdict of `check` on an answer, for people and for programs."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from deconv_tutorial.dtypes import Array
from deconv_tutorial.exercises.differences import array_text


@dataclass(frozen=True, eq=False)
class Comparison:
    """A result that is wrong or missing, beside the right one."""

    name: str
    """The name of the result."""
    expected: Array
    """The right result."""
    found: Array | None
    """The result of the answer, or None if the call failed."""


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
    """The smallest call that fails, as code."""
    compared: tuple[Comparison, ...] = ()
    """The results of this call that are wrong."""
    findings: tuple[str, ...] = ()
    """Sentences on what is wrong."""
    hint: str = ""
    """A question or a hint to think about."""

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

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
            yield False, f"{self.key}: right, in all {self.cases} cases."
            return
        if not self.call:
            yield False, f"{self.key}: {self.findings[0]}"
        else:
            yield (
                False,
                (
                    f"{self.key}: not yet. Right in {self.passed} of {self.cases} "
                    "cases. The smallest that fails:"
                ),
            )
            yield True, self.call
            for pair in self.compared:
                text = array_text(f"expected {pair.name}", pair.expected)
                if pair.found is not None:
                    text += "\n\n" + array_text(f"got {pair.name}", pair.found)
                yield True, text
            yield from ((False, finding) for finding in self.findings)
        if self.hint:
            yield False, f"Hint: {self.hint}"


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
