"""Attempts in a process of their own, which can neither harm nor fool nor hang us."""

import contextlib
import gc
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from deconv_tutorial import conv_backward, diagnose
from deconv_tutorial.diagnose import process
from deconv_tutorial.diagnose.attempt import Attempt
from deconv_tutorial.diagnose.compare import is_same
from deconv_tutorial.diagnose.exchange import PRINTED, place_of_call
from deconv_tutorial.diagnose.isolation import Child, pickled
from deconv_tutorial.diagnose.probes import STRONG
from deconv_tutorial.diagnose.reference import LoadError, Reference
from deconv_tutorial.diagnose.wire import (
    MOST_BYTES,
    START_SIZE,
    GarbledError,
    packed,
    readable,
    rest_size,
    unpacked,
)
from tools.checkout import ROOT

if not hasattr(os, "fork"):
    pytest.skip("the attacks need a system with fork", allow_module_level=True)

ATTACKS = Path(__file__).with_name("attacks.py")
CASE = next(p for p in STRONG if p.name == "plain").case(transposed=False)
BOUND = 30
"""The seconds after which a test has hung. Nothing here needs a tenth of them."""


def attempt(name, **more):
    function = Reference(f"{ATTACKS}:{name}") if isinstance(name, str) else name
    return Attempt(function, "conv_backward", settings=(), **more)


@pytest.fixture(autouse=True)
def _no_process_is_left(monkeypatch):
    """Each process started here has a second mark, by which it would be found."""
    mark = f"test-{time.monotonic_ns()}"
    monkeypatch.setenv("TEST_OF_ISOLATION", mark)
    start = time.monotonic()
    yield
    assert time.monotonic() - start < BOUND
    assert remaining(mark) == []


def remaining(mark):
    """Return the processes with a mark after some time: a signal takes a moment."""
    end = time.monotonic() + 5
    while (found := processes_with(mark)) and time.monotonic() < end:
        time.sleep(0.02)
    return found


def processes_with(mark):
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            continue
    return found


def is_right(answer):
    return answer.ending == "returned" and all(
        is_same(answer.arrays[target], CASE.problem.result(target))
        for target in ("dx", "dw", "db")
    )


# What it is asked


def test_a_process_gives_the_same_answers_as_this_one():
    with Child(attempt("right")) as child:
        for probe in STRONG[:8]:
            if not probe.settings:
                case = probe.case(transposed=False)
                found = child.answer(case)
                expected = conv_backward(case.d_out, case.x, case.w)
                for target, array in expected._asdict().items():
                    assert (found.arrays[target] == array).all()
                    assert found.arrays[target].dtype == array.dtype


@pytest.mark.parametrize("name", ["Layer.backward", "Layer.static"])
def test_methods_are_called(name):
    with Child(attempt(name)) as child:
        assert is_right(child.answer(CASE))


def test_functions_of_a_notebook_and_lambdas_are_called():
    pytest.importorskip("cloudpickle")
    factor = 2
    with Child(
        attempt(lambda d_out, x, w: (x * factor, w, d_out[0, :, 0, 0]))
    ) as child:
        assert (child.answer(CASE).arrays["dx"] == 2 * CASE.x).all()


def test_conversion_happens_in_the_process():
    converted = attempt("right", convert=Reference("numpy:float32"))
    with Child(converted) as child:
        assert child.answer(CASE).arrays["dx"].dtype == np.float32


def test_settings_keep_their_form():
    def tell(d_out, x, w, stride, padding, dilation, groups):  # noqa: ARG001
        msg = f"{stride!r} {padding!r} {dilation!r} {groups!r}"
        raise ArithmeticError(msg)

    pytest.importorskip("cloudpickle")
    names = ("stride", "padding", "dilation", "groups")
    case = next(p for p in STRONG if p.name == "P1g").case(transposed=False)
    with Child(Attempt(tell, "conv_backward", names)) as child:
        assert "(2, 3) ((3, 1), (0, 2)) (1, 2) 2" in child.answer(case).error


def test_errors_are_told_with_their_line():
    with Child(attempt("method_of_nothing")) as child:
        answer = child.answer(CASE)
    assert (answer.ending, answer.kind) == ("refused", "NotImplementedError")
    assert answer.error.endswith(": raise NotImplementedError")
    with Child(attempt("asks", names={"x": "nothing"})) as child:
        assert child.answer(CASE).ending == "uncallable"


