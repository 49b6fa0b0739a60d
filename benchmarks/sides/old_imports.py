"""Imports of packages that are older than the NumPy and the Python they run on.

Both packages look for a name that is no longer where it was. Each function puts the
name back, and then imports the package. Nothing that is timed uses these names.
"""

from __future__ import annotations

import collections
import collections.abc
from importlib import import_module
from typing import Any, cast

import numpy as np

_SCTYPES = {
    "int": [np.int8, np.int16, np.int32, np.int64],
    "uint": [np.uint8, np.uint16, np.uint32, np.uint64],
    "float": [np.float16, np.float32, np.float64],
    "complex": [np.complex64, np.complex128],
    "others": [bool, object, bytes, str, np.void],
}


def chainer_package() -> Any:
    """Return Chainer.

    Chainer 7.8 is from 2022. It reads the table ``numpy.sctypes``, which NumPy 2 no
    longer has.
    """
    numpy = cast("Any", np)
    if not hasattr(numpy, "sctypes"):
        numpy.sctypes = _SCTYPES
    return import_module("chainer")


def numpy_ml_module(name: str) -> Any:
    """Return a module of numpy-ml by its name in the package.

    numpy-ml is from 2020. It imports ``Hashable`` from ``collections``, which Python
    3.10 and newer have in ``collections.abc`` alone.
    """
    cast("Any", collections).Hashable = collections.abc.Hashable
    return import_module(f"numpy_ml.{name}")
