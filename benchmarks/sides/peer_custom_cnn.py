"""custom-cnn: the layers ``Conv1d`` and ``Conv2d`` of its package ``mytorch``.

A layer has a result, and one backward pass for all three gradients. So single gradients
are not measured. Its ``ConvTranspose`` is a transposed convolution with the reversed
kernel and a padding of ``kernel_size - 1``. No row here has that padding. For a stride,
it computes all places and leaves most of them out. A call with stride 8 would take half
a minute, so larger strides are not measured.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np

from benchmarks.sides import PreparedWork, Side, same_arrays
from benchmarks.workloads import WorkloadCase
from deconv_tutorial.dtypes import Array

NOTE = (
    "Conv1d and Conv2d, forward and full backward; no groups, dilation, 3-D, stride 8"
)
LARGEST_STRIDE = 4


def side(name: str, threads: int) -> Side:  # noqa: ARG001  # NumPy's are its threads
    """Return custom-cnn as a side."""
    layers: dict[int, Any] = {
        rank: getattr(import_module(f"mytorch.nn.Conv{rank}d"), f"Conv{rank}d")
        for rank in (1, 2)
    }

    def prepare(case: WorkloadCase, work: str) -> PreparedWork | None:
        row, rank = case.row, case.x.ndim - 2
        if work not in {"forward", "conv_backward"} or rank not in layers:
            return None
        if row.stride > LARGEST_STRIDE:
            return None
        if row.groups > 1 or row.dilation > 1 or len(set(row.kernel_size)) > 1:
            return None
        layer = _layer(layers[rank], case)
        run = (
            _backward(layer, case) if work == "conv_backward" else _forward(layer, case)
        )
        return PreparedWork(run, same_arrays)

    return Side(name, "numpy", version("custom-cnn"), NOTE, prepare)


def _layer(kind: Any, case: WorkloadCase) -> Any:
    of_x, of_y = case.row.channels
    zeros = np.zeros(of_y, case.w.dtype)

    def weight(*_shape: int) -> Array:
        return case.w

    def bias(*_shape: int) -> Array:
        return zeros

    return kind(
        of_x,
        of_y,
        case.row.kernel_size[0],
        case.row.stride,
        case.row.padding,
        weight_init_fn=weight,
        bias_init_fn=bias,
    )


def _forward(layer: Any, case: WorkloadCase) -> Any:
    x = case.x
    return lambda: [layer.forward(x)]


def _backward(layer: Any, case: WorkloadCase) -> Any:
    layer.forward(case.x)
    inner, y = getattr(layer, f"conv{case.x.ndim - 2}d_stride1"), case.y

    def run() -> list[Array]:
        # It adds to the gradients of the weight and the bias that are there.
        inner.dLdW, inner.dLdb = np.zeros_like(case.w), np.zeros(len(case.w))
        return [layer.backward(y), inner.dLdW, inner.dLdb]

    return run
