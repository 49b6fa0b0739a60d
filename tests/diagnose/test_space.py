"""The layers that are drawn are valid, small, and have all that was said they have."""

import itertools
import math
import os
import subprocess
import sys

import numpy as np
import pytest

from deconv_tutorial import conv, conv_transpose
from deconv_tutorial.diagnose.limits import (
    LIMITS,
    check_limits,
    fixed_settings,
    within,
)
from deconv_tutorial.diagnose.probes import SETTINGS
from deconv_tutorial.diagnose.sketch import Sketch, SketchAxis
from deconv_tutorial.diagnose.space import WISHES, Space, complexity

LAYERS = pytest.mark.parametrize("transposed", [False, True])


def sketches(transposed, **options):
    space = Space(transposed, **{"ranks": (1, 2, 3), **options})
    return space, [*space.sketches()]


@LAYERS
@pytest.mark.parametrize("seed", range(3))
def test_every_drawn_layer_is_one_of_ours(transposed, seed):
    space, drawn = sketches(transposed, seed=seed)
    assert len(drawn) == space.count
    function = conv_transpose if transposed else conv
    for sketch in drawn:
        case = sketch.call(SETTINGS, bias=True)
        y = function(case.x, case.w, case.b, **case.settings)
        assert y.shape == case.d_out.shape
        assert np.array_equal(y, case.expected("y"))
        assert min(abs(a).min() for a in (case.x, case.w, case.d_out, case.b)) > 0
        short = case.x if transposed else case.d_out
        terms = short[:, 0].size * case.w.size
        assert terms <= 20_000, case  # loops in Python take it


@LAYERS
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_all_settings_meet_and_vary(transposed, rank):
    space, drawn = sketches(transposed, ranks=(rank,))
    for pair in itertools.combinations(space.varied, 2):
        both = [s for s in drawn if not any(map(s.is_default, pair))]
        assert len(both) >= 20, pair
        if {"padding", "groups"} & {*pair} and "output_padding" in pair:
            continue  # a stride or a dilation has to be there too
        alone = [
            s
            for s in both
            if all(map(s.is_default, set(space.varied) - {*pair, "output_padding"}))
        ]
        assert len(alone) >= 5, pair
    for name in set(space.varied) - {"output_padding"}:
        alone = [
            s
            for s in drawn
            if not s.is_default(name)
            and all(map(s.is_default, set(space.varied) - {name}))
        ]
        assert len(alone) >= 5, name


@LAYERS
def test_every_leftover_is_drawn(transposed):
    _, drawn = sketches(transposed, ranks=(1,))
    axes = [s.axes[0] for s in drawn]
    for stride, dilation in itertools.product((1, 2, 3, 4), (1, 2, 3)):
        most = max(stride, dilation) if transposed else stride
        found = {
            a.leftover for a in axes if (a.stride, a.dilation) == (stride, dilation)
        }
        if stride <= 3 and dilation <= 2:
            assert found >= set(range(most)), (stride, dilation)
        assert max(found) < most


@pytest.mark.parametrize(
    ("what", "has"),
    [
        ("one tap", lambda s: all(a.taps == 1 for a in s.axes)),
        ("the kernel is the input", lambda s: all(a.outputs == 1 for a in s.axes)),
        ("even taps", lambda s: all(a.taps % 2 == 0 for a in s.axes)),
        ("unequal taps", lambda s: len({a.taps for a in s.axes}) > 1),
        ("unequal inputs", lambda s: len({a.input_size for a in s.axes}) > 1),
        ("equal axes", lambda s: len({*s.axes}) == 1),
        ("depthwise", lambda s: s.groups > 1 and s.long == 1),
        (
            "depthwise, strided",
            lambda s: s.groups > 1 == s.long and s.axes[0].stride > 1,
        ),
        ("one sample", lambda s: s.batch == 1),
        ("three samples", lambda s: s.batch >= 3),
        ("one channel", lambda s: s.groups == s.short == s.long == 1),
        ("unequal strides", lambda s: len({a.stride for a in s.axes}) > 1),
        ("padding at one end", lambda s: any(a.before != a.after for a in s.axes)),
        ("one number", lambda s: isinstance(s.value("stride"), int)),
        ("tuples of one number", lambda s: s.value("stride") == (2, 2)),
        ("fractions", lambda s: s.values == "eighths"),
        ("other memory", lambda s: s.order == "F"),
        ("long", lambda s: max(a.outputs for a in s.axes) > 32),
        ("many channels", lambda s: min(s.short, s.long) >= 8),
        ("large kernel", lambda s: max(a.taps for a in s.axes) >= 6),
    ],
)
@LAYERS
def test_what_a_stranger_might_bring_is_drawn(what, has, transposed):
    _, drawn = sketches(transposed, ranks=(2,))
    assert sum(map(has, drawn)) >= 5, what


