"""What is said to a wrong answer fits it, and says no more than the numbers do."""

import re
import subprocess
import sys

import numpy as np
import pytest
import sympy as sp
from scipy import signal

from deconv_tutorial import conv, conv_transpose
from deconv_tutorial.diagnose.mistakes.catalogue import catalogue as mistakes
from deconv_tutorial.exercises import check, exercises, solution
from deconv_tutorial.exercises.register import exercise_of
from tools.checkout import ROOT


def hint_of(key, attempt):
    verdict = check(key, attempt)
    assert not verdict
    return verdict.hint


def right(key):
    return exercise_of(key).right


# Ties of max pooling.


def test_the_commonest_wrong_max_is_found_out_by_a_tie():
    def attempt(d_out, x, geometry):
        dx = np.zeros_like(x)
        for (o,), _, (i,) in geometry.connections():
            read = [j for (p,), _, (j,) in geometry.connections() if p == o]
            dx[i] += d_out[o] * (x[i] == max(x[j] for j in read))
        return dx

    verdict = check("im2col-max", attempt)
    assert verdict.passed == verdict.cases - 1
    assert "np.array([5, 5, 3])" in verdict.call
    (pair,) = verdict.compared
    assert (pair.expected.tolist(), pair.found.tolist()) == ([1, 10, 0], [1, 11, 0])
    assert "each of them gets the whole `d_out`" in verdict.hint


@pytest.mark.parametrize(
    ("weights", "words"),
    [([0.5, 0.5], "they share its `d_out`"), ([0, 1], "the last of them gets")],
)
def test_other_ways_to_treat_a_tie_have_their_hints(weights, words):
    def attempt(d_out, x, geometry):
        dx = np.zeros(len(x))
        for (o,), *_ in {c[:1] for c in geometry.connections()}:
            read = [j for (p,), _, (j,) in geometry.connections() if p == o]
            largest = [j for j in read if x[j] == max(x[i] for i in read)]
            shares = weights if len(largest) == 2 else [1 / len(largest)] * len(largest)
            for j, share in zip(largest, shares, strict=True):
                dx[j] += share * d_out[o]
        return dx

    assert words in hint_of("im2col-max", attempt)


# An exercise that changes the layer.


@pytest.mark.parametrize("axis", [0, 1])
def test_one_flipped_axis_of_two_is_no_flip_too_many(axis):
    def attempt(x, d_out):
        return np.flip(right("flip-correlation")(x, d_out), axis)

    text = str(check("flip-correlation", attempt))
    assert "A kernel has two axes, and a full correlation flips both" in text
    assert "the weight gradient has no flip" not in text
    assert not named(text)


def named(text):
    """Return the keys of the catalogue that a text has in brackets."""
    found = re.findall(r"\((?:dx|dw|db)-([\w-]+)\)", text)
    return [key for key in found if key in mistakes()]


def test_the_words_of_the_catalogue_fit_where_they_are_used():
    letters = {"d_out", "x", "w"}
    with_words = {key for key in exercises() if named_by(key)}
    assert with_words == {"flip-dx", "flip-scipy", "relabel-two-lines"}
    for key in with_words:
        assert "d_out" in letters & set(exercise_of(key).arguments)


def named_by(key):
    exercise = exercise_of(key)
    return exercise.layer is not None and exercise.names_mistakes


# A factor needs several numbers.


def test_one_number_tells_no_factor():
    def attempt(_w, _d_out, inputs, *_):
        return np.arange(3, 3 + inputs) ** 2

    text = str(check("flip-dx", attempt))
    assert "times the right one" not in text


def test_one_channel_tells_no_factor():
    def attempt(d_out, v, w, s):
        dx, dw, db = right("relabel-two-lines")(d_out, v, w, s)
        return dx, dw, db + 1

    text = str(check("relabel-two-lines", attempt))
    assert "times the right one" not in text


def test_a_factor_in_all_cases_is_told_also_of_one_number():
    def attempt(*args):
        return right("flip-dx")(*args) / 4

    text = str(check("flip-dx", attempt))
    assert "expected dx, shape (1,)" in text
    assert "dx is 0.25 times the right one." in text


