"""Sums with letters for their sizes say what finite sums say, also where SymPy errs."""

import itertools

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from sympy.concrete.delta import deltasummation

from deconv_tutorial.geometry import Axis, Geometry
from deconv_tutorial.symbolic import derive
from deconv_tutorial.symbolic.general import Form, element, expanded_sum, safe_sum
from tests.strategies import axes

g = sp.IndexedBase("g")
j, m = sp.symbols("j m", integer=True)
n = sp.Symbol("n", integer=True, positive=True)


def test_sympy_falls_into_the_trap_and_we_do_not():
    """At odd j there is no m with 2*m == j, so the sum is 0."""
    summand = sp.KroneckerDelta(j, 2 * m) * g[m]
    trapped = deltasummation(summand, (m, 0, 10))
    assert trapped.subs(j, 3) == g[sp.Rational(3, 2)]  # SymPy 1.14; true is 0
    ours = safe_sum(summand, (m, 0, 10))
    assert ours == sp.Sum(summand, (m, 0, 10))
    assert expanded_sum(ours, {j: 3}) == 0
    assert expanded_sum(ours, {j: 4}) == g[2]
    divided = safe_sum(summand, (m, 0, 10), divide=True)
    assert divided.subs(j, 3) == 0
    assert divided.subs(j, 4) == g[2]
    assert divided.subs(j, 22) == 0


@pytest.mark.parametrize("divide", [False, True])
@pytest.mark.parametrize("factor", [-3, -2, -1, 1, 2, 3])
@pytest.mark.parametrize("shift", [-2, 0, 1])
def test_a_safe_sum_is_the_sum(factor, shift, divide):
    summand = sp.KroneckerDelta(j, factor * m + shift) * g[m]
    total = safe_sum(summand, (m, 0, 4), divide=divide)
    assert isinstance(total, sp.Sum) == (abs(factor) != 1 and not divide)
    for value in range(-15, 16):
        expected = sum(g[k] for k in range(5) if factor * k + shift == value)
        assert expanded_sum(total, {j: value}) == expected


def test_what_does_not_depend_on_the_index_stays_outside():
    total = safe_sum(g[j] * sp.KroneckerDelta(m, j) * g[m + 1], (m, 0, n))
    assert total == g[j] * sp.Piecewise((g[j + 1], (j >= 0) & (j <= n)), (0, True))


def test_what_is_given_need_not_be_said():
    summand = sp.KroneckerDelta(m, j) * g[m]
    assert safe_sum(summand, (m, 0, n), given=[j >= 0, j <= n]) == g[j]


def test_a_sum_without_a_delta_stays():
    assert safe_sum(g[m], (m, 0, n)) == sp.Sum(g[m], (m, 0, n))


@pytest.mark.parametrize(
    ("delta", "message"),
    [
        (sp.KroneckerDelta(sp.Symbol("q"), m), "needs whole numbers, got m, .* be q"),
        (sp.KroneckerDelta(j, m**2), r"linear in m, got KroneckerDelta\(j, m\*\*2\)"),
    ],
)
def test_sums_that_are_not_over_whole_numbers_are_refused(delta, message):
    with pytest.raises(ValueError, match=message):
        safe_sum(delta * g[m], (m, 0, n))


def test_an_index_that_may_be_a_fraction_is_refused():
    q = sp.Symbol("q")
    with pytest.raises(ValueError, match="needs whole numbers, got q"):
        safe_sum(sp.KroneckerDelta(j, q) * g[q], (q, 0, n))


def test_the_three_derivatives_for_every_size():
    form = Form()
    (axis,) = form.axes
    s, d, p = axis.stride, axis.dilation, axis.padding

    reads = s * axis.o + d * j - p
    inside = sp.And(reads >= 0, reads <= axis.input_size - 1)
    term = sp.Piecewise(
        (element("x", [reads]) * element("y", [axis.o]), inside), (0, True)
    )
    claimed = sp.Sum(term, (axis.o, 0, axis.output_size - 1))
    assert form.derivative("w", [j]) == claimed

    reads = s * j + d * axis.k - p
    inside = sp.And(reads >= 0, reads <= axis.input_size - 1)
    term = sp.Piecewise(
        (element("x", [reads]) * element("w", [axis.k]), inside), (0, True)
    )
    claimed = sp.Sum(term, (axis.k, 0, axis.kernel_size - 1))
    assert form.derivative("y", [j]) == claimed

    both = sp.KroneckerDelta(j, axis.rule) * element("w", [axis.k])
    claimed = sp.Sum(
        both * element("y", [axis.o]), *form.limits["w"], *form.limits["y"]
    )
    assert form.derivative("x", [j]) == claimed


