"""The rule that chooses a way: what it counts, and where it changes its mind."""

import numpy as np
import pytest

from deconv_tutorial.engines import fast, naive
from deconv_tutorial.engines.fast import choice, columns, depthwise, planes, tiled, tiny
from deconv_tutorial.engines.fast.tiled import Tiled
from deconv_tutorial.geometry import Axis, conv_geometry
from tests.engines.test_engines import MAPS

way = choice.way.__wrapped__  # which remembers nothing

# What costs are counted for: 27 outputs, 6 taps, 33 places from first to last output,
# 108 elements in planes; 2 samples, 4 channels of y and 8 of x.
COUNTED = conv_geometry((3, 4, 9), (1, 2, 3), stride=(1, 1, 3))
Y, X = 2 * 27 * 4, 2 * 108 * 8
UNFOLDED, SHIFTED = 2 * 27 * 6 * 8, 2 * 33 * 6 * 8


@pytest.fixture
def units(monkeypatch):
    """Make each kind of work a decimal place of the costs."""
    for name, unit in {"MOVE": 10**9, "RUN": 10**20, "START": 10**40}.items():
        monkeypatch.setattr(choice, name, unit)


def costs(*, a=4, b=8, transposed=False, geometry=COUNTED):
    found = choice._costs(geometry, 2, a, b, transposed=transposed)
    return found, [key for key in found if isinstance(key, Tiled)]


def test_a_thin_product_takes_longer():
    assert choice._loss(16) == 2
    assert choice._loss(32, 4, 8) == 5


@pytest.mark.usefixtures("units")
def test_columns_cost_products_copies_and_results():
    # The rows of the last axis have a stride of 3: copies take (3 + 3)/4 as long.
    copied = UNFOLDED * 6 // 4
    found, _ = costs()
    assert found[columns] == UNFOLDED * 4 * 5 + 10**9 * (copied + Y)
    found, _ = costs(transposed=True)
    expected = UNFOLDED * 4 * 5 + 10**9 * (copied * 12 / 5 + Y)
    assert found[columns] == pytest.approx(expected, rel=1e-12)
    found, _ = costs(a=32, b=2)  # 12 rows
    assert found[columns] == UNFOLDED * 8 * 7 // 3 + 10**9 * (copied // 4 + 8 * Y)


@pytest.mark.parametrize(
    ("size", "kernel", "copied"),
    [(5, 1, 0), (5, 5, 0), (6, 5, 10), (5, 4, 8), (3, 2, 4)],
)
@pytest.mark.usefixtures("units")
def test_columns_of_one_tap_or_one_output_are_not_copied(size, kernel, copied):
    found, _ = costs(a=16, b=16, geometry=conv_geometry(size, kernel))
    outputs = size - kernel + 1
    moved = found[columns] // 10**9
    assert moved == 2 * 16 * copied + 2 * 16 * outputs


@pytest.mark.parametrize(
    ("block", "run"), [(4 * 8 * 6 * 16, 16), (4 * 8 * 6 * 16 - 1, 15), (1, 1)]
)
@pytest.mark.usefixtures("units")
def test_planes_cost_products_runs_and_planes(monkeypatch, block, run):
    monkeypatch.setattr(choice, "BLOCK", block)
    for transposed in (False, True):
        found, _ = costs(transposed=transposed)
        ways = 1 + transposed
        products = SHIFTED * 4 * 5
        runs = SHIFTED * (1 + 256 / run) * ways
        expected = products + 10**20 * runs + 10**9 * (X * ways + Y)
        assert found[planes] == pytest.approx(expected, rel=1e-13)


def test_planes_cost_moves_and_products(monkeypatch):
    """Without the runs, which outweigh them."""
    monkeypatch.setattr(choice, "MOVE", 10**9)
    monkeypatch.setattr(choice, "RUN", 0)
    for transposed in (False, True):
        found, _ = costs(transposed=transposed)
        moves = X * (1 + transposed) + Y
        assert found[planes] == SHIFTED * 4 * 5 + 10**9 * moves
    found, _ = costs(a=32, b=2)
    assert found[planes] == SHIFTED * 8 * 7 // 3 + 10**9 * (X // 4 + 8 * Y)


def test_runs_are_no_longer_than_the_outputs(monkeypatch):
    monkeypatch.setattr(choice, "MOVE", 0)
    found, _ = costs(a=16, b=16, geometry=conv_geometry(64, 1))
    shifted = 2 * 64 * 16
    assert found[planes] == shifted * 16 * 2 + choice.RUN * shifted * 5


@pytest.mark.parametrize(("less", "possible"), [(0, True), (1, False)])
def test_planes_need_strips_that_fit(monkeypatch, less, possible):
    monkeypatch.setattr(choice, "STRIP", 4 * 8 * 6 * 9 - less)
    found, _ = costs()
    assert (planes in found) == possible


