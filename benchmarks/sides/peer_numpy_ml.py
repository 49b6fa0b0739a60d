"""numpy-ml: ``conv2D``, and the lines of its layer's backward pass one by one.

Its layer computes all gradients at once. To be fair, each map here calls ``im2col`` and
``col2im`` as the layer does, but computes only one gradient. The arrays have their
channels last, as numpy-ml needs them.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

from benchmarks.sides import PreparedWork, Side, works_of
from benchmarks.sides.old_imports import numpy_ml_module
from benchmarks.workloads import WorkloadCase
from deconv_tutorial.dtypes import Array

NOTE = "conv2D, im2col, col2im, channels-last; one or two axes, no groups"


def side(name: str, threads: int) -> Side:  # noqa: ARG001  # NumPy's are its threads
    """Return numpy-ml as a side."""
    utils = numpy_ml_module("neural_nets.utils")

    def prepare(case: WorkloadCase, work: str) -> PreparedWork | None:
        if case.row.groups > 1 or case.x.ndim == 5:
            return None
        run = _works(utils, case)[work]
        wanted = {
            "forward": ["y"],
            "input_grad": ["x"],
            "weight_grad": ["w"],
            "conv_backward": ["x", "w", "b"],
            "conv_transpose_backward": ["y", "w", "b"],
        }[work]
        shapes = {"x": case.x.shape, "w": case.w.shape, "y": case.y.shape, "b": (-1,)}

        def arrays(value: Any) -> list[Array]:
            pairs = zip(value, wanted, strict=True)
            return [_our_layout(a, n).reshape(shapes[n]) for a, n in pairs]

        return PreparedWork(run, arrays)

    return Side(name, "numpy", version("numpy-ml"), NOTE, prepare)


def _our_layout(array: Array, name: str) -> Array:
    """Return an array of theirs in our order of axes."""
    orders = {"w": (3, 2, 0, 1), "x": (0, 3, 1, 2), "y": (0, 3, 1, 2)}
    return array.transpose(orders[name]) if name in orders else array


def _works(utils: Any, case: WorkloadCase) -> dict[str, Callable[[], object]]:
    x, w, y = (_picture_of_one_row(a) for a in (case.x, case.w, case.y))
    x, y = (np.ascontiguousarray(a.transpose(0, 2, 3, 1)) for a in (x, y))
    w = np.ascontiguousarray(w.transpose(2, 3, 1, 0))
    row, rows = case.row, 0 if case.x.ndim == 3 else case.row.padding
    pads = (rows, rows, row.padding, row.padding)
    settings = (row.stride, pads, row.dilation - 1)
    shape, c_out = w.shape, w.shape[3]

    def columns() -> Array:  # of y, as in its ``_bwd``
        return y.transpose(3, 1, 2, 0).reshape(c_out, -1)

    def forward() -> Array:
        return utils.conv2D(x, w, *settings)

    def input_grad() -> Array:
        product = w.transpose(3, 2, 0, 1).reshape(c_out, -1).T @ columns()
        stride, _, dilation = settings
        folded = utils.col2im(product, x.shape, shape, pads, stride, dilation)
        return folded.transpose(0, 2, 3, 1)

    def weight_grad() -> Array:
        stride, _, dilation = settings
        unfolded, _ = utils.im2col(x, shape, pads, stride, dilation)
        product = columns() @ unfolded.T
        return product.reshape(c_out, shape[2], *shape[:2]).transpose(2, 3, 1, 0)

    def total(array: Array) -> Array:
        return array.sum(axis=(0, 1, 2))

    maps = {"forward": forward, "input_grad": input_grad, "weight_grad": weight_grad}
    return works_of(maps, {"x": lambda: total(x), "y": lambda: total(y)})


def _picture_of_one_row(array: Array) -> Array:
    """Return an array with two spatial axes: a line becomes a picture of one row."""
    return array[:, :, None] if array.ndim == 3 else array
