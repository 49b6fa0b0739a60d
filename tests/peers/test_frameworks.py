"""The checker tries those implementations that are installed."""

from importlib.util import find_spec

import numpy as np
import pytest

from deconv_tutorial import diagnose
from tests.examples import run, sections
from tests.test_frameworks import MODULES, TEXT
from tools.adapters import IMPLEMENTATIONS
from tools.adapters.layer import backward, forward
from tools.adapters.of_torch import layers
from tools.frameworks import implementation_outcome, stored_outcomes

FUNCTIONS = ("conv", "conv_backward", "conv_transpose", "conv_transpose_backward")


@pytest.fixture(scope="module")
def of_torch():
    """Return PyTorch's layers as the functions that they should be."""
    pytest.importorskip("torch", reason="PyTorch is not installed")
    functions = {}
    for layer in layers():
        name = "conv_transpose" if layer.transposed else "conv"
        if not layer.only_backward:
            functions[name] = layer, forward(layer.layer)
            functions[f"{name}_backward"] = layer, backward(layer.layer)
    return functions


@pytest.mark.parametrize("of", FUNCTIONS)
def test_pytorch_is_right_in_all_ranks_and_settings(of_torch, of):
    layer, attempt = of_torch[of]
    report = diagnose.function(attempt, of, layer.settings, ranks=(1, 2, 3))
    assert report
    assert report.coverage
    assert min(report.coverage.ranks.values()) >= 150
    assert not report.coverage.gaps


@pytest.mark.parametrize("of", FUNCTIONS)
def test_pytorch_with_a_mistake_is_not(of_torch, of):
    layer, attempt = of_torch[of]

    def flipped(*arrays, **settings):
        *others, w = arrays
        return attempt(*others, np.flip(w, tuple(range(2, w.ndim))).copy(), **settings)

    report = diagnose.function(flipped, of, layer.settings, ranks=(1, 2, 3))
    assert not report


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS, ids=lambda i: i.package)
def test_what_is_found_is_what_is_stored(implementation):
    found = implementation_outcome(implementation)
    if found["absent"]:
        pytest.skip(f"{implementation.name} is not installed")
    (before,) = [f for f in stored_outcomes() if f["package"] == implementation.package]
    assert found == before, "run: make frameworks"


NEEDING = [
    pytest.param(need, text, id=f"{section.heading}, {need}")
    for section in sections(TEXT, MODULES)
    for need, text in section.examples.items()
    if need
]


@pytest.mark.parametrize(("need", "text"), NEEDING)
def test_examples_of_the_page_run(need, text):
    # Some are too old to be imported before the example has mended what they need.
    if find_spec(need) is None:
        pytest.skip(f"{need} is not installed")
    run(text)
