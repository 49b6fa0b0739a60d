"""The layers to measure, and their arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines import im2col
from deconv_tutorial.engines.engine import MAPS as MAP_BY_ARRAY
from deconv_tutorial.engines.engine import Engine, in_groups
from deconv_tutorial.geometry import (
    Axis,
    Geometry,
    conv_geometry,
    conv_transpose_geometry,
)
from deconv_tutorial.geometry.settings import Index

MAPS = tuple(MAP_BY_ARRAY.values())
"""The three maps. Both layers use the names that they have in a convolution."""
BACKWARDS = ("conv_backward", "conv_transpose_backward")
"""The full backward passes, each of which returns three gradients."""
WORKS = MAPS + BACKWARDS


@dataclass(frozen=True, slots=True)
class WorkloadRow:
    """One row of the tables: a layer with its sizes and settings."""

    key: str
    title: str
    layer: Literal["conv", "conv_transpose"]
    samples: int
    c_in: int
    c_out: int
    size: Index
    kernel_size: Index
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1
    output_padding: int = 0

    @property
    def geometry(self) -> Geometry:
        """The geometry of the convolution, or of the convolution that is transposed."""
        numbers = (self.size, self.kernel_size, self.stride, self.padding)
        if self.layer == "conv":
            return conv_geometry(*numbers, self.dilation)
        return conv_transpose_geometry(*numbers, self.dilation, self.output_padding)

    @property
    def settings(self) -> dict[str, int]:
        """The keywords of `conv`."""
        names = ("stride", "padding", "dilation", "groups")
        return {name: getattr(self, name) for name in names}

    @property
    def leftover(self) -> Index:
        """The ``output_padding`` for which `conv_transpose` returns the shape of x."""
        sizes = (self.geometry.output_size, self.kernel_size, self.stride)
        least = conv_transpose_geometry(*sizes, self.padding, self.dilation)
        pairs = zip(self.geometry.input_size, least.input_size, strict=True)
        return tuple(size - smallest for size, smallest in pairs)

    @property
    def channels(self) -> tuple[int, int]:
        """The numbers of channels of the convolution's x and y."""
        if self.layer == "conv":
            return self.c_in, self.c_out
        return self.c_out, self.c_in

    @property
    def shapes(self) -> tuple[Index, Index, Index]:
        """The shapes of the convolution's x, w and y."""
        geometry, (of_x, of_y) = self.geometry, self.channels
        return (
            (self.samples, of_x, *geometry.input_size),
            (of_y, of_x // self.groups, *geometry.kernel_size),
            (self.samples, of_y, *geometry.output_size),
        )

    @property
    def connections(self) -> int:
        """The number of connections ``(o, k, i)`` inside the input."""
        return math.prod(_connections(axis) for axis in self.geometry.axes)

    @property
    def macs(self) -> int:
        """The number of multiplications in one map, without those by padding."""
        of_x, of_y = self.channels
        return self.samples * of_y * (of_x // self.groups) * self.connections


@dataclass(frozen=True, slots=True)
class WorkloadCase:
    """A row with its arrays, in the layouts of `conv`."""

    row: WorkloadRow
    x: Array
    w: Array
    y: Array

    def in_groups(self) -> tuple[Array, Array, Array]:
        """Return x, w and y as engines take them: channels split into groups."""
        return in_groups(self.x, self.w, self.y, self.row.groups)

    def astype(self, dtype: npt.DTypeLike) -> WorkloadCase:
        """Return the case with the same numbers in another dtype."""
        arrays = (array.astype(dtype) for array in (self.x, self.w, self.y))
        return WorkloadCase(self.row, *arrays)


def case_of(row: WorkloadRow, dtype: npt.DTypeLike = np.float32) -> WorkloadCase:
    """Return a row with normally distributed arrays, the same on every run."""
    rng = np.random.default_rng([*row.key.encode()])
    arrays = (rng.standard_normal(shape).astype(dtype) for shape in row.shapes)
    return WorkloadCase(row, *arrays)


def expected_arrays(
    case: WorkloadCase, work: str, engine: Engine = im2col
) -> list[Array]:
    """Return the right results of a work, computed in float64.

    Parameters
    ----------
    case : WorkloadCase
        The row and its arrays.
    work : str
        One of `WORKS`. Both backward passes have one geometry. In that of the
        transposed convolution, d_out takes the place of the convolution's x.
    engine : module or object with the three maps
        The engine that computes them.
    """
    case = case.astype(np.float64)
    x, w, y = case.in_groups()
    geometry = case.row.geometry

    if work == "forward":
        return [engine.forward(x, w, geometry).reshape(case.y.shape)]
    if work == "input_grad":
        return [engine.input_grad(y, w, geometry).reshape(case.x.shape)]
    if work == "weight_grad":
        return [engine.weight_grad(x, y, geometry).reshape(case.w.shape)]
    first, bias = ("input_grad", case.y)
    if work == "conv_transpose_backward":
        first, bias = ("forward", case.x)
    maps = (expected_arrays(case, name, engine) for name in (first, "weight_grad"))
    return [*(array for arrays in maps for array in arrays), total(bias)]


def total(array: Array) -> Array:
    """Return the sums over samples and space, which are the gradient of the bias."""
    return array.sum(axis=(0, *range(2, array.ndim)))


def _connections(axis: Axis) -> int:
    runs = (axis.tap(k)[0] for k in range(axis.kernel_size))
    return sum(run.stop - run.start for run in runs)


def _dcgan(key: str, c_in: int, c_out: int, size: int) -> WorkloadRow:
    title = f"DCGAN generator {c_in}→{c_out}, {size}→{2 * size}"
    sizes = ((size, size), (4, 4))
    return WorkloadRow(key, title, "conv_transpose", 16, c_in, c_out, *sizes, 2, 1)


_ALL = (
    WorkloadRow("A1", "DCGAN generator 100→512, 1→4", "conv_transpose", 16, 100, 512,
        (1, 1), (4, 4)),
    _dcgan("A2", 512, 256, 4),
    _dcgan("A3", 256, 128, 8),
    _dcgan("A4", 128, 64, 16),
    _dcgan("A5", 64, 3, 32),
    WorkloadRow("B1", "U-Net upsampling, kernel = stride", "conv_transpose", 2,
        256, 128, (32, 32), (2, 2), 2),
    WorkloadRow("B2", "FCN-8s upsampling", "conv_transpose", 1, 21, 21,
        (64, 64), (16, 16), 8, 4),
    WorkloadRow("C1", "3×3 convolution, 56²", "conv", 8, 64, 64, (56, 56),
        (3, 3), 1, 1),
    WorkloadRow("C2", "3×3 convolution, 28²", "conv", 8, 128, 128, (28, 28),
        (3, 3), 1, 1),
    WorkloadRow("C3", "7×7 stem, stride 2", "conv", 16, 3, 64, (112, 112),
        (7, 7), 2, 3),
    WorkloadRow("D1", "tiny convolution", "conv", 2, 3, 4, (8, 8), (3, 3), 1, 1),
    WorkloadRow("D2", "tiny transposed convolution", "conv_transpose", 2, 4, 3,
        (4, 4), (4, 4), 2, 1),
    WorkloadRow("E1", "C1 with dilation 2", "conv", 8, 64, 64, (56, 56),
        (3, 3), 1, 2, 2),
    WorkloadRow("E2", "depthwise 3×3", "conv", 8, 64, 64, (56, 56),
        (3, 3), 1, 1, groups=64),
    WorkloadRow("E3", "1-D", "conv", 8, 64, 64, (4096,), (9,), 1, 4),
    WorkloadRow("E4", "3-D", "conv", 2, 16, 16, (24, 24, 24), (3, 3, 3), 1, 1),
)  # fmt: skip

ROWS: dict[str, WorkloadRow] = {row.key: row for row in _ALL}
"""Every row by its key."""
TINY = ("D1", "D2")
DEPTHWISE = "E2"
