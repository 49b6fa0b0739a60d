"""The figures of the book: one function each. Needs Matplotlib."""

from deconv_tutorial.figures.arrays import (
    error_maps,
    kernels,
    matrix,
    pictures,
    survivors,
)
from deconv_tutorial.figures.canvas import Picture
from deconv_tutorial.figures.curves import growth, learning_curve, step_errors
from deconv_tutorial.figures.index_rule import columns, connections, coverage, phases
from deconv_tutorial.figures.maps import tap_windows, triangles
from deconv_tutorial.figures.pattern import gather_and_scatter, pattern_cloud

__all__ = [
    "Picture",
    "columns",
    "connections",
    "coverage",
    "error_maps",
    "gather_and_scatter",
    "growth",
    "kernels",
    "learning_curve",
    "matrix",
    "pattern_cloud",
    "phases",
    "pictures",
    "step_errors",
    "survivors",
    "tap_windows",
    "triangles",
]
