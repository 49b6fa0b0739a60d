"""Products in pieces: the same as one product, whichever matrix is thin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from deconv_tutorial.engines.fast import products
from deconv_tutorial.engines.fast.products import cuts, multiply, pieces


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
        multiply(left, right, out)
    assert np.array_equal(out, left @ right)


@pytest.mark.parametrize("shape", [(4000, 20, 30), (30, 20, 4000)])
def test_a_thin_product_is_cut_unless_blas_shares_it(shape, monkeypatch):
    m, k, n = shape
    widths = []

    def matmul(left, right, out):
        widths.append(max(left.shape[0], right.shape[1]))
        return np.matmul(left, right, out=out)

    monkeypatch.setattr(products, "np", type("", (), {"matmul": staticmethod(matmul)}))
    arrays = np.ones((m, k)), np.ones((k, n)), np.empty((m, n))
    for shared in (False, True):
        widths.clear()
        monkeypatch.setattr(products, "shares_products", lambda shared=shared: shared)
        multiply(*arrays)
        assert widths == ([4000] if shared else [1333, 1333, 1334])
        assert np.all(arrays[2] == k)


@given(count=st.integers(1, 2000), size=st.integers(1, 10**5))
def test_pieces_follow_each_other_and_are_small(count, size):
    slices = [*pieces(count, size)]
    assert [*range(count)] == [n for part in slices for n in range(count)[part]]
    few = products.PRODUCT // size < products._LEAST
    assert (
        len(slices) == 1
        if few
        else max((part.stop - part.start) * size for part in slices) <= products.PRODUCT
    )


def test_cuts_differ_by_one_at_most():
    assert [part.stop - part.start for part in cuts(10, 4)] == [2, 3, 2, 3]
