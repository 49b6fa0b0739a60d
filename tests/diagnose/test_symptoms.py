"""What is said about a wrong array before a mistake is named."""

import numpy as np
import pytest

from deconv_tutorial import conv_backward, diagnose
from deconv_tutorial.diagnose.compare import is_telling, ratio, whereabouts
from deconv_tutorial.diagnose.mistakes.problem import problem_of
from deconv_tutorial.diagnose.symptoms import symptoms


def integers(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).integers(1, 10, shape).astype(float)


ARRAYS = {
    "d_out": integers(2, 4, 3, 3),
    "x": integers(2, 3, 8, 7),
    "w": integers(4, 3, 3, 2),
}
SETTINGS = {"stride": 2}
RIGHT = conv_backward(*ARRAYS.values(), **SETTINGS)
PROBLEM = problem_of(ARRAYS["x"], ARRAYS["w"], ARRAYS["d_out"], **SETTINGS)


@pytest.mark.parametrize(
    ("target", "change", "told"),
    [
        ("dx", np.zeros_like, ["all its elements are 0"]),
        (
            "dw",
            lambda a: 0 * a[:1],
            ["all its elements are 0, of shape (1, 3, 3, 2), needed is (4, 3, 3, 2)"],
        ),
        (
            "dw",
            lambda a: a[:0],
            ["it has no elements: shape (0, 3, 3, 2), needed is (4, 3, 3, 2)"],
        ),
        (
            "dw",
            lambda a: np.where(a == a[1, 2, 0, 1], np.nan, a),
            ["nan at (1, 2, 0, 1), and 1 such elements in all"],
        ),
        ("dx", lambda _: RIGHT.dw, ["it is right under the name dw"]),
        ("db", lambda _: RIGHT.dx, ["it is right under the name dx"]),
        (
            "dw",
            lambda a: a.transpose(1, 0, 2, 3),
            ["it is right after transpose(1, 0, 2, 3)"],
        ),
        (
            "dx",
            lambda a: a.transpose(2, 3, 0, 1),
            ["it is right after transpose(2, 3, 0, 1)"],
        ),
        (
            "dx",
            lambda a: a.transpose(0, 2, 3, 1),
            ["it is right after transpose(0, 3, 1, 2)"],
        ),
        (
            "db",
            lambda a: a[None],
            [
                "its numbers are right, only the shape is not: "
                "shape (1, 4), needed is (4,)",
            ],
        ),
        (
            "dx",
            lambda a: a[:, :, :-1],
            ["it is right but for its last place on axis 0, which is missing"],
        ),
        (
            "dx",
            lambda a: a[..., 2:],
            ["it is right but for its first 2 places on axis 1, which are missing"],
        ),
        (
            "dx",
            lambda a: a[:, :, 1:-2],
            [
                "it is right but for its first place on axis 0, which is missing, and "
                "but for its last 2 places on axis 0, which are missing"
            ],
        ),
        (
            "dw",
            lambda a: np.pad(a, [(0, 0), (0, 0), (0, 1), (2, 0)], constant_values=7),
            [
                "it is right with 1 place more on axis 0, at the end, "
                "and with 2 places more on axis 1, at the start"
            ],
        ),
        (
            "dx",
            lambda a: a[:1],
            ["it is right but for its last place in its samples, which is missing"],
        ),
        (
            "dw",
            lambda a: a[:, 1:],
            [
                "it is right but for its first place on its axis 1 of channels, "
                "which is missing"
            ],
        ),
        (
            "db",
            lambda a: a[:-1],
            ["it is right but for its last place in its channels, which is missing"],
        ),
        (
            "dw",
            lambda a: a * 7,
            ["it is 7 times the right one"],
        ),
    ],
)
def test_what_is_seen_is_told(target, change, told):
    assert symptoms(PROBLEM, target, change(getattr(RIGHT, target))) == told


def test_conjugates_are_a_convention():
    x, w = ARRAYS["x"] + 1j * integers(2, 3, 8, 7, seed=1), ARRAYS["w"]
    problem = problem_of(x, w, ARRAYS["d_out"], **SETTINGS)
    (told,) = symptoms(problem, "dw", problem.result("dw").conj())
    assert told.startswith("it is the complex conjugate, as PyTorch")


@pytest.mark.parametrize(
    "change", [np.zeros_like, lambda a: a[:0], lambda a: a / 0, lambda _: RIGHT.dx]
)
def test_no_mistake_is_named_where_the_array_hides_it(change):
    with np.errstate(divide="ignore"):
        dw = change(RIGHT.dw)
    report = diagnose.gradients(**ARRAYS, **SETTINGS, dw=dw)
    assert report.findings[0].mistakes == ()


def test_factors_are_not_found_by_chance():
    """One element, one channel, or elements of one size: 3 of 11 is no finding."""
    one = np.array([[[11.0]]])
    assert not is_telling(one)
    assert not is_telling(np.array([5.0, -5.0, 5.0, 0.0]))
    assert is_telling(np.arange(4.0))
    assert ratio(3 * np.arange(4.0), np.arange(4.0)) == 3
    assert ratio(1j * np.arange(4.0), np.arange(4.0)) is None
    db = np.array([9.0])
    problem = problem_of(integers(1, 1, 3), integers(1, 1, 2), np.array([[[4.0, 5.0]]]))
    assert symptoms(problem, "db", db / 9) == ["1 of 1 elements differ"]


def test_a_window_is_not_found_by_chance():
    problem = problem_of(
        np.array([[[2.0, 3.0]]]), np.array([[[1.0]]]), np.array([[[5.0, 7.0]]])
    )
    assert problem.result("dw").tolist() == [[[31.0]]]
    told = symptoms(problem, "dw", np.array([[[1.0, 31.0, 2.0]]]))
    assert told == ["shape (1, 1, 3), needed is (1, 1, 1)"]
    assert symptoms(problem, "dx", np.array([[[6.0]]])) == [
        "shape (1, 1, 1), needed is (1, 1, 2)"
    ]


@pytest.mark.parametrize(
    ("target", "places", "words"),
    [
        ("dw", (2,), "only in its first axis of channels, at 2, one of 3"),
        ("dx", (1,), "only in the samples, at 1, one of 2"),
        ("db", (1,), "only in its channels, at 1, one of 3"),
        ("dw", (..., slice(1, None)), "only on axis 0, at the last 2 of 3"),
    ],
)
def test_places_of_layers_with_one_axis_are_told(target, places, words):
    problem = problem_of(
        integers(2, 2, 8), integers(3, 2, 3), integers(2, 3, 3), stride=2
    )
    wrong = problem.result(target).copy()
    wrong[places] += 1
    assert words in whereabouts(problem, target, wrong)
