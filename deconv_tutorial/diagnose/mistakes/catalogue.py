"""The explanation of each mistake, by its key: read from ``catalogue.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


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
    sources: tuple[str, ...]
    """Where it was seen, or what explains it: addresses."""


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
        tuple(entry.get("sources", ())),
    )


@cache
def catalogue() -> dict[str, dict[str, Any]]:
    """Return the entries of ``catalogue.toml``."""
    text = resources.files("deconv_tutorial.diagnose.mistakes").joinpath(
        "catalogue.toml"
    )
    return tomllib.loads(text.read_text("utf-8"))
