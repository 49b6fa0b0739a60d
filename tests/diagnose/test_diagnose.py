"""Each mistake is named, what is right is not accused, and the rest is unknown."""

import itertools
import random
import re
import subprocess
import sys
import time
import types
from collections import namedtuple
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from deconv_tutorial import (
    ENGINES,
    conv,
    conv_backward,
    conv_transpose,
    conv_transpose_backward,
    diagnose,
)
from deconv_tutorial.diagnose.black_box import wrong_rules
from deconv_tutorial.diagnose.compare import is_same, whereabouts
from deconv_tutorial.diagnose.from_arrays import passed_probes
from deconv_tutorial.diagnose.mistakes.formulas import formulas
from deconv_tutorial.diagnose.mistakes.problem import TARGETS
from deconv_tutorial.diagnose.naming import explanations, mistaken_result
from deconv_tutorial.diagnose.probes import STRONG, WEAK
from deconv_tutorial.diagnose.symptoms import symptoms
from tests.strategies import cases

PROBES = {probe.name: probe for probe in STRONG}
LAYERS = pytest.mark.parametrize(
    "transposed", [False, True], ids=["conv", "conv_transpose"]
)
RIGHT = {
    "conv": conv,
    "conv_backward": conv_backward,
    "conv_transpose": conv_transpose,
    "conv_transpose_backward": conv_transpose_backward,
}


def wrong_ones(problem, target):
    """Yield each mistake that makes a difference, with what it gives."""
    right = problem.result(target)
    for formula in formulas(target, transposed=problem.transposed):
        result = mistaken_result(problem, [formula])
        if result is not None and not is_same(result, right):
            yield formula, result


@LAYERS
@pytest.mark.parametrize("target", TARGETS)
def test_every_mistake_is_named_by_its_own_key_on_several_layers(target, transposed):
    problems = [
        probe.case(transposed=transposed).problem
        for probe in (*STRONG, WEAK[2])  # the last one has four samples
    ]
    named = 0
    for formula in formulas(target, transposed=transposed):
        results = [mistaken_result(problem, [formula]) for problem in problems]
        evidence = [
            (problem, problem.result(target) if result is None else result)
            for problem, result in zip(problems, results, strict=True)
        ]
        if all(is_same(found, p.result(target)) for p, found in evidence):
            continue
        assert explanations(target, evidence)[0] == (formula.key,)
        named += 1
    assert named >= 10


@LAYERS
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", ["P1", "P1g", "P2"])
def test_every_mistake_is_among_the_names_on_one_layer(name, target, transposed):
    problem = PROBES[name].case(transposed=transposed).problem
    found = [
        (formula.key, explanations(target, [(problem, result)]))
        for formula, result in wrong_ones(problem, target)
    ]
    assert len(found) >= 5
    for key, alternatives in found:
        assert (key,) in alternatives[:3]
    own = [alternatives[0] == (key,) for key, alternatives in found]
    assert np.mean(own) > 0.85


@LAYERS
@pytest.mark.parametrize("target", TARGETS)
def test_every_mistake_shows_on_some_probe(target, transposed):
    keys = {formula.key for formula in formulas(target, transposed=transposed)}
    for probe in STRONG:
        problem = probe.case(transposed=transposed).problem
        keys -= {formula.key for formula, _ in wrong_ones(problem, target)}
    # Of real numbers there is no conjugate; output_padding is smaller than the stride.
    assert keys <= {f"{target}-conjugated", "dx-size-from-d-out"}


@LAYERS
@pytest.mark.parametrize("target", TARGETS)
def test_two_mistakes_at_once_are_named_as_two(target, transposed):
    problem = PROBES["P1g"].case(transposed=transposed).problem
    alone = [*wrong_ones(problem, target)]
    known = [problem.result(target), *(result for _, result in alone)]
    pairs = [*itertools.combinations([formula for formula, _ in alone], 2)]
    random.Random(0).shuffle(pairs)
    checked = 0
    for one, other in pairs[:15]:
        result = mistaken_result(problem, (one, other))
        if result is None or any(is_same(result, array) for array in known):
            continue
        if not one.goes_with(other) or np.count_nonzero(result) < 8:
            continue
        named = map(set, explanations(target, [(problem, result)]))
        assert {one.key, other.key} in named
        checked += 1
    assert checked >= 3 or target == "db"


