"""Exercises of "Cost, memory, phases and Winograd"."""

# Wrong answers are short, and have no types.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.exercises.drawing import drawn_integers, drawn_numbers, integers
from deconv_tutorial.exercises.exercise import Arguments, Exercise, WrongAnswer


def recipe(d: Array, d_out: Array) -> Array:
    """Return the gradient of three weights, from four inputs and two errors.

    It makes four products. Each multiplies a sum of `d` by a sum of `d_out`.

    >>> recipe(np.array([2, 3, 5, 7]), np.array([1, 10]))
    array([32., 53., 75.])
    """
    of_d = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
    of_g = np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]]) / 2
    of_d_out = np.array([[1, 0], [1, 1], [1, -1], [0, -1]])
    return of_g.T @ ((of_d @ d) * (of_d_out @ d_out))


class CountedFactor:
    """A factor without a value. It counts the products of two such factors."""

    products = 0

    def __mul__(self, other: object) -> CountedFactor:
        """Return a product, and count it if the other factor is no plain number."""
        CountedFactor.products += isinstance(other, CountedFactor)
        return self

    def __add__(self, _: object) -> CountedFactor:
        """Return a sum, a difference or a quotient, which are not counted."""
        return self

    def __neg__(self) -> CountedFactor:
        """Return itself."""
        return self

    def __float__(self) -> float:
        """Return a number, since an answer may prepare an array of floats."""
        return 1.0

    __rmul__ = __mul__
    __radd__ = __sub__ = __rsub__ = __truediv__ = __add__
    conjugate = __pos__ = __neg__


def gradient_and_products(
    answer: Callable[[Array, Array], Array], d: Array, d_out: Array
) -> tuple[Array, int]:
    """Return the gradient from an answer, and the number of products beyond four."""
    dw = answer(d, d_out)
    CountedFactor.products = 0
    try:
        answer(np.full(4, CountedFactor()), np.full(2, CountedFactor()))
    except (TypeError, ValueError, AttributeError):
        return dw, 0  # it does something that only numbers can do
    return dw, max(0, CountedFactor.products - 4)


def _recipe(
    halves: float, signs: list[list[int]], ends: float = 1
) -> Callable[[Array, Array], Array]:
    """Return a recipe with another divisor, other signs for `d_out`, or other ends."""

    def answer(d: Array, d_out: Array) -> Array:
        of_d = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
        of_g = np.array([[2 * ends, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2 * ends]])
        return of_g.T @ ((of_d @ d) * (np.array(signs) @ d_out)) / halves

    return answer


def _outputs(d: Array, d_out: Array) -> Array:
    """Return what comes if nothing is transposed."""
    return np.array([d[:2] @ d_out, d[1:3] @ d_out])


COST_TRANSPOSE = Exercise(
    "cost-transpose",
    recipe,
    title="Somebody else's formulas",
    text=(
        "F(2,3) is usually printed as a recipe for the forward pass. With inputs $d$ "
        "and weights $g$ it is\n\n"
        "$$\n"
        "\\begin{aligned}\n"
        "m_1 &= (d_0 - d_2)\\, g_0 & m_2 &= (d_1 + d_2)\\, \\tfrac{1}{2}(g_0 + g_1 + "
        "g_2) \\\\\n"
        "m_4 &= (d_1 - d_3)\\, g_2 & m_3 &= (d_2 - d_1)\\, \\tfrac{1}{2}(g_0 - g_1 + "
        "g_2)\n"
        "\\end{aligned}\n"
        "$$\n\n"
        "and the outputs are $m_1 + m_2 + m_3$ and $m_2 - m_3 - m_4$. Find the recipe "
        "for the gradient of the weights, from `d` and `d_out`, with four products, "
        "and write it as `recipe(d, d_out)`."
    ),
    cases=(
        (np.array([1, 0, 0, 0]), np.array([1, 0])),
        (np.array([0, 1, 0, 0]), np.array([0, 1])),
        tuple(integers(4, 2)),
        tuple(-2 * v for v in integers(4, 2)),
    ),
    draw=lambda rng: (*drawn_integers(rng, 4, 2),),
    hint="Write down the three matrices. Which one is transposed now?",
    wrong=(
        WrongAnswer(
            lambda d, d_out: np.array(
                [d[k] * d_out[0] + d[k + 1] * d_out[1] for k in range(3)]
            ),
            "The numbers are right, and these are six products. Four are enough.",
        ),
        WrongAnswer(
            _recipe(2, [[1, 0], [1, 1], [1, -1], [0, 1]]),
            "With which sign comes $m_4$ into the second output?",
        ),
        WrongAnswer(
            _recipe(1, [[1, 0], [1, 1], [1, -1], [0, -1]]),
            "It is twice the gradient. Where have the halves of the recipe gone?",
        ),
        WrongAnswer(
            _recipe(2, [[1, 0], [1, 1], [1, 1], [0, -1]]),
            "With which sign comes $m_3$ into the second output?",
        ),
        WrongAnswer(
            _recipe(1, [[1, 0], [1, 1], [1, -1], [0, -1]], ends=0.5),
            "The halves of $m_2$ and $m_3$ are missing. To which of the three arrays "
            "do they belong?",
        ),
        WrongAnswer(
            _recipe(4, [[1, 0], [1, 1], [1, -1], [0, -1]], ends=2),
            "The halves of $m_2$ and $m_3$ count twice here.",
        ),
        WrongAnswer(
            _recipe(2, [[1, 0], [1, 1], [-1, 1], [0, -1]]),
            "$m_3$ comes in with the opposite sign. Which outputs have it?",
        ),
        WrongAnswer(
            _outputs,
            "These are two outputs, as in the forward pass. How many weights are "
            "there?",
        ),
    ),
    returns=("dw", "products beyond four"),
    use=gradient_and_products,
)


