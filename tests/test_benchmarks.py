"""The benchmarks measure what they say. No time is asserted."""

import inspect
import json
import math
import re

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import growth, measure, sides, summary
from benchmarks.accuracy import relative_error
from benchmarks.child import Job, job_result
from benchmarks.collect import (
    MeasurementPlan,
    default_engine,
    json_text,
    judged_engine,
    quick_plan,
    rounded_numbers,
)
from benchmarks.errors import errors
from benchmarks.measure import Pace, checked_work, interleaved_samples, work_cells
from benchmarks.memory import memory
from benchmarks.report import report, write_report
from benchmarks.sides import PreparedWork, Side, side_or_reason
from benchmarks.workloads import (
    BACKWARDS,
    MAPS,
    ROWS,
    WORKS,
    WorkloadCase,
    WorkloadRow,
    case_of,
    expected_arrays,
)
from deconv_tutorial import ENGINES, conv
from deconv_tutorial.engines import naive
from deconv_tutorial.engines.fast.pool import share_count

# Shapes of x, w and y from the convolution's side, and its multiplications by formula.
SHAPES = {
    "A1": ((16, 512, 4, 4), (100, 512, 4, 4), (16, 100, 1, 1)),
    "A2": ((16, 256, 8, 8), (512, 256, 4, 4), (16, 512, 4, 4)),
    "A3": ((16, 128, 16, 16), (256, 128, 4, 4), (16, 256, 8, 8)),
    "A4": ((16, 64, 32, 32), (128, 64, 4, 4), (16, 128, 16, 16)),
    "A5": ((16, 3, 64, 64), (64, 3, 4, 4), (16, 64, 32, 32)),
    "B1": ((2, 128, 64, 64), (256, 128, 2, 2), (2, 256, 32, 32)),
    "B2": ((1, 21, 512, 512), (21, 21, 16, 16), (1, 21, 64, 64)),
    "C1": ((8, 64, 56, 56), (64, 64, 3, 3), (8, 64, 56, 56)),
    "C2": ((8, 128, 28, 28), (128, 128, 3, 3), (8, 128, 28, 28)),
    "C3": ((16, 3, 112, 112), (64, 3, 7, 7), (16, 64, 56, 56)),
    "D1": ((2, 3, 8, 8), (4, 3, 3, 3), (2, 4, 8, 8)),
    "D2": ((2, 3, 8, 8), (4, 3, 4, 4), (2, 4, 4, 4)),
    "E1": ((8, 64, 56, 56), (64, 64, 3, 3), (8, 64, 56, 56)),
    "E2": ((8, 64, 56, 56), (64, 1, 3, 3), (8, 64, 56, 56)),
    "E3": ((8, 64, 4096), (64, 64, 9), (8, 64, 4096)),
    "E4": ((2, 16, 24, 24, 24), (16, 16, 3, 3, 3), (2, 16, 24, 24, 24)),
}
SMALL = [
    WorkloadRow("S1", "", "conv", 2, 3, 4, (7,), (3,), 2, 1),
    WorkloadRow("S2", "", "conv", 1, 4, 6, (8, 7), (3, 2), 2, 1, 2, 2),
    WorkloadRow("S3", "", "conv_transpose", 2, 3, 2, (4, 3), (3, 2), 3, 1, 1, 1, 2),
    WorkloadRow("S4", "", "conv", 1, 2, 3, (5, 4, 3), (2, 3, 2), 1, 1),
    WorkloadRow("S5", "", "conv", 2, 3, 3, (5, 6), (3, 3), 1, 1, groups=3),
]
OF_NUMPY = [*ENGINES, "cs231n", "scipy"]


def integer_case(row):
    rng = np.random.default_rng(0)
    arrays = (rng.integers(-9, 10, shape).astype(float) for shape in row.shapes)
    return WorkloadCase(row, *arrays)


def test_the_rows_are_those_of_the_table():
    assert {key: row.shapes for key, row in ROWS.items()} == SHAPES


def test_connections_are_those_of_the_geometry():
    for row in [*SMALL, ROWS["D1"], ROWS["D2"], ROWS["A3"]]:
        assert row.connections == sum(1 for _ in row.geometry.connections())
    assert ROWS["D1"].macs == 2 * 4 * 3 * 22**2
    assert ROWS["E2"].macs == 8 * 64 * (3 * 56 - 2) ** 2


