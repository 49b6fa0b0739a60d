"""The fastest way for each layer: short convolutions, planes, or unfolded columns.

===========  ===============================================  ====================
way          what it does                                     where it pays
===========  ===============================================  ====================
`tiled`      Winograd's short convolutions, on tiles          many channels, taps
`planes`     shifts of padded planes, then a matrix product   few channels
`depthwise`  the same, with the kernel as the matrix          one channel a group
`columns`    unfolded columns, then a matrix product          small planes
`tiny`       the same, all at once and in few calls           small arrays
===========  ===============================================  ====================

Only `tiled` rounds more than a sum of products does. As a share of the largest element
its error stays below 2e-5 in float32 and 1e-12 in float64 on all workloads of
``benchmarks``, where `im2col` has 2e-6 and 1e-14. It takes floating-point arrays only:
integers, fractions and symbols stay exact. Where floats must not be rounded, such as
integers held in floats, take `im2col`. An infinite or undefined number spreads to its
neighbours, as it does not in `naive`. So does one that overflows on the way: the tiles
hold sums of several numbers, so where numbers come close to the largest of their dtype,
such as 1e37 in float32, the result may be ``nan`` where that of `im2col` is finite.

It is the default engine of `conv` and the others. Whoever learns or tests works with
integers, symbols or small arrays, and these are as exact here as anywhere. Whoever
trains works with large arrays of floats, where libraries such as PyTorch round, too.
"""

from __future__ import annotations

from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines.engine import Engine
from deconv_tutorial.engines.fast import columns, depthwise, planes, tiled, tiny
from deconv_tutorial.engines.fast.choice import way
from deconv_tutorial.geometry import Geometry
from deconv_tutorial.geometry.settings import Index

WAYS: dict[str, Engine] = {
    "tiny": tiny,
    "columns": columns,
    "planes": planes,
    "depthwise": depthwise,
    "tiled": tiled.Tiled(((2, 2),)),
}
"""An engine for each way, by name: `tiled` with tiles for one axis."""


def forward(x: Array, w: Array, geometry: Geometry) -> Array:
    """Return y: each output gathers the inputs under its taps."""
    return _way(x, geometry, w.shape[:3]).forward(x, w, geometry)


def input_grad(y: Array, w: Array, geometry: Geometry) -> Array:
    """Return x: each output scatters its value to the inputs under its taps."""
    engine = _way(y, geometry, w.shape[:3], transposed=True)
    return engine.input_grad(y, w, geometry)


def weight_grad(x: Array, y: Array, geometry: Geometry) -> Array:
    """Return w: each tap adds up the inputs it met times the outputs it served."""
    engine = _way(x, geometry, (*y.shape[1:3], x.shape[2]))
    return engine.weight_grad(x, y, geometry)


def ways(x: Array, w: Array, y: Array, geometry: Geometry) -> dict[str, Engine]:
    """Return the engine that each map takes for such arrays, by the name of the map.

    Examples
    --------
    >>> import numpy as np
    >>> from deconv_tutorial.geometry import conv_geometry
    >>> x, w, y = np.ones((1, 1, 1, 4)), np.ones((1, 1, 1, 2)), np.ones((1, 1, 1, 3))
    >>> ways(x, w, y, conv_geometry(4, 2))["forward"].__name__
    'deconv_tutorial.engines.fast.tiny'
    """
    channels = w.shape[:3]
    return {
        "forward": _way(x, geometry, channels),
        "input_grad": _way(y, geometry, channels, transposed=True),
        "weight_grad": _way(x, geometry, channels),
    }


def _way(
    array: Array, geometry: Geometry, channels: Index, *, transposed: bool = False
) -> Engine:
    kind = array.dtype.char if array.dtype.char in "fdFD" else "exact"
    return way(geometry, len(array), *channels, kind, transposed=transposed)