def test_factors_that_differ_between_cases_are_not_told():
    def attempt(*args):
        dx = right("flip-dx")(*args)
        return dx / (1 + len(dx))

    assert "times the right one" not in str(check("flip-dx", attempt))


# `flip-dx`.

LOOPS = """
def attempt(w, d_out, inputs, stride, padding):
    dx = np.zeros(inputs, int)
    for o in range(inputs):
        for k in range(len(w)):
            i = stride * o + k - padding
            if 0 <= i < len(d_out):
                dx[o] += w[k] * d_out[i]
    return dx
"""
GATHERED = """
def attempt(w, d_out, inputs, stride, padding):
    dx = np.zeros(inputs, int)
    for i in range(len(d_out)):
        for k in range(len(w)):
            o = (i + padding - k) // stride
            if 0 <= o < inputs:
                dx[o] += w[k] * d_out[i]
    return dx
"""


def compiled(text, *changes):
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    names = {"np": np}
    exec(text, names)
    return names["attempt"]


def test_the_loops_are_right():
    assert check("flip-dx", compiled(LOOPS))
    with_remainder = ("if 0 <= o", "if (i + padding - k) % stride == 0 and 0 <= o")
    assert check("flip-dx", compiled(GATHERED, with_remainder))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("- padding", "+ padding", "The padding is added here"),
        ("- padding", "", "`paint` cuts something off at the start"),
        ("stride * o", "o", "How far apart does `paint` start them?"),
        ("+=", "=", "Only the last tap"),
        ("0 <= i < len(d_out)", "i < len(d_out)", "What is `d_out[-1]`?"),
        ("0 <= i < len(d_out)", "0 <= i", "i can be larger than the last place"),
        ("0 <= i < len(d_out)", "True", "Nothing keeps i inside"),
        ("i < len(d_out)", "i <= len(d_out)", "Is `d_out[len(d_out)]` a place"),
        ("i < len(d_out)", "i < len(d_out) - 1", "The last place of `d_out`"),
        ("0 <= i", "0 < i", "The first place of `d_out` is never read"),
        ("i < len(d_out)", "i < inputs", "the number of inputs"),
        (
            "    return dx",
            "        return dx",
            "Does the `return` stand inside a loop?",
        ),
        ("w[k]", "w[-1 - k]", "The kernel runs backwards"),
        ("    return dx", "    print(end='')", "Is there a `return`?"),
    ],
)
def test_a_slip_in_the_loops_has_its_own_hint(before, after, words):
    assert words in hint_of("flip-dx", compiled(LOOPS, (before, after)))


def test_a_division_without_remainder_has_its_own_hint():
    assert "`//` gives an output" in hint_of("flip-dx", compiled(GATHERED))
    by_int = ("(i + padding - k) // stride", "int((i + padding - k) / stride)")
    assert "`int` gives an output" in hint_of("flip-dx", compiled(GATHERED, by_int))


# Others.


def test_a_tuple_as_an_index_is_told():
    def attempt(geometry, x, w, y):
        total = 0
        for o, k, i in geometry.connections():
            for c in range(2):
                total += y[o] * w[c, k] * x[c, i]
        return total

    hint = hint_of("form-channels", attempt)
    assert "`k` is a tuple" in hint
    assert "drawn twice" not in hint


def test_an_equation_of_python_is_told():
    def attempt(j, g):
        even = sp.Mod(j, 2) == 0
        return sp.Piecewise((g[j / 2], even & (j >= 0) & (j <= 20)), (0, True))

    verdict = check("indices-repair", attempt)
    assert "`sp.Eq(a, b)`" in verdict.hint
    assert "_at" not in str(verdict)
    assert "import" not in verdict.call.replace("import sympy as sp", "").replace(
        "import numpy as np", ""
    )


def range_of(first, last):
    def attempt(k, size, outputs, stride, padding, dilation):
        shift = padding - dilation * k
        ends = {"shift": shift, "stride": stride, "room": size - 1 + shift}
        ends |= {"outputs": outputs, "size": size, "k": k, "padding": padding}
        return range(eval(first, ends), eval(last, ends) + 1)

    return attempt