def test_the_same_arrays_every_time():
    first, second = case_of(ROWS["D1"]), case_of(ROWS["D1"])
    assert np.array_equal(first.x, second.x)
    assert first.x.dtype == first.w.dtype == first.y.dtype == np.float32
    assert not np.array_equal(first.x, case_of(ROWS["D2"]).x)


@pytest.mark.parametrize("row", SMALL, ids=lambda row: row.key)
def test_the_reference_is_the_definition(row):
    case = integer_case(row)
    for work in WORKS:
        pairs = zip(
            expected_arrays(case, work), expected_arrays(case, work, naive), strict=True
        )
        assert all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("name", OF_NUMPY)
def test_a_side_does_what_is_asked(name, monkeypatch):
    monkeypatch.setattr("benchmarks.sides.ours.TINY", [row.key for row in SMALL])
    side = side_or_reason(name, 1)
    seen = set()
    for case in map(integer_case, SMALL):
        for work in WORKS:
            prepared = side.prepare(case, work)
            if prepared is None:
                continue
            answer = expected_arrays(case, work)
            for _ in range(2):
                found = prepared.arrays(prepared.run())
                assert len(found) == len(answer)
                assert all(map(np.array_equal, found, answer))
            seen.add(work)
    assert seen == set(WORKS)


def broken_side(spoil, calls):
    """Return the default engine, but with its results spoiled."""
    sound = side_or_reason("im2col", 1)

    def prepare(case, work):
        prepared = sound.prepare(case, work)

        def run():
            calls.append(work)
            return spoil([array.copy() for array in prepared.arrays(prepared.run())])

        return PreparedWork(run, list)

    return Side("broken", "numpy", "0", "", prepare)


def off_by_a_hundredth(arrays):
    arrays[-1].flat[-1] += np.abs(arrays[-1]).max() / 100
    return arrays


def failing(arrays):
    msg = f"no {len(arrays)}"
    raise RuntimeError(msg)


SPOILERS = {
    "relative error 0.01": off_by_a_hundredth,
    measure.NO_SUCH: lambda arrays: [array[..., None] for array in arrays],
    "RuntimeError: no 1": failing,
}


@pytest.mark.parametrize("wrong", SPOILERS)
def test_a_wrong_result_is_not_timed(wrong):
    calls = []
    both = [side_or_reason("im2col", 1), broken_side(SPOILERS[wrong], calls)]
    cells = work_cells(case_of(ROWS["D1"]), "forward", both, Pace(3, 0.0))
    assert cells["broken"] == {"wrong": wrong}
    assert calls == ["forward"]
    assert set(cells["im2col"]) == {"error", "ms", "spread", "rounds"}


def test_a_right_result_is_timed():
    calls = []
    side = broken_side(lambda arrays: arrays, calls)
    cells = work_cells(case_of(ROWS["D1"]), "conv_backward", [side], Pace(3, 0.0))
    assert cells["broken"]["rounds"] == 3
    assert len(calls) > 3


def test_relative_error():
    two = [np.array([8.0, 4.0]), np.array([2.0])]
    assert relative_error(two, two) == 0
    assert relative_error([two[0] + 1, two[1] - 1], two) == 0.5
    assert relative_error(two[:1], two) == math.inf
    assert relative_error([np.array([8.0, np.nan]), two[1]], two) == math.inf
    assert relative_error([np.zeros((2, 1)), two[1]], two) == math.inf


def test_every_function_has_its_turn_in_every_round(monkeypatch):
    monkeypatch.setattr(measure, "seconds", lambda run, calls: run() or 1e-3 * calls)
    turns = []
    runs = [lambda name=name: turns.append(name) for name in "abc"]
    samples = interleaved_samples(runs, Pace(5, 0.0))
    assert samples == [[2e-3] * 5] * 3
    assert turns[:3] == ["a", "b", "c"]
    assert [sorted(turns[i : i + 3]) for i in range(3, 18, 3)] == [["a", "b", "c"]] * 5
    assert len({tuple(turns[i : i + 3]) for i in range(3, 18, 3)}) > 1


def test_a_slow_function_gets_fewer_rounds(monkeypatch):
    monkeypatch.setattr(measure, "seconds", lambda run, _: run())
    samples = interleaved_samples([lambda: 0.6, lambda: 5.0], Pace(7, 0.0))
    assert samples == [[0.6] * 2, [5.0]]


