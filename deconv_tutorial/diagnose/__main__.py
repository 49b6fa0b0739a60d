"""The checker in a shell: its exit code is 0 only if a function is right.

python -m deconv_tutorial.diagnose my_module:conv_backward --of conv_backward
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from deconv_tutorial.diagnose.from_function import function
from deconv_tutorial.diagnose.options import parser
from deconv_tutorial.diagnose.reference import LoadError, Reference
from deconv_tutorial.diagnose.report import EXIT_CODES, Report

_TRUSTED = "note: the code runs in this process, and is trusted\n"
_INTERRUPTED = 130
"""The exit code after Ctrl-C, as in a shell."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a function, print the report, and return the exit code."""
    options = parser().parse_args(arguments)
    if options.in_process:
        sys.stderr.write(_TRUSTED)
    try:
        with _without_output() if options.in_process else nullcontext():
            report = _report(options)
    except (LoadError, ValueError, TypeError) as error:
        return _refusal(str(error), as_json=options.json)
    except KeyboardInterrupt:
        return _INTERRUPTED
    _print(json.dumps(report.as_dict(), indent=2) if options.json else str(report))
    return report.exit_code


def _report(options: argparse.Namespace) -> Report:
    """Return the report on the function that the options name.

    Raises
    ------
    LoadError
        If it cannot be imported.
    ValueError, TypeError
        If an option is wrong.
    """
    return function(
        _attempt(options.attempt, in_process=options.in_process),
        options.of,
        options.settings,
        ranks=options.ranks,
        names=options.names,
        returns=options.returns,
        convert=Reference(options.convert) if options.convert else None,
        layout=options.layout,
        bias=options.bias,
        fixed=options.fixed,
        accepts=options.accepts,
        rtol=options.rtol,
        seconds=options.seconds,
        budget=options.budget,
        seed=options.seed,
        isolated=not options.in_process,
    )


def _attempt(text: str, *, in_process: bool) -> Callable[..., Any]:
    """Return the function that a text names; or what imports it, but not here."""
    reference = Reference(text)
    return reference.function() if in_process else reference


def _refusal(why: str, *, as_json: bool) -> int:
    """Say why the function could not be tried, and return the exit code for that.

    The JSON has the keys of a report.
    """
    sys.stderr.write(f"{why}\n")
    if as_json:
        _print(json.dumps(Report((), refusals=(why,)).as_dict(), indent=2))
    return EXIT_CODES["refused"]


def _print(text: str) -> None:
    """Print a text, with question marks for letters that the terminal has not."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")


@contextmanager
def _without_output() -> Generator[None]:
    """Return a context in which what is printed goes to standard error.

    The file descriptor is exchanged, since libraries in C write to it, too.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()  # also there
        os.dup2(kept, 1)
        os.close(kept)


if __name__ == "__main__":
    sys.exit(main())
