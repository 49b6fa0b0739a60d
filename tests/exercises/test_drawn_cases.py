"""Further cases, drawn from a seed: other ones than the fixed ones, and as fair."""

from functools import partial

import numpy as np
import pytest

from deconv_tutorial.diagnose.compare import is_same
from deconv_tutorial.diagnose.mistakes.problem import problem_of
from deconv_tutorial.exercises import check, exercises, solution
from deconv_tutorial.exercises.call_outcome import outcome
from deconv_tutorial.exercises.drawing import drawn_geometry, integers
from deconv_tutorial.exercises.judge import DRAWN, drawn_cases
from deconv_tutorial.exercises.register import exercise_of
from deconv_tutorial.exercises.reproducer import call_code, expression

EVERY = pytest.mark.parametrize("key", exercises())


def own(key):
    """Return the solution as a person's own function."""

    def attempt(*args):
        return exercise_of(key).solution(*args)

    return attempt


def text_of(case):
    return str([expression(value) for value in case])


@EVERY
def test_a_right_answer_is_right_with_every_seed(key):
    fixed = len(exercise_of(key).cases)
    verdict = check(key, own(key), seed=7)
    assert verdict
    assert (verdict.cases, verdict.passed) == (fixed + DRAWN, fixed + DRAWN)
    assert verdict.seed == 7
    assert str(verdict).endswith(f"in all {fixed + DRAWN} cases (seed 7).")
    assert check(key, own(key)).cases == fixed


@EVERY
def test_a_seed_draws_the_same_cases_and_another_one_others(key):
    exercise = exercise_of(key)
    one, again, other = ([*map(text_of, drawn_cases(exercise, n))] for n in (1, 1, 2))
    assert one == again
    assert one != other
    fixed = {*map(text_of, exercise.cases)}
    assert len({*one, *other} - fixed) > DRAWN / 2, "most are new"
    assert drawn_cases(exercise, None) == []


@EVERY
def test_drawn_cases_are_of_the_kinds_of_the_fixed_ones(key):
    """Arrays and ints stand where they stood, so that one call is as the other."""
    exercise = exercise_of(key)
    kinds = {tuple(map(kind, case)) for case in exercise.cases}
    assert {tuple(map(kind, case)) for case in drawn_cases(exercise, 0)} == kinds


def kind(value):
    if isinstance(value, np.ndarray):
        return value.ndim if value.ndim < 4 else "engine", value.dtype.kind
    return type(value)


@EVERY
def test_small_cases_come_first(key):
    sizes = [
        sum(value.size for value in case if isinstance(value, np.ndarray))
        for case in drawn_cases(exercise_of(key), 3)
    ]
    assert sizes == sorted(sizes)


CALLED_WITH_THE_CASE = [k for k in exercises() if exercise_of(k).use is None]


@pytest.mark.parametrize("key", CALLED_WITH_THE_CASE)
def test_what_knows_the_fixed_cases_by_heart_is_found_out(key):
    exercise = exercise_of(key)
    known = {text_of(case): exercise.right(*case) for case in exercise.cases}

    def attempt(*args):
        return known.get(text_of(args), next(iter(known.values())))

    assert check(key, attempt)
    verdict = check(key, attempt, seed=11)
    assert not verdict
    assert verdict.passed >= len(exercise.cases)


@pytest.mark.parametrize("key", [k for k in exercises() if exercise_of(k).layer])
def test_drawn_gradients_are_those_of_their_layers(key):
    exercise = exercise_of(key)
    rng = np.random.default_rng(0)
    for case in [exercise.draw(rng) for _ in range(60)]:
        parts = outcome(exercise, exercise.right, case).parts
        problem = problem_of(**exercise.layer(*case))
        for name, found in zip(exercise.returns, parts, strict=True):
            needed = problem.result(name)
            assert is_same(found.reshape(needed.shape), needed)


@EVERY
def test_each_known_mistake_shows_in_the_drawn_cases_alone(key):
    exercise = exercise_of(key)
    cases = [case for seed in (0, 1, 2) for case in drawn_cases(exercise, seed)]
    rights = [outcome(exercise, exercise.right, case) for case in cases]
    for wrong in exercise.wrong:
        found = (outcome(exercise, wrong.function, case) for case in cases)
        assert not all(f.is_like(r) for f, r in zip(found, rights, strict=True))


