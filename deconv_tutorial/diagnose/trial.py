"""Limits how long a piece of code may run, and puts its errors into one line."""

from __future__ import annotations

import signal
import threading
import time
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from sysconfig import get_paths

_OURS = Path(__file__).parents[1]
_LIBRARY = Path(get_paths()["stdlib"])
_INSTALLED = {"site-packages", "dist-packages"}
_INTERNAL = ("<frozen", "<__array_function__")
_AGAIN = 0.05
"""The seconds after which code that caught the stop is stopped again."""


class TooSlowError(Exception):
    """The code that ran did not finish in time."""


class _StopError(BaseException):
    """Ends the code that runs, even if it catches every `Exception`."""


@contextmanager
def time_limit(seconds: float) -> Generator[None]:
    """Return a context that stops a block of code which takes too long.

    It needs the main thread, and a platform with timers; otherwise nothing is stopped.
    A timer that ran before goes on afterwards.

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
    main = threading.current_thread() is threading.main_thread()
    if not (main and hasattr(signal, "setitimer")):
        yield
        return

    def stop(*_: object) -> None:
        raise _StopError

    start = time.monotonic()
    handler = signal.signal(signal.SIGALRM, stop)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        try:
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
    message = str(error).strip().partition("\n")[0]
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_own(frame.filename)]
    if not own:
        return text
    line = f": {own[-1].line}" if own[-1].line else ""
    return f"{text}, at line {own[-1].lineno}{line}"


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