# Hostile attempts

ENDS = {
    "exits_at_once": "gone: its process ended by itself, with exit code 0",
    "aborts": "gone: its process was ended by the signal SIGABRT, at line .*attacks.py",
    "kills_itself": "gone: .*the signal SIGKILL, perhaps for want of memory",
    "reads_address_0": "gone: .*the signal SIGSEGV, at line .* of attacks.py",
    # Newer Pythons count the calls in C, too, and raise where nobody catches it.
    "overflows_the_stack": "gone: .*the signal SIGSEGV|returned: $",
    "sets_an_alarm": "gone: .*the signal SIGALRM",
    "has_a_watchdog": "gone: .*by itself, with exit code 1, at line .* of attacks.py",
    "closes_files": "gone: .*by itself, with exit code 1",
    "closes_files_and_waits": "gone: it closed the connection",
    "writes_into_sockets": "gone: it wrote into the connection for its results",
    "announces_an_exabyte": "gone: it wrote into the connection for its results",
    "loops_in_c": "stopped: it took more than 1 s, at line .* of attacks.py",
    "multiplies_for_long": "stopped: it took more than 1 s",
    "loops_whatever_comes": "stopped: it took more than 1 s, at line",
    "stops_itself": "stopped: it took more than 1 s",
    "ignores_signals": "stopped: it took more than 1 s",
    "prints_without_end": "stopped: it took more than 1 s",
    "copies_itself_and_goes": "gone: .*by itself, with exit code 3",
    "copies_itself_unseen": "gone: .*by itself, with exit code 3",
    "exits": r"failed: SystemExit: 0, at line .*: sys.exit\(0\)",
    "recurses": "failed: RecursionError: ",
    "takes_memory": "failed: MemoryError: Unable to allocate 74.5 GiB",
    "raises_keyboard_interrupt": "failed: KeyboardInterrupt",
    "asks": "failed: EOFError",
    "signals_its_parent": "failed: PermissionError: an attempt may send signals to its",
    "signals_all": "failed: PermissionError: an attempt may send signals to its",
    "signals_the_group_of_its_parent": "failed: PermissionError: an attempt may send",
    "raises_what_cannot_be_shown": "failed: BrokenError, at line",
    "raises_in_colours": "failed: ArithmeticError: \ufffd\\[31mred\ufffd!!!",
}
HARMLESS = [
    "right",
    "patches_json",
    "patches_sockets",
    "patches_os",
    "prints_much",
    "writes_into_few_files",
    "closes_few_files",
    "forks",
    "leaves_a_copy",
    "leaves_a_daemon",
    "leaves_a_command",
    "leaves_threads",
    "moves_away",
]
LONG = {"sets_an_alarm", "has_a_watchdog", "closes_files_and_waits"}


@pytest.mark.parametrize("name", ENDS)
def test_attempts_that_end_otherwise_are_told(name):
    with Child(attempt(name), 20 if name in LONG else 1) as child:
        answer = child.answer(CASE)
        again = child.answer(CASE)
    assert re.match(ENDS[name], f"{answer.ending}: {answer.error}"), answer
    assert len(answer.error) < 1000
    assert answer.arrays == {}
    if answer.ending in {"stopped", "gone"}:
        assert (again.ending, again.error) == ("gone", "its process has ended before")
    else:
        assert again.ending == answer.ending


@pytest.mark.parametrize("name", HARMLESS)
def test_attempts_that_are_right_are_right_twice(name, capfd):
    before = Path.cwd(), os.environ.get("HERE"), np.geterr(), np.abs
    with Child(attempt(name), 20) as child:
        assert is_right(child.answer(CASE))
        assert is_right(child.answer(CASE))
    assert capfd.readouterr() == ("", "")
    assert before == (Path.cwd(), os.environ.get("HERE"), np.geterr(), np.abs)


@pytest.mark.parametrize("name", ["patches_numpy", "returns_a_flatterer"])
def test_flattery_does_not_make_arrays_right(name):
    with Child(attempt(name)) as child:
        answer = child.answer(CASE)
        assert not is_right(answer)
        assert all(type(array) is np.ndarray for array in answer.arrays.values())