FIRST = "max(0, -(-shift // stride))"
LAST = "min(outputs - 1, room // stride)"


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("max(0, shift // stride)", LAST, "The first output is rounded down"),
        (FIRST, "min(outputs - 1, int(room / stride))", "`int(a / b)` rounds towards"),
        (FIRST, f"{LAST} - 1", "A range ends before its stop"),
        (FIRST, "room // stride", "more outputs in it than the layer has"),
        (
            FIRST.replace("shift", "(padding - k)"),
            f"{LAST} if 0 else min(outputs - 1, (size - 1 + padding - k) // stride)",
            "Tap k reads d*k elements",
        ),
    ],
)
def test_each_end_of_a_range_has_its_cue(first, last, words):
    assert check("indices-range", range_of(FIRST, LAST), seed=0)
    assert words in hint_of("indices-range", range_of(first, last))


def test_exchanged_arguments_of_the_transposed_layer_are_told():
    def attempt(pattern, v, w):
        return np.einsum("koi,k,o->i", pattern, v, w)

    assert "meet v here" in hint_of("indices-transposed", attempt)


def test_missing_halves_are_told():
    def attempt(d, d_out):
        m = [(d[0] - d[2]) * d_out[0], (d[1] + d[2]) * (d_out[0] + d_out[1])]
        m += [(d[2] - d[1]) * (d_out[0] - d_out[1]), (d[3] - d[1]) * d_out[1]]
        return np.array([m[0] + m[1] + m[2], m[1] - m[2], m[1] + m[2] + m[3]])

    assert "The halves of $m_2$ and $m_3$" in hint_of("cost-transpose", attempt)


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (lambda d, w: signal.correlate(d, w, "full")[1:-1], "slides the kernel as it"),
        (lambda d, w: signal.correlate(w, d, "full")[1:-1], "flips d_out in the place"),
        (lambda d, w: signal.convolve(d, w, "full"), "more places here than inputs"),
        (lambda d, w: signal.convolve(d, w, "full")[2:], "both are cut at the start"),
        (lambda d, w: signal.convolve(d, w, "full")[:-2], "both are cut at the end"),
        (lambda d, w: signal.convolve(d, w, "full")[1:], "the one at the end is not"),
        (lambda d, w: signal.convolve(d, w, "full")[:-1], "the one at the start is"),
        (lambda d, w: np.convolve(d, w, "same"), "as many places as the larger array"),
        (lambda d, w: signal.convolve(d, w, "valid"), "`valid` keeps the places"),
        (lambda d, w: signal.correlate(d, w, "full"), "two places too many"),
        (lambda d, w: signal.correlate(w, d, "full"), "The errors run backwards, and"),
    ],
)
def test_each_call_of_scipy_has_its_cue(attempt, words):
    assert words in hint_of("flip-scipy", attempt)


def test_columns_in_another_order_have_their_cue():
    def attempt(columns, geometry):
        i = [i for _, _, (i,) in geometry.connections()]
        return np.bincount(i, weights=columns.ravel(), minlength=geometry.input_size[0])

    def without_length(columns, geometry):
        o, k, i = np.array([(*o, *k, *i) for o, k, i in geometry.connections()]).T
        return np.bincount(i, weights=columns[k, o])

    assert "In which order do the connections" in hint_of("im2col-bincount", attempt)
    assert "Are there more inputs?" in hint_of("im2col-bincount", without_length)


def spectra(*conjugated):
    def attempt(x, w, y):
        n = len(x)
        given = dict(zip("xwy", (np.fft.rfft(v, n) for v in (x, w, y)), strict=True))
        ways = zip(("xw", "xy", "yw"), conjugated, (y, w, x), strict=True)
        return [
            np.fft.irfft(
                np.prod([given[a].conj() if a == c else given[a] for a in pair], 0), n
            )[: len(like)]
            for pair, c, like in ways
        ]

    return attempt


