"""The page for teachers: each block of code runs, with the graders that are there."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec

import nbformat
import pytest

from deconv_tutorial.exercises import check, exercises, solution, stub
from deconv_tutorial.exercises.call_outcome import outcome
from deconv_tutorial.exercises.register import exercise_of
from tests.examples import blocks, run, run_shell
from tools.checkout import ROOT

PAGE = ROOT / "book" / "reference" / "teachers.md"
if not PAGE.is_file():
    pytest.skip("the book is not here", allow_module_level=True)
TEXT = PAGE.read_text("utf-8")
FILE = re.compile(r"# (\S+\.py)\n")
ANSWERS = ("flip-dx", "form-dense")
WRONG = """
def input_gradient(w, d_out, inputs, stride, padding):
    print("not this")
    return w
"""
CHEATS = """
import sys
import numpy as np

sys.modules.pop("deconv_tutorial.exercises")
import deconv_tutorial.exercises.judge

np.array_equal = np.allclose = lambda *_, **__: True
deconv_tutorial.exercises.judge.check = lambda *_, **__: True
for module in list(sys.modules.values()):
    for name in ("is_same", "is_alike", "wrong_places"):
        if hasattr(module, name):
            setattr(module, name, lambda *_: True)


def input_gradient(w, *_):
    return w * 0