@pytest.mark.parametrize("name", ["patches_builtins", "forgets_modules"])
def test_a_broken_python_gives_some_answer(name):
    with Child(attempt(name), 2) as child:
        assert child.answer(CASE).ending in {"returned", "failed", "gone"}
        assert child.answer(CASE).ending in {"returned", "failed", "gone"}


def test_results_that_are_no_arrays_are_told():
    with Child(attempt("returns_a_generator")) as child:
        told = child.answer(CASE).complaints
    assert told["dx"] == "it is a generator: needed is an array of numbers"
    with Child(attempt("returns_a_bomb")) as child:
        answer = child.answer(CASE)
    assert set(answer.complaints) == {"dx", "dw", "db"}
    assert answer.arrays == {}


def test_a_result_that_is_too_large_is_told():
    with Child(attempt("returns_much")) as child:
        answer = child.answer(CASE)
    assert answer.complaints["dx"] == "it is too large to be compared: (5000000,)"
    assert set(answer.arrays) == {"dw", "db"}


def test_bfloat16_comes_with_all_its_digits():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    short = np.array([1.5, -3.140625, 65280]).astype(ml_dtypes.bfloat16)
    for array, dtype in ((short, np.float16), (short * short, np.float32)):
        sent = packed({}, {"y": array})
        found = unpacked(sent[:START_SIZE], sent[START_SIZE:]).arrays["y"]
        assert found.dtype == dtype
        assert (found == array.astype(float)).all()


def test_what_was_printed_last_is_kept():
    with Child(attempt("prints_without_end"), 1) as child:
        child.answer(CASE)
    assert len(child.printed) == PRINTED
    assert "nonsense" in child.printed


# The import

MODULES = {
    "sys.exit(0)": "SystemExit: 0, at line 2: sys.exit",
    "os._exit(0)": "its process ended by itself, with exit code 0",
    "raise KeyboardInterrupt": "KeyboardInterrupt, at line 2",
    "def f(:": r"SyntaxError: .*\(mine.py, line 2\)",
    "import nothing_at_all": "ModuleNotFoundError: No module named 'nothing_at_all'",
    "f = 3": "mine.py:f is a int: needed is a function",
    "class f: pass": "mine.py:f is a class: needed is a function",
    "ff = len": r"mine has no attribute 'f' \(did you mean 'ff'\?\)",
    "while True: pass": "it took more than 2 s, at line 2 of mine.py",
    "sys.argv.index('--of')": "ValueError: '--of' is not in list",
}


@pytest.mark.parametrize("code", MODULES)
def test_modules_that_cannot_be_imported_are_told(code, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(f"import os, sys\n{code}\n")
    told = "^could not be imported: (.*/)?" + MODULES[code]
    with pytest.raises(LoadError, match=told):
        Child(attempt(Reference(f"{path}:f")), loading=2)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no_file.py:f", "there is no file no_file.py"),
        ("no_module:f", "ModuleNotFoundError: No module named 'no_module'"),
        (f"{ATTACKS}:Demanding.backward", r"Demanding\(\) is needed, and fails: Type"),
        (f"{ATTACKS}:Layer.forward", r"Layer has no attribute 'forward'"),
    ],
)
def test_references_to_nothing_are_told(text, told):
    with pytest.raises(LoadError, match=f"could not be imported: {told}"):
        Child(attempt(Reference(text)))


@pytest.mark.parametrize(
    "text", ["", "f", "a.b", ":f", "a:", "a b:f", "a:f()", "a:b:c"]
)
def test_references_of_another_form_are_refused(text):
    told = f"the attempt needs the form MODULE:FUNCTION, .* got {text!r}"
    with pytest.raises(ValueError, match=re.escape(told).replace(r"\.\*", ".*")):
        Reference(text)


