"""Proofs run the shipped engines on symbols, and mistakes are disproved by an entry."""

import random
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import sympy as sp

from deconv_tutorial import ENGINES, functional
from deconv_tutorial.engines import fast, im2col, naive
from deconv_tutorial.engines.engine import MAPS
from deconv_tutorial.engines.fast import choice
from deconv_tutorial.engines.fast.tiled import Tiled
from deconv_tutorial.geometry import (
    Axis,
    Geometry,
    conv_geometry,
    conv_transpose_geometry,
)
from deconv_tutorial.identities import FromForward
from deconv_tutorial.symbolic import (
    ProofError,
    derive,
    form,
    letters,
    letters_of,
    prove,
    prove_layer,
)

RUNNING = conv_geometry(6, 3, stride=2, padding=1)
# Geometry, then samples, groups, channels of y and of x.
FIXED = [
    (RUNNING, (1, 1, 1, 1)),
    (RUNNING, (2, 2, 3, 2)),
    (conv_geometry(1, 1), (1, 1, 1, 1)),
    (conv_geometry(7, 4, 3, ((2, 0),)), (1, 1, 2, 2)),
    (conv_geometry(9, 3, 1, ((1, 1),), 2), (1, 2, 1, 1)),
    (conv_geometry(8, 2, 2, ((0, 3),), 3), (2, 1, 1, 2)),
    (conv_geometry(5, 2, 4, ((3, 1),), 2), (1, 1, 1, 1)),
    (conv_geometry(2, 1, 2, ((3, 4),)), (1, 1, 1, 1)),  # taps in the padding only
    (conv_geometry((3, 3), 2), (1, 1, 1, 1)),
    (conv_geometry((5, 4), (3, 2), (2, 1), ((1, 0), (0, 2)), (1, 3)), (1, 1, 2, 2)),
    (conv_geometry((3, 6), 2, (2, 3), ((2, 1), (0, 1)), (2, 1)), (1, 2, 1, 2)),
    (conv_geometry((2, 3, 2), (2, 1, 2), 1, ((1, 0), (0, 0), (0, 1))), (1, 1, 1, 2)),
    (conv_transpose_geometry((2, 2), 3), (1, 1, 1, 1)),  # the first chapter's layer
    (conv_transpose_geometry(3, 3, 2, 1, output_padding=1), (1, 1, 2, 1)),
    (conv_transpose_geometry(2, 2, 4, output_padding=3), (1, 1, 1, 1)),
]


def drawn_axis(draw, largest):
    """Draw the output first, then an input that leads to it."""
    outputs, taps = draw.randint(1, largest), draw.randint(1, largest)
    stride, dilation = draw.randint(1, 4), draw.randint(1, 3)
    leftover = draw.randrange(stride)
    padded = stride * (outputs - 1) + dilation * (taps - 1) + 1 + leftover
    before = draw.randint(0, min(4, padded - 1))
    after = draw.randint(0, min(4, padded - 1 - before))
    return Axis(padded - before - after, taps, outputs, stride, dilation, before)


def drawn(count):
    """Draw so many different geometries of ranks 1 to 3, with channels."""
    draw, found = random.Random(0), {}
    while len(found) < count:
        rank = draw.choice((1, 1, 1, 2, 2, 3))
        axes = tuple(drawn_axis(draw, {1: 5, 2: 3, 3: 2}[rank]) for _ in range(rank))
        channels = tuple(draw.randint(1, most) for most in (2, 2, 2, 2))
        small = np.prod([a.kernel_size * a.output_size for a in axes]) <= 24
        found[Geometry(axes)] = channels if small else (1, 1, 1, 2)
    return list(found.items())


def counts(samples, groups, y_channels, x_channels):
    return {
        "samples": samples,
        "groups": groups,
        "y_channels": y_channels,
        "x_channels": x_channels,
    }


@pytest.fixture(scope="module")
def many():
    return FIXED + drawn(250)