def three_maps(x: Array, w: Array, y: Array) -> tuple[Array, Array, Array]:
    """Return forward, weight_grad and input_grad of a convolution with stride 1.

    Each map multiplies two spectra. There is one axis, without padding.

    >>> maps = three_maps(np.array([2, 3, 5]), np.array([1, 10]), np.array([7, 100]))
    >>> [result.round().astype(int).tolist() for result in maps]
    [[32, 53], [314, 521], [7, 170, 1000]]
    """
    size = len(x)
    a, b, c = (np.fft.rfft(v, size) for v in (x, w, y))
    forward = np.fft.irfft(a * b.conj(), size)[: len(y)]
    weight_grad = np.fft.irfft(a * c.conj(), size)[: len(w)]
    return forward, weight_grad, np.fft.irfft(c * b, size)


def _maps_with_conjugates(
    conjugated: tuple[int, int, int],
) -> Callable[[Array, Array, Array], Any]:
    """Return the three maps; factor 1 or 2 of each is conjugate, or none if it is 0."""

    def answer(x: Array, w: Array, y: Array) -> tuple[Array, ...]:
        a, b, c = (np.fft.rfft(v, len(x)) for v in (x, w, y))
        pairs = zip(((a, b), (a, c), (c, b)), conjugated, (y, w, x), strict=True)
        return tuple(
            np.fft.irfft(
                (one.conj() if n == 1 else one) * (other.conj() if n == 2 else other),
                len(x),
            )[: len(array)]
            for (one, other), n, array in pairs
        )

    return answer


def _even_lengths(x: Array, w: Array, y: Array) -> tuple[Array, ...]:
    """Return the three maps from transforms back to the next even length."""
    a, b, c = (np.fft.rfft(v, len(x)) for v in (x, w, y))
    pairs = ((a * b.conj(), y), (a * c.conj(), w), (c * b, x))
    return tuple(np.fft.irfft(product)[: len(array)] for product, array in pairs)


def _whole_transforms(x: Array, w: Array, y: Array) -> tuple[Array, ...]:
    """Return the three maps, each with as many places as x has."""
    a, b, c = (np.fft.rfft(v, len(x)) for v in (x, w, y))
    return tuple(np.fft.irfft(v, len(x)) for v in (a * b.conj(), a * c.conj(), c * b))


def _drawn_spectra(rng: np.random.Generator) -> Arguments:
    taps, outputs = drawn_numbers(rng, 5, 8)
    return (*drawn_integers(rng, taps + outputs - 1, taps, outputs),)


COST_FFT = Exercise(
    "cost-fft",
    three_maps,
    title="Three pointwise products",
    text=(
        "The discrete Fourier transform turns a convolution into a pointwise product, "
        "too. Write the three maps of a convolution with stride 1 with `np.fft.rfft` "
        "and `np.fft.irfft`, as `three_maps(x, w, y)`. In each, multiply two spectra, "
        "and conjugate one where needed."
    ),
    cases=tuple(
        tuple(integers(taps + outputs - 1, taps, outputs))
        for taps, outputs in ((2, 1), (2, 3), (3, 6), (4, 4), (2, 8))
    ),
    draw=_drawn_spectra,
    hint="Take all spectra with the length of `x`: `np.fft.rfft(w, len(x))`. A "
    "conjugate turns $i = o + k$ into $o = i - k$.",
    wrong=(
        WrongAnswer(
            _maps_with_conjugates((0, 0, 0)),
            "Nothing is conjugated. Then indices add up: $o = i + k$. Which maps want "
            "a difference?",
        ),
        WrongAnswer(
            _maps_with_conjugates((2, 2, 2)),
            "One conjugate too many. In `input_grad` the index i is a sum.",
        ),
        WrongAnswer(
            _maps_with_conjugates((1, 1, 0)),
            "The conjugate belongs to the index that is subtracted. In $o = i - k$, "
            "which one is that?",
        ),
        WrongAnswer(
            _maps_with_conjugates((2, 0, 0)),
            "`forward` is right. The index of a tap is a difference, too: $k = i - o$. "
            "Which array has the index that is subtracted?",
        ),
        WrongAnswer(
            _maps_with_conjugates((0, 2, 0)),
            "`weight_grad` is right. The index of an output is a difference, too: "
            "$o = i - k$. Which array has the index that is subtracted?",
        ),
        WrongAnswer(
            _maps_with_conjugates((2, 1, 0)),
            "In `weight_grad` the other factor is conjugated. In $k = i - o$, which "
            "index is subtracted?",
        ),
        WrongAnswer(
            _maps_with_conjugates((1, 2, 0)),
            "In `forward` the other factor is conjugated. In $o = i - k$, which index "
            "is subtracted?",
        ),
        WrongAnswer(
            _maps_with_conjugates((2, 2, 1)),
            "In `input_grad` the index i is a sum. Which factor needs a conjugate "
            "then?",
        ),
        WrongAnswer(
            _even_lengths,
            "`irfft` has to be told how long the result is. It takes an even length "
            "otherwise.",
        ),
        WrongAnswer(
            _whole_transforms,
            "The transform returns as many places as `x` has. How many belong to the "
            "result?",
        ),
    ),
    returns=("forward", "weight_grad", "input_grad"),
)

EXERCISES = (COST_TRANSPOSE, COST_FFT)
