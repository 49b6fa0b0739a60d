"""Checks a function from a shell: exit code 0 only if it is right.

python -m deconv_tutorial.diagnose my_module:conv_backward --of conv_backward
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

from deconv_tutorial.diagnose.from_function import RETURNS, function
from deconv_tutorial.diagnose.probes import SETTINGS


def main(arguments: list[str] | None = None) -> int:
    """Check a function, print the report, and return 1 if the function is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m deconv_tutorial.diagnose", description=__doc__
    )
    parser.add_argument("attempt", metavar="MODULE:FUNCTION")
    parser.add_argument("--of", choices=list(RETURNS), required=True)
    parser.add_argument(
        "--settings",
        default=",".join(SETTINGS),
        help="the settings it takes, separated by commas (all)",
    )
    parser.add_argument("--ranks", default="2", help="such as 1,2,3 (2)")
    parser.add_argument(
        "--names",
        default="",
        help="what it calls its arguments, such as d_out=dout,padding=pad",
    )
    parser.add_argument("--returns", default="", help="such as dw,db,dx")
    parser.add_argument("--seconds", type=float, default=10.0, help="for a call (10)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    try:
        report = function(
            _attempt(options.attempt),
            options.of,
            _parts(options.settings),
            ranks=[int(rank) for rank in _parts(options.ranks)],
            names=dict(_pair(text) for text in _parts(options.names)),
            returns=_parts(options.returns),
            seconds=options.seconds,
        )
    except (ImportError, AttributeError, ValueError) as error:
        parser.error(str(error))
    text = json.dumps(report.as_dict(), indent=2) if options.json else str(report)
    sys.stdout.write(f"{text}\n")
    return 0 if report else 1


def _attempt(name: str) -> Callable[..., object]:
    """Return the function that ``module:function`` names."""
    module, _, attribute = name.partition(":")
    if not attribute:
        msg = f"the attempt needs the form MODULE:FUNCTION, got {name!r}"
        raise ValueError(msg)
    sys.path.insert(0, str(Path.cwd()))
    return getattr(importlib.import_module(module), attribute)


def _parts(text: str) -> list[str]:
    """Return what stands between the commas of a text."""
    return [part for part in text.split(",") if part]


def _pair(text: str) -> tuple[str, str]:
    """Return our name and theirs, from ``ours=theirs``."""
    ours, _, theirs = text.partition("=")
    if not theirs:
        msg = f"names need the form ours=theirs, got {text!r}"
        raise ValueError(msg)
    return ours, theirs


if __name__ == "__main__":
    sys.exit(main())
