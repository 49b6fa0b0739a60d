"""A function that is named by a text, such as ``my_layers:conv_backward``."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from deconv_tutorial.diagnose.trial import blame

FORMS = "MODULE:FUNCTION, FILE.py:FUNCTION or MODULE:CLASS.METHOD"


class LoadError(Exception):
    """An attempt could not be imported."""


@dataclass(frozen=True)
class Reference:
    """A function that is named, and imported only where it is called.

    Its text is ``module:function``, ``file.py:function`` or ``module:Class.method``. A
    method gets an instance that is made without arguments.

    Raises
    ------
    ValueError
        If the text has another form.

    Examples
    --------
    >>> Reference("math:hypot")(3, 4)
    5.0
    >>> Reference("math.hypot")
    Traceback (most recent call last):
    ValueError: the attempt needs the form MODULE:FUNCTION, ... got 'math.hypot'
    """

    text: str

    def __post_init__(self) -> None:
        """Check the form of the text."""
        whole = self.is_file or all(map(str.isidentifier, self.source.split(".")))
        if not whole or not all(map(str.isidentifier, self.names)):
            msg = f"the attempt needs the form {FORMS}, got {self.text!r}"
            raise ValueError(msg)

    @property
    def source(self) -> str:
        """The module or the file."""
        return self.text.rpartition(":")[0]

    @property
    def names(self) -> list[str]:
        """What is looked up in the module, name by name."""
        return self.text.rpartition(":")[2].split(".")

    @property
    def is_file(self) -> bool:
        """Whether the source is a file."""
        return self.source.endswith(".py")

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Return what the function returns."""
        return self.value()(*args, **kwargs)

    def function(self) -> Callable[..., Any]:
        """Import the module, and return the function.

        Raises
        ------
        LoadError
            If that fails, or if it is a class.
        """
        value = self.value()
        if isinstance(value, type):
            raise _load_error(f"{self.text} is a class: needed is a function")
        return value

    def value(self) -> Callable[..., Any]:
        """Import the module, and return the function or the class.

        The module's folder, or for a module the working directory, comes first in
        `sys.path`. Until the import ends, `sys.argv` holds the source alone: options of
        another program are not the module's.

        Raises
        ------
        LoadError
            If that fails, whatever the module does on import.
        """
        arguments = sys.argv
        sys.argv = [self.source]
        try:
            return self._looked_up(self._module())
        except (LoadError, KeyboardInterrupt):
            raise
        except BaseException as error:  # SystemExit and whatever else
            raise _load_error(blame(error)) from error
        finally:
            sys.argv = arguments

    def _module(self) -> ModuleType:
        folder = str(Path(self.source).resolve().parent if self.is_file else Path.cwd())
        if folder not in sys.path:
            sys.path.insert(0, folder)
        if self.is_file:
            return _module_of_file(Path(self.source))
        return importlib.import_module(self.source)

    def _looked_up(self, module: ModuleType) -> Callable[..., Any]:
        value: Any = module
        for place, name in enumerate(self.names):
            if not hasattr(value, name):
                raise _load_error(_absence(value, name))
            last = place == len(self.names) - 1
            owner = _instance(value) if last and _is_method(value, name) else value
            value = getattr(owner, name)
        if not callable(value):
            kind = type(value).__name__
            raise _load_error(f"{self.text} is a {kind}: needed is a function")
        return value


def _load_error(why: str) -> LoadError:
    return LoadError(f"could not be imported: {why}")


def _module_of_file(path: Path) -> ModuleType:
    """Return the module in a file, under a name that no other module has."""
    if not path.is_file():
        raise _load_error(f"there is no file {path}")
    name = path.stem if path.stem not in sys.modules else f"attempt_{path.stem}"
    spec = spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise _load_error(f"{path} is no module")
    module = module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses and pickle look for it
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _is_method(value: object, name: str) -> bool:
    """Return whether an attribute of a class needs an instance."""
    if not isinstance(value, type):
        return False
    attribute = inspect.getattr_static(value, name)
    return not isinstance(attribute, staticmethod | classmethod | type)


def _instance(kind: object) -> object:
    """Return an instance of a class, made without arguments."""
    try:
        return cast("Callable[[], object]", kind)()
    except Exception as error:
        name = cast("type", kind).__name__
        raise _load_error(f"{name}() is needed, and fails: {blame(error)}") from error


def _absence(value: object, name: str) -> str:
    """Return a sentence on an attribute that is not there."""
    near = get_close_matches(name, dir(value), n=1)
    guess = f" (did you mean {near[0]!r}?)" if near else ""
    return f"{getattr(value, '__name__', value)} has no attribute {name!r}{guess}"


def int_parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of the parameters that are annotated with ``int``.

    Examples
    --------
    >>> def attempt(x, w, stride: int = 1, padding=0): ...
    >>> int_parameters(attempt)
    ('stride',)
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # it has no signature that can be read
        return ()
    return tuple(each.name for each in parameters if each.annotation in (int, "int"))