@LAYERS
@pytest.mark.parametrize("target", TARGETS)
def test_no_pair_has_two_mistakes_of_one_kind(target, transposed):
    known = formulas(target, transposed=transposed)
    crops = [f for f in known if "crop" in f.key and f.key != "dw-leftover-not-cropped"]
    for one, other in itertools.combinations(crops, 2):
        assert not one.goes_with(other)
    for formula in known:
        assert formula.kinds
        assert not formula.goes_with(formula)


def test_two_mistakes_are_put_together_from_two_cases():
    """Each case shows only one of them."""
    keys = {"dilated": "dw-dilation-missing", "grouped": "dw-groups-ignored"}
    known = {formula.key: formula for formula in formulas("dw", transposed=False)}
    evidence = []
    for name, key in keys.items():
        problem = PROBES[name].case(transposed=False).problem
        evidence.append((problem, mistaken_result(problem, [known[key]])))
    (pair,) = explanations("dw", evidence)
    assert set(pair) == set(keys.values())


@pytest.mark.parametrize("dtype", [float, np.float32, int])
@given(case=cases())
def test_right_gradients_are_not_accused(dtype, case):
    x, w, d_out = (array.astype(dtype) for array in case.arrays())
    grads = conv_backward(d_out, x, w, **case.settings)
    report = diagnose.gradients(
        d_out=d_out, x=x, w=w, **grads._asdict(), **case.settings
    )
    assert report, report
    grads = conv_transpose_backward(x, d_out, w, **case.transposed_settings)
    report = diagnose.gradients(
        d_out=x,
        x=d_out,
        w=w,
        **grads._asdict(),
        transposed=True,
        **case.transposed_settings,
    )
    assert report, report


def test_rounding_is_no_mistake():
    rng = np.random.default_rng(0)
    x, w, d_out = (
        rng.standard_normal(s).astype("f")
        for s in ((4, 16, 30, 30), (8, 16, 3, 3), (4, 8, 28, 28))
    )
    for engine in ENGINES.values():
        if engine is ENGINES["naive"]:
            continue  # takes long
        grads = conv_backward(d_out, x, w, engine=engine)
        assert diagnose.gradients(d_out=d_out, x=x, w=w, **grads._asdict())
    off = grads.dw * (1 + 1e-3)
    assert not diagnose.gradients(d_out=d_out, x=x, w=w, dw=off)


@pytest.mark.parametrize("of", RIGHT)
def test_right_functions_pass(of):
    report = diagnose.function(RIGHT[of], of, ranks=(1, 2, 3))
    assert report, report
    results = "y" if of in {"conv", "conv_transpose"} else "dx, dw, db"
    assert str(report).startswith(f"Right: {results} of {of}, on ")
    told = report.as_dict()
    assert told.pop("coverage")["never_together"] == []
    assert told == {
        "version": 1,
        "status": "right",
        "right": True,
        "exit_code": 0,
        "checked": [str(report).splitlines()[0].removeprefix("Right: ")],
        "findings": [],
        "refusals": [],
        "notes": [],
    }


def loops_over_the_input(d_out, x, w, stride=1, padding=0):
    """Count outputs by the input, and crop at 1: right in two well-known checks."""
    h, k, p = x.shape[2], w.shape[2], padding
    padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    dx, dw = np.zeros_like(padded), np.zeros_like(w)
    for o, i in enumerate(range(0, h, stride)):
        for q, j in enumerate(range(0, x.shape[3], stride)):
            rows, columns = slice(i, i + k), slice(j, j + w.shape[3])
            error = d_out[:, :, o, q]
            dw += np.einsum("na,nbhw->abhw", error, padded[:, :, rows, columns])
            dx[:, :, rows, columns] += np.einsum("na,abhw->nbhw", error, w)
    return dx[:, :, 1 : h + 1, 1 : x.shape[3] + 1], dw, d_out.sum(axis=(0, 2, 3))


