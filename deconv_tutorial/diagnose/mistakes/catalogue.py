"""The explanation of each mistake, by its key: read from ``catalogue.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

KINDS_OF_SOURCES = ("bugs", "questions", "explanations")
"""What an address of the catalogue is cited for."""


@dataclass(frozen=True)
class Mistake:
    """A mistake that has a name."""

    key: str
    """Its name. It begins with the result that is wrong."""
    title: str
    """What was done, in a few words."""
    why: str
    """Why it is wrong, and why it is easily believed."""
    fix: str
    """What to do."""
    chapter: str
    """The chapter of the book that explains it, as a path without an ending."""
    bugs: tuple[str, ...] = ()
    """Where a program was reported to do just this: addresses."""
    questions: tuple[str, ...] = ()
    """Where somebody asked about it, and no program was wrong: addresses."""
    explanations: tuple[str, ...] = ()
    """What explains it: addresses."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Return all addresses: those of bugs, of questions and of explanations."""
        return self.bugs + self.questions + self.explanations

    @property
    def page(self) -> str:
        """Return where the book describes it: a path below ``book/`` of its pages.

        Examples
        --------
        >>> mistake_of("dx-not-cropped").page
        'gallery/catalogue.html#dx-not-cropped'
        """
        return f"gallery/catalogue.html#{self.key}"


@cache
def mistake_of(key: str) -> Mistake:
    """Return the explanation of a mistake.

    The catalogue has an entry for the whole key, such as ``dw-stride-missing``, or one
    entry ``stride-missing`` for all results.

    Examples
    --------
    >>> mistake_of("dw-stride-missing").title
    'The stride is missing'
    """
    entries = catalogue()
    entry = entries.get(key) or entries[key.partition("-")[2]]
    return Mistake(
        key,
        entry["title"],
        entry["why"],
        entry["fix"],
        entry["chapter"],
        *(tuple(entry.get(kind, ())) for kind in KINDS_OF_SOURCES),
    )


@cache
def catalogue() -> dict[str, dict[str, Any]]:
    """Return the entries of ``catalogue.toml``."""
    text = resources.files("deconv_tutorial.diagnose.mistakes").joinpath(
        "catalogue.toml"
    )
    return tomllib.loads(text.read_text("utf-8"))