"""


def texts_below(heading, language):
    return [t for h, kind, t in blocks(TEXT) if h == heading and kind == language]


def files_below(heading, folder):
    """Write the files of a section into a folder."""
    for text in texts_below(heading, "python"):
        if named := FILE.match(text):
            path = folder / named[1]
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")


def code_of(key):
    """Return the stub of an exercise with the solution in its place."""
    head, _, _ = repr(stub(key)).partition("\ndef ")
    return f"{head}\n{solution(key)!r}\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    return tmp_path


def submission(folder, *texts):
    (folder / "submission.py").write_text("\n".join(texts), "utf-8")


def shell(heading, folder, number=0):
    run_shell(texts_below(heading, "console")[number], folder)


def require(module):
    if not find_spec(module):
        pytest.skip(f"{module} is not installed")


def test_every_block_of_code_is_of_a_kind_that_is_run():
    for heading, language, text in blocks(TEXT):
        known = text.startswith((">>> ", "$ ")) or FILE.match(text)
        assert known, (heading, text)
        assert language == ("console" if text.startswith("$ ") else "python")


def test_what_is_shown_is_what_comes():
    headings = "What there is", "What a check says"
    examples = [text for h in headings for text in texts_below(h, "python")]
    run("".join(text for text in examples if not text.startswith(">>> stub(")))


def test_the_stub_on_the_page_is_the_stub():
    (text,) = (t for t in texts_below("What there is", "python") if ">>> stub(" in t)
    first, _, shown = text.partition("\n")
    key = re.fullmatch(r'>>> stub\("([\w-]+)"\)', first)[1]
    assert shown == f"{stub(key)!r}\n"


def test_every_exercise_is_on_the_page():
    assert all(re.search(rf"^{key} +", TEXT, re.MULTILINE) for key in exercises())
    assert f"{len(exercises())} exercises" in TEXT.replace("Twenty", "20")


# With pytest.


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([code_of(key) for key in ANSWERS], {"passed": 2}),
        ([code_of("form-dense"), WRONG], {"passed": 1, "failed": 1}),
    ],
)
def test_pytest_grades(answers, outcome, folder, pytester_run):
    submission(folder, *answers)
    files_below("With pytest", folder)
    said = pytester_run(texts_below("With pytest", "console")[0])
    counts = re.findall(r"(\d+) (passed|failed)", said)
    assert {word: int(number) for number, word in counts} == outcome
    assert ("flip-dx: not yet. Right in" in said) == ("failed" in outcome)
    assert "expected dx" not in said


@pytest.fixture
def pytester_run(folder):
    """Return a function that runs a line of a transcript, and returns what it says."""

    def said(line):
        words = line.removeprefix("$ ").split()
        assert words[0] == "python"
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, *words[1:]],
            cwd=folder,
            env=environment,
            capture_output=True,
            check=False,
            text=True,
        )
        return done.stdout

    return said


# With the graders.


def answered(path, key, text):
    """Put an answer into the cell of a question."""
    notebook = nbformat.read(path, as_version=4)
    (cell,) = (c for c in notebook.cells if f"def {exercise_of(key).name}(" in c.source)
    cell.source = text
    nbformat.write(notebook, path)


def test_nbgrader_grades(folder):
    require("nbgrader")
    files_below("With nbgrader", folder)
    shell("With nbgrader", folder)
    released = (folder / "release/gradients/gradients.ipynb").read_text("utf-8")
    assert "YOUR CODE HERE" in released
    assert "seed=7" not in released
    for student, texts in {
        "right": [code_of(key) for key in ANSWERS],
        "half": [WRONG, code_of("form-dense")],
        "nothing": [],
    }.items():
        place = folder / "submitted" / student / "gradients"
        shutil.copytree(folder / "release/gradients", place)
        for key, text in zip(ANSWERS, texts, strict=False):
            answered(place / "gradients.ipynb", key, text)
    shell("With nbgrader", folder, 1)
    with (folder / "grades.csv").open() as file:
        scores = {
            row["student_id"]: float(row["score"]) for row in csv.DictReader(file)
        }
    assert scores == {"right": 10, "half": 5, "nothing": 0}


@pytest.mark.parametrize(
    ("answer", "points"), [(code_of("flip-dx"), 5), (WRONG, 0)], ids=["right", "wrong"]
)
def test_otter_grades(answer, points, folder):
    require("otter")
    files_below("With Otter-Grader", folder)
    cells = [nbformat.v4.new_code_cell(answer)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "submission.ipynb")
    shell("With Otter-Grader", folder)
    results = json.loads((folder / "results.json").read_text("utf-8"))
    (found,) = (test for test in results["tests"] if test["name"] == "flip-dx")
    assert (found["score"], found["max_score"]) == (points, 5)


# What can be faked.


@pytest.fixture
def fresh(folder):
    files_below("What a student can fake", folder)
    names = {}
    exec((folder / "fresh.py").read_text("utf-8"), names)
    return names["fresh"]


def test_a_fresh_process_grades(folder, fresh):
    submission(folder, code_of("flip-dx"), 'check("flip-dx", input_gradient)')
    (example,) = (
        t for t in texts_below("What a student can fake", "python") if ">>>" in t
    )
    examples = example.replace(">>> from fresh import fresh\n", "")
    names = {"fresh": fresh, "check": check}
    assert str(eval(examples.partition("\n")[0].removeprefix(">>> "), names)) == (
        examples.partition("\n")[2].strip()
    )


@pytest.mark.parametrize("text", [WRONG, CHEATS])
def test_a_fresh_process_is_not_fooled(text, folder, fresh):
    submission(folder, text)
    verdict = check("flip-dx", fresh("submission.py", "input_gradient"))
    assert not verdict
    assert verdict.compared[0].found is not None


def test_a_fresh_process_has_no_solutions(folder, fresh):
    text = "from deconv_tutorial.exercises import solution\n"
    submission(folder, text, "input_gradient = solution('flip-dx')")
    verdict = check("flip-dx", fresh("submission.py", "input_gradient"))
    assert "It raises RuntimeError: ImportError: cannot import" in verdict.findings[0]


OTHERS = [k for k in exercises() if k not in {"flip-dx", "indices-repair"}]


@pytest.mark.parametrize("key", [k for k in OTHERS if k != "cost-transpose"])
def test_every_other_exercise_can_be_graded_in_a_fresh_process(key, folder, fresh):
    submission(folder, code_of(key))
    exercise = exercise_of(key)
    answer = fresh("submission.py", exercise.name)
    case = exercise.cases[0]  # each call takes a while
    found = outcome(exercise, answer, case)
    assert found.is_like(outcome(exercise, exercise.right, case)), found.error
