"""MyGrad: the operation behind ``mygrad.nnet.conv_nd``, without its graph."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.sides import PreparedWork, Side, same_arrays, works_of
from benchmarks.workloads import WorkloadCase, WorkloadRow, total

NOTE = "the operation of nnet.conv_nd; no groups, and no input that leaves a rest"


def side(name: str, threads: int) -> Side:  # noqa: ARG001  # NumPy's are its threads
    """Return MyGrad as a side."""
    mygrad: Any = import_module("mygrad")
    module: Any = import_module("mygrad.nnet.layers.conv")

    def prepare(case: WorkloadCase, work: str) -> PreparedWork | None:
        if case.row.groups > 1 or any(_rest(case.row)):
            return None
        run = _works(mygrad, module.ConvND, case)[work]
        return PreparedWork(run, same_arrays)

    return Side(name, "numpy", str(mygrad.__version__), NOTE, prepare)


def _rest(row: WorkloadRow) -> list[int]:
    """Return the number of padded inputs behind the last window, on each axis."""
    return [
        axis.input_size + row.padding - 1 - axis.span[1] for axis in row.geometry.axes
    ]


def _works(
    mygrad: Any, operation: Any, case: WorkloadCase
) -> dict[str, Callable[[], object]]:
    x, w, y, row = case.x, case.w, case.y, case.row
    tensors = mygrad.tensor(x, copy=False), mygrad.tensor(w, copy=False)
    settings = {n: getattr(row, n) for n in ("stride", "padding", "dilation")}
    done = operation()
    done(*tensors, **settings)  # after this it knows its variables

    maps = {
        "forward": lambda: operation()(*tensors, **settings),
        "input_grad": lambda: done.backward_var(y, 0),
        "weight_grad": lambda: done.backward_var(y, 1),
    }
    return works_of(maps, {"x": lambda: total(x), "y": lambda: total(y)})
