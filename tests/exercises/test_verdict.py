"""A verdict is text, a page, data, and an error of an assertion."""

import json
import re
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

import deconv_tutorial
from deconv_tutorial.exercises import catalogue, check, exercises, solution
from deconv_tutorial.exercises.register import exercise_of
from deconv_tutorial.exercises.verdict import Comparison, Verdict

WRONG = {
    f"{key}-{n}": (key, wrong.function)
    for key in exercises()
    for n, wrong in enumerate(exercise_of(key).wrong)
}


def right_dx(*args):
    return solution("flip-dx")(*args)


def stored(verdict):
    return json.loads(json.dumps(verdict.as_dict(), allow_nan=False))


def test_a_right_verdict_is_stored():
    assert stored(check("flip-dx", right_dx, seed=2)) == {
        "version": 1,
        "key": "flip-dx",
        "right": True,
        "cases": 28,
        "passed": 28,
        "seed": 2,
        "call": "",
        "compared": [],
        "findings": [],
        "hint": "",
    }


def test_a_wrong_verdict_is_stored_with_both_arrays():
    verdict = check("flip-dx", lambda *args: right_dx(*args) + 7)
    assert verdict.findings == ("dx differs in 1 of 1 elements, first at [0].",)
    assert stored(verdict) == {
        "version": 1,
        "key": "flip-dx",
        "right": False,
        "cases": 8,
        "passed": 0,
        "seed": None,
        "call": verdict.call,
        "compared": [
            {
                "name": "dx",
                "expected": {"shape": [1], "values": [67]},
                "found": {"shape": [1], "values": [74]},
            }
        ],
        "findings": [*verdict.findings],
        "hint": verdict.hint,
    }
    assert verdict.call
    assert verdict.hint


@pytest.mark.parametrize("name", WRONG)
def test_every_wrong_verdict_is_stored_and_required(name):
    key, attempt = WRONG[name]
    verdict = check(key, attempt)
    found = stored(verdict)
    assert (found["key"], found["right"]) == (key, False)
    with pytest.raises(AssertionError) as raised:
        verdict.require()
    assert str(raised.value) == str(verdict)


@pytest.mark.parametrize(
    ("array", "values"),
    [
        (np.array([1.5, np.nan, np.inf, -np.inf]), [1.5, "nan", "inf", "-inf"]),
        (np.array([1 + 2j]), ["(1+2j)"]),
        (np.array([[True], [False]]), [[True], [False]]),
        (np.array(3, np.uint8), 3),
        (np.array(np.nan), "nan"),
        (np.zeros((0, 2)), []),
        (np.zeros(1000), [0.0] * 1000),
        (np.zeros(1001), None),
    ],
)
def test_numbers_that_json_lacks_are_texts_and_long_arrays_have_no_values(
    array, values
):
    verdict = Verdict("flip-dx", 1, 0, "call", (Comparison("dx", None, array),), ("a",))
    (pair,) = stored(verdict)["compared"]
    assert pair == {
        "name": "dx",
        "expected": None,
        "found": {"shape": list(array.shape), "values": values},
    }


def test_verdicts_can_be_kept_in_a_set():
    verdicts = [check("flip-dx", lambda *args: right_dx(*args) + 7) for _ in range(2)]
    assert len({*verdicts, *(pair for v in verdicts for pair in v.compared)}) == 4


def test_what_was_not_tried_is_told_in_a_paragraph():
    for attempt in (None, raising):
        page = check("flip-dx", attempt)._repr_html_()
        assert page.count("<p>") == 1
        assert "<pre" not in page


def test_nothing_is_required_of_a_right_answer():
    assert check("flip-dx", right_dx).require() is None
    with pytest.raises(AssertionError, match="flip-dx: input_gradient is not written"):
        check("flip-dx", raising).require()


def raising(*_):
    raise NotImplementedError


# What is not revealed.


@pytest.mark.parametrize("name", WRONG)
def test_no_right_result_is_revealed_to_who_is_graded(name):
    key, attempt = WRONG[name]
    shown, hidden = check(key, attempt), check(key, attempt, reveal=False)
    assert hidden.call == shown.call
    assert hidden.hint == shown.hint
    assert [pair.expected for pair in hidden.compared] == [None] * len(shown.compared)
    found = [pair.found is None for pair in shown.compared]
    assert [pair.found is None for pair in hidden.compared] == found
    for text in (str(hidden), hidden._repr_html_(), json.dumps(hidden.as_dict())):
        assert "expected " not in text
        assert "and should be" not in text
    assert all(pair["expected"] is None for pair in hidden.as_dict()["compared"])


def test_of_a_wrong_number_only_that_is_said():
    verdict = check("form-channels", lambda *_: 5, reveal=False)
    assert "T: 5, which is wrong." in str(verdict)
    verdict = check("form-channels", lambda *_: 5)
    assert "T: 5, and should be " in str(verdict)


# The list of exercises.


def test_the_catalogue_has_every_exercise_in_the_order_of_the_book():
    found = catalogue()
    assert list(found) == list(exercises())
    for key, question in found.items():
        exercise = exercise_of(key)
        assert question.key == key
        assert question.chapter == exercises()[key]
        assert question.function == exercise.name
        assert question.hint == exercise.hint
        assert question.title == exercise.title
        assert f"`{question.function}(" in question.text or key == "relabel-inverse"
        assert not re.search(r"\{cite|:::", question.text)


def test_a_question_stays_as_it_is():
    question = catalogue()["flip-dx"]
    with pytest.raises(FrozenInstanceError):
        question.text = ""


def test_the_package_knows_its_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+", deconv_tutorial.__version__)