def test_a_module_sees_its_own_name_as_the_only_argument(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("import sys\nseen = [*sys.argv]\ndef f(*_): raise OSError(seen)\n")
    with Child(attempt(Reference(f"{path}:f"))) as child:
        assert f"OSError: ['{path}']" in child.answer(CASE).error


def test_a_file_named_like_a_module_of_python_is_imported(tmp_path):
    (tmp_path / "json.py").write_text("from beside import right\n")
    (tmp_path / "beside.py").write_text(ATTACKS.read_text())
    with Child(attempt(Reference(f"{tmp_path / 'json.py'}:right"))) as child:
        assert is_right(child.answer(CASE))


def test_importing_in_this_process_restores_the_arguments():
    before = sys.argv, [*sys.argv]
    assert Reference("math:hypot")(3, 4) == 5
    assert (sys.argv, [*sys.argv]) == before


# How it travels


def test_without_cloudpickle_a_local_function_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    told = r"isolated=True needs a function of a module, a text such as .* got .*"
    with pytest.raises(ValueError, match=told + "<lambda> of "):
        pickled(attempt(lambda d_out, x, w: None))  # noqa: ARG005
    main = type(sys)("__main__")
    exec("def f(): pass", main.__dict__)
    with pytest.raises(ValueError, match=told + "f of __main__"):
        pickled(attempt(main.f))
    with pytest.raises(ValueError, match=told + "<lambda> of "):
        pickled(attempt(conv_backward, convert=lambda x: x))
    again = pickle.loads(pickled(attempt(conv_backward)))
    assert again.function is conv_backward


def test_what_holds_a_lock_is_refused():
    pytest.importorskip("cloudpickle")
    lock = threading.Lock()
    told = "isolated=True needs a function of a module.*: cannot pickle '_thread.lock'"
    with pytest.raises(ValueError, match=told):
        pickled(attempt(lambda d_out, x, w: lock))  # noqa: ARG005


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_seconds_are_positive(seconds):
    with pytest.raises(ValueError, match="seconds needs more than 0 seconds, got"):
        Child(attempt("right"), seconds)
    with pytest.raises(ValueError, match="loading needs more than 0 seconds, got"):
        Child(attempt("right"), loading=seconds)


# What is not trusted


@pytest.mark.parametrize(
    ("header", "body"),
    [
        (b"[]", b""),
        (b"{}", b""),
        (b'{"arrays": 3}', b""),
        (b"[" * 10**5, b""),
        (b"\xff", b""),
        (b'{"arrays": [["y", "object", [1]]]}', b"x" * 8),
        (b'{"arrays": [["y", "float64", [2]]]}', b"x" * 8),
        (b'{"arrays": [["y", "float64", [1]]]}', b"x" * 9),
        (b'{"arrays": [["y", "float64", [-1]]]}', b""),
        (b'{"arrays": [["y", "float64", [true]]]}', b"x" * 8),
        (b'{"arrays": [["y", "float64", [1.0]]]}', b"x" * 8),
        (b'{"arrays": [["y", "float64", [0, 18446744073709551616]]]}', b""),
        (b'{"arrays": [["y", "float64", [0' + b", 1" * 99 + b"]]]}", b""),
        (b'{"arrays": [["y", "float64"]]}', b""),
    ],
)
def test_what_is_no_message_is_refused(header, body):
    start = (
        b"DTr1" + len(header).to_bytes(4, "little") + len(body).to_bytes(8, "little")
    )
    assert rest_size(start) == len(header) + len(body)
    with pytest.raises(GarbledError):
        unpacked(start, header + body)


def test_a_text_has_a_largest_size():
    assert readable("a\nb" * 10**6) == ("a\ufffdb" * 334)[:1000]
    assert readable(["x"]) == "['x']"


def test_a_message_has_a_largest_size():
    assert rest_size(b"DTr1" + bytes(4) + MOST_BYTES.to_bytes(8, "little"))
    for start in (
        b"DTr1" + bytes(4) + (MOST_BYTES + 1).to_bytes(8, "little"),
        b"DTr1" + (2**20 + 1).to_bytes(4, "little") + bytes(8),
        b"DTr0" + bytes(12),
    ):
        with pytest.raises(GarbledError):
            rest_size(start)


@pytest.mark.parametrize(
    "change",
    [
        {"call": 2},
        {"ending": "right"},
        {"ending": "gone"},
        {"ending": None},
        {"complaints": "all"},
    ],
)
def test_a_header_that_says_something_else_is_refused(change, monkeypatch):
    usual = {"call": 1, "ending": "returned", "error": "", "kind": "", "complaints": {}}
    with Child(attempt("right")) as child:
        for header, ending in ((usual, "returned"), ({**usual, **change}, "gone")):
            sent = packed(header, {"dx": np.zeros(1)})
            message = unpacked(sent[:START_SIZE], sent[START_SIZE:])
            monkeypatch.setattr(child._exchange, "message", lambda *_: message)  # noqa: B023
            assert child.answer(CASE).ending == ending
            child._calls = 0


def test_a_result_that_nobody_asked_for_is_refused(monkeypatch):
    header = {"call": 1, "ending": "returned"}
    sent = packed(header, {"verdict": np.zeros(1)})
    message = unpacked(sent[:START_SIZE], sent[START_SIZE:])
    with Child(attempt("right")) as child:
        monkeypatch.setattr(child._exchange, "message", lambda *_: message)
        assert child.answer(CASE).ending == "gone"


# In a report


def test_the_report_is_the_same_in_a_process_of_its_own():
    there, here = (
        diagnose.function(conv_backward, "conv_backward", ["stride"], isolated=isolated)
        for isolated in (True, False)
    )
    assert there.as_dict() == {
        **here.as_dict(),
        "notes": ["It ran in a process of its own."],
    }


@pytest.mark.parametrize(
    ("name", "status", "told"),
    [
        ("exits_at_once", "wrong", "its process ended by itself, with exit code 0"),
        ("loops_in_c", "wrong", "it took more than 1 s"),
        ("exits", "wrong", "SystemExit: 0, at line"),
        ("patches_numpy", "wrong", "all its elements are 0"),
        ("returns_a_bomb", "wrong", "it is a Bomb: needed is an array of numbers"),
        ("method_of_nothing", "refused", "NotImplementedError"),
    ],
)
def test_the_report_tells_how_a_process_ended(name, status, told):
    text = f"{ATTACKS}:{name}"
    report = diagnose.function(text, "conv_backward", [], seconds=1, isolated=True)
    assert report.status == status
    assert told in str(report)


def test_annotations_declare_limits_in_a_process_of_its_own(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from deconv_tutorial import conv\n"
        "def mine(x, w, stride: int): return conv(x, w, stride=range(stride)[-1] + 1)\n"
    )
    report = diagnose.function(f"{path}:mine", "conv", "stride", isolated=True)
    assert report.status == "right"
    assert report.as_dict()["coverage"]["limits"] == ["one number for all axes"]


def test_a_text_needs_a_process_of_its_own():
    told = "attempt needs a function, or isolated=True for a text, got 'a:b'"
    with pytest.raises(ValueError, match=told):
        diagnose.function("a:b", "conv")
    with pytest.raises(LoadError, match="could not be imported: ModuleNotFoundError"):
        diagnose.function("no_module:b", "conv", isolated=True)


# A guest


def test_nothing_of_this_process_changes():
    def state():
        handlers = [signal.getsignal(number) for number in signal.valid_signals()]
        files = len([*Path("/proc/self/fd").iterdir()]) if Path("/proc").exists() else 0
        return handlers, files, threading.enumerate(), [*sys.path], dict(os.environ)

    before = state()
    for name in ("right", "exits_at_once", "loops_in_c"):
        with Child(attempt(name), 1) as child:
            child.answer(CASE)
    child.close()
    assert state() == before


@pytest.mark.parametrize("name", ["leaves_a_copy", "forks"])
def test_copies_end_with_the_process_without_a_look_at_their_mark(name, monkeypatch):
    monkeypatch.setattr(process, "_marked", lambda _: ())
    with Child(attempt(name)) as child:
        assert is_right(child.answer(CASE))


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_whatever_interrupts_a_call_ends_the_process(error, monkeypatch):
    def interrupted(*_):
        raise error

    child = Child(attempt("right"))
    monkeypatch.setattr(child._exchange, "message", interrupted)
    with pytest.raises(error):
        child.answer(CASE)
    assert child._process.has_ended
    assert child.answer(CASE).ending == "gone"


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_copy_of_this_process_does_not_end_the_child():
    with Child(attempt("right")) as child:
        copy = os.fork()
        if copy == 0:
            with contextlib.suppress(BaseException):
                child.close()
            os._exit(0)
        os.waitpid(copy, 0)
        assert is_right(child.answer(CASE))


def test_a_child_that_nobody_holds_ends():
    child = Child(attempt("right"))
    started = child._process._process
    del child
    gc.collect()
    assert started.returncode is not None


def test_large_arrays_come_and_go():
    big = np.arange(2.0**21).reshape(1, 1, -1)
    case = type(CASE)("big", big, CASE.w, CASE.d_out, {}, transposed=False)
    with Child(Attempt(Reference("numpy:maximum"), "conv", ())) as child:
        assert child.answer(case).ending == "failed"  # other shapes
        assert child.answer(case).ending == "failed"
    same = type(CASE)("big", big, big, CASE.d_out, {}, transposed=False)
    with Child(Attempt(Reference("numpy:maximum"), "conv", ())) as child:
        assert (child.answer(same).arrays["y"] == big).all()


PARENT = """
import sys, time
from deconv_tutorial.diagnose.attempt import Attempt
from deconv_tutorial.diagnose.isolation import Child
from deconv_tutorial.diagnose.probes import STRONG
from deconv_tutorial.diagnose.reference import Reference
name, seconds = sys.argv[1:]
case = next(p for p in STRONG if p.name == "plain").case(transposed=False)
child = Child(Attempt(Reference(name), "conv_backward", ()), float(seconds))
print("ready", flush=True)
print(child.answer(case).ending, flush=True)
time.sleep(60)
"""


def parent(name, seconds="50", **more):
    command = [sys.executable, "-c", PARENT, f"{ATTACKS}:{name}", seconds]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more.pop("env", {})}
    started = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True, **more
    )
    assert started.stdout.readline() == "ready\n"
    return started


