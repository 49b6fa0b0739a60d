"""PyTorch: its functions for the results, its backward operator for the gradients."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from benchmarks.sides import PreparedWork, Side
from benchmarks.workloads import WorkloadCase
from deconv_tutorial.dtypes import Array

NOTE = "F.conv*d, F.conv_transpose*d; gradients by aten.convolution_backward"


def side(name: str, threads: int) -> Side:
    """Return PyTorch as a side."""
    torch: Any = import_module("torch")
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)

    def prepare(case: WorkloadCase, work: str) -> PreparedWork:
        run = _gradients(torch, case, work) or _result(torch, case, work)
        return PreparedWork(run, _arrays)

    return Side(name, "framework", str(torch.__version__), NOTE, prepare)


def _arrays(value: Any) -> list[Array]:
    return [tensor.numpy() for tensor in value if tensor is not None]


def _result(torch: Any, case: WorkloadCase, work: str) -> Any:
    x, w, y = (torch.from_numpy(a) for a in (case.x, case.w, case.y))
    functional, rank, s = torch.nn.functional, len(case.row.kernel_size), case.row
    if work == "forward":
        layer = getattr(functional, f"conv{rank}d")
        return lambda: (layer(x, w, None, s.stride, s.padding, s.dilation, s.groups),)
    layer, extra = getattr(functional, f"conv_transpose{rank}d"), s.leftover
    return lambda: (
        layer(y, w, None, s.stride, s.padding, extra, s.groups, s.dilation),
    )


def _gradients(torch: Any, case: WorkloadCase, work: str) -> Any:
    transposed = work == "conv_transpose_backward"
    masks = {
        "weight_grad": [False, True, False],
        "conv_backward": [True] * 3,
        "conv_transpose_backward": [True] * 3,
    }
    if work not in masks:
        return None
    x, w, y = (torch.from_numpy(a) for a in (case.x, case.w, case.y))
    d_out, x = (x, y) if transposed else (y, x)
    backward = torch.ops.aten.convolution_backward.default
    rank, row = len(case.row.kernel_size), case.row
    settings = ([n] * rank for n in (row.stride, row.padding, row.dilation))
    extra = [*row.leftover] if transposed else [0] * rank
    sizes = [d_out.shape[1]]
    rest = (*settings, transposed, extra, row.groups, masks[work])
    return lambda: backward(d_out, x, w, sizes, *rest)
