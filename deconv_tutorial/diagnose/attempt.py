"""A function that somebody wrote: how it is called, and what it returns."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Literal, TypeAlias, cast

import numpy as np

from deconv_tutorial.diagnose.layouts import AxisLayout
from deconv_tutorial.diagnose.mistakes.problem import Target
from deconv_tutorial.diagnose.probes import SETTINGS, LayerCall
from deconv_tutorial.dtypes import Array

FunctionName: TypeAlias = Literal[
    "conv", "conv_backward", "conv_transpose", "conv_transpose_backward"
]
Names: TypeAlias = Mapping[str | tuple[str, ...], str]

RETURNS: Mapping[str, tuple[Target, ...]] = {
    "conv": ("y",),
    "conv_backward": ("dx", "dw", "db"),
    "conv_transpose": ("y",),
    "conv_transpose_backward": ("dx", "dw", "db"),
}
"""The results of each function, in the order in which it returns them."""
IGNORED = "_"
"""Stands in `returns` for a result that is not compared, such as a cache."""


class ChangedArgumentError(Exception):
    """An attempt wrote into an array that it was given."""


class LossyConversionError(Exception):
    """The conversion that was given changes numbers."""


class CallError(Exception):
    """An attempt cannot be called in this way."""


@dataclass(frozen=True, eq=False)
class Returned:
    """What one call returned."""

    arrays: Mapping[Target, Array]
    """The results that are arrays of numbers, in our layout."""
    complaints: Mapping[str, str] = field(default_factory=dict[str, str])
    """What is wrong with the form of a result, by target; or of all, by ``call``."""


@dataclass(frozen=True, eq=False)
class Attempt:
    """A function that somebody wrote, and how to call it."""

    function: Callable[..., Any]
    of: FunctionName
    settings: tuple[str, ...] = SETTINGS
    names: Names = field(default_factory=dict[str | tuple[str, ...], str])
    returns: tuple[str, ...] = ()
    convert: Callable[[Array], Any] | None = None
    layout: AxisLayout = field(default_factory=AxisLayout)
    bias: bool = False

    @property
    def transposed(self) -> bool:
        """Whether the layer is a transposed convolution."""
        return self.of.startswith("conv_transpose")

    @property
    def targets(self) -> tuple[Target, ...]:
        """The results that are compared."""
        known = RETURNS[self.of]
        return tuple(t for t in known if not self.returns or t in self.returns)

    @property
    def arrays(self) -> tuple[str, ...]:
        """The names of the arrays that it is given, in our words."""
        backward = ("d_out",) if self.of.endswith("backward") else ()
        return (*backward, "x", "w", *(("b",) if self.has_bias else ()))

    @property
    def has_bias(self) -> bool:
        """Whether it is given a bias."""
        return self.bias or any("b" in _parts(ours) for ours in self.names)

    def returned(self, case: LayerCall) -> Returned:
        """Return what the function returns for a layer call.

        Raises
        ------
        CallError
            If it does not take these arguments.
        ChangedArgumentError
            If it changed an array that it was given.
        """
        given = self.given_arrays(case)
        passed = {name: self._converted(name, a) for name, a in given.items()}
        positional, keywords = self.arguments(passed, case.settings)
        try:
            result = self.function(*positional, **keywords)
        except TypeError as error:
            raise self._call_error(positional, keywords) or error from None
        found = self._read(result)
        again = self.given_arrays(case)
        changed = [n for n, a in given.items() if not np.array_equal(a, again[n])]
        if changed:
            msg = f"it changed its argument {', '.join(changed)} in place"
            raise ChangedArgumentError(msg)
        return found

    def given_arrays(self, case: LayerCall) -> dict[str, Array]:
        """Return copies of the arrays of a call, in its layout, by our names."""
        return {
            name: self.layout.theirs(name, getattr(case, name)).copy(order="K")
            for name in self.arrays
        }

    def _converted(self, name: str, array: Array) -> object:
        """Return the attempt's kind of array, if it holds the same numbers."""
        if self.convert is None:
            return array
        converted = self.convert(array.copy())
        try:
            kept = as_array(converted)
        except TypeError:  # then nothing is known
            return converted
        if not np.array_equal(kept.astype(float), array):
            msg = f"convert does not keep the numbers of {name}"
            raise LossyConversionError(msg)
        return converted

    def arguments(
        self, arrays: Mapping[str, Any], settings: Mapping[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """Return the positional arguments and the keyword arguments of a call.

        Parameters
        ----------
        arrays, settings : mapping
            What to pass, by our names.
        """
        theirs = {self.names.get(name, name): v for name, v in settings.items()}
        named = {n for ours in self.names for n in _parts(ours)}
        everything: dict[str, Any] = {**arrays, **settings, "settings": theirs}
        keywords: dict[str, Any] = {}
        if "settings" not in named:
            keywords = {
                self.names.get(name, name): value
                for name, value in settings.items()
                if not any(
                    name in ours for ours in self.names if isinstance(ours, tuple)
                )
            }
        for ours, name in self.names.items():
            if isinstance(ours, tuple):
                keywords[name] = tuple(everything.get(each) for each in ours)
            elif ours in arrays or ours == "settings":
                keywords[name] = everything[ours]
        rest = {name: array for name, array in arrays.items() if name not in named}
        if len(rest) < len(arrays):  # places have changed, so names have to do
            return [], {**rest, **keywords}
        return [*rest.values()], keywords

    def _call_error(
        self, positional: Sequence[Any], keywords: Mapping[str, Any]
    ) -> CallError | None:
        """Return an error for arguments that do not fit, or None if they do."""
        try:
            inspect.signature(self.function).bind(*positional, **keywords)
        except ValueError:  # it has no signature that can be read
            return None
        except TypeError as why:
            arrays = self.arrays[: len(positional)]
            told = ", ".join([*arrays, *(f"{name}=" for name in keywords)])
            msg = f"it cannot be called as attempt({told}): {why}"
            return CallError(msg)
        return None

    def _read(self, result: object) -> Returned:
        """Return the results of a call by target, and what is wrong with their form."""
        values, complaints = self._by_name(result)
        arrays: dict[Target, Array] = {}
        for target in self.targets:
            if target in values:
                try:
                    array = as_array(values[target])
                except TypeError as error:
                    complaints[target] = str(error)
                else:
                    arrays[target] = self.layout.ours(target, array).copy()
            elif "call" not in complaints or len(values) > 0:
                complaints[target] = f"it is missing: got {_shown_form(result)}"
        return Returned(arrays, complaints)

    def _by_name(self, result: object) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the results by name, and a complaint if there are too many."""
        wanted = self.returns or RETURNS[self.of]
        if hasattr(result, "_asdict"):
            result = cast("Any", result)._asdict()
        if isinstance(result, Mapping):
            named = cast("Mapping[str, Any]", result)
            more = [repr(n) for n in named if n not in wanted]
            complaint = f"it returns {', '.join(more)}; needed is {', '.join(wanted)}"
            return dict(named), {"call": complaint} if more else {}
        several = isinstance(result, tuple | list) and (
            len(wanted) > 1 or isinstance(result, tuple)
        )
        parts = cast("Sequence[Any]", result if several else (result,))
        complaints: dict[str, str] = {}
        if len(parts) > len(wanted):
            complaints["call"] = (
                f"it returns {len(parts)} results; needed is {', '.join(wanted)}"
            )
        return dict(zip(wanted, parts, strict=False)), complaints


def _parts(ours: str | tuple[str, ...]) -> tuple[str, ...]:
    return ours if isinstance(ours, tuple) else (ours,)


def _shown_form(result: object) -> str:
    """Return the form of a result in a few words."""
    if result is None:
        return "None"
    if isinstance(result, Mapping):
        keys = ", ".join(map(repr, cast("Mapping[str, Any]", result)))
        return f"a dictionary with {keys}"
    if isinstance(result, tuple | list):
        count = len(cast("Sequence[Any]", result))
        return f"{count} result{'s' * (count != 1)}"
    return f"one {type(result).__name__}"


def as_array(value: object) -> Array:
    """Return a NumPy array of numbers, also from a tensor that records gradients.

    Raises
    ------
    TypeError
        If NumPy cannot read the value, or reads something else than numbers.

    Examples
    --------
    >>> as_array("three")
    Traceback (most recent call last):
    TypeError: it is a str: needed is an array of numbers
    """
    kind = type(value).__name__
    for step in ("detach", "cpu"):
        if hasattr(value, step):
            value = getattr(value, step)()
    if "bfloat16" in str(getattr(value, "dtype", "")) and hasattr(value, "float"):
        # NumPy cannot read these tensors, and float16 has more digits than they have.
        value = np.asarray(cast("Any", value).float(), np.float16)
    try:
        array = _read(value)
    except Exception as error:  # whatever their __array__ raises
        msg = f"it is a {kind} that NumPy cannot read: convert it ({error})"
        raise TypeError(msg) from error
    if array.dtype.kind in "biufc" or "float" in array.dtype.name:
        return array
    article = "None" if value is None else f"a {kind}"
    hint = ": convert it" if hasattr(value, "shape") else ""
    msg = f"it is {article}{hint}: needed is an array of numbers"
    raise TypeError(msg)


def _read(value: object) -> Array:
    """Return the array that an object holds: CuPy's have `get`, others have DLPack."""
    ways: list[Callable[[], Array]] = [lambda: np.asarray(value)]
    if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
        ways.append(lambda: np.from_dlpack(cast("Any", value)))
    if callable(getattr(value, "get", None)) and not isinstance(value, Mapping):
        ways.append(lambda: np.asarray(cast("Any", value).get()))
    for way in ways[:-1]:
        with suppress(Exception):
            array = way()
            if array.dtype != object:
                return array
    return ways[-1]()


def check_names(attempt: Attempt) -> None:
    """Check the words with which an attempt is described.

    Raises
    ------
    ValueError
        If a name, a setting or a result is unknown, with the nearest one that is known.
    """
    known = [*attempt.arrays, *SETTINGS, "settings"]
    for ours in attempt.names:
        for word in _parts(ours):
            _require_known("names", word, known)
    for word in attempt.returns:
        _require_known("returns", word, [*RETURNS[attempt.of], IGNORED])
    if attempt.returns and not attempt.targets:
        msg = f"returns needs one of {RETURNS[attempt.of]}, got {attempt.returns}"
        raise ValueError(msg)
    kept = [word for word in attempt.returns if word != IGNORED]
    if len({*kept}) < len(kept):
        msg = f"returns needs each result once, got {attempt.returns}"
        raise ValueError(msg)


def _require_known(what: str, word: str, known: Sequence[str]) -> None:
    if word in known:
        return
    near = get_close_matches(str(word).lower(), known, n=1)
    guess = f" (did you mean {near[0]!r}?)" if near else ""
    msg = f"{what} needs words among {', '.join(known)}, got {word!r}{guess}"
    raise ValueError(msg)