@pytest.mark.parametrize(
    ("conjugated", "words"),
    [
        (("w", "", ""), "`forward` is right"),
        (("", "y", ""), "`weight_grad` is right"),
        (("", "", ""), "Nothing is conjugated"),
        (("w", "x", ""), "In `weight_grad` the other factor"),
        (("x", "y", ""), "In `forward` the other factor"),
        (("x", "x", ""), "The conjugate belongs to the index"),
        (("w", "y", "w"), "One conjugate too many"),
        (("w", "y", "y"), "In `input_grad` the index i is a sum"),
    ],
)
def test_each_conjugate_has_its_cue(conjugated, words):
    assert check("cost-fft", spectra("w", "y", ""))
    assert words in hint_of("cost-fft", spectra(*conjugated))


@pytest.mark.parametrize("weights", [[1, 0], [0, 1], [1, 0, 0], [-1], [0, 0, -1, 0]])
@pytest.mark.parametrize("stride", [1, 4])
def test_two_taps_in_name_only_do_not_count(weights, stride):
    w = np.array([[weights]])
    v = np.arange(1, 4)[None, None]
    back = conv(conv_transpose(v, w, stride=stride), w, stride=stride)
    assert np.array_equal(back, v)
    verdict = check("relabel-inverse", lambda: (w, stride))
    assert [pair.name for pair in verdict.compared] == ["two taps that are not 0"]
    assert verdict.hint.startswith("With one tap that is not 0 it is easy.")


# An error tells nothing of the idea.


@pytest.mark.parametrize("key", exercises())
@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (lambda: (), "It raises TypeError"),
        (lambda *_: {}, "It needs to return"),
        (lambda *_: 1 / 0, "It raises ZeroDivisionError"),
    ],
)
def test_after_an_error_there_is_no_hint_on_the_idea(key, attempt, words):
    if not exercise_of(key).arguments[1:] and words.endswith("TypeError"):
        attempt = lambda *args, no: no  # noqa: E731, ARG005
    verdict = check(key, attempt)
    assert words in verdict.findings[0]
    assert verdict.hint == ""


def test_after_a_timeout_there_is_no_hint():
    def attempt(*_):
        while True:
            pass

    verdict = check("flip-dx", attempt, seconds=0.05)
    assert "It was stopped: it took more than 0.05 s" in str(verdict)
    assert verdict.hint == ""


# Without SciPy.

HIDDEN = """
import sys
sys.modules["scipy"] = None
from deconv_tutorial.exercises import check
import numpy as np

def correlation_gradient(x, d_out):
    return np.flip(windows(d_out, x))

def windows(d_out, x):
    steps = np.lib.stride_tricks.sliding_window_view(d_out, x.shape)
    return np.tensordot(steps, x)

def gradient_by_scipy(d_out, w):
    return np.convolve(d_out, w, "full")[1:-1]

def with_scipy(*_):
    from scipy import signal

for key, answer, wrong in [
    ("flip-correlation", correlation_gradient, lambda x, d_out: windows(d_out, x)),
    ("flip-scipy", gradient_by_scipy, np.convolve),
]:
    print(check(key, answer, seed=1))
    print(check(key, lambda *args: wrong(*args)).hint)
    print(check(key, with_scipy).findings[0])
"""


def test_the_exercises_on_scipy_can_be_checked_without_scipy():
    run = [sys.executable, "-W", "error", "-c", HIDDEN]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, check=True, text=True)
    for key, hint in (
        ("flip-correlation", "This is the weight gradient of the layer"),
        ("flip-scipy", "There are more places here than inputs"),
    ):
        assert f"{key}: right, in all" in done.stdout
        assert hint in done.stdout
    assert done.stdout.count("It raises ModuleNotFoundError") == 2


@pytest.mark.parametrize("key", ["flip-correlation", "flip-scipy"])
def test_the_reference_without_scipy_returns_what_the_solution_returns(key):
    exercise = exercise_of(key)
    rng = np.random.default_rng(0)
    for case in (*exercise.cases, *(exercise.draw(rng) for _ in range(50))):
        assert np.array_equal(exercise.reference(*case), solution(key)(*case))
