"""PyTorch agrees: forward and all gradients, exactly, where it is installed."""

import numpy as np
import pytest
from hypothesis import given, settings

from deconv_tutorial import (
    ENGINES,
    conv,
    conv_backward,
    conv_transpose,
    conv_transpose_backward,
)
from tests.strategies import cases

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
F = torch.nn.functional

each_engine = pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)


def torch_gradients(layer, d_out, *arrays):
    """Return the result of a PyTorch layer and the gradients of <d_out, result>."""
    leaves = [torch.tensor(a, requires_grad=True) for a in arrays]
    y = layer(*leaves)
    y.backward(torch.tensor(d_out))
    return [y.detach().numpy(), *(leaf.grad.numpy() for leaf in leaves)]


@each_engine
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_conv(engine, rank):
    layer = getattr(F, f"conv{rank}d")

    @settings(max_examples=200)
    @given(cases(rank))
    def check(case):
        x, w, d_out = case.arrays()
        b = np.arange(len(w)) - 2.0
        # PyTorch pads both sides alike, so what is lopsided is padded before.
        pads = [p for pair in reversed(case.settings["padding"]) for p in pair]
        rest = {k: v for k, v in case.settings.items() if k != "padding"}
        expected = torch_gradients(
            lambda x, w, b: layer(F.pad(x, pads), w, b, **rest), d_out, x, w, b
        )
        found = [
            conv(x, w, b, **case.settings, engine=engine),
            *conv_backward(d_out, x, w, **case.settings, engine=engine),
        ]
        assert all(map(np.array_equal, found, expected))

    check()


@each_engine
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_conv_transpose(engine, rank):
    layer = getattr(F, f"conv_transpose{rank}d")

    @settings(max_examples=200)
    @given(cases(rank))
    def check(case):
        d_out, w, x = case.arrays()
        b = np.arange(d_out.shape[1]) - 2.0
        # PyTorch crops both sides alike, so what is lopsided is cropped afterwards.
        rest = {k: v for k, v in case.transposed_settings.items() if k != "padding"}
        crop = tuple(
            slice(before, before + size)
            for before, size in zip(
                case.of("before"), case.of("input_size"), strict=True
            )
        )
        expected = torch_gradients(
            lambda x, w, b: layer(x, w, b, **rest)[:, :, *crop], d_out, x, w, b
        )
        settings_ = {**case.transposed_settings, "engine": engine}
        found = [
            conv_transpose(x, w, b, **settings_),
            *conv_transpose_backward(d_out, x, w, **settings_),
        ]
        assert all(map(np.array_equal, found, expected))

    check()


# PyTorch says that it copies an input to pad it unevenly.
@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_words_of_padding(padding):
    rng = np.random.default_rng(0)
    for size in ((3, 4), (2, 5), (1, 6)):
        x = rng.integers(-9, 10, (2, 4, 9, 8)).astype(float)
        w = rng.integers(-9, 10, (6, 2, *size)).astype(float)
        keywords = {"padding": padding, "dilation": (2, 1), "groups": 2}
        expected = F.conv2d(torch.tensor(x), torch.tensor(w), **keywords)
        assert np.array_equal(conv(x, w, **keywords), expected.numpy())


def test_symmetric_padding_and_output_padding_are_those_of_pytorch():
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 10, (2, 4, 5, 3)).astype(float)
    w = rng.integers(-9, 10, (4, 3, 3, 2)).astype(float)
    keywords = {
        "stride": (2, 1),
        "padding": (1, 2),
        "output_padding": (1, 2),
        "dilation": (1, 3),
        "groups": 2,
    }
    expected = F.conv_transpose2d(torch.tensor(x), torch.tensor(w), **keywords)
    assert np.array_equal(conv_transpose(x, w, **keywords), expected.numpy())
