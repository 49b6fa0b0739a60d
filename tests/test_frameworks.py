"""The page of what the checker found in the work of others, and the tool behind it.

No framework is needed here; `tests/peers` tries those that are installed.
"""

import doctest
import json
import re
import sys

import numpy as np
import pytest

from deconv_tutorial import conv, conv_backward, conv_transpose, conv_transpose_backward
from deconv_tutorial.diagnose.probes import STRONG
from tests.examples import blocks, run, run_shell, sections
from tools import adapters, frameworks
from tools.adapters import IMPLEMENTATIONS, Implementation
from tools.adapters import layer as layers
from tools.adapters.layer import (
    TriedLayer,
    layer_with_any_padding,
    resized_array,
    shared_number,
    transposed_layer_with_any_padding,
)
from tools.checkout import ROOT
from tools.frameworks import (
    BEGIN,
    END,
    PAGE,
    main,
    outcomes_by_layer,
    page,
    stored_outcomes,
)

TEXT = PAGE.read_text("utf-8")
MODULES = {"torch", "jax", "chainer", "mygrad", "numpy_ml", "mytorch"}


# The page


def test_tables_are_what_the_tool_writes():
    again = "run: python -m tools.frameworks --stored --write"
    assert page(TEXT, stored_outcomes()) == TEXT, again


def test_stored_results_are_of_all_that_is_tried():
    found = stored_outcomes()
    names = [(i.name, i.package, i.note) for i in IMPLEMENTATIONS]
    assert [(f["name"], f["package"], f["note"]) for f in found] == names
    for layer in (layer for f in found for layer in f["layers"]):
        settings = {name: layer[name] for name in ("transposed", "ranks", "settings")}
        probes = {
            p.name for p in frameworks.probes(TriedLayer("", CONV.layer, **settings))
        }
        for outcome in filter(None, (layer["result"], layer["gradients"])):
            named = {*outcome["tried"], *outcome["refused"], *outcome["left_out"]}
            assert named == probes, "run: make frameworks"


