"""Known wrong answers, as people write them: each is recognised and gets its hint."""

# ruff: noqa: ARG005  # the answers have the arguments of the stub

import numpy as np
import pytest
from scipy import signal

from deconv_tutorial import conv, conv_backward, conv_transpose, naive
from deconv_tutorial.exercises import check
from deconv_tutorial.exercises.register import exercise_of


def reads(geometry, o):
    """Return the inputs that an output reads."""
    return [i for (other,), _, (i,) in geometry.connections() if other == o]


def pooled(share):
    """Return an answer for `im2col-max`: it gives each input its share of d_out."""

    def attempt(d_out, x, geometry):
        dx = np.zeros(len(x), int)
        for o, error in enumerate(d_out):
            places = reads(geometry, o)
            for i in places:
                dx[i] += share(x, places, i) * error
        return dx

    return attempt


def first_largest(x, places, i):
    return i == max(places, key=lambda j: x[j])


def last_window_only(d_out, x, geometry):
    dx = np.zeros(len(x), int)
    for o, error in enumerate(d_out):
        places = reads(geometry, o)
        dx[max(places, key=lambda j: x[j])] = error
    return dx


def formulas(sign_3, sign_4, half_3=0.5):
    """Return a recipe for `cost-transpose` with these signs in the second output."""

    def attempt(d, e):
        m = [(d[0] - d[2]) * e[0], (d[1] + d[2]) * (e[0] + e[1]) / 2]
        m += [(d[2] - d[1]) * (e[0] + sign_3 * e[1]) * half_3]
        m += [(d[1] - d[3]) * sign_4 * e[1]]
        return [m[0] + m[1] + m[2], m[1] - m[2], m[1] + m[2] + m[3]]

    return attempt


def transposed_back(dx=None, dw=None, db=None):
    """Return an answer for `relabel-two-lines`, one part of which is another."""

    def attempt(d_out, v, w, s):
        parts = conv_backward(v, d_out, w, stride=s)
        return (
            dx(d_out, v, w, s) if dx else conv(d_out, w, stride=s),
            dw(d_out, v, w, s) if dw else parts.dw,
            db(d_out, v, w, s) if db else d_out.sum((0, 2)),
        )

    return attempt


def spread_slide(w, y, size, stride, padding, start=None):
    """Return the derivative of `form-flip`: w slides over y with zeros between."""
    zeros = np.zeros(99, int)
    spread = np.zeros((len(y), stride), int)
    spread[:, 0] = y
    before = len(w) - 1 if start is None else start
    around = np.concatenate([zeros[:before], spread.ravel(), zeros])
    return np.correlate(around, w, "valid")[padding : padding + size]


def scattered(change_w=None, change_y=None, change_dx=None):
    """Return an answer for `flip-scatter` that changes one of the arrays."""

    def attempt(y, w, geometry):
        w = change_w(w) if change_w else w
        y = change_y(y) if change_y else y
        dx = naive.input_grad(y, w, geometry)
        return change_dx(dx) if change_dx else dx

    return attempt


def turned(array):
    return np.flip(array, tuple(range(3, array.ndim)))


