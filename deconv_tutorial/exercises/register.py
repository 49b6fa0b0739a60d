"""Every exercise, by its key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import cast

from deconv_tutorial.exercises.exercise import Exercise

CHAPTERS = {
    "answer/one_flip_away": "one_flip_away",
    "answer/three_derivatives": "three_derivatives",
    "answer/relabelling": "relabelling",
    "proof/indices": "indices",
    "proof/flip": "flip",
    "proof/matrices": "matrices",
    "proof/checking": "checking",
    "general/im2col": "unfolding",
    "general/cost": "cost",
}
"""The chapters with exercises that ask for code, and the module of each chapter.

The name of a chapter is its path below ``book/``, without an ending.
"""


@dataclass(frozen=True)
class Question:
    """What an exercise asks for, in the words of the book."""

    key: str
    """The key of the exercise."""
    title: str
    """Its title."""
    text: str
    """The task, with formulas in LaTeX and code in backticks."""
    hint: str
    """The hint of the book."""
    chapter: str
    """The chapter, as a path below ``book/`` without an ending."""
    function: str
    """The name of the function to write."""


def exercises_of_chapter(chapter: str) -> Sequence[Exercise]:
    """Return the exercises of a chapter, in the order of the book."""
    name = CHAPTERS[chapter]
    return import_module(f"deconv_tutorial.exercises.chapters.{name}").EXERCISES


def exercises() -> dict[str, str]:
    """Return the chapter of every exercise that asks for code, by its key.

    Examples
    --------
    >>> exercises()["relabel-two-lines"]
    'answer/relabelling'
    """
    return {
        exercise.key: chapter
        for chapter in CHAPTERS
        for exercise in exercises_of_chapter(chapter)
    }


def catalogue() -> dict[str, Question]:
    """Return what every exercise asks for, by its key.

    Examples
    --------
    >>> question = catalogue()["relabel-inverse"]
    >>> question.title, question.function
    ('There and back', 'weights_and_stride')
    """
    return {
        each.key: Question(
            each.key, each.title, each.text, each.hint, chapter, each.name
        )
        for chapter in CHAPTERS
        for each in exercises_of_chapter(chapter)
    }


def exercise_of(key: str) -> Exercise:
    """Return the exercise with a key, or with its label in the book.

    Raises
    ------
    TypeError
        If the key is no text.
    ValueError
        If there is no such exercise.
    """
    if not isinstance(cast("object", key), str):
        msg = f"key needs a text such as 'flip-dx', and comes first, got {key!r}"
        raise TypeError(msg)
    name = key.removeprefix("ex-")
    for chapter in CHAPTERS:
        # Chapter by chapter, since some modules are slow to import.
        for exercise in exercises_of_chapter(chapter):
            if exercise.key == name:
                return exercise
    known = [*exercises()]
    near = get_close_matches(name, known, n=3, cutoff=0.4)
    msg = f"key needs to be one of {near or known}, got {key!r}"
    raise ValueError(msg)