def test_stored_versions_are_those_that_are_pinned():
    lines = (ROOT / "requirements-bench.txt").read_text("utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if "==" in line)
    versions = {
        f["package"]: f["version"] for f in stored_outcomes() if not f["absent"]
    }
    assert versions.items() <= pins.items(), "run: make frameworks"


def test_what_is_wrong_or_refused_is_shown_by_a_call():
    shown = {s.heading.partition(":")[0] for s in sections(TEXT, MODULES)}
    for found in stored_outcomes():
        outcomes = [outcome for _, outcome in outcomes_by_layer(found)]
        if any(outcome["wrong"] or outcome["refused"] for outcome in outcomes):
            assert found["name"] in shown


@pytest.fixture
def my_layers(tmp_path, monkeypatch):
    (module,) = [text for *_, text in blocks(TEXT) if text.startswith("# my_layers.py")]
    (tmp_path / "my_layers.py").write_text(module, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("my_layers", None)


@pytest.mark.usefixtures("my_layers")
@pytest.mark.parametrize(
    "text",
    [s.examples[""] for s in sections(TEXT, MODULES) if "" in s.examples],
    ids=[s.heading for s in sections(TEXT, MODULES) if "" in s.examples],
)
def test_examples_run(text):
    run(text)


def test_commands_run(my_layers):
    transcripts = [text for _, kind, text in blocks(TEXT) if kind == "console"]
    assert transcripts
    for text in transcripts:
        run_shell(text, my_layers)


def test_mended_layer_is_right(my_layers):
    module = my_layers / "my_layers.py"
    text = module.read_text("utf-8")
    module.write_text(
        text.replace("d_padded[window] =", "d_padded[window] +="), "utf-8"
    )
    report = "Right: dx, dw, db of conv_backward, on ...\n$ echo $?\n0\n"
    (text,) = [text for _, kind, text in blocks(TEXT) if kind == "console"]
    command, *_ = text.partition("dx is wrong")
    run_shell(f"{command}{report}", my_layers)


# The tool


def ours(function, backward):
    """Return our own layer, as one of somebody who pads both ends alike."""

    def layer(x, w, s):
        assert all(before == after >= 0 for before, after in s.padding)
        settings = {k: v for k, v in s._asdict().items() if k != "output_padding"}
        if function is conv_transpose:
            settings["output_padding"] = s.output_padding
        return (
            function(x, w, **settings),
            lambda d_out: backward(d_out, x, w, **settings)._asdict(),
        )

    return layer


CONV = TriedLayer(
    "`conv`",
    layer_with_any_padding(ours(conv, conv_backward)),
    settings=layers.SETTINGS[:4],
)
TRANSPOSED = TriedLayer(
    "`conv_transpose`",
    transposed_layer_with_any_padding(ours(conv_transpose, conv_transpose_backward)),
    transposed=True,
)


@pytest.mark.parametrize("tried", [CONV, TRANSPOSED], ids=lambda tried: tried.called)
@pytest.mark.parametrize("gradients", [False, True])
def test_right_layer_is_right_on_all_probes(tried, gradients):
    outcome = frameworks.function_outcome(tried, gradients=gradients)
    assert outcome["tried"] == [probe.name for probe in STRONG]
    names = ["dx", "dw", "db"] if gradients else ["y"]
    assert outcome["right"] == dict.fromkeys(names, len(STRONG))
    assert not outcome["wrong"]
    assert not outcome["refused"]
    assert not outcome["left_out"]


def test_layer_that_takes_no_rest_gets_none():
    def strict(x, w, s):
        for n, (size, taps) in enumerate(zip(x.shape[2:], w.shape[2:], strict=True)):
            span = s.dilation[n] * (taps - 1) + 1
            assert (size + sum(s.padding[n]) - span) % s.stride[n] == 0
        return ours(conv, conv_backward)(x, w, s)

    tried = TriedLayer(
        "`conv`",
        layer_with_any_padding(strict, rest=False),
        settings=layers.SETTINGS[:4],
    )
    outcome = frameworks.function_outcome(tried, gradients=True)
    assert outcome["right"] == dict.fromkeys(("dx", "dw", "db"), len(STRONG))
    assert not outcome["wrong"]


def changed(change):
    """Return our convolution, with its gradients changed."""

    def layer(x, w, s):
        y, back = ours(conv, conv_backward)(x, w, s)
        return y, lambda d_out: change(back(d_out))

    return TriedLayer(
        "`conv`",
        layer_with_any_padding(layer),
        ranks=(1,),
        settings=("stride", "padding"),
    )


def of_somebody(tried):
    """Return the row of a layer but for its last columns, and the remarks on it."""
    found = {"name": "Somebody's", "version": "1", "absent": "", "note": "Short."}
    found["layers"] = [frameworks.layer_outcome(tried)]
    row, *remarks = (
        "\n".join(frameworks.details(found)).split("| --- |\n")[1].split("\n\n")
    )
    return [row.rsplit("|", 3)[0] + "|", *(text.strip() for text in remarks if text)]


def test_mistake_is_named():
    wrong = changed(lambda found: {**found, "dw": found["dw"][..., ::-1]})
    outcome = frameworks.function_outcome(wrong, gradients=True)
    assert [(f["target"], f["mistakes"]) for f in outcome["wrong"]] == [
        ("dw", ["dw-flipped"])
    ]
    count = len(outcome["tried"])
    assert outcome["right"] == {"dx": count, "dw": 0, "db": count}
    table, remark = of_somebody(wrong)
    assert table == f"| `conv` | {count} | {count} | **0 of {count}** | {count} |"
    assert remark.startswith("`conv`: `dw` is wrong, for example in `conv of x (1, 1, ")
    assert "[`dw-flipped`](#dw-flipped): The weight gradient is" in remark


def test_gradient_of_a_wrong_shape_is_seen():
    wrong = changed(lambda found: {**found, "dx": found["dx"][..., :-1]})
    (finding,) = frameworks.function_outcome(wrong, gradients=True)["wrong"]
    assert finding["target"] == "dx"
    assert finding["where"][0] == "shape (1, 1, 0), needed is (1, 1, 1)"


def test_unknown_mistake_is_told_with_its_place():
    wrong = changed(lambda found: {**found, "dw": found["dw"] ** 2 + 1})
    _, remark = of_somebody(wrong)
    assert re.search(
        r"`dw` is wrong, .* No known mistake\. .* elements differ\.", remark
    )


def test_what_cannot_be_had_and_what_is_refused_are_told_apart():
    def layer(x, w, s):
        shared_number("stride", s.stride)
        if s.dilation != (1, 1):
            msg = "no dilation | here"
            raise ValueError(msg)
        return ours(conv, conv_backward)(x, w, s)

    settings = ("stride", "padding", "dilation")
    tried = TriedLayer(
        "`conv`", layer_with_any_padding(layer), ranks=(2,), settings=settings
    )
    outcome = frameworks.function_outcome(tried, gradients=False)
    assert outcome["left_out"] == dict.fromkeys(
        ("P2", "P1"), "it takes one stride for all axes"
    )
    assert outcome["refused"] == dict.fromkeys(
        ("dilated", "just fits"), "ValueError: no dilation | here"
    )
    assert not outcome["wrong"]
    assert outcome["right"] == {"y": len(outcome["tried"])}
    assert of_somebody(tried)[1:] == [
        '`conv` refuses the probe "dilated": `ValueError: no dilation | here`.',
        '`conv` refuses the probe "just fits": `ValueError: no dilation | here`.',
        "Left out are the probes P2, P1.",
    ]


def nobody(module="of_torch"):
    return Implementation("Nobody's", "no-such-package", module, "It is not there.")


def test_absent_package_is_reported():
    found = frameworks.implementation_outcome(nobody())
    assert found["absent"].startswith("PackageNotFoundError: ")
    assert found["layers"] == []
    text = frameworks.content([found])
    assert "| Nobody's absent | 0 | 0 | 0 |\n" in text
    assert "### Nobody's\n\nAbsent: `PackageNotFoundError: No " in text


def test_package_that_cannot_be_imported_is_reported(monkeypatch):
    monkeypatch.setattr(frameworks, "version", lambda _: "1.0+cpu")
    monkeypatch.setitem(sys.modules, "torch", None)
    found = frameworks.implementation_outcome(nobody())
    assert found["version"] == "1.0"
    assert found["absent"].startswith("ModuleNotFoundError: ")


def test_names_are_unique():
    for field in ("name", "package", "module"):
        names = [getattr(each, field) for each in IMPLEMENTATIONS]
        assert len({*names}) == len(names)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Let the tool try nobody's package, and write into a page of its own."""
    target = tmp_path / "page.md"
    monkeypatch.setattr(frameworks, "IMPLEMENTATIONS", (nobody(),))
    monkeypatch.setattr(frameworks, "ROOT", tmp_path)
    monkeypatch.setattr(frameworks, "PAGE", target)
    monkeypatch.setattr(frameworks, "STORED", target.with_suffix(".json"))
    target.write_text(f"before\n\n{BEGIN}\nold\n{END}\n\nafter\n", "utf-8")
    return target


def test_writes_what_it_found_and_leaves_the_rest(elsewhere, capsys):
    assert main(["--write"]) == 0
    text = elsewhere.read_text("utf-8")
    assert text.startswith(f"before\n\n{BEGIN}\n\n| Package |")
    assert text.endswith(f"no-such-package`.\n\n{END}\n\nafter\n")
    assert "absent" in capsys.readouterr().out
    (found,) = json.loads(elsewhere.with_suffix(".json").read_text("utf-8"))
    assert page(text, [found]) == text


def test_prints_and_writes_nothing_unless_asked_to(elsewhere, capsys):
    before = elsewhere.read_text("utf-8")
    assert main([]) == main(["no-such-package"]) == 0
    assert capsys.readouterr().out.count("| Nobody's absent |") == 2
    assert elsewhere.read_text("utf-8") == before
    assert not elsewhere.with_suffix(".json").exists()


@pytest.mark.parametrize("arguments", [["no-such"], ["torch", "--write"]])
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)


def test_page_needs_a_place_for_the_tables():
    with pytest.raises(SystemExit, match="needs the lines"):
        page("# A page\n", [])


# What makes up for less


def test_examples_of_the_adapters_run():
    for module in (adapters, layers):
        assert doctest.testmod(module).failed == 0


def test_resized_puts_places_where_they_were():
    array = np.arange(1, 13).reshape(1, 1, 3, 4)
    assert np.array_equal(
        resized_array(array, [1, -2], [5, 3])[0, 0],
        [[0, 0, 0], [3, 4, 0], [7, 8, 0], [11, 12, 0], [0, 0, 0]],
    )
    assert np.array_equal(resized_array(array, [0, 0], [3, 4]), array)


def test_one_is_what_all_axes_share():
    assert shared_number("stride", (2, 2)) == 2
    with pytest.raises(NotImplementedError, match="one stride for all axes"):
        shared_number("stride", (2, 3))
