"""What `check` says about an attempt, for people and for programs."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from deconv_tutorial.dtypes import Array
from deconv_tutorial.exercises.differences import shown


@dataclass(frozen=True, eq=False)
class Compared:
    """A result that is wrong, or is missing, beside the right one."""

    name: str
    """What it is called."""
    expected: Array
    """What is right."""
    found: Array | None
    """What came, if anything did."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """What came of an attempt. It is true if the attempt is right."""

    key: str
    """The exercise."""
    cases: int
    """In how many cases the attempt was tried."""
    passed: int
    """In how many of them it was right."""
    call: str = ""
    """The smallest call that fails, as code."""
    compared: tuple[Compared, ...] = ()
    """The results of this call that are wrong."""
    findings: tuple[str, ...] = ()
    """What is wrong, in sentences."""
    hint: str = ""
    """What to think about."""

    @property
    def right(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def __bool__(self) -> bool:
        """Return whether the attempt is right."""
        return self.right

    def __str__(self) -> str:
        """Return what was found, the failing call with both arrays, and a hint."""
        return "\n\n".join(
            "\n".join(f"    {line}".rstrip() for line in text.splitlines())
            if is_code
            else _plain(text)
            for is_code, text in self._blocks()
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        blocks = "\n".join(
            f'<pre style="margin: 1em 0">{html.escape(text)}</pre>'
            if is_code
            else f"<p>{_marked(text)}</p>"
            for is_code, text in self._blocks()
        )
        return f'<div class="report">\n{blocks}\n</div>'

    def _blocks(self) -> Iterator[tuple[bool, str]]:
        """Yield paragraphs, and whether each of them is code."""
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
                text = shown(f"expected {pair.name}", pair.expected)
                if pair.found is not None:
                    text += "\n\n" + shown(f"got {pair.name}", pair.found)
                yield True, text
            yield from ((False, finding) for finding in self.findings)
        if self.hint:
            yield False, f"Hint: {self.hint}"


def _plain(text: str) -> str:
    """Return a text without the marks of formulas."""
    for mark, sign in {"\\le": "≤", "\\,": " ", "$": ""}.items():
        text = text.replace(mark, sign)
    return text


def _marked(text: str) -> str:
    """Return a text for a page, with what stands between backticks as code.

    It keeps the colour of the text, which suits the ground, whatever that is.
    """
    code = r'<span style="font-family: monospace">\1</span>'
    return re.sub("`(.+?)`", code, html.escape(text))
