"""Try convolutions of other projects with the checker, and write what it finds.

The findings are stored beside the page, and the tables of the page are made from them.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TypedDict, cast

from benchmarks.sides import reason
from deconv_tutorial import diagnose
from deconv_tutorial.diagnose import mistake_of
from deconv_tutorial.diagnose.compare import is_same
from deconv_tutorial.diagnose.from_function import FunctionName
from deconv_tutorial.diagnose.mistakes.problem import TARGETS, Target
from deconv_tutorial.diagnose.probes import SETTINGS, STRONG, Probe
from tools.adapters import IMPLEMENTATIONS, Implementation
from tools.adapters.layer import TriedLayer, backward, forward
from tools.checkout import ROOT

PAGE = ROOT / "book" / "gallery" / "frameworks.md"
STORED = PAGE.with_suffix(".json")
BEGIN = "<!-- What follows is made by `make frameworks` from frameworks.json. -->"
END = "<!-- Here ends what is made. -->"
SECONDS = 60.0  # a call of JAX compiles


class WrongResult(TypedDict):
    """One wrong result: a `Finding` as a dictionary."""

    target: str
    case: str
    mistakes: list[str]
    together: bool
    where: list[str]
    passes: list[str]


class FunctionOutcome(TypedDict):
    """How one function did on the probes."""

    tried: list[str]
    """The probes on which it returned something."""
    right: dict[str, int]
    """For each result, the number of these probes on which it is right."""
    refused: dict[str, str]
    """The probes on which it raised an error, with the error."""
    left_out: dict[str, str]
    """The probes that the adapter cannot give it, with the reason."""
    wrong: list[WrongResult]


class LayerOutcome(TypedDict):
    """How a layer did. Its result is None if it has only gradients."""

    called: str
    transposed: bool
    ranks: list[int]
    settings: list[str]
    result: FunctionOutcome | None
    gradients: FunctionOutcome


class ImplementationOutcome(TypedDict):
    """How an implementation did."""

    name: str
    package: str
    version: str
    absent: str
    """Why it could not be tried, or ""."""
    note: str
    layers: list[LayerOutcome]


def probes(tried: TriedLayer) -> list[Probe]:
    """Return the probes whose settings and rank a layer takes."""
    return [
        probe
        for probe in STRONG
        if probe.rank in tried.ranks
        and probe.suits(tried.settings, transposed=tried.transposed)
    ]


def function_outcome(tried: TriedLayer, *, gradients: bool) -> FunctionOutcome:
    """Try a layer's result or its gradients, and return how they did."""
    attempt = (backward if gradients else forward)(tried.layer)
    found = FunctionOutcome(tried=[], right={}, refused={}, left_out={}, wrong=[])
    for probe in probes(tried):
        case = probe.case(transposed=tried.transposed)
        arrays = (case.d_out, case.x, case.w) if gradients else (case.x, case.w)
        try:
            result = attempt(*arrays, **case.settings)
        except NotImplementedError as error:
            found["left_out"][probe.name] = str(error)
        except Exception as error:  # noqa: BLE001  # whatever their code raises
            found["refused"][probe.name] = reason(error)
        else:
            found["tried"].append(probe.name)
            results = result if isinstance(result, Mapping) else {"y": result}
            for target, array in results.items():
                expected = case.problem.result(cast("Target", target))
                found["right"].setdefault(target, 0)
                found["right"][target] += is_same(array, expected)
    layer = "conv_transpose" if tried.transposed else "conv"
    report = diagnose.function(
        attempt,
        cast("FunctionName", f"{layer}_backward" if gradients else layer),
        tried.settings,
        ranks=tried.ranks,
        returns=[*found["right"]] if gradients else ("y",),
        seconds=SECONDS,
    )
    findings = (finding.as_dict() for finding in report.findings)
    found["wrong"] = [cast("WrongResult", f) for f in findings if f["target"] != "call"]
    return found


