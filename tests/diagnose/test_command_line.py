"""The checker in a shell: forms of the function, options, exit codes, clean output."""

import inspect
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deconv_tutorial.diagnose import __main__ as command_line
from deconv_tutorial.diagnose.from_function import function
from deconv_tutorial.diagnose.limits import LIMITS
from deconv_tutorial.diagnose.options import parser
from deconv_tutorial.diagnose.probes import SETTINGS
from deconv_tutorial.diagnose.report import Report
from deconv_tutorial.diagnose.shell_values import literals, names, pairs, words
from tools.checkout import ROOT

ATTACKS = Path(__file__).with_name("attacks.py")
MINE = """
import argparse, os, sys
from sys import stdout
from deconv_tutorial import conv, conv_backward

parser = argparse.ArgumentParser()
parser.add_argument("--of", default="mine")
assert parser.parse_args().of == "mine"
print("module")
os.write(1, b"module\\n")

def right(d_out, x, w, stride=1):
    print("right")
    stdout.write("right\\n")
    os.write(1, b"right\\n")
    return conv_backward(d_out, x, w, stride=stride)

def wrong(d_out, x, w, stride=1):
    dx, dw, db = conv_backward(d_out, x, w, stride=stride)
    return dx[..., ::-1], dw, db

def refusing(d_out, x, w, stride=1):
    raise NotImplementedError

class Layer:
    def backward(self, d_out, x, w, stride=1):
        return right(d_out, x, w, stride)

def another_form(dout, x, w, stride=1):
    dx, dw, db = wrong(dout, x, w, stride)
    return dw, dx, db
"""
BACKWARD = ["--of", "conv_backward", "--settings", "stride"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path


def run(folder, *arguments, **more):
    command = [sys.executable, "-m", "deconv_tutorial.diagnose", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    environment.pop("PYTHONUNBUFFERED", None)  # then what is printed comes late
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


# Exit codes


@pytest.mark.parametrize(
    "attempt", ["mine:right", "mine.py:right", "mine:Layer.backward"]
)
def test_what_is_right_leaves_with_0(folder, attempt):
    done = run(folder, attempt, *BACKWARD)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Right: dx, dw, db of conv_backward, on ")


def test_a_file_elsewhere_imports_what_lies_beside_it(folder, tmp_path_factory):
    (folder / "beside.py").write_text("from mine import right\n")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    done = run(elsewhere, f"{folder}/beside.py:right", *BACKWARD)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("attempt", "more", "code", "told"),
    [
        ("mine:wrong", [], 1, r"^dx is wrong: conv of x"),
        ("mine:refusing", [], 2, "^Refused, and not declared"),
        ("mine:right", ["--budget", "1e-9"], 3, "^Not enough to say"),
        (f"{ATTACKS}:exits_at_once", [], 1, "its process ended by itself"),
        (f"{ATTACKS}:exits", [], 1, "SystemExit: 0"),
        (f"{ATTACKS}:loops_in_c", ["--seconds", "0.5"], 1, "it took more than 0.5 s"),
        (f"{ATTACKS}:patches_numpy", [], 1, "dx is wrong"),
    ],
)
def test_what_is_not_right_leaves_with_another_code(folder, attempt, more, code, told):
    options = ["--settings", ""] if str(ATTACKS) in attempt else []
    done = run(folder, attempt, *BACKWARD, *options, *more)
    assert (done.returncode, done.stderr) == (code, "")
    assert re.search(told, done.stdout)


LOADING = {
    "import sys; sys.exit(0)": r"SystemExit: 0, at line 1: import sys; sys.exit\(0\)",
    "import os; os._exit(0)": "its process ended by itself, with exit code 0",
    "1 +": "SyntaxError: invalid syntax",
    "import no_module": "ModuleNotFoundError: No module named 'no_module', at line 1",
    "functions = 3": r"bad has no attribute 'function' \(did you mean 'functions'\?\)",
}


@pytest.mark.parametrize("code", LOADING)
def test_what_cannot_be_imported_leaves_with_2(code, tmp_path):
    (tmp_path / "bad.py").write_text(code)
    done = run(tmp_path, "bad:function", "--of", "conv", "--json")
    assert done.returncode == 2
    assert re.match(f"could not be imported: {LOADING[code]}", done.stderr)
    report = json.loads(done.stdout)
    assert report["refusals"] == [done.stderr.strip()]
    assert {**report, "refusals": []} == {
        **Report(()).as_dict(),
        "right": False,
        "status": "refused",
        "exit_code": 2,
    }


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["mine", "--of", "conv"], "the attempt needs the form MODULE:FUNCTION"),
        (["mine:right", "--of", "pool"], "invalid choice: 'pool'"),
        (["mine:right"], "the following arguments are required: --of"),
        (["mine:right", "--of", "conv", "--se", "3"], "unrecognized arguments: --se 3"),
        (["a:b", "--of", "conv", "--names", "x"], "form ours=theirs, got 'x'"),
        (["a:b", "--of", "conv", "--names", "x=a,x=b"], "form ours=theirs, got 'x=b'"),
        (["a:b", "--of", "conv", "--ranks", "two"], "whole numbers, .* got 'two'"),
        (["a:b", "--of", "conv", "--ranks", "4"], "ranks need to be among 1, 2 and 3"),
        (
            ["a:b", "--of", "conv", "--fixed", "stride=1+"],
            "a word, a number or a tuple",
        ),
        (["a:b", "--of", "conv", "--accepts", "square"], "accepts needs limits among"),
        (["a:b", "--of", "conv", "--settings", "strid"], "settings need to be among"),
        (["a:b", "--of", "conv", "--layout", "x=abc"], "layout of x needs each of"),
        (["a:b", "--of", "conv", "--seconds", "nan"], "seconds needs more than 0"),
        (["a:b", "--of", "conv", "--convert", "x"], "needs the form MODULE:FUNCTION"),
    ],
)
def test_bad_options_leave_with_2(arguments, told, capsys):
    try:
        code = command_line.main(arguments)
    except SystemExit as error:
        code = error.code
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert re.search(told, err)
    assert "Traceback" not in err


