"""The exercises of the book that ask for code, and what tries an answer to them.

`stub` shows what to fill in, ``check(key, attempt)`` tries it on small integers and
says what is wrong, and `solution` shows one right answer. `exercises` lists the keys:
each is the label of an exercise in the book, without ``ex-``.
"""

from deconv_tutorial.exercises.as_code import solution, stub
from deconv_tutorial.exercises.judge import check
from deconv_tutorial.exercises.register import exercises
from deconv_tutorial.exercises.verdict import Verdict

__all__ = ["Verdict", "check", "exercises", "solution", "stub"]
