"""Requests to a process that is not trusted, and its messages."""

from __future__ import annotations

import os
import pickle
import re
import selectors
import socket
import time
from pathlib import Path
from sysconfig import get_paths

from deconv_tutorial.diagnose.inside import SIZE
from deconv_tutorial.diagnose.process import UntrustedProcess
from deconv_tutorial.diagnose.trial import TooSlowError
from deconv_tutorial.diagnose.wire import (
    START_SIZE,
    Message,
    readable,
    rest_size,
    unpacked,
)

PRINTED = 2000
"""The characters that are kept of what the process prints."""
_TICK = 0.05
"""The seconds after which a process that is silent is looked at."""
_TO_TELL = 0.3
"""The seconds that a process has to tell where it is."""
_TRACE = b"(most recent call first):\n  File"
_FRAME = re.compile(r'File "(.+)", line (\d+) in')
_FOREIGN = {"site-packages", get_paths()["stdlib"], str(Path(__file__).parents[1])}
"""Folders whose code is not the person's own."""
_NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)


class EndedError(Exception):
    """The process ended, or closed the connection."""


class Exchange:
    """Sends requests and waits for messages, while it reads what is printed."""

    def __init__(self, process: UntrustedProcess) -> None:
        self._process = process
        self._connection = process.connection
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._connection, selectors.EVENT_READ, self._talk)
        if process.printed is not None:
            reading = selectors.EVENT_READ
            self._selector.register(process.printed, reading, self._drain)
        self._received = bytearray()
        self._left = memoryview(b"")
        self._tail = b""
        self._is_silent = False
        self._is_closed = False

    @property
    def printed(self) -> str:
        """The last characters that it printed."""
        return self._tail.decode(errors="replace")[-PRINTED:]

    def close(self) -> None:
        """Read what was printed last, and stop. A second time does nothing."""
        if not self._is_closed:
            self._is_closed = True
            for _ in range(64):  # a flood has no end
                if not self._drain(0):
                    break
            self._selector.close()

    def trace(self) -> str:
        """Return what was printed, after the process was asked where it is."""
        self._process.ask_where()
        end = time.monotonic() + _TO_TELL
        while time.monotonic() < end:
            ready = self._selector.select(_TICK)
            for key, events in ready:
                key.data(events)
            if not ready and _TRACE in self._tail:  # and that was all of it
                break
        return self.printed

    def message(self, request: object, seconds: float) -> Message:
        """Send an object of ours, and return what comes back.

        Raises
        ------
        TooSlowError
            If it takes too long.
        EndedError
            If the process ends instead.
        GarbledError
            If what comes is no message.
        """
        end = time.monotonic() + seconds
        data = pickle.dumps(request, protocol=pickle.HIGHEST_PROTOCOL)
        self._left = memoryview(SIZE.pack(len(data)) + data)
        try:
            self._flush()
            start = self._awaited(START_SIZE, end)
            rest = self._awaited(rest_size(start), end)
        except TimeoutError:
            msg = f"it took more than {seconds:g} s"
            raise TooSlowError(msg) from None
        except ConnectionError:
            raise EndedError from None
        return unpacked(start, rest)

    def _awaited(self, size: int, end: float) -> bytes:
        """Return the next bytes, as soon as they have come."""
        while len(self._received) < size:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError
            ready = self._selector.select(min(left, _TICK))
            for key, events in ready:
                key.data(events)
            if not ready and self._process.has_ended:
                raise EndedError  # though a copy of it may hold the connection
        taken = bytes(self._received[:size])
        del self._received[:size]
        return taken

    def _talk(self, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._flush()
        if events & selectors.EVENT_READ:
            part = self._connection.recv(2**20)
            if not part:
                raise EndedError
            self._received += part

    def _flush(self) -> None:
        """Send what can be sent at once, and the rest when it can be."""
        try:
            sent = self._connection.send(self._left, _NO_SIGNAL)
        except BlockingIOError:
            sent = 0
        self._left = self._left[sent:]
        writing = selectors.EVENT_WRITE if self._left else 0
        self._selector.modify(
            self._connection, selectors.EVENT_READ | writing, self._talk
        )

    def _drain(self, _: int) -> bool:
        """Read what was printed, keep its end, and return whether there was any."""
        if self._process.printed is None or self._is_silent:
            return False
        try:
            part = os.read(self._process.printed, 2**16)
        except BlockingIOError:
            return False
        if not part:  # nobody can print any more
            self._is_silent = True
            self._selector.unregister(self._process.printed)
        self._tail = (self._tail + part)[-4 * PRINTED :]
        return bool(part)


def place_of_call(printed: str) -> str:
    """Return the place in a traceback of `faulthandler`: the person's own last line.

    Examples
    --------
    >>> place_of_call('''Current thread 0x0 (most recent call first):
    ...   File "<string>", line 7 in inner
    ...   File "mine.py", line 3 in outer''')
    ', at line 7'
    """
    _, found, trace = printed.rpartition("(most recent call first):")
    frames: list[tuple[str, str]] = _FRAME.findall(trace) if found else []
    for file, line in frames:
        path = Path(file)
        if not _FOREIGN & {*path.parts, *map(str, path.parents)}:
            of = "" if file.startswith("<") else f" of {readable(path.name)}"
            return f", at line {line}{of}"
    return ""