KNOWN = [
    ("flip-correlation", lambda x, d: signal.convolve2d(x, d, "valid"), "Here x is fl"),
    (
        "flip-correlation",
        lambda x, d: signal.correlate2d(d, x, "valid"),
        "This is the weight gradient of the layer of the chapter",
    ),
    (
        "flip-correlation",
        lambda x, d: np.flip(signal.convolve2d(d, x, "valid")),
        "There are two flips here",
    ),
    ("form-channels", lambda g, x, w, y: form(g, x, w, y, (0, 0)), "The second chann"),
    ("form-channels", lambda g, x, w, y: form(g, x, w, y, (1, 1)), "The first channe"),
    (
        "form-channels",
        lambda g, x, w, y: form(g, x, w, y, (0, 0), (1, 0)),
        "Both channels use the first row",
    ),
    (
        "form-channels",
        lambda g, x, w, y: form(g, x, w, y, (0, 0), (0, 1)),
        "Both rows of w meet the first channel",
    ),
    (
        "form-channels",
        lambda g, x, w, y: form(g, x, w, y, (0, 1), (1, 0)),
        "Each channel meets the weights of the other",
    ),
    (
        "form-channels",
        lambda g, x, w, y: form(g, x, w, y, (0, 0), (0, 1), (1, 0), (1, 1)),
        "Here the weights of one channel meet the inputs of the other, too",
    ),
    (
        "form-channels",
        lambda g, x, w, y: form(g, x, w, y, (0, 0)) * form(g, x, w, y, (1, 1)),
        "a term has six factors",
    ),
    ("form-dense", lambda w, x, y: (w @ x, y @ w, np.outer(x, y)), "the axes of the i"),
    ("form-dense", lambda w, x, y: (w @ x, y @ w, y[:, None] * w * x), "stand the ter"),
    ("form-dense", lambda w, x, y: (y @ w, w @ x, np.outer(y, x)), "have changed pla"),
    (
        "form-dense",
        lambda w, x, y: (w @ x * y, y @ w * x, y[:, None] * w * x),
        "In the derivatives stand the terms",
    ),
    ("form-flip", spread_slide, "Look at the entry of x_3 again"),
    (
        "form-flip",
        lambda w, y, size, stride, padding: spread_slide(w[::-1], y, size, 1, padding),
        "The entries of y lie next to each other",
    ),
    (
        "form-flip",
        lambda w, y, size, stride, padding: spread_slide(w[::-1], y, size, stride, 0),
        "The first places of the slide belong to the padding",
    ),
    (
        "form-flip",
        lambda w, y, size, stride, padding: spread_slide(
            w[::-1], y, size, stride, padding, 0
        ),
        "The slide begins too late",
    ),
    (
        "relabel-two-lines",
        transposed_back(db=lambda d_out, v, w, s: v.sum((0, 2))),
        "The gradient of the bias adds up the errors",
    ),
    (
        "relabel-two-lines",
        transposed_back(db=lambda d_out, v, w, s: d_out.mean((0, 2))),
        "For db you take the mean",
    ),
    (
        "relabel-two-lines",
        transposed_back(dx=lambda d_out, v, w, s: conv(d_out, w[:, :, ::-1], stride=s)),
        "In dx the kernel is flipped",
    ),
    (
        "relabel-two-lines",
        transposed_back(
            dx=lambda d_out, v, w, s: conv_backward(v, d_out, w, stride=s).dx
        ),
        "The dx of that `conv_backward` is as long as d_out",
    ),
    (
        "relabel-two-lines",
        transposed_back(
            dw=lambda d_out, v, w, s: (
                conv_backward(v, d_out, w, stride=s).dw[:, :, ::-1].swapaxes(0, 1)
            )
        ),
        "dw comes out with its taps reversed",
    ),
    (
        "relabel-twice",
        lambda q, d, w, s: conv_backward(q, d, w, stride=s).dx,
        "This is",
    ),
    (
        "relabel-twice",
        lambda q, d, w, s: w * conv_backward(q, d, w, stride=s).dw,
        "Each element is still multiplied",
    ),
    (
        "relabel-twice",
        lambda q, d, w, s: conv_backward(q, d, w, stride=s).dw[:, :, ::-1],
        "The taps come out in reverse",
    ),
    (
        "relabel-twice",
        lambda q, d, w, s: conv_backward(q * 0 + 1, d, w, stride=s).dw,
        "This is the derivative of the plain sum",
    ),
    ("relabel-inverse", lambda: ([[[3, 4]]], 5), "The input comes back 25 times"),
    ("relabel-inverse", lambda: ([[[3 / 7, 4 / 7]]], 2), "The weights add up to 1"),
    ("relabel-inverse", lambda: ([[[0.6, 0.8]]], 1), "These strokes overlap"),
    ("relabel-inverse", lambda: ([[[1]]], 7), "With one tap that is not 0"),
    ("relabel-inverse", lambda: ([[[1, -1]]], 2), "The input comes back twice"),
    ("relabel-inverse", lambda: ([[[0.5, -0.5]]], 3), "Half of the input"),
    (
        "indices-transposed",
        lambda p, v, w: np.einsum("koi,k,i->o", p, w, v),
        "This is the forward pass",
    ),
    (
        "indices-transposed",
        lambda p, v, w: np.einsum("koi,k,o->i", p, np.flip(w), v),
        "The kernel runs backwards",
    ),
    (
        "indices-transposed",
        lambda p, v, w: np.einsum("koi,k,o->o", p, w, v),
        "The letter behind the arrow",
    ),
    (
        "indices-transposed",
        lambda p, v, w: np.tensordot(w, p, 1).sum(0) * v.sum(),
        "Here every input meets every line",
    ),
    ("flip-scatter", scattered(), "This is the input gradient as it should be"),
    ("flip-scatter", scattered(np.flip), "A flip of all axes exchanges groups"),
    ("flip-scatter", scattered(lambda w: w[:, :, :, ::-1]), "With two axes, a rotati"),
    ("flip-scatter", scattered(lambda w: w[..., ::-1]), "Only the last axis"),
    ("flip-scatter", scattered(None, turned), "Here y runs backwards"),
    ("flip-scatter", scattered(None, None, turned), "Here the result runs backwards"),
    (
        "matrices-values",
        lambda m: (np.ones(m.shape[1]) * 3, np.ones(m.shape[1]) * 3),
        "That is one picture, twice",
    ),
    (
        "matrices-values",
        lambda m: (np.ones(m.shape[1]), np.zeros(m.shape[1])),
        "One of the pictures is darker",
    ),
    (
        "matrices-values",
        lambda m: (np.zeros(m.shape[1]), np.ones(m.shape[1])),
        "One of the pictures is lighter",
    ),
    (
        "matrices-values",
        lambda m: (np.arange(m.shape[1]) + 1, np.zeros(m.shape[1])),
        "If one of the pictures is black",
    ),
    ("matrices-inverse", lambda: [[[1, 1]]], "One channel keeps one number"),
    ("matrices-inverse", lambda: [[[1, 1]], [[1, 1]]], "The second channel says"),
    ("matrices-inverse", lambda: [[[1, 0]], [[0, 1]]], "comes back, but once"),
    ("matrices-inverse", lambda: [[[0, 1]], [[1, 0]]], "comes back, but once"),
    ("matrices-inverse", lambda: [[[1, 2]], [[2, -1]]], "and too long"),
    ("matrices-inverse", lambda: [[[1, 1]], [[0, 1]]], "At which angle"),
    (
        "checking-consistent",
        lambda v, u, w: (conv(v, w), conv_transpose(u, w)),
        "Both are right. They pass, of course.",
    ),
    (
        "checking-consistent",
        lambda v, u, w: (conv(v, w[:, :, ::-1]), conv_transpose(u, w)),
        "Only the first is wrong",
    ),
    (
        "checking-consistent",
        lambda v, u, w: (conv(v, w), conv_transpose(u, w[:, :, ::-1])),
        "Only the second is wrong",
    ),
    (
        "checking-consistent",
        lambda v, u, w: (conv(v, w)[..., ::-1], conv_transpose(u, w)[..., ::-1]),
        "Both results are reversed",
    ),
    (
        "im2col-bincount",
        lambda c, g: [sum(i in reads(g, o) for o in outputs(g)) for i in inputs(g)],
        "This counts how often",
    ),
    (
        "im2col-bincount",
        lambda c, g: [
            ([c[*k, *o] for o, k, i in g.connections() if i == (n,)] or [0])[-1]
            for n in inputs(g)
        ],
        "only one has arrived",
    ),
    (
        "im2col-bincount",
        lambda c, g: [
            np.mean([c[*k, *o] for o, k, i in g.connections() if i == (n,)] or [0])
            for n in inputs(g)
        ],
        "This is the mean of the copies",
    ),
    ("im2col-max", last_window_only, "13 is the largest in two windows"),
    ("im2col-max", pooled(lambda *_: 1), "Every element of a window gets its `d_out`"),
    (
        "im2col-max",
        lambda d_out, x, g: (x == x.max()) * d_out.sum(),
        "Everything goes to the largest element of x",
    ),
    (
        "im2col-max",
        pooled(lambda x, p, i: x[i] * first_largest(x, p, i)),
        "multiplied with the element itself",
    ),
    (
        "im2col-max",
        pooled(lambda x, p, i: x[i] == max(x[j] for j in p)),
        "each of them gets the whole `d_out`",
    ),
    ("cost-transpose", formulas(-1, 1), "With which sign comes $m_4$"),
    ("cost-transpose", formulas(1, -1), "With which sign comes $m_3$"),
    ("cost-transpose", formulas(-1, -1, -0.5), "$m_3$ comes in with the opposite sign"),
    (
        "cost-transpose",
        lambda d, e: [2 * n for n in formulas(-1, -1)(d, e)],
        "It is twice the gradient",
    ),
    (
        "cost-transpose",
        lambda d, e: [d[0] * e[0] + d[1] * e[1], d[1] * e[0] + d[2] * e[1]],
        "These are two outputs",
    ),
]