def test_code_that_passes_a_courses_checks_is_seen_through():
    report = diagnose.function(
        loops_over_the_input, "conv_backward", ["stride", "padding"]
    )
    call, dx, dw = report.findings
    assert call.target == "call"
    assert "IndexError: index 1 is out of bounds" in call.where[0]
    assert "error = d_out[:, :, o, q]" in call.where[0]
    assert dx.together
    assert {mistake.key for mistake in dx.mistakes} == {
        "dx-crop-hard-1",
        "dx-loop-range-h-stride",
    }
    assert [m.key for m in dw.mistakes] == ["dw-loop-range-h-stride"]
    assert dw.passes[:2] == ("CS231n's first check", "CS231n's second check")
    assert "Two mistakes at once:" in str(report)
    assert not report


def test_what_nobody_knows_is_unknown_and_located():
    case = PROBES["P1"].case(transposed=False)
    problem = case.problem
    right = problem.result("dw")
    odd = right.copy()
    odd[2, :, -1] += 1
    report = diagnose.gradients(
        d_out=case.d_out, x=case.x, w=case.w, dw=odd, **case.settings
    )
    (finding,) = report.findings
    assert finding.mistakes == ()
    assert finding.where == (
        "8 of 144 elements differ",
        "only in its first axis of channels, at 2, one of 6",
        "only on axis 0, at 2, one of 3",
    )
    assert "No known mistake explains it." in str(finding)


@pytest.mark.parametrize(
    ("places", "words"),
    [
        (
            (slice(None), slice(None), slice(0, 2)),
            "only on axis 0, at the first 2 of 8",
        ),
        ((slice(None), slice(None), slice(5, 8)), "only on axis 0, at the last 3 of 8"),
        (
            (slice(None), slice(None), slice(1, None, 2)),
            "only on axis 0, at those of 8 that leave 1 when divided by 2",
        ),
        ((slice(None), slice(None), [0, 3, 4]), "only on axis 0, at 0, 3, 4 of 0 to 7"),
        ((1,), "only in the samples, at 1, one of 2"),
        ((slice(None), [1, 2]), "only in the channels, at 1, 2 of 0 to 3"),
    ],
)
def test_places_are_told_in_words(places, words):
    problem = PROBES["P1"].case(transposed=False).problem
    wrong = problem.result("dx")
    wrong[places] += 1
    assert words in whereabouts(problem, "dx", wrong)


def test_a_constant_factor_is_told():
    problem = PROBES["P1"].case(transposed=False).problem
    told = symptoms(problem, "dw", problem.result("dw") * 7 / 11)
    assert told[0] == "it is 0.636364 times the right one"


def test_right_numbers_in_another_shape_are_called_so():
    case = PROBES["plain"].case(transposed=False)
    db = case.problem.result("db").reshape(1, -1, 1, 1)
    report = diagnose.gradients(d_out=case.d_out, x=case.x, w=case.w, db=db)
    assert report.findings[0].where == (
        "its numbers are right, only the shape is not: "
        "shape (1, 4, 1, 1), needed is (4,)",
    )


def test_a_number_that_is_none_is_wrong():
    case = PROBES["plain"].case(transposed=False)
    dw = case.problem.result("dw")
    dw[0, 0, 0, 0] = np.nan
    assert not diagnose.gradients(d_out=case.d_out, x=case.x, w=case.w, dw=dw)


