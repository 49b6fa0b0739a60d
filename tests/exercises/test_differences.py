"""What is said of a wrong array is true, and not of this array alone."""

import numpy as np
import pytest

from deconv_tutorial import conv_backward
from deconv_tutorial.exercises.differences import difference, similarity
from deconv_tutorial.exercises.parts import as_parts, description


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (lambda a: a[::-1, ::-1], "in reverse"),
        (lambda a: a[::-1], "reversed on axis 0"),
        (lambda a: a[:, ::-1], "reversed on axis 1"),
        (lambda a: a.T, "with axes 0 and 1 exchanged"),
        (lambda a: -a, "with the opposite sign"),
        (lambda a: 3 * a, "3 times the right one"),
        (lambda a: a + (a == 5), ""),
        (lambda a: a + 1j, ""),
    ],
)
def test_a_likeness_is_said_in_words(found, words):
    right = np.arange(1, 10).reshape(3, 3)
    like = similarity(found(right), right)
    assert words in like
    assert bool(words) == bool(like)


@pytest.mark.parametrize(
    ("found", "right", "others", "words"),
    [
        ([1, 2], [2, 1], [], "is the right one, in reverse"),
        ([1, 2], [2, 1], [([3, 4], [4, 3])], "is the right one, in reverse"),
        ([1, 2], [2, 1], [([3, 4], [4, 5])], ""),
        ([6], [3], [], ""),
        ([6], [3], [([2], [1])], "is 2 times the right one"),
        ([6], [3], [([3], [1])], ""),
        ([6, 6], [3, -3], [], ""),
        ([6, 0], [3, 0], [], ""),
        ([6, 2], [3, 1], [], "is 2 times the right one"),
        ([0, 0], [3, 1], [], ""),
        ([-6], [6], [], "is the right one, with the opposite sign"),
        (-6, 6, [], "is the right one, with the opposite sign"),
        ([[1, 2]], [1, 2], [], "has the right numbers in the shape (1, 2)"),
        ([[1, 3]], [1, 2], [], ""),
        ([[1, 2]], [1, 2], [([[1, 2]], [2, 1])], ""),
        ([1, 2, 3], [1, 2], [], ""),
        ([True], [3], [], "has truth values"),
        ([False], [True], [], ""),
    ],
)
def test_a_likeness_is_true_of_all_cases(found, right, others, words):
    pairs = [tuple(map(np.array, pair)) for pair in others]
    like = similarity(np.array(found), np.array(right), pairs)
    assert like.startswith(words)
    assert bool(like) == bool(words)


@pytest.mark.parametrize(
    ("found", "right", "sentence"),
    [
        ([1, 2], [1, 3], "dw differs in 1 of 2 elements, first at [1]."),
        ([[1, 2], [0, 0]], [[1, 2], [3, 4]], "dw differs in 2 of 4 elements, first at"),
        (
            [1.0, np.nan],
            [1, 3],
            "dw is nan or infinite in 1 of 2 elements, first at [1]",
        ),
        ([1.0, 3 + 1e-7], [1, 3], "dw differs in 1 of 2 elements, by at most 1e-07."),
        ([1, 2, 3], [1, 3], "dw has the shape (3,), and needs (2,)."),
        (2, 3, "dw: 2, and should be 3."),
    ],
)
def test_a_difference_is_where_it_is(found, right, sentence):
    assert difference("dw", np.array(found), np.array(right)).startswith(sentence)


def test_unsigned_numbers_are_compared_as_numbers():
    found, right = np.array([3, 5], np.uint8), np.array([3, 7], np.uint8)
    assert (
        difference("y", found, right) == "y differs in 1 of 2 elements, first at [1]."
    )


def test_parts_are_copies():
    given = np.arange(3)
    (part,) = as_parts(given, ["dx"])
    given[:] = 0
    assert part.tolist() == [0, 1, 2]


def test_things_are_described():
    assert description([1]) == "a list of 1"
    assert description(conv_backward(*[np.ones((1, 1, 1))] * 3)) == (
        "Gradients of 3 results"
    )
