"""Run pytest again and again, each time in a fork of a process that has it ready.

The arguments name modules to have ready. A line of JSON asks: the arguments of pytest,
how many seconds of a processor, how many by the clock, and how many bytes it may take.
A line answers: its exit status, negative where it took more, and its seconds.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys
import time
import warnings
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import Phase, settings

INTERNAL_ERROR = 3  # what pytest returns where it fails itself


class Hasty:
    """Ask whether a test fails, and not for its smallest example."""

    @staticmethod
    def pytest_configure() -> None:
        """Change the profile that conftest.py has loaded."""
        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("hasty", settings(), phases=phases)
        settings.load_profile("hasty")


def run(arguments: list[str], seconds: int) -> int:
    """Return the exit status of pytest, which prints nothing."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    # What is imported already cannot be made to explain its asserts.
    return int(pytest.main(["--assert=plain", *arguments], plugins=[Hasty]))


def memory(process: int) -> int:
    """Return how many bytes a process has filled, or 0 where nobody tells."""
    try:
        pages = Path(f"/proc/{process}/statm").read_text("utf-8").split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def forked(
    arguments: list[str], seconds: int, patience: float, most: float
) -> tuple[int, float]:
    """Return the exit status of pytest in a process of its own, and its seconds."""
    parent, child = os.getppid(), os.fork()
    if child == 0:
        status = INTERNAL_ERROR
        with suppress(BaseException):
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            status = run(arguments, seconds)
        os._exit(status)
    end = time.monotonic() + patience
    try:
        while not has_ended(child) and os.getppid() == parent:
            if time.monotonic() > end or memory(child) > most:
                break
            time.sleep(0.01)
    finally:
        with suppress(ProcessLookupError):  # nothing that a test has started stays
            os.killpg(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    return os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime


def has_ended(child: int) -> bool:
    """Return whether a process has ended; its status stays to be asked for."""
    return bool(os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT))


def main() -> None:
    """Answer until nobody asks."""
    for name in sys.argv[1:]:
        import_module(name)
    warnings.simplefilter("ignore")  # that a fork has none of the threads of BLAS
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    gc.freeze()  # no fork looks for garbage in what is ready
    with suppress(KeyboardInterrupt):
        for line in sys.stdin:
            print(*forked(**json.loads(line)), flush=True)


if __name__ == "__main__":
    main()
