"""A process of Python that is not trusted: to start it, and to end it for certain."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

_MARK = "DECONV_TUTORIAL_PROCESS"
"""The variable of the environment by which processes are found that left the group."""
_GRACE = 1.0
"""The seconds that a process has to end by itself after it closed the connection."""
_CODE = (
    "import sys; sys.path[:] = sys.argv[2:]; place = sys.argv[1]; sys.argv[:] = ['']; "
    "from deconv_tutorial.diagnose.inside import main; main(place)"
)


class UntrustedProcess:
    """A new process of Python with a session of its own, and a connection to it.

    It has this process's environment, working directory and `sys.path`, and nothing on
    its standard input. It is no copy of this process (no ``fork``), so it has neither
    its objects nor its threads.

    When it is closed, or nobody holds it any more, it is killed, with all processes in
    its session. On Linux, those that left the session are killed, too: they have a mark
    in their environment.
    """

    def __init__(self) -> None:
        self.connection, theirs = socket.socketpair()
        self.connection.setblocking(False)
        mark = secrets.token_hex(16)
        self.printed, out = _pipe()
        with theirs:
            self._process = _started(theirs, mark, out)
        _close(out)
        self._end = weakref.finalize(
            self,
            _end,
            os.getpid(),
            self._process,
            mark,
            [self.connection.close, lambda end=self.printed: _close(end)],
        )

    @property
    def has_ended(self) -> bool:
        """Whether it runs no more."""
        return self._process.poll() is not None

    def ask_where(self) -> None:
        """Have it print the calls in which it is, where signals can do that."""
        if hasattr(signal, "SIGUSR1") and not self.has_ended:
            self._process.send_signal(signal.SIGUSR1)

    def close(self) -> None:
        """End it, and what it started. A second time does nothing."""
        self._end()

    def ending(self) -> str:
        """Return in words how it ended, or that it only closed the connection."""
        try:
            code = self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            return "it closed the connection through which its results come"
        if code >= 0:
            return f"its process ended by itself, with exit code {code}"
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = str(-code)
        hint = ", perhaps for want of memory" if name == "SIGKILL" else ""
        return f"its process was ended by the signal {name}{hint}"


def _pipe() -> tuple[int | None, int | None]:
    """Return both ends of a pipe, or nothing on Windows, where nobody waits for one."""
    if os.name == "nt":
        return None, None
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    return ours, theirs


def _close(end: int | None) -> None:
    if end is not None:
        os.close(end)


def _started(theirs: socket.socket, mark: str, out: int | None) -> Any:  # noqa: ANN401
    if not sys.executable:
        msg = "isolated=True needs to start Python, and sys.executable is empty"
        raise RuntimeError(msg)
    environment = {**os.environ, _MARK: mark}
    share: Callable[[int], bytes] | None = getattr(theirs, "share", None)
    if out is None and share is not None:  # Windows
        command = _command("")
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet
        )
        process.communicate(share(process.pid))
        return process
    return subprocess.Popen(
        _command(str(theirs.fileno())),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=out,
        pass_fds=[theirs.fileno()],
        start_new_session=True,
    )


def _command(place: str) -> list[str]:
    """Return the command that starts Python with this one's path and optimisation."""
    optimised = ["-" + "O" * sys.flags.optimize] if sys.flags.optimize else []
    path = [str(entry) for entry in sys.path]
    return [sys.executable, "-P", *optimised, "-c", _CODE, place, *path]


def _end(
    owner: int,
    process: subprocess.Popen[bytes],
    mark: str,
    closing: Sequence[Callable[[], object]],
) -> None:
    """Kill a process and all that it started, if this process has started it."""
    for close in closing:
        close()
    if os.getpid() != owner:  # a copy of the one that started it
        return
    if hasattr(os, "killpg"):
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(5)
    for _ in range(10):  # some may have started others meanwhile
        found = [*_marked(mark.encode())]
        for stray in found:
            with suppress(OSError):
                os.kill(stray, signal.SIGKILL)
        if not found:
            break


def _marked(mark: bytes) -> Iterator[int]:
    """Yield the processes with a mark in their environment, where the system tells."""
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark in path.read_bytes():
                yield int(path.parent.name)
