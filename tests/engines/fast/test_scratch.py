"""Scratch memory: used again, but not while busy, and no more than is said."""

import numpy as np

from deconv_tutorial.engines.fast import scratch
from deconv_tutorial.engines.fast.scratch import (
    KEPT,
    Scratch,
    give_back,
    lease,
    release,
)


def test_it_is_used_again_but_not_while_busy():
    own = Scratch()
    one = own.array((3, 4), np.float32)
    two = own.array((5,), np.float64, one)
    three = own.array((6,), np.int8, one, two)
    four = own.array((6,), np.int8, one, two, three)
    arrays = (one, two, three, four)
    for n, array in enumerate(arrays):
        assert not any(np.shares_memory(array, other) for other in arrays[n + 1 :])
    assert np.shares_memory(own.array((2,), np.float32, two, three), one)


def test_objects_have_none():
    assert Scratch().array((2,), object).tolist() == [None, None]


def test_what_is_leased_belongs_to_nobody_else():
    one, two = lease(), lease()
    assert one is not two
    release(one, keep=1)
    assert lease() is one
    release(one, keep=2)
    release(two, keep=2)
    assert scratch._FREE[-2:] == [one, two]
    give_back()
    assert not scratch._FREE


def test_as_much_as_may_be_is_kept():
    own = Scratch()
    assert own.nbytes == 0
    array = own.array((KEPT,), np.uint8)
    own.trim()
    assert own.nbytes == KEPT
    assert np.shares_memory(own.array((1,), np.uint8), array)


def test_much_memory_is_not_kept():
    own = lease()
    small = own.array((100,), np.uint8)
    own.array((KEPT,), np.uint8, small)
    assert own.nbytes > KEPT
    release(own, keep=1)
    assert own.nbytes == 100
    assert np.shares_memory(own.array((100,), np.uint8), small)
    give_back()


def test_only_so_many_leases_are_kept():
    give_back()
    leases = [lease() for _ in range(5)]
    for each in leases:
        release(each, keep=2)
    assert len(scratch._FREE) == 2
    give_back()
