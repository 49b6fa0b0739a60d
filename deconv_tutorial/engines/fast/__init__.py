"""The fastest way for each layer: short convolutions, planes, or unfolded columns.

===========  ===============================================  ====================
way          what it does                                     where it pays
===========  ===============================================  ====================
`tiled`      Winograd's short convolutions, on tiles          many channels, taps
`planes`     shifts of padded planes, then a matrix product   few channels
`depthwise`  the same, with the kernel as the matrix          one channel a group
`im2col`     unfolded columns, then a matrix product          small planes
`tiny`       the same, all at once and in few calls           small arrays
===========  ===============================================  ====================

Only `tiled` rounds more than a sum of products does. As a share of the largest element
its error stays below 2e-5 in float32 and 1e-12 in float64 on all workloads of
``benchmarks``, where `im2col` has 2e-6 and 1e-14. It takes floating-point arrays only:
integers, fractions and symbols stay exact. Where floats must not be rounded, such as
integers held in floats, take `im2col`. An infinite or undefined number spreads to its
neighbours, as it does not in `naive`.

It is the default engine of `conv` and the others. Whoever learns or tests works with
integers, symbols or small arrays, and these are as exact here as anywhere. Whoever
trains works with large arrays of floats, where libraries such as PyTorch round, too.
"""

from __future__ import annotations

from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines import im2col
from deconv_tutorial.engines.engine import Engine
from deconv_tutorial.engines.fast import depthwise, planes, tiled, tiny
from deconv_tutorial.engines.fast.choice import Way, way
from deconv_tutorial.geometry import Geometry
from deconv_tutorial.geometry.settings import Index

_ENGINES: dict[str, Engine] = {
    "tiny": tiny,
    "depthwise": depthwise,
    "planes": planes,
    "im2col": im2col,
}


def forward(x: Array, w: Array, geometry: Geometry) -> Array:
    """Return y: each output gathers the inputs under its taps."""
    way = _way(x, geometry, w.shape[:3], transposed=False)
    if isinstance(way, str):
        return _ENGINES[way].forward(x, w, geometry)
    return tiled.forward(x, w, geometry, way)


def input_grad(y: Array, w: Array, geometry: Geometry) -> Array:
    """Return x: each output scatters its value to the inputs under its taps."""
    way = _way(y, geometry, w.shape[:3], transposed=True)
    if isinstance(way, str):
        return _ENGINES[way].input_grad(y, w, geometry)
    return tiled.input_grad(y, w, geometry, way)


def weight_grad(x: Array, y: Array, geometry: Geometry) -> Array:
    """Return w: each tap adds up the inputs it met times the outputs it served."""
    way = _way(x, geometry, (*y.shape[1:3], x.shape[2]), transposed=False)
    if isinstance(way, str):
        return _ENGINES[way].weight_grad(x, y, geometry)
    return tiled.weight_grad(x, y, geometry, way)


def _way(array: Array, geometry: Geometry, channels: Index, *, transposed: bool) -> Way:
    kind = array.dtype.char
    if kind not in "fdFD":
        kind = "exact"
    return way(geometry, len(array), *channels, kind, transposed=transposed)
