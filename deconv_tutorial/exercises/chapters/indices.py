"""Exercises of "A proof with indices"."""

# Wrong answers are short, and have no types; SymPy's are incomplete.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingTypeStubs=false, reportOperatorIssue=false

from __future__ import annotations

from typing import Any, cast

import numpy as np
import sympy as sp

from deconv_tutorial.dtypes import Array
from deconv_tutorial.exercises.drawing import (
    drawn_geometry,
    drawn_integers,
    drawn_numbers,
    integers,
)
from deconv_tutorial.exercises.exercise import (
    Arguments,
    Exercise,
    FormError,
    Function,
    WrongAnswer,
    function_ignoring,
)
from deconv_tutorial.exercises.parts import description
from deconv_tutorial.geometry import Geometry, conv_geometry


def repaired_sum(j: sp.Symbol, g: sp.IndexedBase) -> sp.Expr:
    """Return the sum of `KroneckerDelta(j, 2*m) * g[m]` over m from 0 to 10.

    It is a `Piecewise` that is right for every integer j.

    >>> j, g = sp.Symbol("j", integer=True), sp.IndexedBase("g")
    >>> repaired_sum(j, g).subs(j, 4)
    g[2]
    """
    even = sp.Eq(sp.Mod(j, 2), 0)
    return sp.Piecewise((g[j / 2], even & (j >= 0) & (j <= 20)), (0, True))


def values_at(answer: Function, numbers: Array) -> list[int]:
    """Return the values of an expression in j and g at some j, with g[m] = 100 + m."""
    j, g = sp.Symbol("j", integer=True), cast("Any", sp.IndexedBase("g"))
    expression = answer(j, g)
    if not isinstance(expression, sp.Expr):
        msg = f"an expression of SymPy, got {description(expression)}"
        raise FormError(msg)
    found: list[int] = []
    for number in map(int, numbers):
        at: Any = expression.subs(j, number)
        value = at.subs({g[m]: 100 + m for m in range(11)})
        if not isinstance(value, sp.Integer):
            msg = f"an element of g or 0 for j = {number}, got {at}"
            raise FormError(msg)
        found.append(int(value))
    return found


def _piecewise(j: sp.Symbol, g: sp.IndexedBase, low: Any, high: Any) -> sp.Expr:  # noqa: ANN401
    even = sp.Eq(sp.Mod(j, 2), 0)
    return sp.Piecewise((g[j / 2], even & low & high), (0, True))


INDICES_REPAIR = Exercise(
    "indices-repair",
    repaired_sum,
    title="Repair it",
    text=(
        "Write the sum of `KroneckerDelta(j, 2*m) * g[m]` over $m$ from 0 to 10 as a "
        "`Piecewise` that is right for every $j$: `repaired_sum(j, g)`."
    ),
    cases=tuple(
        (np.array(numbers),)
        for numbers in ([4], [3], [0, 20], [1, 19, 10, 11], [-2, -1, 21, 22], [-4, 24])
    ),
    draw=lambda rng: (rng.integers(-12, 34, drawn_numbers(rng, 4)),),
    hint="Which condition did SymPy forget? `sp.Mod(j, 2)` is the rest.",
    wrong=(
        WrongAnswer(
            lambda j, g: sp.Piecewise((g[j / 2], (j >= 0) & (j <= 20)), (0, True)),
            "This is what SymPy says. What is the sum for j = 3, and what is this?",
        ),
        WrongAnswer(
            lambda j, g: _piecewise(j, g, j > 0, j < 20),
            "Are the first and the last m in the sum? Look at j = 0 and at j = 20.",
        ),
        WrongAnswer(
            lambda j, g: _piecewise(j, g, j >= 0, j <= 10),
            "It is m that ends at 10. Where does j end?",
        ),
        WrongAnswer(
            lambda j, g: sp.Piecewise(
                (g[j / 2], sp.Eq(sp.Mod(j, 2), 0)),
                (0, True),
            ),
            "It is right for even j, as far as g has elements. Over which m does the "
            "sum go?",
        ),
        WrongAnswer(
            lambda j, g: sp.Integer(0),  # noqa: ARG005
            "It is 0 for every j. Does it have an `==`? Python compares the two sides "
            "at once, and that is False. `sp.Eq(a, b)` is an equation that waits for "
            "j.",
        ),
        WrongAnswer(
            lambda j, g: sp.Piecewise(
                (g[j], sp.Eq(sp.Mod(j, 2), 0) & (j >= 0) & (j <= 20)), (0, True)
            ),
            "This takes element j. Which m belongs to j?",
        ),
        WrongAnswer(
            lambda j, g: sp.Piecewise((g[j / 2], sp.Eq(sp.Mod(j, 2), 0) & (j <= 20))),
            "There is no value where the condition is false. What is an empty sum?",
        ),
    ),
    returns=("the list of values",),
    use=values_at,
    slips={
        "truth value": "`and`, `or` and `0 <= j <= 20` make Python ask at once whether "
        "that is true. `(j >= 0) & (j <= 20)` is a condition that waits for j.",
        "of type int": "Does it have an `if` or an `==`? Python decides at "
        "once, before j is a number. `sp.Piecewise` and `sp.Eq` wait for j.",
    },
    code=(
        'j, g = sp.Symbol("j", integer=True), sp.IndexedBase("g")\n'
        "elements = {{g[m]: 100 + m for m in range(11)}}\n"
        "found = {answer}(j, g)\n"
        "[found.subs(j, number).subs(elements) for number in {numbers}]"
    ),
)