def form(g, x, w, y, *channels):
    """Return T, with these pairs of a channel of x and a row of w."""
    return sum(
        y[*o] * w[of_w, *k] * x[of_x, *i]
        for o, k, i in g.connections()
        for of_x, of_w in channels
    )


def inputs(geometry):
    return range(geometry.input_size[0])


def outputs(geometry):
    return range(geometry.output_size[0])


@pytest.mark.parametrize(("key", "attempt", "words"), KNOWN)
def test_a_known_mistake_gets_its_hint(key, attempt, words):
    verdict = check(key, attempt)
    assert not verdict
    assert words in verdict.hint


@pytest.mark.parametrize(
    ("key", "attempt"),
    [
        ("im2col-max", pooled(first_largest)),
        ("cost-transpose", formulas(-1, -1)),
        ("relabel-two-lines", transposed_back()),
        ("flip-scatter", scattered(turned)),
        ("form-channels", lambda *args: form(*args, (0, 0), (1, 1))),
        (
            "form-flip",
            lambda w, y, size, stride, padding: spread_slide(
                w[::-1], y, size, stride, padding
            ),
        ),
    ],
)
def test_what_the_mistakes_were_made_of_is_right(key, attempt):
    assert check(key, attempt, seed=1)


@pytest.mark.parametrize(
    "key", ["form-channels", "indices-transposed", "im2col-bincount", "im2col-max"]
)
def test_the_fixed_cases_try_every_setting(key):
    """Each is away from its default once: the connections show it."""
    seen = set()
    for case in exercise_of(key).cases:
        links = list(connections(case))
        steps = {
            i2 - i1
            for o1, k1, i1 in links
            for o2, k2, i2 in links
            if k2 == k1 + 1 and o1 == o2
        }
        strides = {
            i2 - i1
            for o1, k1, i1 in links
            for o2, k2, i2 in links
            if k2 == k1 and o2 == o1 + 1
        }
        seen |= {("dilation", step > 1) for step in steps}
        seen |= {("stride", step > 1) for step in strides}
        seen.add(("padding", any(cut(links))))
    assert {("dilation", True), ("stride", True), ("padding", True)} <= seen


def connections(case):
    """Return the connections of a case: of its geometry, or of its pattern."""
    for value in case:
        if hasattr(value, "connections"):
            return [(o, k, i) for (o,), (k,), (i,) in value.connections()]
    return [(int(o), int(k), int(i)) for k, o, i in np.argwhere(case[0])]


def cut(links):
    """Yield whether an output reads fewer inputs than there are taps."""
    taps = 1 + max(k for _, k, _ in links)
    for o in {o for o, _, _ in links}:
        yield sum(other == o for other, _, _ in links) < taps
