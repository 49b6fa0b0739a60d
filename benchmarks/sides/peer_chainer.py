"""Chainer: its ring of three functions, each of which is a gradient of the others."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.sides import PreparedWork, Side, works_of
from benchmarks.sides.old_imports import chainer_package
from benchmarks.workloads import WorkloadCase
from deconv_tutorial.dtypes import Array

NOTE = "functions.convolution_*, deconvolution_*, and their weight gradients"


def side(name: str, threads: int) -> Side:  # noqa: ARG001  # NumPy's are its threads
    """Return Chainer as a side."""
    chainer = chainer_package()
    chainer.config.enable_backprop = False

    def prepare(case: WorkloadCase, work: str) -> PreparedWork:
        return PreparedWork(_works(chainer, case)[work], _arrays)

    return Side(name, "numpy", str(chainer.__version__), NOTE, prepare)


def _arrays(value: Any) -> list[Array]:
    return [variable.array for variable in value]


def _works(chainer: Any, case: WorkloadCase) -> dict[str, Callable[[], object]]:
    x, w, y, row = case.x, case.w, case.y, case.row
    functions, end = chainer.functions, "2d" if x.ndim == 4 else "nd"
    settings = {"stride": row.stride, "pad": row.padding}
    settings |= {"dilate": row.dilation, "groups": row.groups}
    gather = getattr(functions, f"convolution_{end}")
    scatter = getattr(functions, f"deconvolution_{end}")
    size = row.geometry.input_size
    gradient = _weight_gradient(case, settings)

    def forward() -> Any:
        return gather(x, w, **settings)

    def input_grad() -> Any:
        return scatter(y, w, outsize=size, **settings)

    def weight_grad() -> Any:
        return gradient().apply((x, y))[0]

    def total(array: Array) -> Any:
        return functions.sum(array, axis=(0, *range(2, array.ndim)))

    maps = {"forward": forward, "input_grad": input_grad, "weight_grad": weight_grad}
    return works_of(maps, {"x": lambda: total(x), "y": lambda: total(y)})


def _weight_gradient(case: WorkloadCase, settings: dict[str, int]) -> Callable[[], Any]:
    """Return a function that makes a new node of the weight gradient for each call."""
    folder = "chainer.functions.connection"
    if case.x.ndim == 4:
        module: Any = import_module(f"{folder}.convolution_2d")
        node = module.Convolution2DFunction(**settings)
        w = case.w
        return lambda: module.Convolution2DGradW(node, w.shape, w.dtype, None)
    module = import_module(f"{folder}.convolution_nd")
    node = module.ConvolutionND(case.x.ndim - 2, **settings)
    node.inputs = (None, case.w)
    return lambda: module.ConvolutionNDGradW(node)
