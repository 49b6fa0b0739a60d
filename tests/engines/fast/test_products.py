"""Products in pieces: the same as one product, whichever matrix is thin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from deconv_tutorial.engines.fast import products
from deconv_tutorial.engines.fast.products import product_parts


@given(
    sizes=st.tuples(*[st.integers(1, 9)] * 4),
    most=st.integers(1, 40),
    least=st.integers(1, 4),
)
def test_a_product_in_pieces_is_the_product(sizes, most, least):
    samples, m, k, n = sizes
    rng = np.random.default_rng(m)
    left = rng.integers(-9, 10, (samples, m, k)).astype(float)
    right = rng.integers(-9, 10, (samples, k, n)).astype(float)
    out = np.full((samples, m, n), np.nan)
    with threadpool_limits(1, user_api="blas"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "PRODUCT", most)
        patch.setattr(products, "_LEAST", least)
        for part in product_parts(left, right, out):
            np.matmul(*part)
    assert np.array_equal(out, left @ right)


@pytest.mark.parametrize(
    ("shape", "cut"),
    [
        ((4000, 20, 30), [1333, 1333, 1334]),
        ((30, 20, 4000), [1333, 1333, 1334]),
        ((2000, 20, 30), [1000, 1000]),
    ],
)
def test_a_thin_product_is_cut_unless_blas_shares_it(shape, cut, monkeypatch):
    m, k, n = shape
    arrays = np.ones((m, k)), np.ones((k, n)), np.empty((m, n))
    for shared in (False, True):
        monkeypatch.setattr(products, "blas_shares", lambda shared=shared: shared)
        widths = []
        for left, right, out in product_parts(*arrays):
            widths.append(max(left.shape[0], right.shape[1]))
            assert widths[-1] * 20 * 30 <= products.PRODUCT or shared
            np.matmul(left, right, out)
        assert widths == ([sum(cut)] if shared else cut)
        assert np.all(arrays[2] == k)


@pytest.mark.parametrize(("k", "parts"), [(333, 4), (334, 1)])
def test_few_columns_stay_together(k, parts, monkeypatch):
    """Of 30 rows and 333 columns, a product without a copy may have 100 columns."""
    monkeypatch.setattr(products, "blas_shares", lambda: False)
    arrays = np.ones((30, k)), np.ones((k, 400)), np.empty((30, 400))
    assert len([*product_parts(*arrays)]) == parts


@pytest.mark.parametrize("shape", [(3, 0, 4), (0, 3, 4), (3, 4, 0)])
def test_an_empty_product_is_one_part(shape):
    m, k, n = shape
    out = np.ones((m, n))
    for part in product_parts(np.ones((m, k)), np.ones((k, n)), out):
        np.matmul(*part)
    assert not out.any()
