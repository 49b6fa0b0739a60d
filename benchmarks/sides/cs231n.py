"""The way of courses: columns from strided windows, one product, col2im by taps.

It is written for these benchmarks, and follows the assignments of Stanford's CS231n:
pad, make one column matrix for the whole batch, and compute one matrix product.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.lib.stride_tricks import as_strided

from benchmarks.sides import PreparedWork, Side, same_arrays, works_of
from benchmarks.workloads import WorkloadCase, total
from deconv_tutorial.dtypes import Array

NOTE = "written here: as_strided windows, one product, col2im by taps; no groups"


def side(name: str, threads: int) -> Side:  # noqa: ARG001  # NumPy's are its threads
    """Return the course's way as a side."""

    def prepare(case: WorkloadCase, work: str) -> PreparedWork | None:
        if case.row.groups > 1:
            return None
        return PreparedWork(_works(case)[work], same_arrays)

    return Side(name, "numpy", np.__version__, NOTE, prepare)


def columns_of(case: WorkloadCase) -> Array:
    """Return the columns of x, ``(b * taps, n * outputs)``."""
    row, (n, b) = case.row, case.x.shape[:2]
    pads = ((0, 0), (0, 0), *[(row.padding,) * 2] * (case.x.ndim - 2))
    padded = np.pad(case.x, pads)
    steps = padded.strides[2:]
    sizes = (row.geometry.kernel_size, row.geometry.output_size)
    shape = (b, *sizes[0], n, *sizes[1])
    strides = (
        padded.strides[1],
        *(row.dilation * step for step in steps),
        padded.strides[0],
        *(row.stride * step for step in steps),
    )
    windows = np.ascontiguousarray(as_strided(padded, shape, strides))
    return windows.reshape(b * math.prod(sizes[0]), n * math.prod(sizes[1]))


def picture_of(columns: Array, case: WorkloadCase) -> Array:
    """Return the picture of columns, in which overlapping elements are added up."""
    row, (n, b, *size) = case.row, case.x.shape
    geometry, p = row.geometry, row.padding
    padded = np.zeros((b, n, *(i + 2 * p for i in size)), columns.dtype)
    shape = (b, *geometry.kernel_size, n, *geometry.output_size)
    columns = columns.reshape(shape)
    for k in product(*map(range, geometry.kernel_size)):
        pairs = zip(k, geometry.output_size, strict=True)
        window = [
            slice(row.dilation * tap, row.dilation * tap + row.stride * o, row.stride)
            for tap, o in pairs
        ]
        padded[:, :, *window] += columns[:, *k]
    inside = [slice(p, p + i) for i in size]
    return padded[:, :, *inside].swapaxes(0, 1)


def _works(case: WorkloadCase) -> dict[str, Callable[[], object]]:
    x, y = case.x, case.y
    rows = case.w.reshape(len(case.w), -1)

    def y_rows() -> Array:
        return y.swapaxes(0, 1).reshape(len(rows), -1)

    def forward() -> Array:
        n, c_out, *size = y.shape
        return (rows @ columns_of(case)).reshape(c_out, n, *size).swapaxes(0, 1)

    def input_grad() -> Array:
        return picture_of(rows.T @ y_rows(), case)

    def weight_grad() -> Array:
        return (y_rows() @ columns_of(case).T).reshape(case.w.shape)

    maps = {"forward": forward, "input_grad": input_grad, "weight_grad": weight_grad}
    return works_of(maps, {"x": lambda: total(x), "y": lambda: total(y)})
