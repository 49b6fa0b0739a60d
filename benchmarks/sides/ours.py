"""The engines of this package, called through its public functions if possible."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import deconv_tutorial
from benchmarks.sides import PreparedWork, Side
from benchmarks.workloads import BACKWARDS, TINY, WorkloadCase
from deconv_tutorial import (
    ENGINES,
    conv,
    conv_backward,
    conv_transpose,
    conv_transpose_backward,
)
from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines.engine import Engine

NOTE = (
    "forward: conv; input_grad: conv_transpose; weight_grad: the engine itself; "
    "`fast` with several threads: within `threads`"
)


def side(name: str, threads: int) -> Side:
    """Return an engine as a side."""
    try:
        release = version("deconv-tutorial")
    except PackageNotFoundError:  # a bare checkout
        release = "checkout"
    engine = ENGINES[name]

    def within() -> AbstractContextManager[object]:
        # `fast` has threads of its own, for whoever asks for them.
        asked = name == "fast" and threads > 1
        return deconv_tutorial.threads(threads) if asked else nullcontext()

    def prepare(case: WorkloadCase, work: str) -> PreparedWork | None:
        # The definition takes minutes where there are many connections.
        if name == "naive" and case.row.key not in TINY:
            return None
        shapes = {"weight_grad": case.w.shape}

        def arrays(value: Any) -> list[Array]:
            several = [*value] if work in BACKWARDS else [value]
            return [array.reshape(shapes.get(work, array.shape)) for array in several]

        return PreparedWork(_calls(case, engine)[work], arrays, within)

    return Side(name, "engine", release, NOTE, prepare)


def _calls(case: WorkloadCase, engine: Engine) -> dict[str, Callable[[], object]]:
    x, w, y, settings = case.x, case.w, case.y, case.row.settings
    x_groups, _, y_groups = case.in_groups()
    geometry = case.row.geometry
    extra = case.row.leftover
    return {
        "forward": lambda: conv(x, w, **settings, engine=engine),
        "input_grad": lambda: conv_transpose(
            y, w, **settings, output_padding=extra, engine=engine
        ),
        "weight_grad": lambda: engine.weight_grad(x_groups, y_groups, geometry),
        "conv_backward": lambda: conv_backward(y, x, w, **settings, engine=engine),
        "conv_transpose_backward": lambda: conv_transpose_backward(
            x, y, w, **settings, output_padding=extra, engine=engine
        ),
    }