def test_the_law_of_a_black_box_is_read_off():
    """Flipped, and the stride forgotten: i = o - k + 2 - padding."""

    def attempt(case):
        problem = case.problem.with_axes(
            lambda _, a: type(a)(
                a.input_size, a.kernel_size, a.output_size, 1, 1, a.padding_before
            )
        )
        return {"dw": np.flip(problem.result("dw"), -1)}

    case = PROBES["1-D"].case(transposed=False)
    assert wrong_rules(attempt, "dw", case) == [
        "axis 0: it connects i = 1*o - 1*k + 1, needed is i = 2*o + 1*k - 1"
    ]


@LAYERS
@pytest.mark.parametrize("target", ["dx", "dw", "y"])
@pytest.mark.parametrize("name", ["1-D lopsided", "P1", "P1g", "3-D lopsided"])
def test_right_functions_keep_the_law(target, name, transposed):
    case = PROBES[name].case(transposed=transposed)

    def attempt(case):
        return {target: case.problem.result(target)}

    assert wrong_rules(attempt, target, case) == []


def test_a_black_box_without_a_law():
    case = PROBES["1-D"].case(transposed=False)

    def scaled(case):
        return {"dw": 3 * case.problem.result("dw")}

    def fractions(case):
        return {"dw": case.problem.result("dw") * (1 + 2**-22)}

    def scattered(case):
        dw = case.problem.result("dw")
        return {"dw": dw[..., [0, 2, 1]]}

    for attempt in (scaled, fractions):
        assert wrong_rules(attempt, "dw", case) == [
            "its results are not single products of the numbers it gets"
        ]
    few = replace(case, x=case.x[..., :1], d_out=case.d_out[..., :1])
    assert (
        wrong_rules(lambda c: {"dw": np.flip(c.problem.result("dw"), -1)}, "dw", few)
        == []
    )
    assert wrong_rules(scattered, "dw", case) == [
        "axis 0: its indices keep no rule i = a*o + b*k + c"
    ]


def squared(d_out, x, w):
    return conv_backward(d_out * abs(d_out), x, w)


def normalised(d_out, x, w):
    dx, dw, db = conv_backward(d_out - d_out.mean(axis=0), x, w)
    return dx, dw, db


def test_properties_that_every_right_answer_has():
    report = diagnose.function(squared, "conv_backward", [])
    told = "it is not linear in d_out: twice that gives another result ("
    assert [told in str(finding) for finding in report.findings] == [True] * 3
    report = diagnose.function(normalised, "conv_backward", [])
    told = {finding.target: " ".join(finding.where) for finding in report.findings}
    assert "a sample gives another result in the batch than alone" in told["dx"]
    assert "it is not the sum of what each sample gives alone" in told["dw"]
    assert "not linear" not in str(report)


def test_a_black_box_that_refuses_more_questions_is_still_told():
    def picky(d_out, x, w):
        if not d_out.all():
            raise ValueError
        dx, dw, db = conv_backward(d_out, x, w)
        return dx, dw + dw[:1], db

    (finding,) = diagnose.function(picky, "conv_backward", []).findings
    assert finding.mistakes == ()
    assert "elements differ" in finding.where[0]


Grads = namedtuple("Grads", "dw db dx")
PADDED = ["stride", "padding"]


def in_another_order(d_out, x, w):
    dx, dw, db = conv_backward(d_out, x, w)
    return Grads(dw, db, dx)


