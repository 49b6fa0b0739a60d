"""Answers of the wrong kind, odd ones and slips: each is told what it is."""

import ast
import re

import numpy as np
import pytest
import sympy as sp
from scipy import signal

from deconv_tutorial import conv, conv_backward, conv_transpose, im2col, naive
from deconv_tutorial.exercises import check, exercises
from deconv_tutorial.exercises.register import exercise_of

M = sp.Symbol("m", integer=True)


def dx_of(w, d_out, inputs, stride, padding):
    return exercise_of("flip-dx").solution(w, d_out, inputs, stride, padding)


# Each with a sentence of its own. The hint is empty, or begins as here.
STRANGE = {
    "a generator": (
        "flip-dx",
        lambda *args: (value for value in dx_of(*args)),
        "an array of numbers as dx, got a value of type generator",
        "",
    ),
    "a dictionary": (
        "flip-dx",
        lambda *args: dict(enumerate(dx_of(*args))),
        "an array of numbers as dx, got a value of type dict",
        "",
    ),
    "a text": (
        "flip-dx",
        lambda *args: str(dx_of(*args)),
        "numbers as dx, got a value of type str",
        "",
    ),
    "only printed": (
        "flip-dx",
        lambda *args: print(dx_of(*args)),  # noqa: T201
        "It needs to return something, got None.",
        "Is there a `return`?",
    ),
    "a column": (
        "flip-dx",
        lambda *args: dx_of(*args)[:, None],
        "dx has the right numbers in the shape (1, 1), and needs the shape (1,).",
        "",
    ),
    "truth values": (
        "flip-dx",
        lambda *args: dx_of(*args) != 0,
        "dx has truth values, and needs numbers.",
        "",
    ),
    "no numbers": (
        "flip-dx",
        lambda *args: dx_of(*args) * np.nan,
        "dx is nan or infinite in 1 of 1 elements, first at [0].",
        "Which of the three",
    ),
    "too few arguments": (
        "flip-dx",
        lambda w, d_out: np.convolve(w, d_out)[1:-1],
        "It is called with w, d_out, inputs, stride, padding.",
        "",
    ),
    "arguments in another order": (
        "flip-dx",
        lambda d_out, w, inputs, stride, padding: dx_of(
            w, d_out, inputs, stride, padding
        ),
        "It is called with w, d_out, inputs, stride, padding, in this order.",
        "",
    ),
    "settings in another order": (
        "flip-dx",
        lambda w, d_out, inputs, padding, stride: dx_of(
            w, d_out, inputs, stride, padding
        ),
        "It is called with w, d_out, inputs, stride, padding, in this order.",
        "",
    ),
    "a sign": (
        "flip-dx",
        lambda *args: -dx_of(*args),
        "dx is the right one, with the opposite sign.",
        "",
    ),
    "a recursion": (
        "flip-dx",
        lambda *args: 1 + STRANGE["a recursion"][1](*args),
        "It raises RecursionError: maximum recursion depth exceeded",
        "",
    ),
    "a class": ("flip-dx", dict, "It raises TypeError: dict expected at most 1", ""),
    "a function of the package": (
        "flip-dx",
        conv_transpose,
        "It raises TypeError: conv_transpose() takes from 2 to 3",
        "",
    ),
    "in place": (
        "flip-dx",
        lambda w, *args: (dx_of(w, *args), w.fill(0))[0],
        "It changes its argument w in place",
        "",
    ),
    "the full result": (
        "flip-correlation",
        lambda x, d_out: signal.correlate2d(x, d_out, "full"),
        "dw has the shape (1, 4), and needs (1, 2).",
        "This has more places than the kernel.",
    ),
    "one for each channel": (
        "form-channels",
        lambda g, x, w, y: [
            sum(y[*o] * w[c, *k] * x[c, *i] for o, k, i in g.connections())
            for c in (0, 1)
        ],
        "T has the shape (2,), and needs ().",
        "These are two numbers",
    ),
    "the form itself": (
        "form-dense",
        lambda w, x, y: y @ w @ x,
        "It needs to return dT/dy, dT/dx, dT/dw, got a value of type int64.",
        "",
    ),
    "results in another order": (
        "form-dense",
        lambda w, x, y: (np.outer(y, x), w.T @ y, w @ x),
        "dT/dy is the right result for dT/dw.",
        "",
    ),
    "gradients in another order": (
        "relabel-two-lines",
        lambda d_out, v, w, s: (
            conv_backward(v, d_out, w, stride=s).dw,
            conv(d_out, w, stride=s),
            d_out.sum((0, 2)),
        ),
        "dx is the right result for dw.",
        "",
    ),
    "a bias with axes": (
        "relabel-two-lines",
        lambda d_out, v, w, s: (
            conv(d_out, w, stride=s),
            conv_backward(v, d_out, w, stride=s).dw,
            d_out.sum((0, 2), keepdims=True),
        ),
        "db has the right numbers in the shape (1, 1, 1), and needs the shape (1,).",
        "",
    ),
    "all gradients as one": (
        "relabel-twice",
        lambda q, d_out, w, s: conv_backward(q, d_out, w, stride=s),
        "an array of numbers as dw, got Gradients of 3 results.",
        "",
    ),
    "weights alone": (
        "relabel-inverse",
        lambda: [[[0.6, 0.8]]],
        "It needs to return weights and a stride, got a list of 1.",
        "",
    ),
    "weights of one axis": (
        "relabel-inverse",
        lambda: (np.array([0.6, 0.8]), 2),
        "weights of shape (1, 1, taps), got one array of shape (2,).",
        "",
    ),
    "weights of two channels": (
        "relabel-inverse",
        lambda: ([[[0.6, 0.8]], [[0.8, -0.6]]], 2),
        "weights of shape (1, 1, taps), got a list of 2.",
        "",
    ),
    "weights that were rounded": (
        "relabel-inverse",
        lambda: ([[[0.7, 0.7]]], 2),
        "what comes back is 0.98 times the right one.",
        "",
    ),
    "an equation in an if": (
        "indices-repair",
        lambda j, g: g[j / 2] if sp.Mod(j, 2) == 0 else 0,
        "an expression of SymPy, got a value of type int.",
        "Does it have an `if` or an `==`?",
    ),
    "a chain of comparisons": (
        "indices-repair",
        lambda j, g: sp.Piecewise((g[j / 2], 0 <= j <= 20), (0, True)),
        "It raises TypeError: cannot determine truth value",
        "`and`, `or` and `0 <= j <= 20`",
    ),
    "the sum as it was": (
        "indices-repair",
        lambda j, g: sp.Sum(sp.KroneckerDelta(j, 2 * M) * g[M], (M, 0, 10)),
        "an element of g or 0 for j = 4, got Sum(",
        "",
    ),
    "two ends": (
        "indices-range",
        lambda k, size, outputs, *_: (0, outputs),  # noqa: ARG005
        "the range has the shape (2,), and needs (3,).",
        "Solve",
    ),
    "a slice": (
        "indices-range",
        lambda *numbers: slice(numbers[2]),
        "an array of numbers as the range, got a value of type slice",
        "",
    ),
    "an axis too many": (
        "indices-transposed",
        lambda pattern, v, w: np.einsum("koi,k,o->oi", pattern, w, v),
        "y has the shape (1, 2), and needs (2,).",
        "The transposed layer uses the same",
    ),
    "only the last axis": (
        "flip-scatter",
        lambda y, w, g: naive.input_grad(y, w[..., ::-1], g),
        "dx differs in 119 of 120 elements",
        "Only the last axis is reversed.",
    ),
    "axes of the picture left out": (
        "flip-scatter",
        lambda y, w, g: naive.input_grad(y, np.rot90(w, 2), g),
        "dx differs in 3 of 3 elements",
        "`np.rot90` turns the first two axes",
    ),
    "pictures of another size": (
        "matrices-values",
        lambda matrix: (np.zeros(4), np.ones(4)),  # noqa: ARG005
        "two pictures of 2 elements each, got 4 and 4.",
        "",
    ),
    "weights without an axis": (
        "matrices-inverse",
        lambda: np.array([[1, 1], [1, -1]]),
        "weights of shape (channels, 1, 2), got one array of shape (2, 2).",
        "",
    ),
    "weights with axes exchanged": (
        "matrices-inverse",
        lambda: np.array([[[1, 1], [1, -1]]]),
        "weights of shape (channels, 1, 2), got one array of shape (1, 2, 2).",
        "",
    ),
    "functions": (
        "checking-consistent",
        lambda v, u, w: (conv, conv_transpose),  # noqa: ARG005
        "and (1, 1, 3), got a value of type function and a value of type function.",
        "",
    ),
    "added to both": (
        "checking-consistent",
        lambda v, u, w: (conv(v, w) + 1, conv_transpose(u, w) + 1),
        "by how much the test fails: ",
        "What did the inner products",
    ),
    "written into an argument": (
        "im2col-bincount",
        lambda c, g: im2col.fold(c[None], g, into=np.zeros((1, 1, 1, *g.input_size))),
        "It needs to return something, got None.",
        "Is there a `return`?",
    ),
    "the forward pass": (
        "im2col-max",
        lambda d_out, x, g: im2col.unfold(x[None, None, None], g)[0].max(0),  # noqa: ARG005
        "dx has the shape (1,), and needs (2,).",
        "First find the gradient",
    ),
    "maps in another order": (
        "cost-fft",
        lambda x, w, y: (
            np.correlate(x, w, "valid"),
            np.convolve(y, w),
            np.correlate(x, y, "valid"),
        ),
        "weight_grad is the right result for input_grad.",
        "",
    ),
}


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.parametrize("reveal", [True, False])
def test_a_strange_answer_is_told_what_it_is(name, reveal):
    key, attempt, words, hint = STRANGE[name]
    verdict = check(key, attempt, reveal=reveal)
    assert not verdict
    assert any(words in finding for finding in verdict.findings), verdict.findings
    assert verdict.hint.startswith(hint)
    assert bool(verdict.hint) == bool(hint)