# Output


def test_json_is_clean_whatever_is_printed(folder):
    done = run(folder, "mine:right", *BACKWARD, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert (report["version"], report["status"], report["exit_code"]) == (1, "right", 0)


def test_json_tells_what_is_wrong(folder):
    more = ["--names", "d_out=dout", "--returns", "dw,dx,db", "--ranks", "1,2"]
    done = run(folder, "mine:another_form", *BACKWARD, *more, "--json")
    assert (done.returncode, done.stderr) == (1, "")
    report = json.loads(done.stdout)
    assert (report["status"], report["right"], report["exit_code"]) == (
        "wrong",
        False,
        1,
    )
    assert [f["target"] for f in report["findings"]] == ["dx"]
    assert [*report["coverage"]["ranks"]] == ["1", "2"]


def test_json_is_clean_in_this_process_which_is_said_to_be_trusted(folder):
    done = run(folder, "mine:right", *BACKWARD, "--json", "--in-process")
    assert done.returncode == 0
    assert json.loads(done.stdout)["status"] == "right"
    assert done.stderr.startswith("note: the code runs in this process, and is trusted")
    assert {"module", "right"} == {*done.stderr.splitlines()[1:]}


@pytest.mark.parametrize(
    ("attempt", "told"),
    [
        ("mine:left", "mine has no attribute 'left'"),
        ("nothing:right", "ModuleNotFoundError: No module named 'nothing'"),
    ],
)
@pytest.mark.parametrize("more", [[], ["--in-process"]])
def test_a_function_that_is_not_there_leaves_with_2(folder, attempt, told, more):
    done = run(folder, attempt, *BACKWARD, *more)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"could not be imported: {told}" in done.stderr


def test_letters_that_the_terminal_has_not_are_replaced(tmp_path):
    (tmp_path / "mine.py").write_text("def f(*_): raise OSError('größer')", "utf-8")
    done = run(
        tmp_path, "mine:f", "--of", "conv", "--settings", "", PYTHONIOENCODING="ascii"
    )
    assert done.returncode == 1
    assert "OSError: gr??er" in done.stdout


def test_an_interrupt_leaves_with_130_and_without_a_traceback(tmp_path):
    (tmp_path / "mine.py").write_text(
        "def f(*_):\n    open('called', 'w').close()\n    sum(range(10**12))\n"
    )
    command = [sys.executable, "-m", "deconv_tutorial.diagnose", "mine:f"]
    options = ["--of", "conv", "--settings", "", "--seconds", "50"]
    mark = f"test-{time.monotonic_ns()}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TEST_OF_ISOLATION": mark}
    with subprocess.Popen(
        [*command, *options], cwd=tmp_path, env=environment, stderr=subprocess.PIPE
    ) as process:
        end = time.monotonic() + 30
        while not (tmp_path / "called").exists() and time.monotonic() < end:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=10)[1]
    assert (process.returncode, told) == (130, b"")
    if Path("/proc/self/environ").exists():
        alive = [p for p in Path("/proc").glob("[0-9]*/environ") if has(p, mark)]
        assert alive == []


def has(path, mark):
    try:
        return mark.encode() in path.read_bytes()
    except OSError:
        return False


# Options


