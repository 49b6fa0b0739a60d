"""Copies of a checkout in which tests run, one of its modules changed for a while."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeAlias, cast

from tools.mutations import Mutant

COPIED = ("book", "deconv_tutorial", "tests", "tools", "conftest.py", "pyproject.toml")
READY = ("nbval.plugin", "numpy", "scipy.signal", "sympy")  # what most tests import
# A mistake may take all the time and the memory that there is.
LIMITS = {"seconds": 3600, "patience": 36000, "most": 4 * 2**30}
OPTIONS = ("-x", "-q", "-p", "no:cacheprovider")
PASS = (0, 5)  # the exit status of pytest where all tests pass, or there is none
MISUSED = 4
Ending: TypeAlias = str
PASSED, FAILED = "passed", "failed"
STOPPED = "stopped"  # by a limit, or by a crash


def ending(status: int) -> Ending:
    """Return what an exit status says; it is negative where a signal came."""
    if status < 0:
        return STOPPED
    return PASSED if status in PASS else FAILED


class Copy:
    """A copy of a checkout, and a process that runs its tests again and again."""

    def __init__(self, root: Path, folder: Path) -> None:
        """Copy what the tests need, and start the process."""
        self.folder = folder
        self.clock = itertools.count(1)
        caches = shutil.ignore_patterns("__pycache__")
        for path in (root / name for name in COPIED):
            if path.is_dir():
                shutil.copytree(path, folder / path.name, ignore=caches)
            elif path.is_file():
                shutil.copy(path, folder)
        known = {"CI": "true", "PYTHONHASHSEED": "0", "PYTHONPATH": str(folder)}
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("warm.py")), *READY],
            cwd=folder,
            env={**os.environ, **known},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, tests: Iterable[str], **limits: float) -> tuple[Ending, float]:
        """Return how some tests end, and how many seconds they take.

        The seconds are those of a processor, on which others may be at work, too.
        """
        asked = {"arguments": [*OPTIONS, *tests], **LIMITS, **limits}
        print(json.dumps(asked), file=self.process.stdin, flush=True)
        answer = cast("IO[str]", self.process.stdout).readline().split()
        if not answer:
            msg = f"the process that runs the tests ended with {self.process.wait()}"
            raise RuntimeError(msg)
        status, seconds = int(answer[0]), float(answer[1])
        if status == MISUSED:
            msg = f"pytest refused {asked['arguments']}"
            raise RuntimeError(msg)
        return ending(status), seconds

    @contextmanager
    def mutated(self, mutant: Mutant) -> Generator[None]:
        """Make one mistake in the copy, and take it back."""
        path = self.folder / mutant.file
        right = path.read_bytes()
        try:
            self.write(path, mutant.applied(right))
            yield
        finally:
            self.write(path, right)

    def write(self, path: Path, text: bytes) -> None:
        """Write a module so that Python sees that what it has compiled is old."""
        path.write_bytes(text)
        second = next(self.clock)
        os.utime(path, (second, second))

    def end(self) -> None:
        """End the process, and with it the test that it runs."""
        self.process.terminate()
        self.process.communicate()
