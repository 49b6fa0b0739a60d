"""What a setting may be, and how a message shows what came."""

from collections import deque
from enum import IntEnum

import numpy as np
import pytest
import sympy

from deconv_tutorial.geometry.settings import (
    common_rank,
    is_sequence,
    padding_pairs,
    per_axis,
    shown,
    type_of,
    typed,
    whole_number,
)


class Two(IntEnum):
    TWO = 2


def test_any_type_that_is_an_index_is_a_whole_number() -> None:
    for two in (2, np.int8(2), np.uint64(2), np.array(2), sympy.Integer(2), Two.TWO):
        assert whole_number("stride", two, at_least=1) == 2
        assert type(whole_number("stride", two, at_least=1)) is int


def test_a_sequence_has_one_number_per_axis() -> None:
    for pair in ((1, 2), [1, 2], np.array([1, 2]), deque([1, 2]), range(1, 3)):
        assert is_sequence(pair)
        assert per_axis("stride", pair, rank=2, at_least=1) == (1, 2)
        assert padding_pairs(pair, rank=2) == ((1, 1), (2, 2))
        assert padding_pairs([pair, pair], rank=2) == ((1, 2), (1, 2))
        assert common_rank(3, pair) == 2
    for alone in (2, "same", b"12", bytearray(b"12"), memoryview(b"12"), np.array(2)):
        assert not is_sequence(alone)
        assert common_rank(alone) == 1


def test_what_came_is_shown_in_few_words() -> None:
    cases: list[tuple[object, str]] = [
        (10**39, "1" + 39 * "0"),
        (10**40, "an integer of about 41 digits"),
        (-(10**5000), "a negative integer of about 5001 digits"),
        ([(1, 10**50), np.int8(2)], "[(1, an integer of about 51 digits), np.int8(2)]"),
        ((3,), "(3,)"),
        ("same", "'same'"),
        (np.ma.array(2, mask=True), "masked_array(data=--, mask=True, fill_value=9999"),
        (range(3), "range(0, 3)"),
        ([7] * 10**6, "[" + 16 * "7, " + "...]"),
        ("s" * 158, "'" + 158 * "s" + "'"),
        ("s" * 10**6, "'" + 77 * "s" + "..."),
    ]
    for value, text in cases:
        assert shown(value).startswith(text)
        assert len(shown(value)) <= 160


def test_what_cannot_say_what_it_is_is_shown_too() -> None:
    class Mute:
        def __repr__(self) -> str:
            raise RuntimeError

    with pytest.raises(
        TypeError, match=r"^stride .* got <Mute instance at .*> \(a Mute"
    ):
        whole_number("stride", Mute(), at_least=1)


def test_types_are_said_where_they_are_what_is_wrong() -> None:
    assert typed(None) == "None"
    assert typed("same") == "'same' (a str)"
    assert typed(np.float64(2)) == "np.float64(2.0) (a float64)"
    assert type_of(np.zeros(1)) == "an ndarray"
    assert type_of(np.uint8(1)) == "a uint8"