@pytest.mark.parametrize(
    "engine",
    [*ENGINES.values(), FromForward(naive.forward)],
    ids=[*ENGINES, "from_forward"],
)
def test_every_engine_is_proved_on_many_geometries(engine, many):
    assert len({geometry for geometry, _ in many}) >= 250
    for geometry, channels in many:
        proof = prove(engine, geometry, **counts(*channels))
        n, g, a, b = channels
        size = [
            int(np.prod(sizes))
            for sizes in (
                geometry.output_size,
                geometry.input_size,
                geometry.kernel_size,
            )
        ]
        assert proof.entries == {
            "forward": n * g * a * size[0],
            "input_grad": n * g * b * size[1],
            "weight_grad": g * a * b * size[2],
        }
        assert proof.products == n * g * a * b * len(list(geometry.connections()))


@pytest.mark.parametrize(
    ("size", "options", "sizes"),
    [
        (6, {"kernel_size": 3, "stride": 2, "padding": 1}, ((2, 2),)),
        (7, {"kernel_size": 3, "padding": ((2, 0),), "dilation": 2}, ((3, 2),)),
        ((4, 5), {"kernel_size": 3, "padding": 1}, ((2, 3), (2, 3))),
    ],
)
def test_short_convolutions_are_proved(size, options, sizes):
    """Winograd's fractions fall out again: the proof is of the algorithm, too."""
    engine = Tiled(sizes)
    proof = prove(engine, conv_geometry(size, **options), y_channels=2, x_channels=2)
    assert proof.entries["forward"] > 0


def broken(**maps):
    """Return the naive engine with some maps changed."""
    return SimpleNamespace(
        **{
            "forward": naive.forward,
            "input_grad": naive.input_grad,
            "weight_grad": naive.weight_grad,
            **maps,
        }
    )


def changed(geometry, change):
    """Return a geometry with a function of each axis applied to it."""
    return Geometry(tuple(replace(axis, **change(axis)) for axis in geometry.axes))


def one_stride(geometry):
    return changed(geometry, lambda _: {"stride": 1})


def one_dilation(geometry):
    return changed(geometry, lambda _: {"dilation": 1})


def unpadded(geometry):
    return changed(geometry, lambda _: {"padding_before": 0})


def swapped(geometry):
    return changed(geometry, lambda a: {"stride": a.dilation, "dilation": a.stride})


def shifted(geometry):
    return changed(geometry, lambda a: {"padding_before": a.padding_before + 1})


BROKEN = {
    "kernel reversed in the result": (
        "forward",
        broken(forward=lambda x, w, g: naive.forward(x, w[..., ::-1], g)),
    ),
    "stride forgotten in dw": (
        "weight_grad",
        broken(weight_grad=lambda x, y, g: naive.weight_grad(x, y, one_stride(g))),
    ),
    "stride forgotten in dx": (
        "input_grad",
        broken(input_grad=lambda y, w, g: naive.input_grad(y, w, one_stride(g))),
    ),
    "dilation forgotten in dw": (
        "weight_grad",
        broken(weight_grad=lambda x, y, g: naive.weight_grad(x, y, one_dilation(g))),
    ),
    "stride and dilation exchanged in dx": (
        "input_grad",
        broken(input_grad=lambda y, w, g: naive.input_grad(y, w, swapped(g))),
    ),
    "padding forgotten in dw": (
        "weight_grad",
        broken(weight_grad=lambda x, y, g: naive.weight_grad(x, y, unpadded(g))),
    ),
    "one place off in dx": (
        "input_grad",
        broken(input_grad=lambda y, w, g: naive.input_grad(y, w, shifted(g))),
    ),
    "kernel reversed in the scatter": (
        "input_grad",
        broken(input_grad=lambda y, w, g: naive.input_grad(y, w[..., ::-1], g)),
    ),
    "dw reversed": (
        "weight_grad",
        broken(weight_grad=lambda x, y, g: naive.weight_grad(x, y, g)[..., ::-1]),
    ),
    "only the last sample in dw": (
        "weight_grad",
        broken(weight_grad=lambda x, y, g: naive.weight_grad(x[-1:], y[-1:], g)),
    ),
    "mean over samples in dw": (
        "weight_grad",
        broken(
            weight_grad=lambda x, y, g: naive.weight_grad(x, y, g) / sp.Integer(len(x))
        ),
    ),
    "first channel only in dx": (
        "input_grad",
        broken(input_grad=lambda y, w, g: naive.input_grad(y[:, :, :1], w[:, :1], g)),
    ),
    "channels exchanged in w": (
        "forward",
        broken(forward=lambda x, w, g: naive.forward(x, w.swapaxes(1, 2), g)),
    ),
    "last output left out in dw": (
        "weight_grad",
        broken(
            weight_grad=lambda x, y, g: naive.weight_grad(
                x, np.concatenate([y[..., :-1], 0 * y[..., -1:]], axis=-1), g
            )
        ),
    ),
    "error squared": (
        "weight_grad",
        broken(weight_grad=lambda x, y, g: naive.weight_grad(x, y * y, g)),
    ),
    "another shape": (
        "input_grad",
        broken(input_grad=lambda y, w, g: naive.input_grad(y, w, g)[..., :-1]),
    ),
    "numbers without symbols": (
        "forward",
        broken(forward=lambda x, w, g: np.zeros(naive.forward(x, w, g).shape)),
    ),
}


