"""SciPy: one correlation for each channel of a depthwise layer.

In such a layer channels do not mix. Other layers would need a call for each pair of
channels. So only depthwise layers are measured, with stride 1 and outputs of the size
of the input.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.sides import PreparedWork, Side, same_arrays, works_of
from benchmarks.workloads import WorkloadCase, total
from deconv_tutorial.dtypes import Array

NOTE = "ndimage.correlate, ndimage.convolve, signal.correlate; only depthwise"


def side(name: str, threads: int) -> Side:  # noqa: ARG001  # it has one thread
    """Return SciPy as a side."""
    scipy: Any = import_module("scipy")
    ndimage: Any = import_module("scipy.ndimage")
    signal: Any = import_module("scipy.signal")

    def prepare(case: WorkloadCase, work: str) -> PreparedWork | None:
        row = case.row
        depthwise = row.groups > 1 and row.channels == (row.groups, row.groups)
        if not depthwise or case.x.shape != case.y.shape or row.dilation > 1:
            return None
        run = _works(ndimage, signal, case)[work]
        return PreparedWork(run, same_arrays)

    return Side(name, "numpy", str(scipy.__version__), NOTE, prepare)


def _works(
    ndimage: Any, signal: Any, case: WorkloadCase
) -> dict[str, Callable[[], object]]:
    x, w, y = case.x, case.w, case.y
    channels, rank = range(x.shape[1]), x.ndim - 2
    pads = ((0, 0), *[(case.row.padding,) * 2] * rank)

    def filtered_channels(filtered: Callable[..., Array], source: Array) -> Array:
        result = np.empty_like(source)
        for c in channels:
            filtered(source[:, c], w[c], output=result[:, c], mode="constant")
        return result

    def weight_grad() -> Array:
        pairs = ((np.pad(x[:, c], pads), y[:, c]) for c in channels)
        return np.stack([signal.correlate(*p, "valid", "direct") for p in pairs])

    def forward() -> Array:
        return filtered_channels(ndimage.correlate, x)

    def input_grad() -> Array:
        return filtered_channels(ndimage.convolve, y)

    maps = {"forward": forward, "input_grad": input_grad, "weight_grad": weight_grad}
    return works_of(maps, {"x": lambda: total(x), "y": lambda: total(y)})
