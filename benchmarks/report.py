"""Make RESULTS.md from the stored measurements. No number in it is typed by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks import tables
from benchmarks.accuracy import WRONG
from benchmarks.collect import Results
from benchmarks.measure import AWAKE, SAMPLE, SETTLE
from benchmarks.plot import write_plot
from benchmarks.summary import (
    Bar,
    Ratio,
    all_cells,
    bars,
    mean_of,
    ratios,
    ratios_of_backwards,
    ratios_of_maps,
    thread_words,
    ties,
)

OPPONENTS = {"torch": "PyTorch", "numpy": "the best NumPy peer"}
_SAMPLE, _PAUSE, _AWAKE = (f"{1e3 * s:g} ms" for s in (SAMPLE, SETTLE, AWAKE))
HOW = f"""\
Each number is the median over rounds. In a round every side runs once, in another
order each time, so no side finds its data in the cache: in a loop over one function
times are lower. A sample is one call, or as many as take {_SAMPLE}. All sides of one
number of threads run in one process, which is kept on as many cores. With several
threads {_PAUSE} pass between samples, since the threads of a product spin on for a
while, and each sample begins with {_AWAKE} of calls that are not timed, since threads
that wake up share a core at first; and the slowest sides are left out.

Every result is compared with `im2col` in float64 before it is timed, and one that is
off by more than {WRONG:g} of the largest value is called wrong and not timed. Arrays
are float32, normal and seeded; each side has them in the layout it wants before the
clock starts. Maps are named from the convolution's side: of a `conv_transpose` row,
`input_grad` is the layer itself.
"""


def report(results: Results) -> str:
    """Return the report as Markdown."""
    return "\n".join([*_summary(results), *_details(results)])


def write_report(stored: Path) -> None:
    """Write RESULTS.md and results.svg beside the stored measurements."""
    results = json.loads(stored.read_text("utf-8"))
    stored.with_name("RESULTS.md").write_text(report(results), "utf-8")
    write_plot(results, stored.with_suffix(".svg"))


def _summary(results: Results) -> Iterator[str]:
    yield "# What the engines take, and what others take\n"
    yield "<!-- Made by `python -m benchmarks report` from results.json. -->\n"
    yield (
        f"Measured on {results['date']} on {results['machine']['processor']}. Ratios "
        f"are the time of the engine `{results['default']}`, the default of "
        "a full run, over another's: below 1 it is faster.\n"
    )
    yield from _warnings(results)
    yield "![Ratio of times, default engine over PyTorch, by row](results.svg)\n"
    yield "## Summary\n"
    yield tables.table(
        ["geometric mean of ratios", "three maps", "full backward passes"],
        _means(results),
    )
    yield "## Bars\n"
    yield tables.table(
        ["bar", "limit", "measured", "met"], map(_bar, bars(results)), texts=4
    )
    yield from _missed_bars(bars(results))
    yield from _ties(results)


def _warnings(results: Results) -> Iterator[str]:
    """Yield the warnings that a reader needs before any number."""
    for threads, found in results["threads"].items():
        if found["cores"] < int(threads):
            yield f"**{threads} threads shared {found['cores']} core.**\n"
    wrong = [
        f"{name} at {row} {work} ({cell['wrong']})"
        for threads in results["threads"]
        for row, work, cells in all_cells(results, threads)
        for name, cell in cells.items()
        if "wrong" in cell
    ]
    if wrong:
        yield f"Wrong, and so not timed: {'; '.join(dict.fromkeys(wrong))}.\n"


def _means(results: Results) -> Iterator[list[str]]:
    for threads in results["threads"]:
        for against, name in OPPONENTS.items():
            found = ratios(results, threads, against)
            kinds = (ratios_of_maps(found), ratios_of_backwards(found))
            means = [f"{mean_of(kind):.2f}" if kind else "–" for kind in kinds]
            yield [f"÷ {name}, {thread_words(threads)}", *means]


def _bar(bar: Bar) -> list[str]:
    return [bar.name, bar.limit, bar.measured, "yes" if bar.met else "**no**"]


def _missed_bars(found: Iterable[Bar]) -> Iterator[str]:
    lines = [f"- {bar.name}: {', '.join(bar.outside)}" for bar in found if bar.outside]
    if lines:
        yield "Outside the bars:\n"
        yield "\n".join(lines) + "\n"


def _ties(results: Results) -> Iterator[str]:
    lines = [
        f"- with {name}, {thread_words(threads)}: {_ratio_names(tied)}"
        for threads in results["threads"]
        for against, name in OPPONENTS.items()
        if (tied := ties(ratios(results, threads, against)))
    ]
    if lines:
        yield "Ties, within 5 %:\n"
        yield "\n".join(lines) + "\n"


def _ratio_names(found: list[Ratio]) -> str:
    return ", ".join(f"{ratio.row} {ratio.work}" for ratio in found)


def _details(results: Results) -> Iterator[str]:
    yield "## How it was measured\n"
    yield HOW
    yield "## Who was measured\n"
    yield tables.sides(results)
    for threads, found in results["threads"].items():
        yield f"## Times, {thread_words(threads)}\n"
        yield "Bold: the fastest of the default engine and the NumPy peers.\n"
        yield tables.times(results, threads)
        yield f"## Parts of the machine's limits, {thread_words(threads)}\n"
        yield (
            f"A product of matrices reaches {found['limits']['gemm']:.0f} GF/s here, a "
            f"copy {found['limits']['copy']:.0f} GB/s read and written. Operations are "
            "two for each real connection of the geometry and pair of channels: none "
            "for padding. Bytes are those of the arguments and the result, once.\n"
        )
        yield tables.limits(results, threads)
        yield f"## Extra memory, {thread_words(threads)}\n"
        yield "The peak beyond arguments and results, as `tracemalloc` sees it.\n"
        yield tables.memory(results, threads)
    yield from _errors_and_growth(results)
    yield from _machine(results)


def _errors_and_growth(results: Results) -> Iterator[str]:
    if "errors" in results:
        yield "## Relative errors\n"
        yield "The largest difference over the largest value.\n"
        yield tables.errors(results)
    if "growth" in results:
        yield "## Growth\n"
        yield (
            "One size grows while the others stay at N=8, C=32, F=32, 3 × 3 taps, "
            "stride 1 and 32 × 32 outputs, without padding, on one thread. Exponents "
            "are fitted to the best times by least squares in logarithms.\n"
        )
        yield tables.growth(results)


def _machine(results: Results) -> Iterator[str]:
    machine = results["machine"]
    yield "## Machine\n"
    packages = ", ".join(f"{k} {v}" for k, v in machine["packages"].items())
    settings = ", ".join(f"{k}={v}" for k, v in machine["left out"].items())
    lines = [
        f"{machine['processor']}, cores: {machine['cores']}, {machine['system']}",
        f"Python {machine['python']}; {packages}",
        f"variables left out, so that each library chooses its own instructions: "
        f"{settings or 'none were set'}",
        *(
            f"{thread_words(threads)}: {_pool(pool)}"
            for threads, found in results["threads"].items()
            for pool in found["pools"]
        ),
    ]
    yield "\n".join(f"- {line}" for line in lines) + "\n"


def _pool(pool: dict[str, object]) -> str:
    keys = ("internal_api", "version", "architecture")
    return f"{' '.join(str(pool[k]) for k in keys if k in pool)}, {pool['num_threads']}"