@pytest.mark.parametrize(
    ("key", "attempt"),
    [
        ("flip-dx", lambda *args: dx_of(*args).tolist()),
        ("flip-dx", lambda *args: tuple(dx_of(*args))),
        ("flip-dx", lambda *args: dx_of(*args).astype(np.float32)),
        ("flip-dx", lambda *args: dx_of(*args).astype(complex)),
        ("flip-dx", lambda *args: np.array([sp.Integer(v) for v in dx_of(*args)])),
        ("flip-dx", lambda w, d_out, *rest, **_: dx_of(w, d_out, *rest)),
        (
            "indices-range",
            lambda *numbers: np.array(exercise_of("indices-range").right(*numbers)),
        ),
        ("form-channels", lambda *args: [exercise_of("form-channels").right(*args)][0]),
        (
            "matrices-values",
            lambda m: (sp.zeros(m.shape[1], 1), sp.Matrix(m).nullspace()[0]),
        ),
        ("matrices-values", lambda m: np.vstack([0 * m[0], np.linalg.svd(m)[2][-1]])),
    ],
)
def test_right_numbers_are_right_in_any_container(key, attempt):
    assert check(key, attempt, seed=0)


def test_the_hint_stays_if_one_of_two_wrong_results_has_no_name():
    def attempt(d_out, v, w, s):
        dx, dw, db = exercise_of("relabel-two-lines").solution(d_out, v, w, s)
        return -dx, dw, db + 1

    verdict = check("relabel-two-lines", attempt)
    assert "dx is the right one, with the opposite sign." in verdict.findings
    assert verdict.hint == exercise_of("relabel-two-lines").hint


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (None, "a value of type NoneType"),
        ("input_gradient", "a value of type str"),
        (3, "a value of type int"),
        ((1, 2), "a tuple of 2"),
        (np.ones((2, 3)), "one array of shape (2, 3)"),
    ],
)
def test_what_cannot_be_called_is_named(thing, words):
    verdict = check("flip-dx", thing)
    assert verdict.findings == (f"check needs the function itself, got {words}.",)
    assert (verdict.hint, verdict.call, verdict.passed) == ("", "", 0)


