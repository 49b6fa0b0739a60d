"""Runs an attempt on one layer call, and puts into words how the call ended."""

from __future__ import annotations

import dis
import math
import re
import signal
import threading
import time
import traceback
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from sysconfig import get_paths
from types import TracebackType
from typing import Literal, Protocol

from deconv_tutorial.diagnose.attempt import (
    Attempt,
    CallError,
    LossyConversionError,
)
from deconv_tutorial.diagnose.mistakes.problem import Target
from deconv_tutorial.diagnose.probes import LayerCall
from deconv_tutorial.dtypes import Array
from deconv_tutorial.geometry.settings import typed

_OURS = Path(__file__).parents[1]
_LIBRARY = Path(get_paths()["stdlib"])
_INSTALLED = {"site-packages", "dist-packages"}
_INTERNAL = ("<frozen", "<__array_function__")
_LONG = 160
_AGAIN = 0.05
"""The seconds after which code that caught the stop is stopped again."""
_SAYS_SO = re.compile(
    r"not (yet )?(supported|implemented|allowed)|unsupported|does not support"
    r"|only .*(supported|allowed|implemented)|must be (smaller|less|equal|odd)",
    re.IGNORECASE,
)
"""The words with which an error says that a layer is not taken."""

Ending = Literal["returned", "refused", "failed", "uncallable", "stopped", "gone"]
"""How a call ended: with results; with an error that says that the layer is not taken;
with another error; it does not take these arguments; it took too long; its process
ended."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What came back from one call of an attempt."""

    ending: Ending
    """How the call ended."""
    arrays: Mapping[Target, Array] = field(default_factory=dict[Target, Array])
    """The results, in our layout."""
    complaints: Mapping[str, str] = field(default_factory=dict[str, str])
    """What is wrong with the form of a result, by target; or of all, by ``call``."""
    error: str = ""
    """The error in one line."""
    kind: str = ""
    """The name of the type of the error."""


class Runner(Protocol):
    """Something that runs an attempt."""

    def answer(self, case: LayerCall) -> Answer:
        """Return how the call ended. After ``stopped`` or ``gone``, ask no more."""
        ...

    def close(self) -> None:
        """End what was started."""
        ...


@dataclass(frozen=True)
class InProcess:
    """Runs an attempt in this process: it can do all that this process can do."""

    attempt: Attempt
    seconds: float = math.inf
    """How long one call may take."""

    def answer(self, case: LayerCall) -> Answer:
        """Return how the call ended, whatever the attempt raises."""
        return answer_of(self.attempt, case, self.seconds)

    def close(self) -> None:
        """Do nothing, since nothing was started."""


def answer_of(attempt: Attempt, case: LayerCall, seconds: float = math.inf) -> Answer:
    """Return how one call of an attempt ends, whatever it raises.

    A KeyboardInterrupt is not an answer, and comes through.
    """
    try:
        with time_limit(seconds):
            found = attempt.returned(case)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # SystemExit and whatever else
        kind = type(error).__name__
        return Answer(ending_of(error), error=blame(error), kind=kind)
    return Answer("returned", found.arrays, found.complaints)


def ending_of(error: BaseException) -> Ending:
    """Return how a call ended that raised an error.

    `NotImplementedError` says that a layer is not taken. So does an error that a
    person's own code raises by ``raise`` or ``assert``, or one that says so in words.
    """
    if isinstance(error, CallError):
        return "uncallable"
    if isinstance(error, TooSlowError):
        return "stopped"
    if not isinstance(error, Exception):
        return "failed"
    by_kind = isinstance(error, NotImplementedError | LossyConversionError)
    says_so = by_kind or _SAYS_SO.search(message(error))
    meant = isinstance(error, ValueError | TypeError | AssertionError | RuntimeError)
    return "refused" if says_so or (meant and _is_raised_by_hand(error)) else "failed"