@pytest.mark.parametrize("mistake", BROKEN)
def test_broken_engines_are_disproved_by_an_entry(mistake):
    name, engine = BROKEN[mistake]
    geometry = conv_geometry(8, 3, stride=2, padding=2, dilation=3)
    with pytest.raises(ProofError, match=f"^{name} differs from") as caught:
        prove(engine, geometry, samples=2, y_channels=2, x_channels=2)
    error = caught.value
    assert error.name == name
    array = {"forward": "\\delta", "input_grad": "x", "weight_grad": "w"}[name]
    assert error.symbol.name.startswith(f"{array}_")
    assert error.expected != error.found


def test_the_two_sums_stand_side_by_side():
    with pytest.raises(ProofError) as caught:
        prove(BROKEN["dw reversed"][1], RUNNING)
    assert str(caught.value).splitlines() == [
        r"weight_grad differs from the derivative by w_0:",
        r"    dT/dw_0         weight_grad",
        r"    \delta_1*x_1",
        r"    \delta_2*x_3",
        r"                    \delta_0*x_1",
        r"                    \delta_1*x_3",
        r"                    \delta_2*x_5",
    ]
    with pytest.raises(ProofError) as caught:
        prove(BROKEN["one place off in dx"][1], RUNNING)
    assert str(caught.value).splitlines() == [
        r"input_grad differs from the derivative by x_0:",
        r"    dT/dx_0         input_grad",
        r"    \delta_0*w_1",
        r"                    \delta_0*w_2",
        r"                    \delta_1*w_0",
    ]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (np.zeros(3), r"shape \(1, 1, 1, 3\)    shape \(3,\)$"),
        (np.zeros((1, 1, 1, 3)), r"w_1\*x_0 \+ w_2\*x_1    0.0$"),
        (np.full((1, 1, 1, 3), None), r"w_1\*x_0 \+ w_2\*x_1    None$"),
    ],
)
def test_what_is_no_sum_is_shown_as_it_is(result, message):
    with pytest.raises(ProofError, match=message):
        prove(broken(forward=lambda *_: result), RUNNING)


def test_an_engine_cannot_change_what_it_is_compared_with():
    def spoil(x, w, geometry):
        y = naive.forward(x, w, geometry)
        x[...] = w[...] = 0
        return y

    prove(broken(forward=spoil), RUNNING)
    prove(naive, RUNNING)
    with pytest.raises(ValueError, match="read-only"):
        derive(RUNNING, "w").entries[...] = 0


def test_the_question_that_started_it_in_nine_entries():
    """2x2 to 4x4 with a 3x3 kernel: x has the errors, y the layer's input."""
    table = derive(conv_transpose_geometry((2, 2), 3), "w")
    assert table.entries.shape == (1, 1, 1, 3, 3)
    for r, c in np.ndindex(3, 3):
        expected = sum(
            sp.Symbol(rf"\delta_{{{i},{j}}}") * sp.Symbol(f"x_{{{r + i},{c + j}}}")
            for i, j in np.ndindex(2, 2)
        )
        assert table.entries[0, 0, 0, r, c] == expected


