"""What is tried, in which order, how long, and where it ends."""

import os
import subprocess
import sys
import threading
import time

import pytest

from deconv_tutorial import conv, conv_backward, diagnose
from deconv_tutorial.diagnose import exploration, trial
from deconv_tutorial.diagnose.coverage import MINIMUM, coverage_of
from deconv_tutorial.diagnose.sketch import Sketch, SketchAxis
from tools.checkout import ROOT


def test_layers_are_tried_within_the_budget():
    calls = []

    def attempt(x, w):
        calls.append(x)
        time.sleep(0.01)
        return conv(x, w)

    report = diagnose.function(attempt, "conv", (), budget=0.1)
    assert len(calls) < 20
    assert report.status == "not enough"


def test_a_wrong_attempt_is_not_tried_for_long(monkeypatch):
    monkeypatch.setattr(exploration, "_ENOUGH_SECONDS", 0.0)
    calls = []

    def attempt(x, w):
        calls.append(x)
        return 2 * conv(x, w)

    report = diagnose.function(attempt, "conv", (), ranks=(1, 2, 3))
    assert report.status == "wrong"
    assert report.coverage.layers == 1


def test_an_attempt_that_always_fails_is_given_up():
    calls = []

    def attempt(*arrays):
        calls.append(arrays)
        return {}["nothing"]

    report = diagnose.function(attempt, "conv", ())
    assert report.status == "wrong"
    assert len(calls) < 500
    (finding,) = report.findings
    assert finding.where[0].startswith("KeyError: 'nothing', at line ")


def test_each_kind_of_error_is_told_once_with_its_smallest_layer():
    def attempt(x, w):
        if len(x) == 2:
            return {}["two"]
        if len(x) == 3:
            return (1 // (len(x) - 3),)
        return conv(x, w)

    report = diagnose.function(attempt, "conv", ())
    assert [f.where[0].partition(":")[0] for f in report.findings] == [
        "KeyError",
        "ZeroDivisionError",
    ]
    assert "x (2, 1, 1, 1)" in report.findings[0].case
    assert "x (3, 1, 1, 1)" in report.findings[1].case


def test_one_layer_for_all_results_that_are_wrong_on_it():
    def attempt(d_out, x, w, stride=1):
        dx, dw, db = conv_backward(d_out, x, w, stride=stride)
        if stride != 1:
            dx, dw = dx + 1, dw + 1
        return dx, dw, db

    dx, dw = diagnose.function(
        attempt, "conv_backward", "stride", accepts="one number for all axes"
    ).findings
    assert dx.call == dw.call
    assert "stride=2" in dx.case


def test_all_sentences_of_a_finding_are_of_one_layer():
    def attempt(d_out, x, w, padding):
        dx, dw, db = conv_backward(d_out, x, w, padding=padding)
        return dx, dw + (padding != 0), db

    (finding,) = diagnose.function(
        attempt, "conv_backward", "padding", accepts="one number for all axes"
    ).findings
    assert finding.case == "conv of x (1, 1, 1, 1) with w (1, 1, 1, 1), padding=1"
    assert "1 of 1 elements differ" in finding.where[0] or finding.where


def errors_shown(after, **options):
    """Return what a new process shows on stderr, with a bar after so many seconds."""
    pytest.importorskip("tqdm", reason="tqdm is not installed")
    code = (
        "from deconv_tutorial import conv, diagnose\n"
        "from deconv_tutorial.diagnose import exploration\n"
        f"exploration._BAR_AFTER = {after}\n"
        f"assert diagnose.function(conv, 'conv', (), **{options})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={n: v for n, v in os.environ.items() if n != "TQDM_DISABLE"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""
    return done.stderr


def test_a_bar_is_shown_if_asked_for_and_not_before_its_time():
    assert " layers/s" in errors_shown(0.0, progress=True)
    assert errors_shown(1000.0, progress=True) == ""


def test_no_bar_is_shown_where_nobody_sees_it():
    assert errors_shown(0.0) == ""
    assert errors_shown(0.0, progress=False) == ""


def test_without_tqdm_there_is_no_bar(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert diagnose.function(conv, "conv", (), progress=True)
    assert capsys.readouterr().err == ""


def test_on_another_thread_the_missing_time_limit_is_told():
    reports = []

    def work():
        reports.append(diagnose.function(conv, "conv", ()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    (report,) = reports
    assert report
    told = "No call had a time limit here: use isolated=True."
    assert report.notes == (told,)
    assert told in str(report)
    assert diagnose.function(conv, "conv", ()).notes == ()


@pytest.mark.parametrize(
    ("raised", "ending"),
    [
        ("raise NotImplementedError", "refused"),
        ("raise ValueError('no')", "refused"),
        ("assert False, 'square only'", "refused"),
        ("raise KeyError('no')", "failed"),
        ("int('three')", "failed"),
        ("import numpy; numpy.zeros(2) + numpy.zeros(3)", "failed"),
        ("raise OSError('dilation is not supported')", "refused"),
        ("raise SystemExit(0)", "failed"),
    ],
)
def test_an_error_that_is_raised_by_hand_is_a_refusal(raised, ending):
    names = {}
    exec(compile(f"def attempt():\n    {raised}", "mine.py", "exec"), names)
    with pytest.raises(BaseException) as caught:  # noqa: PT011  # SystemExit, too
        names["attempt"]()
    assert trial.ending_of(caught.value) == ending


def sketches(count):
    return [Sketch((SketchAxis(n + 1, 2),)) for n in range(count)]


def test_the_table_tells_what_is_missing():
    table = coverage_of(
        sketches(MINIMUM), ["stride", "padding"], {"dx": 3, "dw": 0}, ranks=(1, 2)
    )
    assert table.gaps == [
        "stride was never tried with anything but 1",
        "padding was never tried with anything but 0",
        "dw was never compared",
        "no layer with 2 axes",
    ]
    told = table.as_dict()
    assert told["never_together"] == ["stride and padding"]
    assert told["ranks"] == {"1": MINIMUM, "2": 0}
    assert "never tried  stride with padding" in str(table)
    few = coverage_of(sketches(3), [], {"y": 3}, ranks=(1,))
    assert few.gaps == [f"3 layers were tried, and {MINIMUM} are needed"]


def test_a_report_of_wrong_results_has_its_table_too():
    report = diagnose.function(lambda x, w: conv(x, w) + 1, "conv", ())
    assert report.as_dict()["coverage"]["layers"] > 100
    assert "Tried:" in str(report)
    assert report.exit_code == 1
