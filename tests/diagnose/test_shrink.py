"""A failing layer is made as small as it can be."""

import pytest

from deconv_tutorial.diagnose.limits import LIMITS, within
from deconv_tutorial.diagnose.shrink import CALLS, shrunk
from deconv_tutorial.diagnose.sketch import Sketch, SketchAxis
from deconv_tutorial.diagnose.space import Space, complexity


def large(rank=2, **options):
    axis = SketchAxis(5, 4, 3, 2, 2, 1, 2)
    return Sketch((axis,) * rank, batch=3, groups=2, short=3, long=2, **options)


@pytest.mark.parametrize(
    ("fails", "expected"),
    [
        (lambda _: True, Sketch((SketchAxis(1, 1),) * 2, values="counted")),
        (
            lambda s: s.axes[1].leftover > 1,
            Sketch(
                (SketchAxis(1, 1), SketchAxis(1, 1, stride=3, leftover=2)),
                values="counted",
            ),
        ),
        (
            lambda s: s.groups > 1 and s.batch > 1,
            Sketch((SketchAxis(1, 1),) * 2, batch=2, groups=2, values="counted"),
        ),
        (
            lambda s: s.values != "counted" and s.axes[0].taps > 2,
            Sketch((SketchAxis(1, 3), SketchAxis(1, 1)), values="positive"),
        ),
    ],
)
def test_the_smallest_is_found(fails, expected):
    assert shrunk(large(), fails, []) == expected


def test_limits_are_kept_while_it_shrinks():
    steps = [LIMITS["square kernels"], LIMITS["one number for all axes"]]
    start = within(large(), steps)
    found = shrunk(start, lambda s: s.axes[0].taps > 1 and s.axes[1].stride > 1, steps)
    assert [(a.taps, a.stride) for a in found.axes] == [(2, 2), (2, 2)]


def test_it_ends_if_nothing_smaller_fails_and_after_so_many_calls():
    start = large()
    assert shrunk(start, lambda s: s == start, []) is start
    calls = []

    def fails(sketch):
        calls.append(sketch)
        return len(calls) % 50 == 0

    shrunk(start, fails, [])
    assert len(calls) <= CALLS


def test_every_step_is_smaller():
    for start in [*Space(True, ranks=(1, 3)).sketches()][::20]:
        sizes = [complexity(start)]

        def fails(sketch, sizes=sizes):
            assert complexity(sketch) < sizes[-1]
            if sketch.axes[0].taps > 1:
                sizes.append(complexity(sketch))
                return True
            return False

        shrunk(start, fails, [])
