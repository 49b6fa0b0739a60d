"""JAX: one operator, compiled, and its derivatives by ``jax.vjp``."""
# JAX is imported late, so that nobody needs it: its arrays have no types here.
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.sides import PreparedWork, Side
from benchmarks.workloads import WorkloadCase, WorkloadRow
from deconv_tutorial.dtypes import Array

NOTE = "jit of lax.conv_general_dilated and its vjp, block_until_ready"


def side(name: str, threads: int) -> Side:  # noqa: ARG001  # the child's cores do
    """Return JAX as a side. It has as many threads as the child process has cores."""
    jax: Any = import_module("jax")

    def prepare(case: WorkloadCase, work: str) -> PreparedWork:
        work_of, given = _works(jax, case)[work]
        run, arguments = jax.jit(work_of), [jax.numpy.asarray(a) for a in given]
        return PreparedWork(
            lambda: jax.block_until_ready(run(*arguments)),
            _arrays,
        )

    return Side(name, "framework", str(jax.__version__), NOTE, prepare)


def _arrays(value: Any) -> list[Array]:
    return [np.asarray(array) for array in value]


def _works(jax: Any, case: WorkloadCase) -> dict[str, tuple[Callable[..., Any], Any]]:
    x, w, y = case.x, case.w, case.y
    layer = _layer(jax, case.row)

    def dx(y: Any, w: Any) -> Any:
        zeros = jax.numpy.zeros(x.shape, x.dtype)
        return jax.vjp(lambda x: layer(x, w), zeros)[1](y)[0]

    def dw(x: Any, y: Any) -> Any:
        zeros = jax.numpy.zeros(w.shape, w.dtype)
        return jax.vjp(lambda w: layer(x, w), zeros)[1](y)[0]

    def db(array: Any) -> Any:
        return array.sum(axis=(0, *range(2, array.ndim)))

    return {
        "forward": (lambda x, w: (layer(x, w),), (x, w)),
        "input_grad": (lambda y, w: (dx(y, w),), (y, w)),
        "weight_grad": (lambda x, y: (dw(x, y),), (x, y)),
        "conv_backward": (lambda x, w, y: (dx(y, w), dw(x, y), db(y)), (x, w, y)),
        "conv_transpose_backward": (
            lambda x, w, y: (layer(x, w), dw(x, y), db(x)),
            (x, w, y),
        ),
    }


def _layer(jax: Any, row: WorkloadRow) -> Callable[[Any, Any], Any]:
    rank = len(row.kernel_size)
    letters = "DHW"[-rank:]
    settings = {
        "window_strides": (row.stride,) * rank,
        "padding": [(row.padding, row.padding)] * rank,
        "rhs_dilation": (row.dilation,) * rank,
        "feature_group_count": row.groups,
        "dimension_numbers": (f"NC{letters}", f"OI{letters}", f"NC{letters}"),
    }
    return lambda x, w: jax.lax.conv_general_dilated(x, w, **settings)