@pytest.mark.parametrize(
    ("attempt", "options"),
    [
        (lambda d_out, x, w: conv_backward(d_out, x, w)._asdict(), {}),
        (
            lambda d_out, x, w: (
                Grads(*np.roll([0, 1, 2], 0)) and conv_backward(d_out, x, w)
            ),
            {},
        ),
        (
            lambda d_out, x, w: conv_backward(d_out, x, w)[:2],
            {"returns": ("dx", "dw")},
        ),
        (
            lambda d_out, x, w: (*conv_backward(d_out, x, w)[:2], "a cache"),
            {"returns": ("dx", "dw", "_")},
        ),
        (
            lambda d_out, x, w: (conv_backward(d_out, x, w).dw,),
            {"returns": ("dw",)},
        ),
        (
            lambda x, w, dout: conv_backward(dout, x, w),
            {"names": {"d_out": "dout"}},
        ),
        (
            lambda d_out, x, w, pad, strides: conv_backward(
                d_out, x, w, stride=strides, padding=pad
            ),
            {"names": {"padding": "pad", "stride": "strides"}, "settings": PADDED},
        ),
        (
            lambda dout, cache: conv_backward(dout, *cache[:2], **cache[2]),
            {
                "names": {"d_out": "dout", ("x", "w", "settings"): "cache"},
                "settings": PADDED,
            },
        ),
        (
            lambda dout, cache: conv_backward(
                dout,
                *cache[:2],
                stride=cache[2].get("stride", 1),
                padding=cache[2].get("pad", 0),
            ),
            {
                "names": {
                    "d_out": "dout",
                    "padding": "pad",
                    ("x", "w", "settings"): "cache",
                },
                "settings": PADDED,
            },
        ),
        (
            lambda d_out, x, w: conv_backward(*map(np.asarray, (d_out, x, w))),
            {"convert": np.ndarray.tolist},
        ),
    ],
)
def test_attempts_may_be_called_and_return_in_many_ways(attempt, options):
    def all_settings(*arguments, **keywords):
        missing = {"pad": 0, "strides": 1}
        if "pad" in str(options.get("names", {})) and "cache" not in str(options):
            keywords = {**missing, **keywords}
        return attempt(*arguments, **keywords)

    settings = options.pop("settings", [])
    report = diagnose.function(all_settings, "conv_backward", settings, **options)
    assert report, report


def test_settings_in_a_dictionary_have_their_names_and_a_tuple_takes_one_away():
    seen = []

    def attempt(dout, cache, strides=None):
        seen.append((strides, cache[1]))
        x, settings, w = cache
        return conv_backward(
            dout, x, w, stride=settings.get("stride", 1), padding=settings.get("pad", 0)
        )

    names = {"d_out": "dout", "padding": "pad", ("x", "settings", "w"): "cache"}
    assert diagnose.function(attempt, "conv_backward", PADDED, names=names)
    assert {strides for strides, _ in seen} == {None}
    assert {name for _, settings in seen for name in settings} == {"stride", "pad"}

    def other(dout, x, w, s):
        return conv_backward(dout, x, w, stride=s[0] or 1)

    names = {"d_out": "dout", ("stride",): "s"}
    assert diagnose.function(other, "conv_backward", ["stride"], names=names)


def test_what_is_refused_is_said_unless_it_was_declared():
    def attempt(d_out, x, w, stride=1):
        if x.shape[2] != x.shape[3]:
            raise NotImplementedError
        return conv_backward(d_out, x, w, stride=stride)

    report = diagnose.function(attempt, "conv_backward", ["stride"])
    assert (report.status, report.exit_code) == ("refused", 2)
    assert not report
    assert "layers beyond 'square inputs': NotImplementedError" in str(report)
    assert report.coverage.layers > 50
    report = diagnose.function(
        attempt, "conv_backward", ["stride"], accepts="square inputs"
    )
    assert report
    assert "only      square inputs" in str(report)


def test_one_mistake_made_in_two_ways_is_no_pair():
    def attempt(d_out, x, w, padding=0):
        dx, dw, db = conv_backward(d_out, x, w, padding=padding)
        return dx[..., :0], dw, db

    report = diagnose.function(attempt, "conv_backward", ["padding"], ranks=(1,))
    (finding,) = report.findings
    assert not finding.together
    assert "indices keep no rule" not in str(finding)


def test_a_tensor_that_tracks_gradients_is_read():
    class TrackedTensor:
        def __init__(self, array, tracked=True):
            self.array, self.tracked = array, tracked

        def detach(self):
            return TrackedTensor(self.array, tracked=False)

        def cpu(self):
            return self.array if not self.tracked else None

    def attempt(d_out, x, w):
        return tuple(map(TrackedTensor, conv_backward(d_out.array, x.array, w.array)))

    assert diagnose.function(attempt, "conv_backward", [], convert=TrackedTensor)


