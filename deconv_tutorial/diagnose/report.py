"""The report of the checker, for people and for programs."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from deconv_tutorial.diagnose.coverage import Coverage
from deconv_tutorial.diagnose.mistakes.catalogue import Mistake, mistake_of

Status: TypeAlias = Literal["right", "wrong", "refused", "not enough"]

EXIT_CODES: Mapping[Status, int] = {
    "right": 0,
    "wrong": 1,
    "refused": 2,
    "not enough": 3,
}
VERSION = 1
"""The version of the form of `Report.as_dict`."""
_REFUSED = "Refused, and not declared with `accepts`:"


@dataclass(frozen=True)
class Finding:
    """One result that is wrong."""

    target: str
    """``"dx"``, ``"dw"``, ``"db"`` or ``"y"``; or ``"call"`` if there is no result."""
    case: str
    """The layer, its shapes and settings."""
    alternatives: tuple[tuple[str, ...], ...] = ()
    """The explanations, best first: each has the key of one mistake, or of two."""
    where: tuple[str, ...] = ()
    """Sentences on where it is wrong, and on what else is known."""
    passes: tuple[str, ...] = ()
    """The weaker tests that the mistake passes."""
    call: str = ""
    """The call of the smallest layer that fails, as code."""
    expected: str = ""
    """The right result of this call."""
    found: str = ""
    """What came instead."""

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """The alternatives, best first; or if `together`, the two made at once."""
        if self.together:
            return tuple(mistake_of(key) for key in self.alternatives[0])
        return tuple(mistake_of(key) for (key,) in self.alternatives)

    @property
    def together(self) -> bool:
        """Whether it takes two mistakes to explain what was found."""
        return bool(self.alternatives) and len(self.alternatives[0]) > 1

    def __str__(self) -> str:
        """Return the finding in a few lines."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield (
            f"{self.target} is wrong: {self.case}"
            if self.target != "call"
            else self.case
        )
        if not self.alternatives and self.target != "call":
            yield "  No known mistake explains it."
        if self.together:
            yield "  Two mistakes at once:"
        for n, mistake in enumerate(self.mistakes):
            lead = "  or " if n and not self.together else "  "
            yield f"{lead}{mistake.key}: {mistake.title}."
            if self.together or not n:
                yield f"    {mistake.why}"
                yield f"    To mend it: {mistake.fix}"
                yield f"    In the book: {mistake.chapter}, {mistake.page}"
        yield from (f"  {sentence}" for sentence in self.where)
        if self.passes:
            yield f"  It passes weaker tests: {', '.join(self.passes)}."
        if self.expected:
            yield f"  expected  {self.expected}"
            yield f"  got       {self.found}"
        if self.call:
            yield "  The call:"
            yield from (f"    {line}" for line in self.call.splitlines())

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as a dictionary that JSON can store."""
        return {
            "target": self.target,
            "case": self.case,
            "mistakes": [mistake.key for mistake in self.mistakes],
            "pages": [mistake.page for mistake in self.mistakes],
            "together": self.together,
            "where": list(self.where),
            "passes": list(self.passes),
            "call": self.call,
            "expected": self.expected,
            "found": self.found,
        }


@dataclass(frozen=True)
class Report:
    """What was checked, and what is wrong.

    A report is true if all that was checked is right, and if that is enough to say so.
    """

    checked: tuple[str, ...]
    """What was compared, and on which layers."""
    findings: tuple[Finding, ...] = field(default=())
    coverage: Coverage | None = None
    """The layers on which the verdict rests, if they were drawn."""
    refusals: tuple[str, ...] = ()
    """What was refused although nothing said that it would be."""
    notes: tuple[str, ...] = ()
    """How the calls were made."""

    @property
    def status(self) -> Status:
        """The verdict: ``"right"``, ``"wrong"``, ``"refused"`` or ``"not enough"``."""
        if self.findings:
            return "wrong"
        if self.refusals:
            return "refused"
        if self.coverage is not None and self.coverage.gaps:
            return "not enough"
        return "right"

    @property
    def exit_code(self) -> int:
        """0 right, 1 wrong, 2 it could not be tried or refuses, 3 not enough to say."""
        return EXIT_CODES[self.status]

    def __bool__(self) -> bool:
        """Return whether everything is right."""
        return self.status == "right"

    def __str__(self) -> str:
        """Return the verdict, and what it rests on."""
        return "\n\n".join(self._parts())

    __repr__ = __str__

    def _parts(self) -> Iterator[str]:
        yield from map(str, self.findings)
        if self.refusals:
            yield "\n".join([_REFUSED, *(f"  {text}" for text in self.refusals)])
        gaps = self.coverage.gaps if self.coverage and not self.findings else []
        if gaps:
            yield "\n".join(["Not enough to say:", *(f"  {text}" for text in gaps)])
        elif self:
            yield "Right: " + "; ".join(self.checked)
        if self.coverage is not None:
            lines = str(self.coverage).splitlines()
            yield "\n".join(["Tried:", *(f"  {line}" for line in lines)])
        yield from self.notes

    def _repr_html_(self) -> str:
        return f'<pre class="report">{html.escape(str(self))}</pre>'

    def as_dict(self) -> dict[str, Any]:
        """Return the report as a dictionary that JSON can store.

        Its form has the number ``version``, which changes if a key changes its meaning
        or goes.
        """
        return {
            "version": VERSION,
            "status": self.status,
            "right": bool(self),
            "exit_code": self.exit_code,
            "checked": list(self.checked),
            "findings": [finding.as_dict() for finding in self.findings],
            "refusals": list(self.refusals),
            "coverage": self.coverage.as_dict() if self.coverage else None,
            "notes": list(self.notes),
        }
