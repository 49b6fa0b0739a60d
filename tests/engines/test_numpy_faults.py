"""Faults that NumPy had, each shown by NumPy alone and by what it did to the package.

NumPy 2.3.0, and no other release, multiplies wrongly into some arrays; 2.3.1 is right
again (numpy/numpy#29164, mended by #29179). Measured there: `matmul` leaves wrong
numbers in `out` if BLAS cannot write to it as it lies, and the step from row to row,
with its sign, is less than that from column to column. BLAS can write where one of the
two steps is a single element and neither is negative: a transposed array is right,
every other element of one is not. With a single row, column or term all is right.

NumPy 2.1.0 to 2.2.1 stop with a segmentation fault where more than 8192 integers in the
other byte order than the machine's are compared with a Python integer out of their
range; 2.2.2 is right again (numpy/numpy#28117; among its changes, #28120 fits).
"""

import subprocess
import sys

import numpy as np
import pytest

from deconv_tutorial import ENGINES
from deconv_tutorial.engines.engine import MAPS
from deconv_tutorial.geometry import conv_geometry
from tools.checkout import ROOT

M, K, P = 2, 3, 5
OUTS = {
    "transposed": lambda: np.empty((P, M)).T,
    "every other element, transposed": lambda: np.empty((P, 2 * M))[:, ::2].T,
    "rows upwards": lambda: np.empty((M, P))[::-1],
    "rows upwards and columns leftwards": lambda: np.empty((M, P))[::-1, ::-1],
    "a stack in Fortran's order": lambda: np.empty((4, M, P), order="F"),
}


@pytest.mark.parametrize("empty", OUTS.values(), ids=OUTS)
def test_numpy_multiplies_into_an_array_however_it_lies(empty):
    out = empty()
    out.fill(np.nan)
    a = np.arange(1.0, 1 + M * K).reshape(M, K)
    b = np.arange(7.0, 7 + K * P).reshape(K, P)
    np.matmul(a, b, out=out)
    expected = (a[:, :, None] * b[None]).sum(1)  # without BLAS
    assert np.array_equal(out, np.broadcast_to(expected, out.shape))


# Each input is read once at most, so the gradient may be multiplied into its place.
LAYERS = {  # samples, channels of x, sizes of the input and of the kernel, the rest
    "taps nearer than outputs": (1, 1, 6, 2, {"stride": 3, "dilation": 2}),
    "one tap, in several samples": (2, 2, 2, 1, {"stride": 2}),
    "one output, in several samples": (5, 3, (8, 2), (8, 1), {"stride": (1, 2)}),
}


@pytest.mark.parametrize("name", MAPS.values())
@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_engines_agree_exactly_where_products_go_to_spaced_places(layer, name):
    samples, channels, size, kernel, keywords = layer
    geometry = conv_geometry(size, kernel, **keywords)
    rng = np.random.default_rng(0)
    x, w, y = (
        rng.integers(1, 10, shape).astype(float)
        for shape in (
            (samples, 1, channels, *geometry.input_size),
            (1, 4, channels, *geometry.kernel_size),
            (samples, 1, 4, *geometry.output_size),
        )
    )
    arguments = {"forward": (x, w), "input_grad": (y, w), "weight_grad": (x, y)}[name]
    expected, *others = (
        getattr(engine, name)(*arguments, geometry) for engine in ENGINES.values()
    )
    for found in others:
        assert np.array_equal(found, expected)


FOREIGN = ">i4" if sys.byteorder == "little" else "<i4"
COMPARED = {
    "by NumPy": f"assert not (np.zeros(10**4, '{FOREIGN}') > 2**40).any()",
    "by the package": f"conv(np.zeros((1, 1, 10**4), '{FOREIGN}'), np.ones((1, 1, 1)))",
}


@pytest.mark.parametrize("line", COMPARED.values(), ids=COMPARED)
def test_many_integers_of_the_other_byte_order_are_compared(line):
    code = f"import numpy as np; from deconv_tutorial import conv; {line}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert done.returncode == 0