def test_an_answer_with_a_memory_is_found_out():
    calls = []

    def attempt(*args):
        calls.append(args)
        return dx_of(*args) + len(calls)

    verdict = check("flip-dx", attempt)
    assert verdict.findings[-1].startswith("A second call with the same arguments")
    assert verdict.hint == ""


def test_what_comes_from_empty_arrays_is_found_out():
    left = iter(range(10**6))

    def attempt(w, d_out, inputs, stride, padding):
        dx = np.array([float(next(left)) for _ in range(inputs)])  # as np.empty may be
        return dx + dx_of(w, d_out, inputs, stride, padding)

    assert "start with `np.empty`" in str(check("flip-dx", attempt))


def test_a_second_call_that_fails_is_found_out():
    calls = []

    def attempt(*args):
        calls.append(args)
        if len(calls) > len(exercise_of("flip-dx").cases):
            raise ArithmeticError
        return dx_of(*args) + 1

    assert "A second call" in str(check("flip-dx", attempt))


@pytest.mark.parametrize("key", exercises())
def test_a_call_with_other_arguments_names_those_of_the_stub(key):
    names = [*ast.literal_eval(str(exercise_of(key).solution.__code__.co_varnames))]
    names = names[: exercise_of(key).solution.__code__.co_argcount]

    def attempt(*, nobody):
        return nobody

    verdict = check(key, attempt)
    wanted = ", ".join(names) or "no arguments"
    assert verdict.findings[-1] == f"It is called with {wanted}."


@pytest.mark.parametrize("error", [GeneratorExit, SystemExit(0), BaseException("x")])
def test_whatever_it_raises_is_an_error(error):
    def attempt(*_):
        raise error

    verdict = check("flip-dx", attempt)
    assert re.match("It raises (GeneratorExit|SystemExit|BaseEx)", verdict.findings[0])


def test_an_error_without_words_is_named():
    class SilentError(Exception):
        def __str__(self):
            raise ValueError

    def attempt(*_):
        raise SilentError

    assert "It raises SilentError, at line" in str(check("flip-dx", attempt))