@pytest.mark.parametrize("by", ["x", "w", "y"])
def test_derive_differentiates(by):
    geometry = conv_geometry((3, 4), 2, (2, 1), ((1, 0), (0, 1)))
    x, w, y = letters_of(geometry, 2, 1, 2, 1)
    table = derive(geometry, by, 2, 1, 2, 1)
    whole = form(geometry, x, w, y)
    array = {"x": x, "w": w, "y": y}[by]
    assert np.array_equal(table.symbols, array)
    for symbol, entry in zip(table.symbols.flat, table.entries.flat, strict=True):
        assert entry == sp.diff(whole, symbol)


def test_derive_refuses_what_is_no_array():
    with pytest.raises(ValueError, match=r"by needs one of .x., .w. and .y., got 'b'"):
        derive(RUNNING, "b")


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
@pytest.mark.parametrize(
    ("layer", "x_shape", "w_shape", "settings"),
    [
        ("conv", (1, 1, 6), (1, 1, 3), {"stride": 2, "padding": 1}),
        ("conv", (2, 4, 5), (6, 2, 2), {"groups": 2, "dilation": 3}),
        ("conv", (1, 2, 4), (3, 2, 3), {"padding": "same"}),
        (
            "conv",
            (1, 2, 4, 3),
            (2, 2, 2, 3),
            {"stride": (2, 1), "padding": ((2, 0), (1, 2)), "dilation": (1, 2)},
        ),
        ("conv", (1, 1, 2, 3, 2), (2, 1, 2, 1, 2), {"padding": (1, 0, 1)}),
        ("conv_transpose", (1, 1, 2, 2), (1, 1, 3, 3), {}),
        (
            "conv_transpose",
            (2, 2, 3),
            (2, 3, 3),
            {"stride": 2, "padding": 1, "output_padding": 1},
        ),
        ("conv_transpose", (1, 4, 2), (4, 3, 2), {"groups": 2, "stride": 3}),
        (
            "conv_transpose",
            (1, 2, 2, 3),
            (2, 1, 3, 2),
            {"stride": (2, 1), "dilation": (1, 2), "padding": ((1, 2), (0, 1))},
        ),
        ("conv_transpose", (1, 1, 2, 1, 2), (1, 2, 1, 2, 2), {"stride": (1, 2, 1)}),
    ],
)
def test_layers_with_bias_are_proved(layer, x_shape, w_shape, settings, engine):
    proof = prove_layer(layer, x_shape, w_shape, engine=engine, **settings)
    groups = settings.get("groups", 1)
    bias = w_shape[1] * groups if layer == "conv_transpose" else w_shape[0]
    assert list(proof.entries) == ["y", "dx", "dw", "db"]
    assert proof.entries["dx"] == np.prod(x_shape)
    assert proof.entries["dw"] == np.prod(w_shape)
    assert proof.entries["db"] == bias
    assert proof.subject.startswith(f"{layer} with ")


@pytest.mark.parametrize("layer", ["conv", "conv_transpose"])
def test_a_bias_gradient_that_is_a_mean_is_disproved(layer, monkeypatch):
    backward = getattr(functional, f"{layer}_backward")

    def averaged(*arguments, **settings):
        gradients = backward(*arguments, **settings)
        return gradients._replace(db=gradients.db / sp.Integer(2))

    monkeypatch.setattr(functional, f"{layer}_backward", averaged)
    with pytest.raises(ProofError, match="db differs from the derivative by b_0"):
        prove_layer(layer, (1, 1, 3), (1, 1, 2))


@pytest.mark.parametrize("layer", ["conv", "conv_transpose"])
@pytest.mark.parametrize(
    ("mistake", "gradient"),
    [("dw reversed", "dw"), ("kernel reversed in the result", None)],
)
def test_a_broken_engine_is_disproved_in_its_layer(layer, mistake, gradient):
    _, engine = BROKEN[mistake]
    gradient = gradient or {"conv": "y", "conv_transpose": "dx"}[layer]
    with pytest.raises(ProofError, match=f"^{gradient} differs"):
        prove_layer(layer, (1, 1, 4), (1, 1, 3), engine=engine)


