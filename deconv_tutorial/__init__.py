"""Convolution, transposed convolution, and the gradients of both, to learn from."""

from deconv_tutorial import geometry
from deconv_tutorial.engines import fast, im2col, naive
from deconv_tutorial.engines.engine import Engine
from deconv_tutorial.engines.fast.pool import threads
from deconv_tutorial.functional import (
    Gradients,
    conv,
    conv_backward,
    conv_transpose,
    conv_transpose_backward,
)

__version__ = "0.1.0"
"""The version of the package. The build reads it from here."""

ENGINES: dict[str, Engine] = {"naive": naive, "im2col": im2col, "fast": fast}
"""Every engine by name, in the order in which to learn them."""

__all__ = [
    "ENGINES",
    "Engine",
    "Gradients",
    "conv",
    "conv_backward",
    "conv_transpose",
    "conv_transpose_backward",
    "fast",
    "geometry",
    "im2col",
    "naive",
    "threads",
]
