"""Draw the ratios to PyTorch, with one mark for each row and work."""
# Matplotlib leaves the types of its keyword arguments open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from benchmarks.collect import Results
from benchmarks.summary import mean_of, ratios, ratios_of_maps, thread_words
from benchmarks.workloads import WORKS

# Okabe and Ito's colours, which differ for every kind of colour vision.
MARKS = {
    "forward": ("o", "#0072b2"),
    "input_grad": ("s", "#d55e00"),
    "weight_grad": ("^", "#009e73"),
    "conv_backward": ("D", "#000000"),
    "conv_transpose_backward": ("x", "#7a4d8f"),
}
LABEL = (
    "Time of the default engine over the time of PyTorch, on a logarithmic axis, for "
    "each row and work; the numbers are in the tables of RESULTS.md."
)
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "deconv_tutorial",
    "svg.fonttype": "none",
    "font.size": 9,
}


def write_plot(results: Results, path: Path) -> None:
    """Write the plot as SVG. The same measurements give the same bytes."""
    counts = [t for t in results["threads"] if ratios(results, t, "torch")]
    if not counts:
        path.unlink(missing_ok=True)
        return
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9, 3.4 * len(counts)), layout="constrained")
        panels = figure.subplots(len(counts), sharex=True, squeeze=False)
        for threads, axes in zip(counts, panels[:, 0], strict=True):
            _panel(axes, results, threads)
        panels[0, 0].legend(ncols=3, frameon=False, loc="upper left")
        FigureCanvasSVG(figure).print_svg(path, metadata={"Date": None})
    text = path.read_text("utf-8")
    named = text.replace("<svg ", f'<svg role="img" aria-label="{LABEL}" ', 1)
    path.write_text(named, "utf-8")


def _panel(axes: Axes, results: Results, threads: str) -> None:
    found = ratios(results, threads, "torch")
    rows = list(dict.fromkeys(ratio.row for ratio in found))
    for i, work in enumerate(WORKS):
        marker, color = MARKS[work]
        points = [r for r in found if r.work == work]
        places = [rows.index(r.row) + 0.13 * (i - 2) for r in points]
        values = [r.value for r in points]
        axes.plot(places, values, marker, color=color, ms=5, label=work, ls="none")
    axes.axhline(1, color="black", lw=1)
    axes.set_yscale("log")
    axes.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axes.minorticks_off()
    axes.set_xticks(range(len(rows)), rows)
    axes.grid(visible=True, axis="y", color="#d0d0d0", lw=0.6)
    axes.set_axisbelow(True)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * 2)  # room for the legend
    mean = mean_of(ratios_of_maps(found))
    axes.set_title(f"{thread_words(threads)}: geometric mean of the maps {mean:.2f}")
    axes.set_ylabel("time ÷ PyTorch")
