"""The report of the checker, for people and for programs."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from deconv_tutorial.diagnose.mistakes.catalogue import Mistake, mistake_of


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
                yield f"    Chapter: {mistake.chapter}"
        yield from (f"  {sentence}" for sentence in self.where)
        if self.passes:
            yield f"  It passes weaker tests: {', '.join(self.passes)}."

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as a dictionary that JSON can store."""
        return {
            "target": self.target,
            "case": self.case,
            "mistakes": [mistake.key for mistake in self.mistakes],
            "together": self.together,
            "where": list(self.where),
            "passes": list(self.passes),
        }


@dataclass(frozen=True)
class Report:
    """What was checked, and what is wrong.

    A report is true if nothing is wrong.
    """

    checked: tuple[str, ...]
    """What was compared, and on which layers."""
    findings: tuple[Finding, ...] = field(default=())

    def __bool__(self) -> bool:
        """Return whether everything is right."""
        return not self.findings

    def __str__(self) -> str:
        """Return the findings; or if there are none, what was checked."""
        if self:
            return "Right: " + "; ".join(self.checked)
        return "\n\n".join(map(str, self.findings))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f'<pre class="report">{html.escape(str(self))}</pre>'

    def as_dict(self) -> dict[str, Any]:
        """Return the report as a dictionary that JSON can store."""
        return {
            "right": bool(self),
            "checked": list(self.checked),
            "findings": [finding.as_dict() for finding in self.findings],
        }