def test_what_is_not_taken_is_not_passed_and_does_not_vary():
    space = Space(False, settings=("stride",), ranks=(2,))
    for sketch in space.sketches():
        case = sketch.call(("stride",))
        assert set(case.settings) == {"stride"}
        assert case.fixed == {}
    assert space.varied == ("stride",)


@pytest.mark.parametrize(
    ("fixed", "settings", "told"),
    [
        ({"padding": "same"}, (), {"padding"}),
        ({"stride": (2, 3)}, ("padding",), {"stride"}),
        (
            {"padding": lambda kernel: [(k // 2, k // 2) for k in kernel]},
            (),
            {"padding"},
        ),
        ({"groups": 2, "dilation": 2}, ("stride",), {"groups", "dilation"}),
    ],
)
def test_fixed_settings_are_had_and_not_passed(fixed, settings, told):
    space = Space(False, settings, (2,), fixed)
    names = set()
    for sketch in space.sketches():
        case = sketch.call(settings)
        assert set(case.settings) == {*settings}
        assert set(case.fixed) <= told
        names |= set(case.fixed)
        given = {n: v(case.w.shape[2:]) if callable(v) else v for n, v in fixed.items()}
        y = conv(case.x, case.w, **case.settings, **given)
        assert np.array_equal(y, case.problem.result("y"))
    assert names == told


def test_same_keeps_the_size_of_even_kernels():
    sketch = within(
        Sketch((SketchAxis(5, 4), SketchAxis(3, 3))),
        [fixed_settings({"padding": "same"})],
    )
    assert [(a.before, a.after, a.input_size) for a in sketch.axes] == [
        (1, 2, 5),
        (1, 1, 3),
    ]


@pytest.mark.parametrize("name", LIMITS)
@LAYERS
def test_a_step_leads_to_a_layer_from_which_it_leads_nowhere(name, transposed):
    moved = 0
    for sketch in sketches(transposed)[1]:
        nearer = within(sketch, [LIMITS[name]])
        assert within(nearer, [LIMITS[name]]) == nearer
        nearer.call(SETTINGS)
        moved += nearer != sketch.fitted
    if not name.startswith("output_padding") or transposed:
        assert moved > 0


def test_limits_are_kept_together():
    names = ["symmetric padding", "square kernels", "stride or dilation"]
    for sketch in Space(False, ranks=(3,)).sketches(names):
        case = sketch.call(SETTINGS)
        assert len({*case.w.shape[2:]}) == 1
        assert all(a.before == a.after for a in sketch.axes)
        strided = any(a.stride > 1 for a in sketch.axes)
        assert not (strided and any(a.dilation > 1 for a in sketch.axes))


def test_a_limit_that_is_found_later_holds_for_what_follows():
    limits = []
    drawn = Space(False).sketches(limits)
    first = [next(drawn) for _ in range(30)]
    assert any(s.batch > 1 for s in first)
    limits.append("one sample")
    assert {s.batch for s in drawn} == {1}


def test_unknown_limits_are_refused():
    with pytest.raises(
        ValueError,
        match=r"accepts needs limits among .*, got 'square kernel' "
        r"\(did you mean 'square kernels'\?\)",
    ):
        check_limits("accepts", ["square kernel"])


def test_draws_are_the_same_for_a_seed_and_others_for_another():
    one, again, other = ([*Space(True, seed=seed).sketches()] for seed in (1, 1, 2))
    assert one == again
    assert len({*one} & {*other}) < 10
    a, b = (s.call(SETTINGS).x for s in (one[5], again[5]))
    assert np.array_equal(a, b)


def test_few_plans_give_more_rounds():
    counts = [
        Space(False, settings).count
        for settings in ((), ("stride",), ("stride", "padding"), SETTINGS)
    ]
    assert min(counts) >= 100
    assert all(len(WISHES) <= count for count in counts)


def test_complexity_counts_elements_and_settings():
    small = Sketch((SketchAxis(1, 1),), values="counted")
    assert complexity(small) < complexity(Sketch((SketchAxis(2, 1),)))
    assert complexity(small) < complexity(Sketch((SketchAxis(1, 1, stride=2),)))
    assert math.isfinite(complexity(small))


def test_a_seed_draws_the_same_layers_in_every_process():
    """The order of a set is another one in each process."""
    code = (
        "from itertools import islice; "
        "from deconv_tutorial.diagnose.space import Space; "
        "from deconv_tutorial.diagnose.probes import SETTINGS; "
        "space = Space(True, SETTINGS, (1, 2, 3)); "
        "print([*islice(space.sketches(), 200)])"
    )

    def printed(seed):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", code]
        return subprocess.check_output(command, env=environment, text=True)

    assert printed("1") == printed("2")
    assert printed("1").count("Sketch(") == 200
