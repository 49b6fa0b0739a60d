"""Shows the package's own code on a page, so that no page has a copy of it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable


class Source:
    """The source of a function, without its docstring, as it runs here.

    Notebooks and pages show it as highlighted code.

    Parameters
    ----------
    function : callable
        A function written in Python.

    Examples
    --------
    >>> from deconv_tutorial import naive
    >>> Source(naive.weight_grad)
    def weight_grad(x: Array, y: Array, geometry: Geometry) -> Array:
        w = zeros_w(x, y, geometry)
        for o, k, i in geometry.connections():
            w[..., *k] += np.einsum("nga,ngb->gab", y[..., *o], x[..., *i])
        return w
    """

    def __init__(self, function: Callable[..., object]) -> None:
        lines = inspect.getsource(function).splitlines()
        (definition,) = ast.parse(textwrap.dedent("\n".join(lines))).body
        if isinstance(definition, ast.FunctionDef) and ast.get_docstring(definition):
            docstring = definition.body[0]
            del lines[docstring.lineno - 1 : docstring.end_lineno]
        self._text = textwrap.dedent("\n".join(lines))

    def __repr__(self) -> str:
        """Return the source."""
        return self._text

    def _repr_markdown_(self) -> str:
        return f"```python\n{self._text}\n```"
