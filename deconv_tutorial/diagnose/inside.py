"""What runs in the process of an attempt: it calls it, and sends back arrays."""

from __future__ import annotations

import contextlib
import faulthandler
import math
import os
import pickle
import signal
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from deconv_tutorial.diagnose.attempt import Attempt
from deconv_tutorial.diagnose.probes import LayerCall
from deconv_tutorial.diagnose.reference import LoadError, Reference, int_parameters
from deconv_tutorial.diagnose.trial import Answer, answer_of, blame, message
from deconv_tutorial.diagnose.wire import MOST_BYTES, packed

SIZE = struct.Struct("<Q")
"""The size of a request, which stands before it."""
_AFTER = 20
"""The seconds after its time limit when a call ends the process, if nobody did."""
_HIGH = 700
"""The lowest number of our file descriptor, beyond what a loop over a few closes."""


@dataclass(frozen=True)
class Setup:
    """What the process needs to know before the first call."""

    attempt: bytes
    """The attempt, pickled."""
    seconds: float
    """How long a call may take; the caller sees to it."""
    memory: int
    """The bytes that it may have."""


class Link:
    """The connection to the caller.

    What it needs is kept in it, so that an attempt may replace functions of `socket`.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._receive = connection.recv
        self._send = connection.sendall
        self.close = connection.close

    def request(self) -> Any:  # noqa: ANN401
        """Return the next request. It comes from the caller, so it is unpickled.

        Raises
        ------
        EOFError
            If the caller has gone.
        """
        (size,) = SIZE.unpack(self._bytes(SIZE.size))
        return pickle.loads(self._bytes(size))

    def reply(self, header: dict[str, Any], answer: Answer | None = None) -> None:
        """Send a header, and what the call returned."""
        arrays = {str(name): a for name, a in answer.arrays.items()} if answer else {}
        self._send(packed(header, arrays))

    def _bytes(self, size: int) -> bytes:
        parts: list[bytes] = []
        while size:
            part = self._receive(min(size, 2**20))
            if not part:
                raise EOFError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def main(place: str) -> None:
    """Load an attempt, and answer requests until the caller goes.

    Parameters
    ----------
    place : str
        The number of the file descriptor of a socket; or nothing, if the socket comes
        on standard input.
    """
    leave = os._exit  # without what an attempt registered for the end
    faulthandler.enable()  # tells where it is if it crashes, and if it is asked
    if hasattr(faulthandler, "register") and hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, all_threads=False)
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # who started us may ignore it
    with contextlib.suppress(AttributeError, ValueError):
        sys.stdout.reconfigure(line_buffering=True)  # pyright: ignore
    link = Link(_connection(place))
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=link.close)
    sys.addaudithook(_signal_guard())
    try:
        _serve(link)
    except EOFError:  # the caller has gone
        leave(0)
    except BaseException as error:  # noqa: BLE001
        sys.__stderr__.write(f"{blame(error)}\n") if sys.__stderr__ else None
    leave(1)


def _connection(place: str) -> socket.socket:
    """Return the socket to the caller, under a high number where that can be had."""
    if not place:  # Windows
        return socket.fromshare(sys.stdin.buffer.read())  # pyright: ignore
    low = int(place)
    try:
        import fcntl  # not on every system

        high = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    except (ImportError, AttributeError, OSError):
        return socket.socket(fileno=low)
    os.close(low)
    return socket.socket(fileno=high)


def _serve(link: Link) -> None:
    setup: Setup = link.request()
    limit_memory(setup.memory)
    try:
        attempt = _loaded(setup.attempt)
    except BaseException as error:  # noqa: BLE001  # SystemExit and whatever else
        link.reply({"call": 0, "ending": "failed", "error": _load_message(error)})
        return
    annotated = int_parameters(attempt.function)
    link.reply({"call": 0, "ending": "returned", "int_parameters": annotated})
    while True:
        number, case = link.request()
        _limit_orphan(setup.seconds + _AFTER)
        answer = _bounded(_guarded(attempt, case))
        _limit_orphan(0)
        link.reply(_header(number, answer), answer)


def _loaded(pickled: bytes) -> Attempt:
    """Return an attempt whose function and conversion have been imported."""
    attempt: Attempt = pickle.loads(pickled)
    function, convert = attempt.function, attempt.convert
    return replace(
        attempt,
        function=function.function() if isinstance(function, Reference) else function,
        convert=convert.value() if isinstance(convert, Reference) else convert,
    )


def _load_message(error: BaseException) -> str:
    if isinstance(error, LoadError):
        return message(error)
    return f"could not be imported: {blame(error)}"


def _header(number: int, answer: Answer) -> dict[str, Any]:
    return {
        "call": number,
        "ending": answer.ending,
        "error": answer.error,
        "kind": answer.kind,
        "complaints": dict(answer.complaints),
    }


def _guarded(attempt: Attempt, case: LayerCall) -> Answer:
    """Return how a call ends. Nobody presses Ctrl-C here: that is an error, too."""
    try:
        return answer_of(attempt, case)
    except KeyboardInterrupt as error:
        return Answer("failed", error=blame(error), kind="KeyboardInterrupt")


def _bounded(answer: Answer) -> Answer:
    """Return an answer without the arrays that are too large to be sent."""
    arrays, complaints = dict(answer.arrays), dict(answer.complaints)
    for target, array in answer.arrays.items():
        if array.nbytes > MOST_BYTES // 8:
            del arrays[target]
            complaints[target] = f"it is too large to be compared: {array.shape}"
    return replace(answer, arrays=arrays, complaints=complaints)


def _limit_orphan(seconds: float) -> None:
    """End this process after some seconds, in case the caller cannot; 0 is never.

    The system does it, so it works in a function in C, too.
    """
    if hasattr(signal, "setitimer") and not math.isinf(seconds):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def limit_memory(size: int) -> None:
    """Limit the memory that this process may write to, where the system can.

    The limit is on data (``RLIMIT_DATA``), and not on addresses (``RLIMIT_AS``), which
    libraries reserve without use: after one product of matrices, on two cores, PyTorch
    has three times as many, and JAX seven times. There are no core dumps.
    """
    try:
        import resource  # not on every system
    except ImportError:
        return
    for kind, most in ((resource.RLIMIT_DATA, size), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(kind)[1]
        low = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (low, low))


def _signal_guard() -> Callable[[str, tuple[Any, ...]], None]:
    """Return an audit hook that lets Python code signal its own processes alone.

    An attempt that kills its parent would kill who checks it.
    """
    own, group_of = os.getpid(), getattr(os, "getpgid", int)

    def guard(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.kill":
            target = arguments[0]
            allowed = target in {0, own} or (target > 0 and group_of(target) == own)
        elif event == "os.killpg":
            allowed = arguments[0] in {0, own}
        else:
            return
        if not allowed:
            msg = "an attempt may send signals to its own processes alone"
            raise PermissionError(msg)

    return guard