def implementation_outcome(implementation: Implementation) -> ImplementationOutcome:
    """Try all layers of an implementation, and return how they did."""
    found = ImplementationOutcome(
        name=implementation.name,
        package=implementation.package,
        version="",
        absent="",
        note=implementation.note,
        layers=[],
    )
    try:
        # The text after a plus names the machine that it was built for.
        found["version"] = version(implementation.package).partition("+")[0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old packages warn
            found["layers"] = [
                layer_outcome(layer) for layer in implementation.layers()
            ]
    except Exception as error:  # noqa: BLE001  # an old package may raise anything
        found["absent"] = reason(error)
    return found


def layer_outcome(tried: TriedLayer) -> LayerOutcome:
    """Try a layer, and return how it did."""
    return LayerOutcome(
        called=tried.called,
        transposed=tried.transposed,
        ranks=[*tried.ranks],
        settings=[*tried.settings],
        result=None
        if tried.only_backward
        else function_outcome(tried, gradients=False),
        gradients=function_outcome(tried, gradients=True),
    )


def summary(found: Sequence[ImplementationOutcome]) -> Iterator[str]:
    """Yield the lines of a table with one line for each implementation."""
    yield from head("Package", "Functions", "Wrong", "Refuse")
    for each in found:
        outcomes = [outcome for _, outcome in outcomes_by_layer(each)]
        wrong, refused = (
            sum(bool(outcome[kind]) for outcome in outcomes)
            for kind in ("wrong", "refused")
        )
        named = f"{each['name']} {'absent' if each['absent'] else each['version']}"
        yield row([named, *map(str, (len(outcomes), wrong, refused))])
    yield ""


def details(found: ImplementationOutcome) -> Iterator[str]:
    """Yield the section on one implementation: a table of its layers, and remarks."""
    yield f"### {found['name']} {found['version']}".strip() + "\n"
    if found["absent"]:
        yield f"Absent: {code(found['absent'])}.\n"
        return
    yield f"{found['note']}\n"
    yield from head("Layer", *map(code, TARGETS), "Axes", "Settings")
    for layer in found["layers"]:
        outcomes = [
            outcome for _, outcome in outcomes_by_layer({**found, "layers": [layer]})
        ]
        counts = (right_count(outcomes, target) for target in TARGETS)
        ranks = ", ".join(map(str, layer["ranks"]))
        yield row([layer["called"], *counts, ranks, settings(layer)])
    yield ""
    yield from remarks(found)


def right_count(outcomes: Sequence[FunctionOutcome], target: str) -> str:
    """Return on how many probes a result is right, in bold if not on all of them."""
    for found in outcomes:
        if target in found["right"]:
            tried, right = len(found["tried"]), found["right"][target]
            return str(right) if right == tried else f"**{right} of {tried}**"
    return ""


def settings(layer: LayerOutcome) -> str:
    """Return in words the settings with which a layer is tried."""
    possible = SETTINGS if layer["transposed"] else SETTINGS[:-1]
    missing = [code(name) for name in possible if name not in layer["settings"]]
    return f"all but {', '.join(missing)}" if missing else "all"


def remarks(found: ImplementationOutcome) -> Iterator[str]:
    """Yield a paragraph for each wrong result and each error, and one on gaps."""
    lines: list[str] = []
    lacks: dict[str, str] = {}
    for called, outcome in outcomes_by_layer(found):
        lines += (f"{called}: {wrong_result_text(wrong)}" for wrong in outcome["wrong"])
        lines += (
            f'{called} refuses the probe "{probe}": {code(error)}.'
            for probe, error in outcome["refused"].items()
        )
        lacks |= outcome["left_out"]
    if lacks:
        lines.append(f"Left out are the probes {', '.join(lacks)}.")
    for line in dict.fromkeys(lines):  # the result and the gradients may say the same
        yield f"{line}\n"


def wrong_result_text(wrong: WrongResult) -> str:
    """Return a paragraph on a wrong result."""
    known = [
        f"[`{key}`](#{key}): {mistake_of(key).title}." for key in wrong["mistakes"]
    ]
    where = (f"{text[0].upper()}{text[1:]}." for text in wrong["where"])
    sentences = [
        f"`{wrong['target']}` is wrong, for example in {code(wrong['case'])}.",
        (" And " if wrong["together"] else " Or ").join(known) or "No known mistake.",
        *where,
    ]
    if wrong["passes"]:
        sentences.append(f"It passes weaker tests: {', '.join(wrong['passes'])}.")
    return " ".join(sentences)


def outcomes_by_layer(
    found: ImplementationOutcome,
) -> Iterator[tuple[str, FunctionOutcome]]:
    """Yield the outcome of each function after the name of its layer."""
    for layer in found["layers"]:
        if layer["result"]:
            yield layer["called"], layer["result"]
        yield layer["called"], layer["gradients"]


def code(text: str) -> str:
    """Return a text as code in Markdown."""
    return f"`{text}`"


def row(cells: Sequence[str]) -> str:
    """Return a line of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


def head(*names: str) -> list[str]:
    """Return the first two lines of a table in Markdown."""
    return [row(names), row(["---"] * len(names))]


def content(found: Sequence[ImplementationOutcome]) -> str:
    """Return the part of the page between its two marks."""
    return "\n".join([*summary(found), *(line for f in found for line in details(f))])


def page(text: str, found: Sequence[ImplementationOutcome]) -> str:
    """Return a page with new content between its two marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        sys.exit(f"{PAGE.name} needs the lines {BEGIN} and {END}")
    return f"{before}{begin}\n\n{content(found)}\n{end}{after}"


def stored_outcomes(path: Path = STORED) -> list[ImplementationOutcome]:
    """Return the outcomes that were stored the last time."""
    return json.loads(path.read_text("utf-8"))


def write(found: Sequence[ImplementationOutcome]) -> None:
    """Store outcomes, and bring the page up to date."""
    text = json.dumps(found, indent=1, ensure_ascii=False)
    STORED.write_text(f"{text}\n", "utf-8")
    PAGE.write_text(page(PAGE.read_text("utf-8"), found), "utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Print new or stored outcomes. Write new ones to the page if asked to."""
    parser = argparse.ArgumentParser(prog="tools.frameworks", description=__doc__)
    parser.add_argument("packages", nargs="*", help="only these, by their PyPI names")
    parser.add_argument("--stored", action="store_true", help="try nothing anew")
    parser.add_argument(
        "--write", action="store_true", help="bring the page up to date"
    )
    options = parser.parse_args(arguments)
    names = [implementation.package for implementation in IMPLEMENTATIONS]
    unknown: set[str] = {*options.packages} - {*names}
    if unknown:
        parser.error(f"packages need to be among {names}, got {sorted(unknown)}")
    if options.packages and options.write:
        parser.error("--write needs all packages")

    if options.stored:
        found = stored_outcomes()
    else:
        found = [
            implementation_outcome(implementation)
            for implementation in IMPLEMENTATIONS
            if implementation.package in (options.packages or names)
        ]
    print(content(found))
    if options.write:
        write(found)
        print(f"\nThe page: {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
