"""The exercises of the book that ask for code, and a checker for answers to them.

`stub` shows the function to complete. ``check(key, attempt)`` tries an answer on small
integers and says what is wrong with it. `solution` shows one right answer. `exercises`
lists the keys: each is the label of an exercise in the book, without ``ex-``.
`catalogue` has the titles and the texts.
"""

from deconv_tutorial.exercises.as_code import solution, stub
from deconv_tutorial.exercises.judge import check
from deconv_tutorial.exercises.register import Question, catalogue, exercises
from deconv_tutorial.exercises.verdict import Verdict

__all__ = [
    "Question",
    "Verdict",
    "catalogue",
    "check",
    "exercises",
    "solution",
    "stub",
]