def test_options_reach_the_function(monkeypatch, capsys):
    given = {}

    def stand_in(attempt, of, settings, **more):
        given.update(attempt=attempt.text, of=of, settings=settings, **more)
        return Report(("all",))

    monkeypatch.setattr(command_line, "function", stand_in)
    options = shlex.split(
        "a:b --of conv --settings stride,padding --ranks 1,3 --bias --rtol 1e-3 "
        "--names x+w=cache,padding=pad --returns dw,_ --layout x=NHWC,w=*io "
        "--fixed 'padding=same,stride=(2,1)' --seconds 3 --budget 7 --seed 5 "
        "--convert torch:tensor --accepts 'square kernels, groups=1'"
    )
    assert command_line.main(options) == 0
    assert capsys.readouterr() == ("Right: all\n", "")
    assert given.pop("convert").text == "torch:tensor"
    assert given == {
        "attempt": "a:b",
        "of": "conv",
        "settings": ["stride", "padding"],
        "ranks": [1, 3],
        "names": {("x", "w"): "cache", "padding": "pad"},
        "returns": ["dw", "_"],
        "layout": {"x": "NHWC", "w": "*io"},
        "bias": True,
        "fixed": {"padding": "same", "stride": (2, 1)},
        "accepts": ["square kernels", "groups=1"],
        "rtol": 1e-3,
        "seconds": 3.0,
        "budget": 7.0,
        "seed": 5,
        "isolated": True,
    }


def test_options_have_the_defaults_of_the_function():
    found = vars(parser().parse_args(["a:b", "--of", "conv"]))
    for name, parameter in inspect.signature(function).parameters.items():
        if name in found and parameter.default is not inspect.Parameter.empty:
            default = parameter.default
            empty = default in (None, ()) and not found[name]
            assert empty or found[name] == default or tuple(found[name]) == default, (
                name
            )


def test_values_are_read():
    assert words("") == words(",") == []
    assert words("a,(b,(c,d)),e") == ["a", "(b,(c,d))", "e"]
    assert pairs("") == {}
    assert names("b=bias") == {"b": "bias"}
    assert literals("padding=((1,0),(0,2)),groups=2") == {
        "padding": ((1, 0), (0, 2)),
        "groups": 2,
    }
    for text in ("padding=", "padding=__import__('os')", "padding=(1,"):
        with pytest.raises(ValueError, match="needs"):
            literals(text)


def test_conversion_and_layout_from_a_shell(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import numpy as np\nfrom deconv_tutorial import conv\n"
        "def mine(x, w):\n"
        "    assert x.dtype == w.dtype == np.float32\n"
        "    y = conv(x.transpose(0, 3, 1, 2), w.transpose(3, 2, 0, 1))\n"
        "    return y.transpose(0, 2, 3, 1)\n"
    )
    options = [
        "--settings",
        "",
        "--layout",
        "x=NHWC,w=HWIO",
        "--convert",
        "numpy:float32",
    ]
    done = run(tmp_path, "mine:mine", "--of", "conv", *options)
    assert (done.returncode, done.stderr) == (0, "")


# Help


def test_help_lists_settings_limits_and_exit_codes(capsys):
    with pytest.raises(SystemExit) as ended:
        command_line.main(["--help"])
    assert ended.value.code == 0
    told, _ = capsys.readouterr()
    assert all(setting in told for setting in SETTINGS)
    assert [limit for limit in LIMITS if limit not in told] == []
    assert re.findall(r"^  ([0-9])  \w", told, re.MULTILINE) == ["0", "1", "2", "3"]
    assert max(map(len, told.splitlines())) <= 88


EXAMPLES = """
from deconv_tutorial import conv_backward as right

def conv_backward(d_out, x, w, stride, padding):
    return right(d_out, x, w, stride=stride, padding=padding)

def backward(dout, x, w, conv_param):
    settings = {"stride": conv_param["stride"], "padding": conv_param["pad"]}
    return right(dout, x, w, **settings)[:2]
"""


def test_the_examples_of_the_help_run(tmp_path, capsys):
    with pytest.raises(SystemExit):
        command_line.main(["--help"])
    told = capsys.readouterr().out.replace("\\\n", " ")
    examples = re.findall(
        r"^ +python -m (deconv_tutorial.diagnose .*)$", told, re.MULTILINE
    )
    assert len(examples) == 2
    (tmp_path / "my_layers.py").write_text(EXAMPLES)
    for example in examples:
        done = run(tmp_path, *example.split()[1:])
        assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_version_is_told(capsys):
    with pytest.raises(SystemExit) as ended:
        command_line.main(["--version"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    number = r"(\d+\.\d.*|of a copy that is not installed)"
    assert re.fullmatch(rf"python -m deconv_tutorial\.diagnose {number}\n", told)
