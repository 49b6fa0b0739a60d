"""The small pictures draw what is there, and say it."""

import re

import numpy as np
import pytest

from deconv_tutorial.diagnose.mistakes.formulas import formulas
from tools.gallery.drawn_layers import Sight, drawn_layers, sights
from tools.gallery.signs import usual_signs
from tools.gallery.small_maps import best_sight, description, picture, states

LAYER = drawn_layers(transposed=False)[0]
FORMULA = formulas("dx", transposed=False)[0]
RIGHT = np.array([[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]])


def sight(found, right=RIGHT, target="dx"):
    formula = next(f for f in formulas(target, transposed=False))
    return Sight(formula, LAYER, np.array(found), np.array(right))


def names(found, right=RIGHT):
    return [block.tolist() for row in states(sight(found, right)) for block in row]


def test_states_of_one_shape():
    assert names([[[[1, 0], [9, 4]], [[5, 6], [7, 8]]]]) == [
        [["right", "zero"], ["wrong", "right"]],
        [["right", "right"], ["right", "right"]],
    ]


def test_states_of_another_shape():
    assert names([[[[1, 2, 3]], [[5, 9, 9]]]]) == [
        [["right", "right", "extra"], ["missing", "missing", ""]],
        [["right", "wrong", "extra"], ["missing", "missing", ""]],
    ]


def test_states_of_a_bias():
    assert names([1, 5], [1, 2]) == [[["right"]], [["wrong"]]]
    assert names([[[1, 5]], [[2, 6]]], [1, 2]) == [
        [["right", "extra"]],
        [["right", "extra"]],
    ]


def test_an_axis_too_many_is_drawn_as_more_rows():
    found = np.stack([RIGHT, RIGHT])
    assert names(found)[2:] == [[["extra"] * 2] * 2] * 2


def test_description_counts_and_says_where():
    found = [[[[1, 2], [3, 4]], [[5, 0], [7, 9]]]]
    assert description(sight(found)) == (
        "1 by 2 blocks of 2 by 2 numbers; right: 6; wrong: 1; 0 in place of another "
        "number: 1; wrong only in channel 1 of 0 to 1; wrong only in column 1 of 0 to 1"
    )


def test_picture_has_one_outline_for_each_number():
    drawn = picture(sight([[[[1, 0], [9, 4]], [[5, 6], [7, 8]]]]), 'The "title"')
    counts = {
        name: path.count("M")
        for name, path in re.findall(r'<path class="(\w+)" d="([^"]*)"/>', drawn)
    }
    assert counts == {"right": 6, "wrong": 1, "zero": 1}
    assert 'role="img" aria-label="The &quot;title&quot;. 1 by 2 blocks' in drawn


@pytest.mark.parametrize("key", sights())
def test_picture_discriminates_if_some_layer_does(key):
    each = sights()[key]
    best = best_sight(each, usual_signs(each))
    partly = [
        s
        for s in each
        if s.found.shape == s.right.shape and 0 < (s.found != s.right).mean() < 1
    ]
    assert best is not None or not partly
    if any(max(s.found.size, s.right.size) <= 160 for s in partly):
        assert best.found.shape == best.right.shape
        assert 0 < (best.found != best.right).mean() < 1