def test_an_absent_peer_is_named_with_its_reason(monkeypatch):
    monkeypatch.setitem(sides.PEERS, "torch", "no_such_module")
    found = job_result(Job("times", 1, [], ["torch", "im2col"], 1))["sides"]
    assert found["torch"] == {
        "absent": "ModuleNotFoundError: No module named "
        "'benchmarks.sides.no_such_module'"
    }
    assert found["im2col"]["kind"] == "engine"


def test_memory_beyond_arguments_and_results_and_what_is_kept():
    workspace = []

    def prepare(case, work):  # noqa: ARG001
        def run():
            if not workspace:
                workspace.append(np.ones(2**20, np.uint8))
            return [np.ones(3 * 2**20, np.uint8)]

        return PreparedWork(run, list)

    found = memory(Side("keeps", "numpy", "0", "", prepare), [ROWS["D1"], ROWS["D2"]])
    assert list(found) == ["D1", "D2"]
    extras = [extra for works in found.values() for extra in works.values()]
    assert len(extras) == 2 * len(WORKS)
    assert all(1 <= extra < 1.1 for extra in extras)


def test_errors_are_zero_where_sums_are_exact(monkeypatch):
    monkeypatch.setattr("benchmarks.errors.case_of", lambda row, _: integer_case(row))
    found = errors([side_or_reason("im2col", 1)], [ROWS["D1"]])["D1"]
    assert found["reference"] == "naive"
    zeros = {work: {"im2col": 0.0} for work in MAPS}
    assert found["float32"] == found["float64"] == zeros


def test_errors_of_an_engine_are_not_relative_to_itself(monkeypatch):
    monkeypatch.setattr("benchmarks.errors.FEASIBLE", 0)
    found = errors([side_or_reason("im2col", 1)], [ROWS["D1"]])["D1"]
    assert found["reference"] == "im2col"
    assert found["float64"] == {work: {} for work in MAPS}


@pytest.mark.parametrize("power", [-1, 0, 1, 2])
def test_the_fit_finds_the_exponent(power):
    sizes = [1, 4, 16, 64]
    assert growth.exponent(sizes, [3 * size**power for size in sizes]) == power


def test_the_fit_averages_what_is_off():
    assert growth.exponent([1, 2, 4], [1, 4, 4]) == 1


def test_the_fit_needs_sizes_and_positive_times():
    with pytest.raises(
        ValueError, match=r"two sizes and a time for each, got \[2, 2\]"
    ):
        growth.exponent([2, 2], [1, 1])
    with pytest.raises(ValueError, match="two sizes and a time for each"):
        growth.exponent([1, 2], [1])
    with pytest.raises(ValueError, match=r"needs positive numbers, got \[1, 2\]"):
        growth.exponent([1, 2], [0, 1])


def test_one_size_grows_and_the_others_stay():
    for s in (1, 2, 3):
        for taps in (2, 3):
            geometry = growth.layer(K=taps, s=s, O=16).geometry
            assert geometry.output_size == (16, 16)
            assert geometry.kernel_size == (taps, taps)
    (n, c, *_), _, _ = growth.layer(N=3, C=5).shapes
    assert (n, c) == (3, 5)
    assert growth.CURVES["O"].sizes == [o * o for o in growth.CURVES["O"].values]


def test_growth_fits_each_map(monkeypatch):
    monkeypatch.setattr(growth, "CURVES", {"N": growth.Curve("samples", (1, 2, 4), 1)})
    monkeypatch.setattr(
        growth,
        "interleaved_samples",
        lambda runs, *_: [[8.0 * 2**i] for i in range(len(runs))],
    )
    found = growth.growth([side_or_reason("im2col", 1)], Pace(1, 0.0))
    assert found["N"]["sizes"] == [1, 2, 4]
    assert [found["N"][work]["im2col"]["exponent"] for work in MAPS] == [1, 1, 1]


def test_growth_is_not_measured_of_a_wrong_engine():
    side = broken_side(off_by_a_hundredth, [])
    with pytest.raises(
        ValueError, match="broken is wrong at N8 C32 K3 s1 O32, forward"
    ):
        growth.growth([side], Pace(1, 0.0))