@pytest.mark.parametrize(("a", "b"), [(4, 8), (8, 4)])
@pytest.mark.parametrize("transposed", [False, True])
def test_tiles_cost_more_where_channels_are_few(monkeypatch, a, b, transposed):
    taken = []

    def short_cost(plan, samples, source, target):
        taken.append((plan, samples, source, target))
        return 100

    monkeypatch.setattr(choice, "_short_cost", short_cost)
    monkeypatch.setattr(choice, "START", 10**6)
    found, tiles = costs(a=a, b=b, transposed=transposed)
    assert [found[key] for key in tiles] == [10**6 + 175] * 3
    source, target = (a, b) if transposed else (b, a)
    plans = [tiled.plan_of(COUNTED, t.sizes, transposed=transposed) for t in tiles]
    assert taken == [(plan, 2, source, target) for plan in plans]


# A plan, and by hand: elements of all stages of a tile, tiles of 2 samples, products.
SHORT = {
    "plain": (conv_geometry(8, 3), (2, 3), False, 8 * 12 + 8 * 4, 6, 4 * 4 * 8, 5),
    "phases": (conv_geometry(16, 4, 2), (2, 2), False, 7 * 16 + 6 * 8, 8, 192, 3),
    "phases, back": (conv_geometry(16, 4, 2), (2, 2), True, 140 + 24, 8, 192, 5),
    "grids": (conv_geometry(12, 3, 1, 0, 2), (2, 3), False, 8 * 12 + 32, 8, 128, 5),
}


@pytest.mark.parametrize("name", SHORT)
def test_tiles_cost_products_and_stages(monkeypatch, name):
    geometry, size, transposed, stages, tiles, products, loss = SHORT[name]
    monkeypatch.setattr(choice, "STAGE", 10**9)
    plan = tiled.plan_of(geometry, (size,), transposed=transposed)
    found = choice._short_cost(plan, 2, 4, 8)
    moved = tiles * stages + 8 * products
    assert found == tiles * products * loss + 10**9 * moved


def test_stages_are_counted_axis_by_axis():
    plan = tiled.plan_of(conv_geometry((9, 9), 3), ((2, 3), (3, 3)), transposed=False)
    # Twice 2 * 3 positions, then 4 * 3, then 4 * 5 products; those twice when read.
    assert choice.stage_elements(plan, 10, 100) == (12 + 12 + 20) * 110 + 2 * 20 * 10


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "taps"),
    [
        (1, 1, 1, 1),
        (3, 1, 1, 3),
        (4, 1, 1, 4),
        (5, 1, 1, 3),
        (8, 1, 1, 4),
        (9, 1, 1, 3),
        (4, 2, 1, 2),
        (5, 2, 1, 3),
        (3, 2, 2, 3),
        (7, 6, 4, 3),
        (3, 4, 1, 1),
    ],
)
def test_taps_of_a_phase_are_dealt_out_evenly(kernel, stride, dilation, taps):
    assert choice._taps(Axis(99, kernel, 1, stride, dilation)) == taps


@pytest.mark.parametrize(
    ("kernel", "settings", "sizes"),
    [
        (3, {}, [((tile, 3),) for tile in (2, 3, 4, 5, 6)]),
        (2, {}, [((tile, 2),) for tile in (2, 3, 4, 5, 6)]),
        (4, {}, [((tile, 4),) for tile in (2, 3, 4, 5)]),
        (1, {}, []),
        (2, {"stride": 2}, []),
        ((3, 3), {}, [((tile, 3), (tile, 3)) for tile in (2, 3, 4)]),
        ((4, 2), {}, [((tile, 4), (tile, 2)) for tile in (2, 3, 4)]),
        ((3, 1), {}, [((tile, 3), (1, 1)) for tile in (2, 3, 4)]),
        ((3, 3, 3), {}, [((tile, 3),) * 3 for tile in (2, 3, 4)]),
        ((4, 3, 1), {}, [((tile, 4), (tile, 3), (1, 1)) for tile in (2, 3)]),
        ((3, 3), {"stride": (1, 3), "dilation": (1, 2)}, []),
        (
            (3, 3),
            {"stride": (1, 2), "dilation": (1, 4)},
            [((n, 3),) * 2 for n in (2, 3, 4)],
        ),
    ],
)
def test_sizes_of_tiles(kernel, settings, sizes):
    rank = len(kernel) if isinstance(kernel, tuple) else 1
    geometry = conv_geometry((60,) * rank, kernel, **settings)
    assert [*choice._candidates(geometry)] == sizes


@pytest.mark.parametrize(("less", "possible"), [(0, True), (1, False)])
def test_tiles_need_factors_that_are_not_too_large(monkeypatch, less, possible):
    monkeypatch.setattr(choice, "LARGE", 3 * 9 * 3 * 25 - less)
    geometry = conv_geometry((60, 60), (3, 5))
    assert bool([*choice._candidates(geometry)]) == possible


