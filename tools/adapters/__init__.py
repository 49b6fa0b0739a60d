"""Convolutions of other projects, as layers that the checker can try.

Each convolution is called as its users call it. If it takes fewer settings than a probe
has, only zeros may make up for that: see `tools.adapters.layer`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

from tools.adapters.layer import TriedLayer


@dataclass(frozen=True)
class Implementation:
    """A package of another project."""

    name: str
    """Its name, as its authors write it."""
    package: str
    """Its name on PyPI."""
    module: str
    """The module here that has its adapters. The docstring says what they call."""
    note: str
    """What a reader should know about the way in which it is tried."""

    def layers(self) -> Iterator[TriedLayer]:
        """Import the package, and yield its layers."""
        yield from import_module(f"tools.adapters.{self.module}").layers()


IMPLEMENTATIONS = (
    Implementation(
        "PyTorch",
        "torch",
        "of_torch",
        "These are functions of `nn.functional`, with gradients from autograd, and of "
        "`nn.grad`. A star stands for 1, 2 or 3.",
    ),
    Implementation(
        "JAX",
        "jax",
        "of_jax",
        "These are functions of `lax`, with gradients from `vjp`, in float64. "
        "`conv_transpose` is called with "
        "`transpose_kernel=True` and `use_consistent_padding=True`, which is the "
        "convention of this book. An output padding is passed as a padding that is "
        "less at the end.",
    ),
    Implementation(
        "Chainer",
        "chainer",
        "of_chainer",
        "These are its `functions`, with gradients from `Variable.backward`. It is "
        "older than NumPy 2, and asks for a table that is no longer there: it is put "
        "back before the import.",
    ),
    Implementation(
        "MyGrad",
        "mygrad",
        "of_mygrad",
        "This is the function of `nnet`, with gradients from `Tensor.backward`. What "
        "no window reaches is cut off the input before.",
    ),
    Implementation(
        "numpy-ml",
        "numpy-ml",
        "of_numpy_ml",
        "It has one stride and one dilation for all axes. It is older than Python "
        "3.10, and imports a name from where it no longer is: it is put back before "
        "the import.",
    ),
    Implementation(
        "custom-cnn",
        "custom-cnn",
        "of_custom_cnn",
        "It has one stride, one padding and square kernels: a kernel of another form "
        "gets taps of 0. Its transposed layers slide their kernel as it is, which is "
        "ours in reverse with channels exchanged, and always crop the size of the "
        "kernel less 1: zeros around the input make up for that.",
    ),
)
