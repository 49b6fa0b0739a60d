"""Whoever is measured: the engines of this package, and its peers."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple, TypeAlias

from benchmarks.workloads import MAPS, WorkloadCase
from deconv_tutorial import ENGINES
from deconv_tutorial.dtypes import Array


class PreparedWork(NamedTuple):
    """One work of one side, with all that it needs already in its own layout."""

    run: Callable[[], object]
    """Does the work, and nothing else. This is what is timed."""
    arrays: Callable[[Any], Sequence[Array]]
    """Makes NumPy arrays in the layouts of `conv` of what ``run`` returned."""


def same_arrays(value: Any) -> Sequence[Array]:
    """Return the arrays of a side that computes in NumPy and in our layouts."""
    return value


Prepare: TypeAlias = Callable[[WorkloadCase, str], PreparedWork | None]
"""Returns a work made ready, or None where the side has no such thing."""


def works_of(
    maps: Mapping[str, Callable[[], Any]], biases: Mapping[str, Callable[[], Any]]
) -> dict[str, Callable[[], object]]:
    """Return all works of a side whose backward passes call its maps one by one.

    Parameters
    ----------
    maps : mapping of str to callable
        The three maps, each returning one array.
    biases : mapping of str to callable
        The gradients of the bias: the sums of ``x`` and of ``y`` but for channels.
    """
    forward, input_grad, weight_grad = (maps[name] for name in MAPS)
    return {
        "forward": lambda: [forward()],
        "input_grad": lambda: [input_grad()],
        "weight_grad": lambda: [weight_grad()],
        "conv_backward": lambda: [input_grad(), weight_grad(), biases["y"]()],
        "conv_transpose_backward": lambda: [forward(), weight_grad(), biases["x"]()],
    }


class Side(NamedTuple):
    """An engine or a peer."""

    name: str
    kind: str
    """``"engine"``, ``"numpy"`` (a peer that computes in NumPy) or ``"framework"``."""
    version: str
    note: str
    """What of it is called, and what it cannot do."""
    prepare: Prepare


PEERS = {
    "torch": "peer_torch",
    "jax": "peer_jax",
    "chainer": "peer_chainer",
    "mygrad": "peer_mygrad",
    "numpy-ml": "peer_numpy_ml",
    "custom-cnn": "peer_custom_cnn",
    "scipy": "peer_scipy",
    "cs231n": "cs231n",
}
"""The module of each peer. Only these are imported that are measured."""
NAMES = (*ENGINES, *PEERS)
SLOW = ("jax", "numpy-ml", "custom-cnn", "scipy")
"""Peers that a quick run leaves out: they compile, or compute, for long."""


def side_or_reason(name: str, threads: int) -> Side | str:
    """Return a side set to so many threads, or the reason why it is absent."""
    module = "ours" if name in ENGINES else PEERS[name]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module(f"benchmarks.sides.{module}").side(name, threads)
    except Exception as error:  # noqa: BLE001  # an old package may raise anything
        return reason(error)


def reason(error: Exception) -> str:
    """Return the first line of an error, without the paths of this machine.

    Examples
    --------
    >>> reason(ImportError("no name 'x' in 'y' (y.py in some/folder)"))
    "ImportError: no name 'x' in 'y'"
    """
    line = f"{type(error).__name__}: {error}".splitlines()[0]
    return re.sub(r"\s*\([^()]*[/\\][^()]*\)", "", line)
