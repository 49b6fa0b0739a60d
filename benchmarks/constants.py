"""Measurements of the constants in the rule of `fast`.

The rule compares ways by their cost. One unit of cost is a multiplication in a matrix
product. The constants say how many units it costs to move an element, or to start. They
depend on the machine and on its BLAS library. The rule needs only their order of
magnitude.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits  # pyright: ignore[reportMissingTypeStubs]

from benchmarks.measure import seconds
from deconv_tutorial.engines.fast import choice, columns, tiled
from deconv_tutorial.engines.fast.scratch import Scratch
from deconv_tutorial.engines.fast.transform import TilePart, put_tiles, source_tiles
from deconv_tutorial.geometry import conv_geometry

_ROUNDS = 15
_PRODUCT = 512
_SIZES: tiled.Sizes = ((4, 3), (4, 3))


def constants() -> dict[str, tuple[float, float]]:
    """Return each constant: its value in the rule, and its value on this machine."""
    with threadpool_limits(1, user_api="blas"):
        multiplication = _multiplication()
        return {
            "MOVE": (choice.MOVE, _move() / multiplication),
            "RUN": (choice.RUN, _run() / multiplication),
            "STAGE": (choice.STAGE, _stage() / multiplication),
            "START": (choice.START, _start() / multiplication),
        }


def table() -> str:
    """Return the constants as a table."""
    lines = (
        f"{n:6}{rule:>12,.0f}{here:>12,.0f}" for n, (rule, here) in constants().items()
    )
    return "\n".join(["      in the rule        here", *lines])


def _best_time(run: Callable[[], object]) -> float:
    return min(seconds(run, 1) for _ in range(_ROUNDS))


def _multiplication() -> float:
    """Return the seconds for one multiplication in a matrix product."""
    a = np.random.default_rng(0).random((_PRODUCT, _PRODUCT), np.float32)
    out = np.empty_like(a)
    return _best_time(lambda: np.matmul(a, a, out=out)) / _PRODUCT**3


def _move() -> float:
    """Return the seconds for one element that is copied to a column, tap by tap."""
    geometry = conv_geometry((32, 32), 4, stride=2, padding=1)
    x = np.random.default_rng(0).random((1, 64, 4, 32, 32), np.float32)
    into = Scratch().array((1, 64 * 16, 4 * 256), np.float32)
    return _best_time(lambda: columns.unfold(x, geometry, into)) / into.size


def _stage() -> float:
    """Return the seconds for one element in one stage of `tiled`, product left out."""
    channels, geometry = 64, conv_geometry((56, 56), 3, padding=1)
    plan = tiled.plan_of(geometry, _SIZES, transposed=False)
    x = np.random.default_rng(0).random((1, channels, 56, 56), np.float32)
    part, scratch = TilePart(slice(0, 1), 0, plan[0].count), Scratch()

    def stages() -> None:
        tiles = source_tiles(x, plan, part, scratch)
        put_tiles(tiles, np.empty_like(x), plan, part, scratch)

    tiles = math.prod(tiling.count for tiling in plan)
    return _best_time(stages) / (
        tiles * choice.stage_elements(plan, channels, channels)
    )


def _run() -> float:
    """Return the seconds for one element that is copied in a long run."""
    channels, taps, size = 3, 49, 3000
    planes = np.random.default_rng(0).random((channels, size + taps), np.float32)

    def copies() -> None:
        columns = Scratch().array((channels, taps, size), np.float32)
        for n in range(taps):
            columns[:, n] = planes[:, n : n + size]

    return _best_time(copies) / (channels * taps * size)


def _start() -> float:
    """Return the seconds that `tiled` takes for a single tile."""
    geometry = conv_geometry((6, 6), 3)
    x, w = np.ones((1, 1, 8, 6, 6), np.float32), np.ones((1, 8, 8, 3, 3), np.float32)
    return _best_time(lambda: tiled.Tiled(_SIZES).forward(x, w, geometry))