def cell(ms):
    return {"error": 1e-7, "ms": ms, "spread": 0.1, "rounds": 7}


def measurements():
    """Return measurements with powers of two, so that every mean is exact."""
    cells = {
        key: {
            work: {
                "im2col": cell(2.0),
                "torch": cell(4.0 if key != "E2" else 0.25),
                "cs231n": cell(8.0 if work != "input_grad" else 2.0),
                "chainer": {"wrong": "relative error 0.5"},
            }
            for work in WORKS
        }
        for key in ("C1", "C2", "D1", "E2")
    }
    thread = {
        "cores": 1,
        "limits": {"gemm": 100.0, "copy": 25.0},
        "pools": [{"internal_api": "openblas", "version": "1", "num_threads": 1}],
        "cells": cells,
        "memory": {"im2col": {key: dict.fromkeys(WORKS, 31.5) for key in cells}},
    }
    exponent = {work: {"im2col": {"ms": [1.0, 2.0], "exponent": 1.0}} for work in MAPS}
    error = {work: {"im2col": 2.0**-20} for work in MAPS}
    return {
        "date": "2001-02-03 04:05 UTC",
        "default": "im2col",
        "machine": {
            "processor": "abacus",
            "cores": 2,
            "system": "Linux",
            "python": "3",
            "packages": {"numpy": "2"},
            "left out": {},
        },
        "sides": {
            "im2col": {"kind": "engine", "version": "1", "note": "ours"},
            "torch": {"kind": "framework", "version": "2", "note": "theirs"},
            "cs231n": {"kind": "numpy", "version": "3", "note": "taught"},
            "chainer": {"kind": "numpy", "version": "4", "note": "old"},
            "jax": {"absent": "ImportError: gone"},
        },
        "threads": {"1": thread, "2": thread},
        "errors": {"C1": {"reference": "naive", "float32": error, "float64": error}},
        "growth": {name: {"sizes": [1, 2], **exponent} for name in ("N", "O")},
    }


@pytest.mark.parametrize("row", ["C1", "E2", "D1"])
def test_bars_of_one_row_are_those_that_it_has(row):
    results = measurements()
    for found in results["threads"].values():
        cells = next(iter(found["cells"].values()))
        found["cells"] = {row: cells}
    names = {bar.name for bar in summary.bars(results)}
    kinds = {"C1": "all but depthwise", "E2": "depthwise", "D1": "tiny arrays"}
    for key, kind in kinds.items():
        expected = key == row or (key, row) == ("C1", "D1")
        assert (f"time ÷ PyTorch, {kind}, 1 thread" in names) == expected


def test_means_and_bars():
    results = measurements()
    torch = summary.ratios_of_maps(summary.ratios(results, "1", "torch"))
    assert len(torch) == 12
    assert summary.mean_of(torch) == 2**0  # three rows at 1/2, depthwise at 8
    numpy = summary.ratios(results, "1", "numpy")
    assert {ratio.other for ratio in numpy} == {"cs231n"}
    assert summary.mean_of(summary.ratios_of_backwards(numpy)) == 1 / 4
    assert {ratio.work for ratio in summary.ties(numpy)} == {"input_grad"}
    found = {bar.name: bar for bar in summary.bars(results)}
    assert found["time ÷ PyTorch, geometric mean, 1 thread"].met
    assert found["time ÷ PyTorch, all but depthwise, 2 threads"].met
    assert found["time ÷ PyTorch, tiny arrays, 1 thread"].met
    deep = found["time ÷ PyTorch, depthwise, 1 thread"]
    assert deep.outside == [f"E2 {work} 8.00" for work in MAPS]
    assert found["extra memory, MiB"].met
    assert found["growth exponent in output positions"].met
    assert found["relative error, float32"].met
    assert not found["relative error, float64"].met


def test_the_report_is_the_same_from_the_same_measurements(tmp_path):
    first, second = tmp_path / "a.json", tmp_path / "b" / "a.json"
    second.parent.mkdir()
    first.write_text(json_text(measurements()), "utf-8")
    second.write_text(json_text(json.loads(first.read_text("utf-8"))), "utf-8")
    write_report(first)
    command.main(["report", "--out", str(second)])
    for name in ("a.json", "RESULTS.md", "a.svg"):
        texts = {(file.parent / name).read_bytes() for file in (first, second)}
        assert len(texts) == 1
    text = report(measurements())
    assert (tmp_path / "RESULTS.md").read_text("utf-8") == text
    assert "chainer at C1 forward (relative error 0.5)" in text
    assert "absent: ImportError: gone" in text
    assert "2 threads shared 1 core" in text
    assert 'role="img"' in (tmp_path / "a.svg").read_text("utf-8")