def fails(*_):
    return {}["not yet"]


def changes(d_out, x, w):
    grads = conv_backward(d_out, x, w)
    x += 1
    return grads


def sleeps(*_):
    time.sleep(5)


def says_nothing(*_):
    return None


def says_text(*_):
    return {"gradient": 1}


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (fails, r"KeyError: 'not yet', at line \d+: return"),
        (changes, "ChangedArgumentError: it changed its argument x in place"),
        (sleeps, "TooSlowError: it took more than 0.2 s.*time.sleep"),
        (says_nothing, "dx is wrong.*it is missing: got None"),
        (says_text, "it returns 'gradient'; needed is dx, dw, db"),
    ],
)
def test_an_attempt_that_fails_is_a_finding(attempt, message):
    report = diagnose.function(attempt, "conv_backward", [], seconds=0.2)
    assert report.findings[0].mistakes == ()
    assert re.search(message, str(report), re.DOTALL)
    assert not report


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"of": "backward"}, r"of needs one of \['conv', .*\], got 'backward'"),
        ({"settings": ["strides"]}, "settings need to be among .* got 'strides'"),
        ({"ranks": [4]}, r"ranks need to be among 1, 2 and 3, got \[4\]"),
        ({"ranks": []}, r"ranks need to be among 1, 2 and 3, got \[\]"),
    ],
)
def test_bad_calls_of_the_checker_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        diagnose.function(conv_backward, **{"of": "conv_backward", **options})


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"d_out": np.ones((1, 1, 3))},
            ValueError,
            r"d_out needs .* got shape \(1, 1, 3\)",
        ),
        ({"stride": 0}, ValueError, "stride needs"),
        ({"dw": [["a"]]}, TypeError, "dw needs numbers"),
    ],
)
def test_bad_arrays_are_refused(change, error, message):
    given = {
        "d_out": np.ones((1, 1, 2)),
        "x": np.ones((1, 1, 3)),
        "w": np.ones((1, 1, 2)),
        "dw": np.ones((1, 1, 2)),
    }
    with pytest.raises(error, match=message):
        diagnose.gradients(**{**given, **change})


def test_a_report_is_html_too():
    case = PROBES["plain"].case(transposed=False)
    report = diagnose.gradients(d_out=case.d_out, x=case.x, w=case.w, db=[1, 2])
    assert "(2,), needed is (4,)" in str(report)
    assert report._repr_html_().startswith('<pre class="report">db is wrong: conv of x')
    fake = diagnose.Report((), (diagnose.Finding("call", "<b>"),))
    assert fake._repr_html_() == '<pre class="report">&lt;b&gt;</pre>'


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("dx-crop-pad-minus-pad", ["CS231n's first check", "CS231n's second check"]),
        ("dx-channels-not-exchanged", []),  # would raise
        ("dx-loop-range-h-stride", ["CS231n's first check", "CS231n's second check"]),
    ],
)
def test_weaker_tests_are_those_that_a_mistake_passes(key, expected):
    passed = passed_probes("dx", (key,), transposed=False)
    assert [name for name in passed if name.startswith("CS231n")] == expected


def test_weak_probes_are_weak():
    """The lists at the end of a finding would be empty otherwise."""
    for probe in WEAK:
        problem = probe.case(transposed=False).problem
        unseen = [
            formula
            for formula in formulas("dw", transposed=False)
            if (result := mistaken_result(problem, [formula])) is None
            or is_same(result, problem.result("dw"))
        ]
        assert len(unseen) >= 10


def test_the_catalogue_is_not_needed_to_convolve():
    code = "import sys, deconv_tutorial; print('tomllib' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
    assert isinstance(diagnose, types.ModuleType)