def test_an_interrupt_leaves_no_process_behind():
    started = parent("loops_in_c", stderr=subprocess.PIPE)
    time.sleep(0.2)
    started.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in started.communicate(timeout=10)[1]
    assert remaining(os.environ["TEST_OF_ISOLATION"]) == []


def test_an_attempt_does_not_read_what_this_process_is_told():
    started = parent("asks", stdin=subprocess.PIPE)
    with started:
        started.stdin.write("right\n" * 100)
        started.stdin.flush()
        assert started.stdout.readline() == "failed\n"
        started.kill()


def test_a_killed_parent_leaves_no_process_behind():
    started = parent("right")
    assert started.stdout.readline() == "returned\n"
    with started:
        started.kill()


def test_a_call_ends_some_time_after_its_limit_though_nobody_sees_to_it():
    code = (
        "from deconv_tutorial.diagnose.inside import _limit_orphan as limit;"
        "import time; limit(0.2); limit(0); time.sleep(0.4); print('on', flush=True);"
        "limit(0.2); sum(range(10**12))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False
    )
    assert (done.stdout, done.returncode) == (b"on\n", -signal.SIGALRM)


LESS = """
import os, signal, sys
for module, name in [
    (os, "fork"), (os, "register_at_fork"), (os, "killpg"), (os, "getpgid"),
    (signal, "setitimer"), (signal, "SIGALRM"), (signal, "SIGUSR1"),
]:
    delattr(module, name)
sys.modules["resource"] = sys.modules["fcntl"] = None
"""


