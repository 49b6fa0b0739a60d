"""Pages show the code that runs."""

from deconv_tutorial import conv_backward
from deconv_tutorial.engines import naive
from deconv_tutorial.show import Source


def undocumented(n):
    return n + 1


def test_source_is_the_code_without_its_docstring():
    shown = repr(Source(naive.forward))
    assert shown.startswith("def forward(x: Array, w: Array, geometry: Geometry)")
    assert naive.forward.__doc__ not in shown
    assert '"""' not in shown
    assert shown.splitlines()[-1] == "    return y"


def test_a_long_docstring_is_left_out_whole():
    shown = repr(Source(conv_backward))
    assert "Parameters" not in shown
    assert "dw = engine.weight_grad(x, d_out, call.geometry)" in shown


def test_functions_without_docstring_and_methods_work():
    assert repr(Source(undocumented)) == "def undocumented(n):\n    return n + 1"
    assert repr(Source(Source._repr_markdown_)).startswith("def _repr_markdown_(self)")


def test_markdown_is_a_block_of_python():
    shown = Source(undocumented)
    assert shown._repr_markdown_() == f"```python\n{shown!r}\n```"