def _is_raised_by_hand(error: Exception) -> bool:
    """Return whether the person's own code raised an error, not code that it called."""
    step: TracebackType | None = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    if step is None or not _is_own(step.tb_frame.f_code.co_filename):
        return False
    code = step.tb_frame.f_code
    raised = {i.offset for i in dis.get_instructions(code) if "RAISE" in i.opname}
    return step.tb_lasti in raised


class TooSlowError(Exception):
    """The code that ran did not finish in time."""


class _StopError(BaseException):
    """Ends the code that runs, even if it catches every `Exception`."""


def check_seconds(name: str, seconds: object) -> None:
    """Check a number of seconds.

    Raises
    ------
    ValueError
        If it is not positive.
    TypeError
        If it is no number.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        msg = f"{name} needs a number of seconds, got {typed(seconds)}"
        raise TypeError(msg)
    if not seconds > 0:  # not a number is not, either
        msg = f"{name} needs more than 0 seconds, got {seconds}"
        raise ValueError(msg)


def can_stop() -> bool:
    """Return whether `time_limit` stops something here.

    It needs the main thread, and a platform with timers.
    """
    main = threading.current_thread() is threading.main_thread()
    return main and hasattr(signal, "setitimer")


@contextmanager
def time_limit(seconds: float) -> Generator[None]:
    """Return a context that stops a block of code which takes too long.

    It needs the main thread, and a platform with timers; otherwise nothing is stopped.
    A timer that ran before goes on afterwards. Python code is stopped, and not a
    function in C that is running: a long product of matrices ends first.

    Parameters
    ----------
    seconds : float
        How long the block may take, in real time.

    Raises
    ------
    TooSlowError
        If the block takes longer. The traceback leads to the line that was running.

    Examples
    --------
    >>> with time_limit(0.1):
    ...     while True:
    ...         pass
    Traceback (most recent call last):
    deconv_tutorial.diagnose.trial.TooSlowError: it took more than 0.1 s
    """
    check_seconds("seconds", seconds)
    if not can_stop() or math.isinf(seconds):
        yield
        return

    def stop(*_: object) -> None:
        raise _StopError

    start = time.monotonic()
    handler = signal.getsignal(signal.SIGALRM) or signal.SIG_DFL
    left, interval = 0.0, 0.0
    try:
        try:
            signal.signal(signal.SIGALRM, stop)
            left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)  # lest it stops what comes after
    except _StopError as stopped:
        msg = f"it took more than {seconds:g} s"
        raise TooSlowError(msg).with_traceback(stopped.__traceback__) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            left = max(left - (time.monotonic() - start), _AGAIN)
            signal.setitimer(signal.ITIMER_REAL, left, interval)


def blame(error: BaseException) -> str:
    """Return an error in one line, with the last line of the person's own code.

    Code of this package, of Python's library and of installed packages is not their
    own.

    Examples
    --------
    >>> def attempt(x):
    ...     return x[3]
    >>> try:
    ...     attempt([1, 2])
    ... except IndexError as error:
    ...     blame(error)
    'IndexError: list index out of range, at line 2: return x[3]'
    """
    told = message(error)
    text = f"{type(error).__name__}: {told}" if told else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_own(frame.filename)]
    if not own:
        return text
    line = f": {own[-1].line}" if own[-1].line else ""
    return f"{text}, at line {own[-1].lineno}{line}"


def message(error: BaseException) -> str:
    """Return the first line of an error's message, or "" if it has none to show."""
    try:
        return shortened(str(error).strip().partition("\n")[0])
    except Exception:  # noqa: BLE001  # its __str__ may raise anything
        return ""


def shortened(text: str) -> str:
    """Return a text without its middle if it is long."""
    return text if len(text) <= _LONG else f"{text[: _LONG - 40]} … {text[-36:]}"


def _is_own(filename: str) -> bool:
    """Return whether a file is neither ours, nor Python's, nor installed."""
    if filename.startswith("<"):
        return not filename.startswith(_INTERNAL)
    path = Path(filename)
    return not (
        path.is_relative_to(_OURS)
        or path.is_relative_to(_LIBRARY)
        or _INSTALLED & set(path.parts)
    )