@EVERY
def test_the_call_of_a_drawn_case_can_be_pasted(key):
    exercise = exercise_of(key)
    for case in drawn_cases(exercise, 5)[:3]:
        names = {"attempt": exercise.right}
        exec(call_code(exercise, own(key), case), names)


def test_drawn_numbers_lie_within_the_sum_and_on_both_sides_of_it():
    numbers = {
        int(n)
        for (case,) in drawn_cases(exercise_of("indices-repair"), 0)
        for n in case
    }
    assert min(numbers) < 0
    assert max(numbers) > 20
    assert {n % 2 for n in numbers if 0 <= n <= 20} == {0, 1}


def test_the_fixed_numbers_stay_as_they_are():
    """The book shows some of them."""
    (one,), (two,) = integers(2), integers((1, 2))
    assert one.tolist() == [-8, -3]
    assert two.tolist() == [[6, -5]]


def test_drawn_geometries_read_an_input_for_every_output():
    rng = np.random.default_rng(0)
    geometries = [drawn_geometry(rng, 1 + n % 2) for n in range(400)]
    for geometry in geometries:
        read = {o for o, _, _ in geometry.connections()}
        assert len(read) == np.prod(geometry.output_size)
    axes = [axis for geometry in geometries for axis in geometry.axes]
    for name in ("stride", "dilation", "kernel_size", "padding_before"):
        assert len({getattr(axis, name) for axis in axes}) >= 2


@pytest.mark.parametrize(
    ("seed", "error", "words"),
    [
        (-1, ValueError, "seed needs an integer from 0 on, got -1"),
        (1.5, TypeError, r"seed needs an integer or None, got 1.5 \(a float\)"),
        (True, TypeError, "seed needs an integer or None, got True"),
        ("1", TypeError, "seed needs an integer or None, got '1'"),
    ],
)
def test_what_is_no_seed_is_refused(seed, error, words):
    with pytest.raises(error, match=words):
        check("flip-dx", own("flip-dx"), seed=seed)


@pytest.mark.parametrize(
    ("seconds", "error"), [(0, ValueError), (-1, ValueError), ("1", TypeError)]
)
def test_a_limit_that_is_none_is_refused_and_not_blamed_on_the_answer(seconds, error):
    with pytest.raises(error, match="seconds needs"):
        check("flip-dx", own("flip-dx"), seconds=seconds)


def test_integers_of_numpy_are_seeds():
    verdict = check("flip-dx", own("flip-dx"), seed=np.int64(3))
    assert verdict
    assert type(verdict.as_dict()["seed"]) is int


# What is ours.


@EVERY
def test_solutions_of_the_package_are_refused(key):
    ours = solution(key)
    for attempt in (
        ours,
        ours.function,
        ours.__call__,
        exercise_of(key).right,
        partial(ours),
        partial(partial(ours.function)),
    ):
        verdict = check(key, attempt)
        assert not verdict
        (finding,) = verdict.findings
        assert finding.startswith("This is the solution of the package.")
        assert verdict.passed == 0


def test_the_solution_of_another_exercise_is_refused_too():
    assert "the solution of the package" in str(check("flip-dx", solution("form-flip")))


def test_a_method_of_a_person_is_taken():
    class Own:
        def answer(self, *args):
            return exercise_of("flip-dx").solution(*args)

    assert check("flip-dx", Own().answer)
    assert check("flip-dx", partial(own("flip-dx")))


# What the answer does to its surroundings.


def test_a_buffer_that_is_used_again_is_taken():
    buffer = np.zeros(99, int)

    def attempt(w, d_out, inputs, stride, padding):
        dx = exercise_of("flip-dx").solution(w, d_out, inputs, stride, padding)
        buffer[:inputs] = dx
        return buffer[:inputs]

    assert check("flip-dx", attempt, seed=0)


def test_the_right_results_are_there_before_the_answer_runs(monkeypatch):
    def raising(*_, **__):
        raise ArithmeticError

    def attempt(*_):
        monkeypatch.setattr(np, "zeros", raising)  # the solution calls it, too
        raise ArithmeticError

    assert not check("flip-dx", attempt)