def test_letters_have_readable_names():
    assert letters("x", ()).item().name == "x"
    assert [s.name for s in letters("x", (2,))] == ["x_0", "x_1"]
    assert letters("w", (2, 11))[1, 10].name == "w_{1,10}"
    assert letters(r"\delta", (1, 1, 2), hidden=2)[0, 0, 1].name == r"\delta_1"
    assert letters("x", (1, 3, 2), hidden=2)[0, 2, 1].name == "x_{2,1}"
    assert sp.latex(letters(r"\delta", (3,))[2]) == r"\delta_{2}"
    assert sp.latex(letters("x", (2, 2))[0, 1]) == "x_{0,1}"
    assert sp.latex(letters("x", (12,))[11]) == "x_{11}"


def test_a_table_shows_itself_as_formulas():
    table = derive(conv_geometry(3, 2), "w")
    assert repr(table).splitlines()[0] == r"dT/dw_0 = \delta_0*x_0 + \delta_1*x_1"
    latex = table._repr_latex_()
    assert latex.startswith("$$\n\\begin{aligned}\n")
    assert latex.endswith("\n\\end{aligned}\n$$")
    assert r"\frac{\partial T}{\partial w_{1}} &= \delta_{0} x_{1}" in latex
    assert latex.count("&=") == 2


# By rank, a way of each kind that takes symbols.
WAYS_BY_RANK = {
    rank: {
        "tiny": fast.WAYS["tiny"],
        "columns": fast.WAYS["columns"],
        "planes": fast.WAYS["planes"],
        "tiled": Tiled(((2, 2),) * rank),
    }
    for rank in (1, 2, 3)
}


def test_these_are_all_ways():
    for ways in WAYS_BY_RANK.values():
        assert {*ways, "depthwise"} == set(fast.WAYS)


@pytest.mark.parametrize("way", WAYS_BY_RANK[1])
def test_each_way_of_fast_is_proved_by_name(way):
    for geometry, (n, g, a, b) in FIXED:
        rank = len(geometry.axes)
        if way == "tiled" and not all(map(choice._is_simple, geometry.axes)):
            continue  # the rule never cuts these into tiles
        proof = prove(
            WAYS_BY_RANK[rank][way],
            geometry,
            samples=n,
            groups=g,
            y_channels=a,
            x_channels=b,
        )
        assert proof.subject.startswith(way)


def test_depthwise_refuses_symbols_by_name():
    message = "weight_grad of depthwise needs real numbers, got dtype object"
    with pytest.raises(TypeError, match=message):
        prove(fast.WAYS["depthwise"], RUNNING)


def test_a_proof_of_fast_names_the_way_that_ran():
    proof = prove(fast, RUNNING)
    assert proof.ways == dict.fromkeys(MAPS.values(), "tiny")
    assert repr(proof).startswith("Proved for fast by its way tiny, with 8 products")
    assert not prove(naive, RUNNING).ways
    large = conv_geometry(60, 2, stride=59)
    mixed = SimpleNamespace(
        __name__="mixed",
        forward=naive.forward,
        input_grad=naive.input_grad,
        weight_grad=naive.weight_grad,
        ways=lambda *_: {"forward": naive, "input_grad": im2col, "weight_grad": naive},
    )
    text = repr(prove(mixed, large))
    assert "by its ways naive (forward, weight_grad) and im2col (input_grad), " in text


def test_symbols_on_a_layer_that_is_not_tiny_take_columns():
    geometry = conv_geometry(4000, 3, padding=1)
    x, w, y = (
        np.empty(shape, object)
        for shape in [(1, 1, 4, 4000), (1, 3, 4, 3), (1, 1, 3, 4000)]
    )
    assert set(fast.ways(x, w, y, geometry).values()) == {fast.WAYS["columns"]}