def evaluated(expression, sizes, place, at):
    """Return a sum with numbers for its letters, as symbols like those of derive."""
    values = expanded_sum(expression, sizes | dict(zip(at, place, strict=True)))
    names = {"x": "x", "w": "w", "y": r"\delta"}
    symbols = {
        entry: sp.Symbol(
            f"{names[str(entry.base)]}_{{{','.join(map(str, entry.indices))}}}"
            if len(entry.indices) > 1
            else f"{names[str(entry.base)]}_{entry.indices[0]}"
        )
        for entry in sp.sympify(values).atoms(sp.Indexed)
    }
    return values.subs(symbols)


@settings(max_examples=40)  # SymPy takes its time
@given(drawn=axes(3))
def test_with_numbers_the_general_sums_are_those_of_the_geometry(drawn):
    axis = Axis(
        *(drawn[f"{name}_size"] for name in ("input", "kernel", "output")),
        drawn["stride"],
        drawn["dilation"],
        drawn["before"],
    )
    geometry, form = Geometry((axis,)), Form()
    for by in ("x", "w", "y"):
        sums = [form.derivative(by, [j])]
        if by == "x":
            (left,) = sums
            sums.append(safe_sum(left.function, *left.limits, divide=True))
        for place, entry in np.ndenumerate(derive(geometry, by).entries[0, 0, 0]):
            for expression in sums:
                found = evaluated(expression, form.sizes(geometry), place, [j])
                assert sp.expand(found - entry) == 0


def test_sums_with_numbers_are_written_out_term_by_term():
    """SymPy's own way falls into the trap here, too."""
    k = sp.Symbol("k", integer=True)
    summand = sp.KroneckerDelta(j, 2 * m + k) * g[m]
    total = sp.Sum(summand, (m, 0, n), (k, 0, 1))
    numbers = {j: 2, n: 1}
    assert total.subs(numbers).doit() == g[1] + g[sp.Rational(1, 2)]  # SymPy 1.14
    assert expanded_sum(total, numbers) == g[1]
    assert expanded_sum(total, {j: 3, n: 4}) == g[1]
    assert expanded_sum(g[j], {j: 2}) == g[2]


def test_two_axes_are_one_sum_with_two_patterns():
    geometry = Geometry((Axis(4, 2, 2, 2, 1, 1), Axis(3, 2, 3, 1, 2, 1)))
    form, at = Form(rank=2), sp.symbols("j_1 j_2", integer=True)
    general = form.derivative("w", at)
    for place in itertools.product(range(2), range(2)):
        entry = derive(geometry, "w").entries[0, 0, 0][place]
        found = evaluated(general, form.sizes(geometry), place, at)
        assert sp.expand(found - entry) == 0


def test_channels_are_summed_where_an_array_does_not_have_them():
    form = Form(channels=True)
    summed = {
        by: {str(limit[0]) for limit in form.derivative(by, at).limits}
        for by, at in {
            "x": sp.symbols("n_ g_ b_ i_", integer=True),
            "w": sp.symbols("g_ a_ b_ k_", integer=True),
            "y": sp.symbols("n_ g_ a_ o_", integer=True),
        }.items()
    }
    assert summed == {"x": {"a", "k", "o"}, "w": {"n", "o"}, "y": {"b", "k"}}


def test_letters_of_one_axis_have_no_number():
    assert str(Form().axes[0].rule) == "d*k + o*s - p"
    assert str(Form(rank=2).axes[1].rule) == "d_2*k_2 + o_2*s_2 - p_2"


@pytest.mark.parametrize("at", [[sp.Symbol("k", integer=True)], [j, m], []])
def test_an_element_needs_indices_of_its_own(at):
    """Whoever asks for the derivative by w[k] would get the sum over all k."""
    with pytest.raises(ValueError, match="at needs 1 indices, none of them an index"):
        Form().derivative("w", at)