def output_range(
    k: int, size: int, outputs: int, stride: int, padding: int, dilation: int
) -> range:
    """Return the outputs for which tap `k` reads inside `x`, as a range.

    `x` has `size` elements behind `padding` zeros, and there are `outputs` outputs.

    >>> output_range(0, size=6, outputs=3, stride=2, padding=1, dilation=1)
    range(1, 3)
    """
    shift = padding - dilation * k
    first = max(0, -(-shift // stride))
    last = min(outputs - 1, (size - 1 + shift) // stride)
    return range(first, last + 1)


def _floored_start(
    k: int, size: int, outputs: int, stride: int, padding: int, dilation: int
) -> range:
    shift = padding - dilation * k
    right = output_range(k, size, outputs, stride, padding, dilation)
    return range(max(0, shift // stride), right.stop)


def _truncated_stop(
    k: int, size: int, outputs: int, stride: int, padding: int, dilation: int
) -> range:
    shift = padding - dilation * k
    right = output_range(k, size, outputs, stride, padding, dilation)
    return range(right.start, min(outputs - 1, int((size - 1 + shift) / stride)) + 1)


def _early_stop(
    k: int, size: int, outputs: int, stride: int, padding: int, dilation: int
) -> range:
    right = output_range(k, size, outputs, stride, padding, dilation)
    return range(right.start, right.stop - 1)


def _unbounded_stop(
    k: int, size: int, outputs: int, stride: int, padding: int, dilation: int
) -> range:
    right = output_range(k, size, outputs, stride, padding, dilation)
    return range(right.start, (size - 1 + padding - dilation * k) // stride + 1)


def _ends(*numbers: int, inclusive: int) -> tuple[int, int]:
    right = output_range(*numbers)
    return right.start, right.stop - inclusive


INDICES_RANGE = Exercise(
    "indices-range",
    output_range,
    title="Where a tap is inside",
    text=(
        "For which outputs does tap $k$ read inside `x`? Find the first and the last "
        "from $s$, $d$, $p$, $N$ and $O$, and write them as a range, `output_range(k, "
        "size, outputs, stride, padding, dilation)`. Compare with `axis.tap(k)`, which "
        "returns these outputs as a slice."
    ),
    cases=(
        # k, size, outputs, stride, padding, dilation
        (0, 3, 3, 1, 0, 1),
        (2, 3, 2, 1, 0, 1),
        (0, 6, 3, 2, 1, 1),
        (2, 6, 3, 2, 1, 1),
        (1, 9, 5, 2, 3, 2),
        (3, 7, 3, 3, 5, 3),
        (2, 3, 3, 3, 4, 4),
        (3, 2, 2, 3, 3, 2),
    ),
    draw=lambda rng: (
        int(rng.integers(0, 5)),
        *drawn_numbers(rng, 9, 6, 4),
        int(rng.integers(0, 6)),
        *drawn_numbers(rng, 3),
    ),
    hint="Solve $0 \\le s\\,o + d\\,k - p \\le N - 1$ for $o$. A division that rounds "
    "up is `-(-a // b)`.",
    wrong=(
        WrongAnswer(
            _floored_start,
            "The first output is rounded down. Where does the tap read then, if the "
            "division leaves a rest?",
        ),
        WrongAnswer(
            _truncated_stop,
            "`int(a / b)` rounds towards 0. What should become of -1/3 here?",
        ),
        WrongAnswer(
            _early_stop, "A range ends before its stop. Is the last output in it?"
        ),
        WrongAnswer(
            lambda *numbers: _ends(*numbers, inclusive=0),
            "These are two numbers, the ends. All outputs between them are wanted: a "
            "`range` has them.",
        ),
        WrongAnswer(
            lambda *numbers: _ends(*numbers, inclusive=1),
            "These are two numbers, the first and the last. All outputs between them "
            "are wanted: a `range` has them.",
        ),
        WrongAnswer(
            _unbounded_stop,
            "There are more outputs in it than the layer has.",
        ),
        WrongAnswer(
            function_ignoring(output_range, dilation=1),
            "Tap k reads d*k elements further on than tap 0. Here it is k elements.",
        ),
        WrongAnswer(
            function_ignoring(output_range, padding=0),
            "With padding p, output 0 begins p elements before x. Here it begins at x.",
        ),
    ),
    returns=("the range",),
)


def transposed_convolution(pattern: Array, v: Array, w: Array) -> Array:
    """Return the transposed convolution of `v`, by one `einsum`.

    The pattern has the axes k, o, i. It is 1 at each connection, and 0 elsewhere.

    >>> pattern = np.array([[[1, 0, 0], [0, 1, 0]], [[0, 1, 0], [0, 0, 1]]])
    >>> transposed_convolution(pattern, np.array([1, 10]), np.array([2, 3]))
    array([ 2, 23, 30])
    """
    return np.einsum("koi,k,o->i", pattern, w, v)


def _pattern(geometry: Geometry) -> Array:
    (axis,) = geometry.axes
    sizes = (axis.kernel_size, axis.output_size, axis.input_size)
    pattern = np.zeros(sizes, int)
    for o, k, i in axis.connections():
        pattern[k, o, i] = 1
    return pattern


def _drawn_pattern(rng: np.random.Generator) -> Arguments:
    g = drawn_geometry(rng)
    return _pattern(g), *drawn_integers(rng, g.output_size, g.kernel_size)


INDICES_TRANSPOSED = Exercise(
    "indices-transposed",
    transposed_convolution,
    title="The transposed layer",
    text=(
        "The package einconv stores the pattern with the axes in the order $k$, $o$, "
        "$i$. With it, write a transposed convolution as one `einsum`: "
        "`transposed_convolution(pattern, v, w)`."
    ),
    cases=tuple(
        (_pattern(g), *integers(g.output_size, g.kernel_size))
        for g in (
            conv_geometry(2, 2),
            conv_geometry(3, 2),
            conv_geometry(6, 3, stride=2, padding=1),
            conv_geometry(6, 2, stride=2),
            conv_geometry(9, 3, stride=2, padding=2, dilation=2),
        )
    ),
    draw=_drawn_pattern,
    hint="The transposed layer uses the same lines. Its input stands where $T$ has "
    "`y`, and its result where $T$ has `x`.",
    wrong=(
        WrongAnswer(
            lambda pattern, v, w: np.einsum("oki,k,o->i", pattern, w, v),
            "The taps of the pattern meet v here, and its outputs meet w. Which axis "
            "is which, and which array has an element for each tap?",
        ),
        WrongAnswer(
            lambda pattern, v, w: np.einsum("koi,k,o->i", pattern, w[::-1], v),
            "The kernel runs backwards here. Does the pattern not say where each tap "
            "goes?",
        ),
        WrongAnswer(
            lambda pattern, v, w: np.einsum("koi,k,o->o", pattern, w, v),
            "The letter behind the arrow says on which side the result stands. Is a "
            "transposed convolution as long as its input?",
        ),
        WrongAnswer(
            lambda pattern, v, w: np.einsum("koi,k->i", pattern, w) * v.sum(),
            "Here every input meets every line. Which letter ties v to its own lines?",
        ),
        WrongAnswer(
            lambda pattern, v, w: np.einsum("koi,k,i->o", pattern, w, v),
            "This is the forward pass, which reads inputs i and returns outputs o. On "
            "which side does the transposed layer read?",
        ),
    ),
    returns=("y",),
    layer=None,
)

EXERCISES = (INDICES_REPAIR, INDICES_RANGE, INDICES_TRANSPOSED)
