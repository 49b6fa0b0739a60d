"""The sides that are measured: the engines of this package, and their peers."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any, NamedTuple, TypeAlias

from benchmarks.workloads import MAPS, WorkloadCase
from deconv_tutorial import ENGINES
from deconv_tutorial.dtypes import Array


class PreparedWork(NamedTuple):
    """One work of one side, with all arrays already in the side's own layout."""

    run: Callable[[], object]
    """Does the work, and nothing else. Its calls are timed."""
    arrays: Callable[[Any], Sequence[Array]]
    """Turns the result of ``run`` into NumPy arrays in the layouts of `conv`."""
    within: Callable[[], AbstractContextManager[object]] = nullcontext
    """What it runs within: entered before the clock starts, and left after it stops."""


def same_arrays(value: Any) -> Sequence[Array]:
    """Return the results of a side that already has NumPy arrays in our layouts."""
    return value


Prepare: TypeAlias = Callable[[WorkloadCase, str], PreparedWork | None]
"""Takes a row with its arrays and a work. Returns None if the side has no such work."""


def works_of(
    maps: Mapping[str, Callable[[], Any]], biases: Mapping[str, Callable[[], Any]]
) -> dict[str, Callable[[], object]]:
    """Return all works of a side that has three maps, each of which is one call.

    Parameters
    ----------
    maps : mapping of str to callable
        The three maps, each returning one array.
    biases : mapping of str to callable
        The gradients of the bias: the sums of ``x`` and of ``y`` for each channel.
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
    """The functions that are called, and what the side cannot do."""
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
"""The module of each peer. A module is imported only if its peer is measured."""
NAMES = (*ENGINES, *PEERS)
SLOW = ("jax", "numpy-ml", "custom-cnn", "scipy")
"""Peers that a quick run leaves out, since they take long."""


def side_or_reason(name: str, threads: int) -> Side | str:
    """Return a side for this number of threads, or the reason why it is absent."""
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