def test_it_works_where_the_system_offers_less(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(LESS)
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    started = parent("right", env={"PYTHONPATH": path})
    assert started.stdout.readline() == "returned\n"
    with started:
        started.kill()
    started = parent("loops_in_c", "1", env={"PYTHONPATH": path})
    assert started.stdout.readline() == "stopped\n"
    with started:
        started.kill()


def test_memory_has_a_limit_that_is_given():
    with Child(attempt("returns_much"), memory=2**28) as child:
        assert child.answer(CASE).ending == "returned"
    with Child(attempt("takes_memory_bit_by_bit"), memory=2**28) as child:
        assert child.answer(CASE).kind == "MemoryError"


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_frameworks_find_enough_memory(library, tmp_path):
    pytest.importorskip(library)
    make = {"torch": "torch.tensor", "jax": "jax.numpy.asarray"}[library]
    path = tmp_path / "mine.py"
    path.write_text(
        f"import {library}\ndef f(d_out, x, w): return {make}(x), w, d_out\n"
    )
    with Child(attempt(Reference(f"{path}:f")), 20) as child:
        found = child.answer(CASE)
    assert found.ending == "returned", found
    assert (found.arrays["dx"] == CASE.x).all()


def test_the_place_is_not_told_if_there_is_none():
    assert place_of_call("") == ""
    theirs = (
        "Stack (most recent call first):\n" + f'  File "{np.__file__}", line 3 in f\n'
    )
    assert place_of_call(theirs) == ""
