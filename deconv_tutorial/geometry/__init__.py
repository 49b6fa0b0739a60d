"""Sizes and indices of a convolution: the only place that computes either.

On each spatial axis, with stride ``s``, dilation ``d`` and left padding ``p``, tap
``k`` of output ``o`` reads input ``i = s*o + d*k - p``. That is the index rule, in
`Axis` and `Geometry`. The sizes follow from it: `conv_geometry` and
`conv_transpose_geometry` return the geometry of a layer.
"""

from deconv_tutorial.geometry.rule import Axis, Geometry, Window
from deconv_tutorial.geometry.sizes import (
    conv_geometry,
    conv_transpose_geometry,
    padding_sides,
)

__all__ = [
    "Axis",
    "Geometry",
    "Window",
    "conv_geometry",
    "conv_transpose_geometry",
    "padding_sides",
]
