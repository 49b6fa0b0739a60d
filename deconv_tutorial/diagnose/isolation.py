"""Runs an attempt in a process of its own, which can harm or fool nobody by accident.

The process gets arrays and settings, and sends arrays back. What is right is decided
here. Its end, its memory, its patches of NumPy and its endless loops stay its own.

It is no prison. The process may read and write files, use the network, and look for
other processes of the same person. Code that is written to attack belongs into a
container, or into a machine of its own.
"""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import cast

from deconv_tutorial.diagnose.attempt import Attempt
from deconv_tutorial.diagnose.exchange import EndedError, Exchange, place_of_call
from deconv_tutorial.diagnose.inside import Setup
from deconv_tutorial.diagnose.mistakes.problem import Target
from deconv_tutorial.diagnose.probes import LayerCall
from deconv_tutorial.diagnose.process import UntrustedProcess
from deconv_tutorial.diagnose.reference import LoadError
from deconv_tutorial.diagnose.trial import Answer, TooSlowError, check_seconds
from deconv_tutorial.diagnose.wire import GarbledError, Message, readable
from deconv_tutorial.dtypes import Array

MEMORY = 4 * 2**30
"""The bytes that the process may have."""
LOADING = 60.0
"""The seconds in which it has to be ready: an import may take long."""
_ENDINGS = {"returned", "refused", "failed", "uncallable"}
_ENDED = Answer("gone", error="its process has ended before")


class Child:
    """Runs an attempt in a child process, and is a `Runner`.

    The process starts at once. A call that takes longer than `seconds` ends it, and so
    do `close` and the end of a ``with`` block: with the processes that it started.

    What the attempt prints is not shown; `printed` has the end of it.

    Parameters
    ----------
    attempt : Attempt
        Its function and its `convert` are a `Reference`, which only the process
        imports, or can be pickled: by ``cloudpickle`` if that is installed, so that
        functions of a notebook and lambdas can be, too.
    seconds : float
        How long one call may take.
    memory : int
        The bytes that the process may have, on Linux. Beyond, NumPy raises a
        MemoryError there.
    loading : float
        How many seconds the start may take, with all imports.

    Raises
    ------
    LoadError
        If the attempt cannot be imported.
    ValueError
        If it cannot be pickled.

    Examples
    --------
    >>> from deconv_tutorial.diagnose.probes import STRONG
    >>> from deconv_tutorial.diagnose.reference import Reference
    >>> attempt = Attempt(Reference("deconv_tutorial:conv"), "conv")
    >>> with Child(attempt) as child:
    ...     child.answer(STRONG[0].case(transposed=False)).arrays["y"].shape
    (1, 1, 4)
    """

    def __init__(
        self,
        attempt: Attempt,
        seconds: float = 10.0,
        *,
        memory: int = MEMORY,
        loading: float = LOADING,
    ) -> None:
        check_seconds("seconds", seconds)
        check_seconds("loading", loading)
        setup = Setup(pickled(attempt), seconds, memory)
        self._targets = frozenset(attempt.targets)
        self._seconds = seconds
        self._calls = 0
        self._end: Answer | None = None
        self._int_parameters: object = ()
        self._process = UntrustedProcess()
        self._exchange = Exchange(self._process)
        self._load(setup, loading)

    @property
    def printed(self) -> str:
        """The last 2,000 characters that the attempt printed, on either stream.

        They are complete when the process has ended.
        """
        return self._exchange.printed

    @property
    def int_parameters(self) -> tuple[str, ...]:
        """The parameters of its function that are annotated with ``int``."""
        if not isinstance(self._int_parameters, list):
            return ()
        names = cast("list[object]", self._int_parameters)
        return tuple(map(readable, names[:100]))

    def __enter__(self) -> Child:
        """Return the child itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process."""
        self.close()

    def answer(self, case: LayerCall) -> Answer:
        """Return how the call ended. After ``stopped`` or ``gone``, ask no more."""
        if self._end is not None:
            return self._end
        self._calls += 1
        answer = self._answer((self._calls, replace(case)), self._seconds)
        if answer.ending in {"stopped", "gone"}:
            self._end = _ENDED
            self.close()
        return answer

    def close(self) -> None:
        """End the process and what it started. A second time does nothing."""
        self._end = self._end or _ENDED
        self._exchange.close()
        self._process.close()

    def _load(self, setup: Setup, loading: float) -> None:
        answer = self._answer(setup, loading)
        error = answer.error
        if answer.ending in {"stopped", "gone"}:
            error = f"could not be imported: {error}"
        if error:
            self.close()
            raise LoadError(error)

    def _answer(self, request: object, seconds: float) -> Answer:
        """Return the answer to a request, or how the process ended instead."""
        try:
            return self._checked(self._exchange.message(request, seconds))
        except TooSlowError as error:
            where = place_of_call(self._exchange.trace())
            return Answer("stopped", error=f"{error}{where}", kind="TooSlowError")
        except GarbledError:
            return Answer("gone", error="it wrote into the connection for its results")
        except EndedError:
            return Answer("gone", error=self._last_words())
        except BaseException:  # such as Ctrl-C
            self.close()
            raise

    def _checked(self, message: Message) -> Answer:
        """Return what a message says about the call that was asked for.

        Raises
        ------
        GarbledError
            If it says anything else.
        """
        header = message.header
        told = header.get("complaints", {})
        ending = header.get("ending")
        if (
            header.get("call") != self._calls
            or ending not in _ENDINGS
            or not self._targets >= {*message.arrays}
            or not isinstance(told, dict)
        ):
            raise GarbledError
        if not self._calls:
            self._int_parameters = header.get("int_parameters")
        complaints = cast("dict[str, object]", told)
        return Answer(
            ending,
            cast("Mapping[Target, Array]", message.arrays),
            {readable(name): readable(text) for name, text in complaints.items()},
            readable(header.get("error", "")),
            readable(header.get("kind", "")),
        )

    def _last_words(self) -> str:
        """Return how the process ended, where it was, and what it printed last."""
        words = self._process.ending()
        self._exchange.close()
        if where := place_of_call(self.printed):
            return words + where
        lines = self.printed.strip().splitlines()
        return f"{words}; it printed last: {readable(lines[-1])}" if lines else words


def pickled(attempt: Attempt) -> bytes:
    """Return an attempt as bytes, with the code of its functions where that can be.

    Raises
    ------
    ValueError
        If it cannot be pickled.
    """
    try:
        dumps = importlib.import_module("cloudpickle").dumps
    except ImportError:
        _require_importable(attempt)
        dumps = pickle.dumps
    try:
        return dumps(attempt)
    except Exception as error:  # whatever their own objects raise
        raise ValueError(_needed(f"{_name(attempt.function)}: {error}")) from error


def _require_importable(attempt: Attempt) -> None:
    """Refuse functions that a module of the process does not have."""
    for function in (attempt.function, attempt.convert):
        name = getattr(function, "__qualname__", "")
        if getattr(function, "__module__", "") == "__main__" or "<" in name:
            raise ValueError(_needed(_name(function)))


def _needed(came: str) -> str:
    return (
        "isolated=True needs a function of a module, a text such as 'file.py:function' "
        f"or the package cloudpickle (pip install cloudpickle), got {came}"
    )


def _name(function: object) -> str:
    name = getattr(function, "__qualname__", type(function).__name__)
    return f"{name} of {getattr(function, '__module__', 'no module')}"
