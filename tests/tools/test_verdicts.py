"""The tool that counts how often a verdict of the checker holds."""

import re

import numpy as np
import pytest

from tools.verdicts.__main__ import main
from tools.verdicts.drawn_calls import drawn_calls
from tools.verdicts.layers import layer, with_channels_last, with_dictionary
from tools.verdicts.mutated import FUNCTIONS, changes, chosen_mutants, outcome
from tools.verdicts.styles import STYLES


@pytest.mark.parametrize("of", FUNCTIONS)
@pytest.mark.parametrize("style", STYLES)
def test_all_styles_are_right(style, of):
    transposed = of.startswith("conv_transpose")
    attempt = layer(STYLES[style])[of]
    assert not changes(attempt, drawn_calls(60, 0, transposed=transposed))


def test_wrong_ones_change():
    attempt = layer(STYLES["columns"])["conv_backward"]

    def wrong(d_out, x, w, **settings):
        dx, dw, db = attempt(d_out, x, w, **settings)
        return dx, dw, db + (settings["groups"] == 3)

    def failing(d_out, x, w, **settings):
        if settings["groups"] == 3:
            raise ValueError
        return attempt(d_out, x, w, **settings)

    for function in (wrong, failing):
        assert changes(function, drawn_calls(100, 0, transposed=False))


@pytest.mark.parametrize("transposed", [False, True])
def test_drawn_layers_have_what_the_checker_might_forget(transposed):
    calls = [*drawn_calls(400, 0, transposed=transposed)]
    settings = [call.settings for call in calls]
    assert {len(s["stride"]) for s in settings} == {1, 2}
    assert any(
        max(s["stride"]) > max(c.w.shape[2:])
        for c, s in zip(calls, settings, strict=True)
    )
    assert any(before != after for s in settings for before, after in s["padding"])
    assert {s["groups"] for s in settings} == {1, 2, 3}
    wide = [max(s.get("output_padding", (0,))) >= min(s["stride"]) for s in settings]
    assert any(wide) == transposed


@pytest.mark.parametrize("wrapped", ["dictionary", "channels last"])
@pytest.mark.parametrize("of", FUNCTIONS)
def test_forms_give_the_same(of, wrapped):
    transposed = of.startswith("conv_transpose")
    attempt = layer(STYLES["loops"])[of]
    call = next(drawn_calls(1, 3, transposed=transposed))
    if wrapped == "dictionary":
        function, _ = with_dictionary(attempt)
        params = {("pad" if k == "padding" else k): v for k, v in call.settings.items()}
        found = function(call.d_out, (call.x, call.w, params))
        found = found["dx"], found["dw"], found["db"]
    else:
        function, _ = with_channels_last(attempt, transposed=transposed)
        order = (0, 1) if transposed else (1, 0)
        x, d_out = (np.moveaxis(a, 1, -1) for a in (call.x, call.d_out))
        kernel = np.moveaxis(call.w, order, (-2, -1))
        dx, dw, db = function(d_out, x, kernel, **call.settings)
        found = np.moveaxis(dx, -1, 1), np.moveaxis(dw, (-2, -1), order), db
    assert all(map(np.array_equal, found, call.right))


def test_a_mutation_that_changes_a_result_is_called_wrong():
    mutant = next(
        m for m in chosen_mutants(300, 0) if m.before.startswith("dx[:, :, *i] +=")
    )
    found = outcome(mutant, "conv_backward", 50, 0)
    assert found.changes
    assert found.report.status == "wrong"
    assert found.report.findings[-1].call


def test_tables_are_printed(capsys):
    assert main(["--seeds", "0", "--mutants", "2", "--layers", "40"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"2 mutations in 4 functions; \d change a result", printed)
    assert "the slowest report took" in printed