def test_the_report_kept_is_that_of_the_measurements_kept():
    if not command.STORED.exists():
        pytest.skip("nothing is measured yet")
    results = json.loads(command.STORED.read_text("utf-8"))
    assert command.STORED.with_name("RESULTS.md").read_text("utf-8") == report(results)
    assert set(results["plan"]["rows"]) == set(ROWS)


def test_the_engine_that_is_held_against_the_others():
    assert (
        judged_engine(MeasurementPlan())
        == judged_engine(MeasurementPlan(sides=("torch",)))
        == default_engine()
    )
    assert judged_engine(MeasurementPlan(sides=("naive", "torch"))) == "naive"


def test_numbers_are_stored_with_four_digits():
    assert rounded_numbers({"a": [0.000123456], "b": 7, "c": "x"}) == {
        "a": [0.0001235],
        "b": 7,
        "c": "x",
    }


def test_plans():
    plan = command.plan_of(command.options_of([]))
    assert plan == MeasurementPlan()
    assert plan.is_full
    assert plan.thorough
    some = command.plan_of(command.options_of(["--rows", "C1,A1", "--threads=2"]))
    assert (some.rows, some.threads, some.is_full, some.thorough) == (
        *(("A1", "C1"), (2,)),
        *(False, False),
    )
    small = command.plan_of(command.options_of(["--quick", "--sides", "cs231n,im2col"]))
    assert small == quick_plan(MeasurementPlan())._replace(sides=("im2col", "cs231n"))
    assert (
        ENGINES[default_engine()]
        is inspect.signature(conv).parameters["engine"].default
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rows", "A1,Z9"], r"--rows needs names among A1, .*, got 'Z9'"),
        (["--sides", "pytorch"], r"--sides needs names among .*torch.*, got 'pytorch'"),
        (["--threads", "3"], "--threads needs names among 1, 2, got '3'"),
        (["report", "--out", "none.json"], "report needs measurements in none.json"),
        (["--quick", "--out", str(command.STORED)], "--out of a partial run needs"),
    ],
)
def test_what_cannot_be_measured_is_refused(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        command.main(arguments)
    assert re.search(message, capsys.readouterr().err)


def test_a_partial_run_stores_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "STORED", tmp_path / "results.json")
    command.finish(measurements(), MeasurementPlan()._replace(rows=("C1",)), None)
    assert not [*tmp_path.iterdir()]
    assert "## Times, 1 thread" in capsys.readouterr().out
    command.finish(measurements(), MeasurementPlan(), tmp_path / "new" / "results.json")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "RESULTS.md",
        "results.json",
        "results.svg",
    ]


def test_backward_passes_are_the_maps_with_arguments_exchanged():
    case = integer_case(SMALL[1])
    assert set(BACKWARDS) | set(MAPS) == set(WORKS)
    dx, dw, db = expected_arrays(case, "conv_transpose_backward")
    assert np.array_equal(dx, expected_arrays(case, "forward")[0])
    assert np.array_equal(dw, expected_arrays(case, "weight_grad")[0])
    assert np.array_equal(db, case.x.sum(axis=(0, 2, 3)))
    found = checked_work(
        side_or_reason("im2col", 1), case, "conv_backward", [dx, dw, db]
    )
    assert found == (None, {"wrong": measure.NO_SUCH})


def test_fast_is_measured_within_the_threads_that_it_may_use():
    """The block begins before the clock does, and has ended before the next side."""
    case = case_of(ROWS["D1"])
    for name, threads, count in [("fast", 3, 3), ("fast", 1, 1), ("im2col", 3, 1)]:
        prepared = side_or_reason(name, threads).prepare(case, "forward")
        seen = []
        interleaved_samples(
            [lambda seen=seen: seen.append(share_count())],
            Pace(2, 0.0),
            [prepared.within],
        )
        assert set(seen) == {count}
        assert share_count() == 1
