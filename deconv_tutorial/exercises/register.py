"""Every exercise, by its key."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module

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


def exercise_of(key: str) -> Exercise:
    """Return the exercise with a key.

    Raises
    ------
    ValueError
        If there is no such exercise.
    """
    for chapter in CHAPTERS:
        # Chapter by chapter, since some modules are slow to import.
        for exercise in exercises_of_chapter(chapter):
            if exercise.key == key:
                return exercise
    known = [*exercises()]
    near = get_close_matches(str(key).removeprefix("ex-"), known, n=3, cutoff=0.4)
    msg = f"key needs to be one of {near or known}, got {key!r}"
    raise ValueError(msg)
