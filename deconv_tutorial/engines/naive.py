"""The definition: one line of arithmetic for each connection.

The three maps walk over the same connections and add up the same products. They
differ in what stands to the left of ``+=``. Slow, and exact on every number type,
symbols included: this is the engine that the others are compared with.
"""

from __future__ import annotations

import numpy as np

from deconv_tutorial.dtypes import Array
from deconv_tutorial.engines.engine import zeros_w, zeros_x, zeros_y
from deconv_tutorial.geometry import Geometry


def forward(x: Array, w: Array, geometry: Geometry) -> Array:
    """Return y: each output gathers the inputs under its taps."""
    y = zeros_y(x, w, geometry)
    for o, k, i in geometry.connections():
        y[..., *o] += np.einsum("ngb,gab->nga", x[..., *i], w[..., *k])
    return y


def input_grad(y: Array, w: Array, geometry: Geometry) -> Array:
    """Return x: each output scatters its value to the inputs under its taps."""
    x = zeros_x(y, w, geometry)
    for o, k, i in geometry.connections():
        x[..., *i] += np.einsum("nga,gab->ngb", y[..., *o], w[..., *k])
    return x


def weight_grad(x: Array, y: Array, geometry: Geometry) -> Array:
    """Return w: each tap adds up the inputs it met times the outputs it served."""
    w = zeros_w(x, y, geometry)
    for o, k, i in geometry.connections():
        w[..., *k] += np.einsum("nga,ngb->gab", y[..., *o], x[..., *i])
    return w
