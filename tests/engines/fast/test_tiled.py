"""Short convolutions: how the work is cut, and how much of it there is."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from deconv_tutorial import threads
from deconv_tutorial.engines.fast import tiled, transform
from deconv_tutorial.engines.fast.tiled import Tiled, plan_of
from deconv_tutorial.geometry import conv_geometry

# 3 phases of 2 taps on the first axis, and 2 grids of 3 taps on the second.
GEOMETRY = conv_geometry((20, 16), (6, 3), stride=(3, 1), dilation=(1, 2))
SIZES = ((2, 2), (4, 3))


@pytest.mark.parametrize(
    ("b", "a", "channels"), [(5, 4, 3 * 5), (2, 7, 7)], ids=["source", "target"]
)
@pytest.mark.parametrize("arrays", [1, 2])
def test_as_many_rows_of_tiles_as_fit(monkeypatch, arrays, b, a, channels):
    asked = []

    def blocks(*args):
        asked.append(args)
        return [(slice(0, 1), slice(1, 3))]

    plan = plan_of(GEOMETRY, SIZES, transposed=False)
    assert [t.count for t in plan] == [3, 2]
    source, target = np.empty((9, b, 20, 16), "f4"), np.empty((9, a, 5, 12), "f4")
    monkeypatch.setattr(tiled, "blocks", blocks)
    # A row has 2 grids of 2 tiles, each of 3 * 6 products.
    row = 3 * 6 * 2 * 2 * 4 * channels
    monkeypatch.setattr(tiled, "BLOCK", 10 * arrays * row)
    with threads(3):
        found = [*tiled.parts(source, target, plan, arrays)]
    assert asked == [((9, 3), 10, 3)]
    assert found == [(slice(0, 1), 1, 2)]


def test_maps_leave_room_for_the_arrays_that_they_use(monkeypatch):
    asked = []
    monkeypatch.setattr(tiled, "parts", lambda *args: asked.append(args[-1]) or [])
    monkeypatch.setattr(tiled, "share", lambda *_: [np.zeros((4, 18, 15))])
    x, w = np.ones((1, 1, 5, 20, 16)), np.ones((1, 4, 5, 6, 3))
    y = np.ones((1, 1, 4, 5, 12))
    engine = Tiled(SIZES)
    engine.forward(x, w, GEOMETRY)
    engine.input_grad(y, w, GEOMETRY)
    engine.weight_grad(x, y, GEOMETRY)
    assert asked == [1, 1, 2]


@pytest.mark.parametrize(
    ("columns", "out", "less", "parts"),
    [(30, 60, 0, 1), (30, 60, 1, 3), (60, 30, 0, 1), (60, 30, 1, 3)],
)
def test_only_many_weights_are_shared(monkeypatch, columns, out, less, parts):
    asked = []
    monkeypatch.setattr(transform, "_MANY", 60 * 5 - less)
    monkeypatch.setattr(transform, "share", lambda _, items: asked.append([*items]))
    arrays = np.ones((5, columns)), np.ones((5, out))
    with threads(3):
        transform._multiply_each(np.ones((1, 1)), *arrays)
    with threads(9):
        transform._multiply_each(np.ones((1, 1)), *arrays)
    assert [len(items) for items in asked] == [parts, 5 if parts > 1 else 1]


def test_sizes_of_tiles_stay_as_they_are():
    engine = Tiled(SIZES)
    with pytest.raises(FrozenInstanceError):
        engine.sizes = ()
    assert engine == Tiled(SIZES)