# How many elements are the most: those of columns, on either side, or those padded.
SIZES = {
    "columns": (conv_geometry(5, 2), 2 * 5),
    "columns of padding": (conv_geometry(2, 2, padding=3), 2 * 7),
    "padded input": (conv_geometry(2, 1, stride=100, padding=50), 101),
    "padded gradient": (conv_geometry(10, 2, padding=((0, 11),), dilation=20), 30),
}


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("channels", [1, 3])
def test_small_is_what_columns_and_frames_have(monkeypatch, name, channels):
    geometry, size = SIZES[name]
    for small, expected in ((channels * size, True), (channels * size - 1, False)):
        monkeypatch.setattr(choice, "SMALL", small)
        assert choice._is_tiny(geometry, channels) is expected


ONE = conv_geometry((9, 7, 8), (3, 2, 4))
ROOM = 4 * 4 * (9 * 7 * 8 + 7 * 6 * 5 + 3 * 2 * 4)


@pytest.fixture
def large(monkeypatch):
    """Let planes cost least, and remember for what costs are counted."""
    asked = []

    def counted(*args, transposed):
        asked.append((*args, transposed))
        return {columns: 2, planes: 1, Tiled(((2, 3),)): 3}

    monkeypatch.setattr(choice, "_costs", counted)
    monkeypatch.setattr(choice, "_is_tiny", lambda *_: False)
    return asked


def test_the_way_that_costs_least_is_taken(large):
    assert way(ONE, 5, 2, 3, 4) is planes
    assert way(ONE, 5, 2, 3, 4, "D", transposed=True) is planes
    assert large == [(ONE, 5, 3, 4, False), (ONE, 5, 3, 4, True)]


@pytest.mark.parametrize(("a", "b"), [(3, 4), (4, 3)])
def test_arrays_are_small_by_all_their_channels(monkeypatch, a, b):
    asked = []

    def is_tiny(*args):
        asked.append(args)
        return True

    monkeypatch.setattr(choice, "_is_tiny", is_tiny)
    assert way(ONE, 5, 2, a, b, "exact") is tiny
    assert asked == [(ONE, 40)]
    assert way(ONE, 0, 2, a, b) is columns
    assert len(asked) == 1


@pytest.mark.usefixtures("large")
def test_exact_numbers_and_many_taps_take_columns(monkeypatch):
    assert way(ONE, 5, 2, 3, 4, "exact") is columns
    monkeypatch.setattr(choice, "TAPS", 24)
    assert way(ONE, 5, 2, 3, 4) is planes
    monkeypatch.setattr(choice, "TAPS", 23)
    assert way(ONE, 5, 2, 3, 4) is columns
    assert way(ONE, 5, 2, 1, 1) is columns


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize(
    ("a", "b", "kind", "expected"),
    [
        (1, 1, "f", depthwise),
        (1, 1, "d", depthwise),
        (1, 1, "F", columns),
        (1, 1, "D", columns),
        (1, 2, "f", planes),
        (2, 1, "f", planes),
        (2, 2, "f", planes),
    ],
)
def test_one_channel_of_real_numbers_has_a_way_of_its_own(a, b, kind, expected):
    assert way(ONE, 5, 2, a, b, kind) is expected


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize(
    ("elements", "strip", "expected"),
    [
        (ROOM, 4 * ROOM // 7, depthwise),
        (ROOM + 1, 4 * ROOM, columns),
        (ROOM, 4 * ROOM // 7 - 1, columns),
    ],
)
def test_planes_of_one_channel_have_to_fit(monkeypatch, elements, strip, expected):
    class OneLayout:
        def __init__(self, geometry):
            assert geometry is ONE
            self.elements = elements

    monkeypatch.setattr(planes, "layout_of", OneLayout)
    monkeypatch.setattr(choice, "STRIP", strip)
    assert way(ONE, 5, 2, 1, 1) is expected


@pytest.mark.parametrize("kind", ["f4", "f8", "c8", "c16", "i8", "O", "g"])
def test_each_map_asks_for_its_way(monkeypatch, kind):
    asked = []

    def answered(*args, transposed):
        asked.append((*args, transposed))
        return naive

    monkeypatch.setattr(fast, "way", answered)
    x, w, y = (
        np.ones(shape, kind) for shape in [(7, 2, 4, 3), (2, 5, 4, 2), (7, 2, 5, 2)]
    )
    geometry = conv_geometry(3, 2)
    assert fast.ways(x, w, y, geometry) == dict.fromkeys(MAPS, naive)
    char = {"f4": "f", "f8": "d", "c8": "F", "c16": "D"}.get(kind, "exact")
    transposed = [name == "input_grad" for name in MAPS]
    assert asked == [(geometry, 7, 2, 5, 4, char, back) for back in transposed]
    asked.clear()
    fast.forward(x, w, geometry)
    fast.input_grad(y, w, geometry)
    fast.weight_grad(x, y, geometry)
    assert asked == [(geometry, 7, 2, 5, 4, char, back) for back in transposed]


def test_tiles_are_called_by_their_sizes():
    assert fast.WAYS["tiled"].__name__ == "tiled (2 of 2 taps)"
    assert Tiled(((4, 3), (1, 1))).__name__ == "tiled (4 of 3 taps, 1 of 1 taps)"
