"""The options of the command line, and its help."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from textwrap import fill
from typing import TypeVar

from deconv_tutorial.diagnose.attempt import RETURNS
from deconv_tutorial.diagnose.limits import LIMITS
from deconv_tutorial.diagnose.probes import SETTINGS
from deconv_tutorial.diagnose.report import EXIT_CODES, VERSION
from deconv_tutorial.diagnose.shell_values import (
    literals,
    names,
    numbers,
    pairs,
    words,
)

Value = TypeVar("Value")

_JOINT = "\xa0"

_DESCRIPTION = """\
Checks a convolution, or its backward pass, that you wrote. It calls your function on
some two hundred small layers, which it draws from what you say your function takes, and
compares each result with that of this package. If a result is wrong, the report shows
the smallest layer found on which it is wrong, and names the mistake if it is known. The
report ends with a table of what was tried.
"""
_CALL = """\
As function(d_out, x, w, stride=..., padding=...), or function(x, w, ...) if it is a
forward pass. It returns dx, dw, db, or y. The arrays have the axes of PyTorch: x is
(samples, channels, *space). A setting is a whole number, or a tuple with one for each
axis; padding may also be a tuple of pairs, (before, after) for each axis. If yours
takes one number only, say --accepts 'one number for all axes'. Other forms:
"""
_EXAMPLE = """\
example:
  Your file my_layers.py has a function conv_backward(d_out, x, w, stride, padding):

    python -m deconv_tutorial.diagnose my_layers.py:conv_backward \\
        --of conv_backward --settings stride,padding

  If it is named backward(dout, x, w, conv_param), and returns dx, dw:

    python -m deconv_tutorial.diagnose my_layers.py:backward \\
        --of conv_backward --settings stride,padding --returns dx,dw \\
        --names d_out=dout,padding=pad,settings=conv_param
"""
_MEANINGS = {
    "right": "right, on all layers that were tried",
    "wrong": "wrong, or it fails, hangs, or ends its process",
    "refused": "it could not be tried: it cannot be imported, it refuses layers\n"
    "   that it should take by what you said, or an option is wrong",
    "not enough": "nothing was wrong, but too little could be tried to say so",
}
_SAFETY = """\
Your code runs in a process of its own: with a time limit for each call, with 4 GiB of
memory on Linux, and without a way to print into the report. That keeps accidents away,
not attacks: it may still read and write files. Code that you do not trust at all
belongs into a container.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    found = argparse.ArgumentParser(
        prog="python -m deconv_tutorial.diagnose",
        usage="%(prog)s MODULE:FUNCTION --of NAME [options]",
        description=_DESCRIPTION,
        epilog=_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    found.add_argument(
        "attempt",
        metavar="MODULE:FUNCTION",
        help="your function; also FILE.py:FUNCTION or MODULE:CLASS.METHOD",
    )
    _add_meaning(found.add_argument_group("what it is"))
    _add_form(found.add_argument_group("how it is called", _CALL))
    _add_running(found.add_argument_group("how it is run"))
    return found


def _add_meaning(group: argparse._ArgumentGroup) -> None:  # pyright: ignore
    group.add_argument(
        "--of",
        choices=list(RETURNS),
        required=True,
        metavar="NAME",
        help=f"the function of this package that it should equal: {', '.join(RETURNS)}",
    )
    group.add_argument(
        "--settings",
        type=_reader(words),
        default=list(SETTINGS),
        metavar="WORDS",
        help="the settings that it takes, such as stride,padding: all of them are "
        "passed in each call (default: all there are); '' if it takes none",
    )
    group.add_argument(
        "--ranks",
        type=_reader(numbers),
        default=[2],
        metavar="NUMBERS",
        help="the numbers of spatial axes, such as 1,2,3 (default: 2)",
    )
    group.add_argument(
        "--fixed",
        type=_reader(literals),
        default={},
        metavar="VALUES",
        help="settings that it always has, and that are not passed, such as "
        "padding=same or 'stride=(2,1)'",
    )
    group.add_argument(
        "--accepts",
        type=_reader(words),
        default=[],
        metavar="LIMITS",
        help="what it is made for, such as 'square kernels,groups=1': nothing beyond "
        "these limits is tried; they are listed below",
    )
    group.add_argument(
        "--bias", action="store_true", help="it takes a bias too, after w"
    )
    group.add_argument(
        "--rtol",
        type=float,
        metavar="SHARE",
        help="the largest difference that is rounding, as a share of the largest "
        "element, such as 1e-3 (default: by the dtype of the result)",
    )


def _add_form(group: argparse._ArgumentGroup) -> None:  # pyright: ignore
    group.add_argument(
        "--names",
        type=_reader(names),
        default={},
        metavar="OURS=YOURS",
        help="your names for arguments, such as d_out=dout,padding=pad; several as one "
        "tuple: x+w+settings=cache; all settings as one dictionary: settings=params",
    )
    group.add_argument(
        "--returns",
        type=_reader(words),
        default=[],
        metavar="WORDS",
        help="your results in their order, such as dw,dx: others are not compared; _ "
        "for one to ignore",
    )
    group.add_argument(
        "--layout",
        type=_reader(pairs),
        default={},
        metavar="LETTERS",
        help="the order of your axes, such as x=NHWC,w=HWIO, or in general "
        "'x=n*c,w=*io': n samples, c channels, o and i output and input channels, * "
        "space; one that is left out has length 1",
    )
    group.add_argument(
        "--convert",
        metavar="MODULE:FUNCTION",
        help="what makes your kind of array from a NumPy array, such as torch:tensor",
    )


def _add_running(group: argparse._ArgumentGroup) -> None:  # pyright: ignore
    group.add_argument(
        "--seconds",
        type=float,
        default=10.0,
        help="how long one call may take (default: 10); the first one that takes "
        "longer is the last",
    )
    group.add_argument(
        "--budget",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long layers are tried in all (default: 60): fewer are tried if that "
        "does not suffice",
    )
    group.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="NUMBER",
        help="another number draws other layers (default: 0)",
    )
    group.add_argument(
        "--json",
        action="store_true",
        help=f"print the report as JSON, version {VERSION}, and nothing else",
    )
    group.add_argument(
        "--in-process",
        action="store_true",
        help="run your code in this process, and trust it: faster to start, and a "
        "debugger can stop in it",
    )
    group.add_argument("--version", action="version", version=f"%(prog)s {_version()}")


def _version() -> str:
    try:
        return version("deconv-tutorial")
    except PackageNotFoundError:
        return "of a copy that is not installed"


def _epilog() -> str:
    codes = "\n".join(f"{n}  {_MEANINGS[name]}" for name, n in EXIT_CODES.items())
    parts = {
        "settings:": _listed(SETTINGS),
        "limits for --accepts:": _listed(LIMITS),
        "exit codes:": codes,
    }
    lists = [f"{title}\n{_indented(text)}" for title, text in parts.items()]
    return "\n\n".join([_EXAMPLE.rstrip(), *lists, _SAFETY])


def _listed(entries: Iterable[str]) -> str:
    """Return entries in lines, each of them in one line."""
    whole = [entry.replace(" ", _JOINT) for entry in entries]
    lines = fill(", ".join(whole), 78, break_on_hyphens=False)
    return lines.replace(_JOINT, " ")


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _reader(read: Callable[[str], Value]) -> Callable[[str], Value]:
    """Return a function for argparse, which shows the message of a ValueError."""

    def read_or_tell(text: str) -> Value:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read_or_tell
