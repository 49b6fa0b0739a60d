"""The tool that makes small mistakes: which, and whether it sees them found."""

import ast

import pytest

from tools import copies
from tools.checkout import ROOT
from tools.copies import Copy
from tools.copies import ending as ending_of
from tools.mutants import chosen, equivalents, main, mirrored, trials, wide
from tools.mutations import drawn, mutants_of

MODULE = '''\
"""What is most: 1 + 1."""

__all__ = ["clipped"]


def clipped(n: int, most: int = 3) -> int:
    """Return 1 - 1."""
    if n < 0:
        msg = f"{n - 1}"
        raise ValueError(msg)
    return min(n, most)
'''
TESTS = """\
import pytest
from deconv_tutorial.counts import clipped

def test_clipped():
    assert [clipped(n) for n in (2, 3, 4)] == [2, 3, 3]
    with pytest.raises(ValueError):
        clipped(-1)
"""
WIDER = """\
from deconv_tutorial.counts import clipped

def test_zero():
    assert clipped(0) == 0
"""
KNOWN = """
[[equivalent]]
file = "deconv_tutorial/counts.py"
function = "clipped"
before = "if n < 0:"
after = ["if n <= 0:"]
reason = "Only a toy would say so."
"""


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Return a checkout with one module, whose tests forget zero."""
    monkeypatch.setattr(copies, "READY", ())
    for name, text in {
        "deconv_tutorial/__init__.py": "",
        "deconv_tutorial/counts.py": MODULE,
        "tests/test_counts.py": TESTS,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path


def changes(text):
    return [m.after for m in mutants_of(text.encode(), "module.py")]


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("a + b", ["a - b"]),
        ("a * b", ["a // b"]),
        ("a < b <= c", ["a <= b <= c", "a < b < c"]),
        ("a is not b", ["a is b"]),
        ("a and b and c", ["a or b and c", "a and b or c"]),
        ("not a", ["(a)"]),
        ("-a", ["(a)"]),
        ("(é) + (b)", ["(é) - (b)"]),
        ("7", ["6", "8"]),
        ("True", ["False"]),
        ("min(a, b)", ["max(a, b)"]),
        ("any(a)", ["all(a)"]),
        ("np.result_type(a, b)", []),
        ("a[b:c]", ["a[c:b]"]),
        ("a[b:]", ["a[:b]"]),
        ("f(a, b)", ["f(b, a)"]),
        ("f(a=b)", ["f(**{})"]),
        (
            "a if b else c",
            ["a if False else c", "a if True else c", "a if not (b) else c"],
        ),
        (
            "a for a in b if c",
            [f"a for a in b if {c}" for c in ("False", "True", "not (c)")],
        ),
        # What only a reader or the types need, and a guard:
        ("'a' + b", []),
        ("f'{a + 1}'", []),
        ("cast('int', b)", []),
        ("isinstance(a, b)", []),
        ("zip(a, strict=True)", []),
        ("a.reshape(-1, b)", ["a.reshape(b, -1)"]),
    ],
)
def test_changes_of_an_expression(line, changed):
    found = [text[1:-1] for text in changes(f"[{line}]")]
    assert sorted(found) == sorted(changed)


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("a += b", ["a -= b", "a = b", "pass"]),
        ("a[b] = c", ["a[b] += c", "pass"]),
        ("a.b = c", ["a.b += c", "pass"]),
        ("a = a.b", ["pass"]),
        ("a = b", []),
        ("f(a)", ["pass"]),
        ("raise a", ["pass"]),
        ("a = f(b)", ["a = b"]),
        ("a = b.copy()", ["a = b"]),
        ("import a", []),
        ("a: Literal[1] = b", []),
        ("A: TypeAlias = tuple[1]", []),
        ("__all__ = [1]", []),
        ('"""1 + 1"""', []),
        ("def f(a: int | 1 = b) -> 1: return a", []),
        ("if TYPE_CHECKING: a += b", []),
        ("f(\n    a,\n)", ["pass"]),
        ("while a: b", ["while False: b", "while not (a): b"]),
    ],
)
def test_changes_of_a_statement(line, changed):
    assert sorted(changes(line)) == sorted(changed)


def test_every_mutant_is_another_text_of_one_change():
    path = "deconv_tutorial/geometry/rule.py"
    text = (ROOT / path).read_bytes()
    mutants = mutants_of(text, path)
    texts = {mutant.applied(text) for mutant in mutants}
    assert len(texts) == len(mutants) > 100
    assert text not in texts
    for mutant in mutants:
        lines = mutant.applied(text).decode().splitlines()
        assert " ".join(lines[mutant.line - 1].split()) in mutant.after
        ast.parse(mutant.applied(text))


def test_drawing_takes_turns():
    """Modules and mutations come in turn, however many mutants they have."""
    small = mutants_of(b"[a + b]", "small.py")
    large = mutants_of(b"[a + b, a < b]" + b"\n[1]" * 20, "large.py")
    order = list(drawn([*large, *small], seed=0))
    assert sorted(map(str, order)) == sorted(map(str, [*large, *small]))
    assert {mutant.file for mutant in order[:2]} == {"small.py", "large.py"}
    of_large = [mutant.mutation for mutant in order if mutant.file == "large.py"]
    assert len(set(of_large[:4])) == 4


def test_same_seed_draws_the_same_and_another_seed_others():
    once, again, other = (chosen(ROOT, ["geometry"], seed, 20) for seed in (0, 0, 1))
    assert once == again != other
    assert len(once) == len(other) == 20


def test_a_drawing_does_not_change_with_another_module():
    alone = chosen(ROOT, ["geometry/rule.py"], 0, 10)
    both = chosen(ROOT, ["geometry/rule.py", "engines/naive.py"], 0, 20)
    assert [mutant for mutant in both if mutant.file == alone[0].file] == alone


def test_tests_are_those_that_mirror_a_module_and_those_above():
    rule = "deconv_tutorial/geometry/rule.py"
    module, *tests = mirrored(ROOT, rule)
    assert module == rule
    assert "tests/geometry/test_geometry.py" in tests
    assert all(test.startswith("tests/geometry/") for test in tests)
    call = "deconv_tutorial/call.py"
    assert mirrored(ROOT, call) == [call, "tests/test_call.py"]
    tests = mirrored(ROOT, "deconv_tutorial/engines/naive.py")
    assert "tests/engines/test_engines.py" in tests
    assert not any("fast" in test for test in tests)
    assert {"tests/geometry/test_geometry.py", "tests/test_functional.py"} < {
        *wide(ROOT)
    }
    assert any("engines/fast" in test for test in wide(ROOT))


def test_cheap_tests_are_first_and_those_of_modules_beside_are_last(toy):
    (toy / "deconv_tutorial" / "other.py").write_text("", "utf-8")
    with trials(toy, 1) as running:
        names = ["tests/test_other.py", "tests/test_all.py", "tests/test_counts.py"]
        running.seconds = {name: n for n, name in enumerate(names)}
        module = "deconv_tutorial/counts.py"
        order = sorted(names, key=lambda test: running.cost(test, module))
    assert order == [*names[1:], names[0]]


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_survivors_are_found_and_nothing_is_changed(toy, capsys):
    before = contents(toy)
    assert main(["--jobs", "1", "counts.py"], toy) == 1
    assert contents(toy) == before
    said = capsys.readouterr().out.splitlines()
    assert said[1].split()[0] == "counts.py"
    row = map(float, said[1].split()[1:])
    tried, killed, stopped, equivalent, survived, percent = row
    assert (stopped, equivalent, survived) == (0, 0, 2)
    assert killed == tried - 2
    assert percent == pytest.approx(100 * killed / tried, abs=0.1)
    assert said[2].split()[1:] == said[1].split()[1:]
    assert said[3:] == [
        "survived: deconv_tutorial/counts.py:8 in clipped (< to <=)",
        "-    if n < 0:",
        "+    if n <= 0:",
        "survived: deconv_tutorial/counts.py:8 in clipped (n to n + 1)",
        "-    if n < 0:",
        "+    if n < 1:",
    ]


def test_wider_tests_find_more_and_the_equivalent_is_not_run(toy, capsys):
    (toy / "tests" / "test_call.py").write_text(WIDER, "utf-8")
    (toy / "tools").mkdir()
    (toy / "tools" / "mutants.toml").write_text(KNOWN, "utf-8")
    assert main(["--jobs", "1", "counts.py", "--at-least", "100"], toy) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[1].split()[3:] == ["0", "1", "0", "100.0"]


def test_what_is_stopped_is_told_from_what_fails(toy, capsys, monkeypatch):
    """Whether a machine was only busy is then for the reader to see."""

    def stops(status):
        return "stopped" if status == 1 else ending_of(status)

    monkeypatch.setattr(copies, "ending", stops)
    main(["--jobs", "1", "counts.py", "--count", "3"], toy)
    said = capsys.readouterr().out.splitlines()
    assert said[1].split()[1:] == ["3", "0", "2", "0", "1", "66.7"]
    kinds = [line.partition(":")[0] for line in said[3::3]]
    assert kinds == ["stopped", "stopped", "survived"]


@pytest.fixture
def copy(toy, tmp_path_factory):
    copied = Copy(toy, tmp_path_factory.mktemp("copy"))
    yield copied
    copied.end()


@pytest.fixture
def ending(copy):
    """Return a function that tells how a test ends that a copy is given."""

    def ending(body, **limits):
        test = copy.folder / "tests" / "test_new.py"
        test.write_text(f"import time\n\ndef test():\n    {body}", "utf-8")
        return copy.run(["tests/test_new.py"], **limits)[0]

    return ending


def test_tests_that_take_too_much_are_stopped(ending):
    assert ending("while True: pass", seconds=2) == "stopped"
    assert ending("time.sleep(3600)", patience=1) == "stopped"
    large = "text = b'1' * 2**29; time.sleep(1)"
    assert ending(large, most=2**28) == "stopped"
    assert ending(large) == "passed"
    assert ending("assert False") == "failed"


def test_misused_pytest_is_no_failing_test(copy):
    with pytest.raises(RuntimeError, match=r"pytest refused.*gone"):
        copy.run(["tests/test_gone.py"])


def test_end_of_the_process_that_runs_tests_is_no_failing_test(ending):
    with pytest.raises(RuntimeError, match=r"ended with -9$"):
        ending("import os; os.kill(os.getppid(), 9)")


def test_mutant_of_the_same_length_in_the_same_second_is_seen(copy):
    every = mutants_of(MODULE.encode(), "deconv_tutorial/counts.py")
    right = contents(copy.folder)
    for after, ends in {"return max(n, most)": "failed", "if n < 1:": "passed"}.items():
        mutant = next(mutant for mutant in every if mutant.after == after)
        for _ in range(2):
            assert copy.run(["tests/test_counts.py"])[0] == "passed"
            with copy.mutated(mutant):
                assert copy.run(["tests/test_counts.py"])[0] == ends
    assert {path: contents(copy.folder)[path] for path in right} == right


@pytest.mark.parametrize(("old", "new"), [("n < 0", "n < 5"), ("counts", "gone")])
def test_stale_equivalent_is_refused(toy, old, new):
    (toy / "tools").mkdir()
    (toy / "tools" / "mutants.toml").write_text(KNOWN.replace(old, new), "utf-8")
    with pytest.raises(SystemExit, match=f"stale.*{new}"):
        main(["--list", "counts.py"], toy)


def test_one_entry_may_list_several_mistakes_of_a_line(toy):
    (toy / "tools").mkdir()
    several = KNOWN.replace('"if n <= 0:"', '"if n <= 0:", "if n < 1:"')
    (toy / "tools" / "mutants.toml").write_text(several, "utf-8")
    assert main(["--jobs", "1", "counts.py", "--at-least", "100"], toy) == 0


def test_equivalents_of_this_package_exist_and_have_a_reason():
    assert all(entry.reason.endswith(".") for entry in equivalents(ROOT))


def test_failing_tests_are_refused(toy):
    (toy / "tests" / "test_call.py").write_text("def test(): assert False", "utf-8")
    with pytest.raises(SystemExit, match=r"test_call\.py fails before any mistake"):
        main(["--jobs", "1", "counts.py"], toy)


def test_list_runs_nothing(toy, capsys):
    (toy / "tests" / "test_call.py").write_text("def test(): assert False", "utf-8")
    assert main(["--list", "--count", "3", "counts.py"], toy) == 0
    assert capsys.readouterr().out.count("deconv_tutorial/counts.py:") == 3


def test_unknown_module_is_refused(toy):
    with pytest.raises(SystemExit, match=r"there is no deconv_tutorial/gone\.py"):
        main(["--list", "gone.py"], toy)
