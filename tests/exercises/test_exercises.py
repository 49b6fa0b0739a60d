"""Each exercise takes what is right, and says of what is wrong why it is."""

import ast
import inspect
import re
import signal
import subprocess
import sys
import threading
import time

import nbformat
import numpy as np
import pytest
import sympy as sp
from scipy import signal as signal_2d

from deconv_tutorial import conv, conv_transpose, conv_transpose_backward
from deconv_tutorial.diagnose.compare import is_same
from deconv_tutorial.diagnose.mistakes.problem import problem_of
from deconv_tutorial.diagnose.trial import TooSlowError, blame, time_limit
from deconv_tutorial.engines import naive
from deconv_tutorial.exercises import check, exercises, solution, stub
from deconv_tutorial.exercises.call_outcome import outcome
from deconv_tutorial.exercises.exercise import paint_layer
from deconv_tutorial.exercises.register import exercise_of
from deconv_tutorial.exercises.reproducer import expression
from deconv_tutorial.geometry import Axis, Geometry, conv_geometry
from deconv_tutorial.symbolic.general import safe_sum
from tools.checkout import ROOT
from tools.notebooks import chapters

ALL = {key: exercise_of(key) for key in exercises()}
OF_A_LAYER = {key: exercise for key, exercise in ALL.items() if exercise.layer}
WRONG = {
    f"{key}-{n}": (key, wrong)
    for key, exercise in ALL.items()
    for n, wrong in enumerate(exercise.wrong)
}
EVERY = pytest.mark.parametrize("key", ALL)
M = sp.Symbol("m", integer=True)


def pasted(text, **more):
    """Return what a cell with this text defines, and what it returns in the end."""
    names = {"__name__": "__main__", **more}
    *first, last = ast.parse(text).body
    exec(compile(ast.Module(first, []), "<a cell>", "exec"), names)
    if not isinstance(last, ast.Expr):
        exec(compile(ast.Module([last], []), "<a cell>", "exec"), names)
        return names, None
    return names, eval(compile(ast.Expression(last.value), "<a cell>", "eval"), names)


def own(key):
    """Return the solution as a person's own function: pasted in place of the stub."""
    solved = repr(stub(key))
    start = solved.index("\ndef ")
    code = f"{solved[:start]}\n{solution(key)!r}"
    names, _ = pasted(code)
    return names[ALL[key].name]


# What stands in the book.


def cells_of(key):
    path = ROOT / "book" / f"{exercises()[key]}.ipynb"
    if not path.is_file():
        pytest.skip("the book is not here")
    return nbformat.read(path, as_version=4).cells


def texts(key, kind):
    return [cell.source for cell in cells_of(key) if cell.cell_type == kind]


@EVERY
def test_the_label_and_the_hint_stand_in_the_chapter(key):
    prose = "\n\n".join(texts(key, "markdown"))
    pattern = (
        rf":{{3,}}\{{exercise\}} ([^\n]+)\n:label: ex-{key}\n(.*?)\n:::\{{solution"
    )
    ((title, body),) = re.findall(pattern, prose, re.DOTALL)
    (hint,) = re.findall(r"Hint\n:class: .*\n(.*?)\n:::", body, re.DOTALL)
    assert " ".join(hint.split()) == ALL[key].hint
    assert title.removeprefix("★ ") == ALL[key].title
    text = without_citations(re.split(r"\n:::(?:\n|$)", body)[0])
    assert " ".join(text.split()) == " ".join(ALL[key].text.split())


def without_citations(text):
    text = re.sub(r" \{cite:p\}`[^`]*`", "", text)
    return text.replace("{cite:t}`zhang2023d2l`", "Zhang et al. (2023)")


@EVERY
def test_the_chapter_shows_it(key):
    code = "\n\n".join(texts(key, "code"))
    assert all(f'{word}("{key}"' in code for word in ("stub", "solution"))
    assert f"def {ALL[key].name}(" not in code, "the solution is pasted"
    assert f'check("{key}", solution(' not in code, "the solution is refused"


def test_the_book_names_no_other_key():
    named = set()
    for path in chapters():
        code = "\n".join(
            cell.source
            for cell in nbformat.read(path, as_version=4).cells
            if cell.cell_type == "code"
        )
        named |= set(re.findall(r'\b(?:stub|solution|check)\(\s*"([^"]+)"', code))
    assert named <= set(ALL)


# What is shown.


@EVERY
def test_the_stub_fails_politely(key):
    assert "not written yet" in str(check(key, stub(key)))
    names, verdict = pasted(repr(stub(key)))
    assert names[ALL[key].name].__doc__
    assert not verdict
    assert verdict.key == key
    assert "not written yet" in str(verdict)


@EVERY
def test_a_stub_with_dots_is_told_that_nothing_comes(key):
    _, verdict = pasted(repr(stub(key)).replace("raise NotImplementedError", "..."))
    assert not verdict
    assert verdict.findings == ("It needs to return something, got None.",)
    assert verdict.hint.startswith("Is there a `return`?")


@EVERY
def test_the_solution_is_right_where_it_is_pasted(key):
    assert str(check(key, own(key))).endswith("cases.")


@EVERY
def test_the_example_of_a_stub_needs_no_more_than_the_stub(key):
    text = repr(stub(key))
    names = {"__name__": "__main__"}
    head, _, rest = text.partition("\ndef ")
    exec(head, names)
    docstring = ast.get_docstring(ast.parse(f"def {rest}").body[0])
    shown = {name for name in names if not name.startswith("__")}
    words = re.findall(r">>> (.*)", docstring)
    used = {
        node.id
        for line in words
        for node in ast.walk(ast.parse(line))
        if isinstance(node, ast.Name)
    }
    made = {
        node.id
        for line in words
        for node in ast.walk(ast.parse(line))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    assert used - made - {ALL[key].name, "print", "int"} <= shown


@EVERY
def test_a_stub_names_nothing_that_only_the_book_defines(key):
    assert not re.search(r"\b(paint|unfold|fold|running)\b", repr(stub(key)))


@EVERY
def test_stub_and_solution_have_the_same_signature_without_types(key):
    lines = [
        re.search(r"^def .*", repr(shown(key)), re.MULTILINE)[0]
        for shown in (stub, solution)
    ]
    parameters = ", ".join(inspect.signature(ALL[key].solution).parameters)
    assert lines == [f"def {ALL[key].name}({parameters}):"] * 2
    assert '"""' not in repr(solution(key))
    body = repr(solution(key)).splitlines()[-1]
    assert body not in repr(stub(key)), "the stub tells the solution"


@EVERY
def test_pages_show_code(key):
    for shown in (stub(key), solution(key)):
        assert shown._repr_markdown_() == f"```python\n{shown!r}\n```"


# What is tried.


def by_adding_at(columns, geometry):
    x = np.zeros(geometry.input_size)
    for o, k, i in geometry.connections():
        x[*i] += columns[*k, *o]
    return x


def by_hand(d_out, x, geometry):
    dx = [0] * len(x)
    for o in range(len(d_out)):
        read = [i for other, _, (i,) in geometry.connections() if other == (o,)]
        dx[max(read, key=lambda i: x[i])] += d_out[o]
    return dx


def by_formulas(d, d_out):
    m = [(d[0] - d[2]) * d_out[0], (d[1] + d[2]) * (d_out[0] + d_out[1]) / 2]
    m += [(d[2] - d[1]) * (d_out[0] - d_out[1]) / 2, (d[3] - d[1]) * d_out[1]]
    return np.array([m[0] + m[1] + m[2], m[1] - m[2], m[1] + m[2] + m[3]])


def by_definition(x, w, y):
    x_, w_, y_ = (array[None, None, None] for array in (x, w, y))
    geometry = conv_geometry(len(x), len(w))
    maps = naive.forward(x_, w_, geometry), naive.weight_grad(x_, y_, geometry)
    return [array.ravel() for array in (*maps, naive.input_grad(y_, w_, geometry))]


def by_conv(w, y, size, stride, padding):
    geometry = Geometry((Axis(size, len(w), len(y), stride, 1, padding),))
    arrays = y[None, None, None], w[None, None, None]
    return naive.input_grad(*arrays, geometry)[0, 0, 0]


def by_svd(matrix):
    *_, rows = np.linalg.svd(matrix)
    return 5 * rows[-1], np.zeros((1, matrix.shape[1]))


OTHER_RIGHT_ANSWERS = [
    (
        "flip-dx",
        lambda w, d_out, inputs, stride, padding: by_definition(
            np.concatenate([[0] * padding, d_out, [0] * 9]), w, np.zeros(99)
        )[0][::stride][:inputs],
    ),
    ("flip-correlation", lambda x, d_out: signal_2d.correlate2d(x, d_out, "valid")),
    (
        "form-channels",
        lambda geometry, x, w, y: (
            y * naive.forward(x[None, None], w[None, None], geometry)[0, 0, 0]
        ).sum(),
    ),
    ("form-dense", lambda w, x, y: (x @ w.T, y @ w, y[:, None] * x)),
    ("form-flip", by_conv),
    (
        "relabel-two-lines",
        lambda d_out, v, w, s: conv_transpose_backward(d_out, v, w, stride=s),
    ),
    ("relabel-inverse", lambda: ([[[0, 0.6, 0.8]]], 3)),
    (
        "indices-range",
        lambda k, size, outputs, stride, padding, dilation: [
            o for o in range(outputs) if 0 <= stride * o + dilation * k - padding < size
        ],
    ),
    (
        "indices-repair",
        lambda j, g: safe_sum(
            sp.KroneckerDelta(j, 2 * M) * g[M], (M, 0, 10), divide=True
        ),
    ),
    ("indices-transposed", lambda pattern, v, w: np.tensordot(w, v @ pattern, 1)),
    ("flip-scipy", lambda d_out, w: np.convolve(w, d_out)[1:-1]),
    ("matrices-values", by_svd),
    ("matrices-inverse", lambda: [[[1, -1]], [[-1, -1]]]),
    (
        "checking-consistent",
        lambda v, u, w: (2 * conv(v, w), 2 * conv_transpose(u, w)),
    ),
    ("im2col-bincount", by_adding_at),
    ("im2col-max", by_hand),
    ("cost-transpose", by_formulas),
    ("cost-fft", by_definition),
]


@pytest.mark.parametrize(("key", "answer"), OTHER_RIGHT_ANSWERS)
def test_what_is_right_is_right_in_every_form(key, answer):
    assert check(key, answer)


@pytest.mark.parametrize("name", WRONG)
def test_each_wrong_answer_gets_its_own_hint(name):
    key, wrong = WRONG[name]
    verdict = check(key, wrong.function)
    assert not verdict
    assert verdict.hint == wrong.hint
    assert verdict.passed < verdict.cases


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_is_known_by_numbers_and_not_by_errors_alone(name):
    key, wrong = WRONG[name]
    outcomes = [outcome(ALL[key], wrong.function, case) for case in ALL[key].cases]
    assert not all(found.error for found in outcomes)


@EVERY
def test_there_are_several_wrong_answers_with_different_hints(key):
    hints = [wrong.hint for wrong in ALL[key].wrong]
    assert len(hints) >= 3
    assert len({*hints, ALL[key].hint}) == len(hints) + 1


@EVERY
def test_hints_are_sentences_and_no_solutions(key):
    for hint in (ALL[key].hint, *(wrong.hint for wrong in ALL[key].wrong)):
        assert hint == " ".join(hint.split())
        assert hint[-1] in ".?"
        for line in filter(None, repr(solution(key)).splitlines()[1:]):
            assert line.strip().removeprefix("return ") not in hint


@pytest.mark.parametrize("name", WRONG)
def test_the_failing_call_can_be_pasted(name):
    """It gives the same numbers, or the same error."""
    key, wrong = WRONG[name]
    exercise = ALL[key]
    verdict = check(key, wrong.function)
    called = {exercise.name: wrong.function}
    called[getattr(wrong.function, "__name__", "answer")] = wrong.function
    try:
        _, value = pasted(verdict.call, **called)
    except Exception:  # noqa: BLE001  # whatever it raises, it is no number
        assert {pair.found for pair in verdict.compared} == {None}
        return
    names = exercise.returns
    values = value if isinstance(value, tuple) and len(names) > 1 else (value,)
    by_name = dict(zip(names, values, strict=False))
    if verdict.compared[0].name == "products beyond four":
        return  # the call shows that the numbers are right
    assert verdict.compared
    for pair in verdict.compared:
        assert pair.found is None or np.allclose(by_name[pair.name], pair.found)


@pytest.mark.parametrize("name", WRONG)
def test_the_failing_call_names_no_helper_of_ours(name):
    key, wrong = WRONG[name]
    call = check(key, wrong.function).call
    public = ("numpy", "sympy", "scipy", "deconv_tutorial", "deconv_tutorial.geometry")
    assert set(re.findall(r"^(?:from|import) (\S+)", call, re.MULTILINE)) <= {*public}


@EVERY
def test_the_first_case_is_the_smallest(key):
    def size(case):
        return sum(value.size for value in case if isinstance(value, np.ndarray))

    sizes = [size(case) for case in ALL[key].cases]
    assert sizes[0] == min(sizes)
    assert len(sizes) >= 3


@pytest.mark.parametrize("key", OF_A_LAYER)
def test_a_gradient_is_that_of_its_layer(key):
    exercise = OF_A_LAYER[key]
    for case in exercise.cases:
        parts = outcome(exercise, exercise.solution, case).parts
        problem = problem_of(**exercise.layer(*case))
        for name, found in zip(exercise.returns, parts, strict=True):
            right = problem.result(name)
            assert is_same(found.reshape(right.shape), right)


def test_a_mistake_that_is_not_listed_is_diagnosed():
    def backward(d_out, v, w, s):
        dx, dw, db = solution("relabel-two-lines")(d_out, v, w, s)
        return dx, dw, db / len(d_out)  # the samples, and not the places

    verdict = check("relabel-two-lines", backward)
    text = str(verdict)
    assert "(db-mean-batch)" in text
    assert verdict.hint == "", "it has a name"
    assert "dw:" not in text


def right_dx(*args):
    return exercise_of("flip-dx").solution(*args)


@pytest.mark.parametrize(
    ("attempt", "finding"),
    [
        (lambda *args: [1.5] * len(right_dx(*args)), "differs in 1 of 1 elements"),
        (lambda *args: right_dx(*args) / 4, "0.25 times the right one"),
        (lambda *args: -right_dx(*args), "with the opposite sign"),
        (
            lambda *args: right_dx(*args)[None],
            "in the shape (1, 1), and needs the shape (1,)",
        ),
        (lambda *args: right_dx(*args) + 1e-7, "by at most 1e-07"),
        (lambda *args: right_dx(*args) * np.nan, "nan or infinite in 1 of 1 elements"),
        (lambda *_: "dx", "numbers as dx, got a value of type str"),
        (lambda *_: [[1], [2, 3]], "rows of equal length as dx, got a list of 2"),
        (lambda *_: None, "needs to return something, got None"),
        (lambda *_: {"dx": 1}, "got a value of type dict"),
        (lambda w: w, "takes 1 positional argument but 5 were given"),
    ],
)
def test_other_shapes_types_and_numbers_are_reported(attempt, finding):
    verdict = check("flip-dx", attempt)
    assert not verdict
    assert finding in " ".join(verdict.findings)


@pytest.mark.parametrize(
    ("value", "got"),
    [
        ((1, 2), "a tuple of 2"),
        (np.ones(3), "one array of shape (3,)"),
        (1, "type int"),
    ],
)
def test_too_few_results_are_reported(value, got):
    text = str(check("relabel-two-lines", lambda *_: value))
    assert "needs to return dx, dw, db, got" in text
    assert got in text


def test_lists_and_floats_are_taken():
    assert check("flip-dx", lambda *args: [*map(float, right_dx(*args))])
    two_lines = exercise_of("relabel-two-lines").solution
    assert check("relabel-two-lines", lambda *args: [*two_lines(*args)])


def test_changes_in_place_are_reported_although_the_numbers_are_right():
    def attempt(w, d_out, inputs, stride, padding):
        dx = right_dx(w, d_out, inputs, stride, padding)
        d_out[0] = 0
        return dx

    verdict = check("flip-dx", attempt)
    assert not verdict
    assert not verdict.compared
    assert verdict.passed == 0
    (finding,) = verdict.findings
    assert "changes its argument d_out in place" in finding
    assert verdict.hint == "", "the idea is right"
    assert check("flip-dx", own("flip-dx")), "the cases are as they were"


def test_an_error_comes_back_with_the_line_of_the_attempt():
    def shifted(d_out, i):
        return d_out[i + 100]

    def attempt(w, d_out, *_):
        return np.vectorize(lambda i: shifted(d_out, i))(np.arange(len(w)))

    (finding,) = check("flip-dx", attempt).findings
    _, start = inspect.getsourcelines(shifted)
    assert finding.startswith("It raises IndexError: index 100 is out of bounds")
    assert finding.endswith(f", at line {start + 1}: return d_out[i + 100]")


def test_leaving_the_program_is_an_error_like_others():
    assert "It raises SystemExit" in str(check("flip-dx", lambda *_: sys.exit()))


def test_an_interrupt_is_not_caught():
    def attempt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("flip-dx", attempt)


def test_an_error_in_a_later_case_is_reported_with_its_call():
    def attempt(w, d_out, inputs, stride, padding):
        if stride > 1:
            raise NotImplementedError
        return right_dx(w, d_out, inputs, stride, padding)

    verdict = check("flip-dx", attempt)
    assert verdict.passed == 3
    assert "stride=2" in verdict.call
    assert "It raises NotImplementedError" in str(verdict)


def test_a_runaway_is_stopped_even_if_it_catches_what_it_can():
    def attempt(*_):
        while True:
            try:
                time.sleep(10)
            except Exception:  # noqa: BLE001
                continue

    start = time.monotonic()
    verdict = check("flip-dx", attempt, seconds=0.1)
    assert time.monotonic() - start < 2
    assert not verdict
    (finding,) = verdict.findings
    assert re.fullmatch(
        r"It was stopped: it took more than 0.1 s, at line \d+: .*sleep.*", finding
    )


def test_what_is_no_function_is_refused_politely():
    verdict = check("flip-dx", right_dx(*exercise_of("flip-dx").cases[0]))
    assert not verdict
    assert "needs the function itself, got one array of shape (1,)" in str(verdict)


NEAREST = r"one of \['flip-dx', 'flip-scipy', 'flip-scatter'\], got 'ex-flip-d'"


def test_an_unknown_key_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match=NEAREST):
        check("ex-flip-d", right_dx)
    with pytest.raises(ValueError, match=r"one of .*relabel-twice.*got 'zzz'"):
        stub("zzz")


def test_a_key_that_is_no_text_is_refused():
    with pytest.raises(TypeError, match=r"key needs a text .* comes first, got <func"):
        check(right_dx, "flip-dx")


@EVERY
def test_the_label_of_the_book_is_a_key(key):
    assert check(f"ex-{key}", own(key)).key == key
    assert repr(stub(f"ex-{key}")) == repr(stub(key))
    assert repr(solution(f"ex-{key}")) == repr(solution(key))


def test_six_products_are_found_out_although_the_numbers_are_right():
    def with_correlate(d, d_out):
        return np.correlate(d, d_out, "valid")

    def with_floats(d, d_out):
        dw = np.zeros(3)
        for k in range(3):
            dw[k] = float(d[k]) * float(d_out[0]) + float(d[k + 1]) * float(d_out[1])
        return dw

    verdict = check("cost-transpose", with_correlate)
    assert [pair.name for pair in verdict.compared] == ["products beyond four"]
    assert verdict.hint == exercise_of("cost-transpose").wrong[0].hint
    assert check("cost-transpose", with_floats), "what cannot be counted is taken"


# How it is said.


def test_a_verdict_is_text_and_a_page():
    verdict = check("flip-dx", lambda *args: right_dx(*args) + 7)
    assert repr(verdict) == str(verdict)
    assert str(verdict).startswith("flip-dx: not yet. Right in 0 of 8 cases.")
    assert "\n    import numpy as np\n\n    input_gradient(np.array([-5" in str(verdict)
    assert "expected dx, shape (1,):\n    [67]" in str(verdict)
    page = verdict._repr_html_()
    assert 'monospace">+=</span>' in page
    assert page.count("<pre") == page.count("</pre>") == 2
    assert "&lt;b&gt;" in check("flip-dx", refused)._repr_html_()


def refused(*_):
    msg = "<b>"
    raise ValueError(msg)


def test_text_has_no_marks_of_formulas():
    verdict = check("indices-range", lambda *_: [7])
    assert "0 ≤ s o + d k - p ≤ N - 1" in str(verdict)
    assert r"\le" in verdict._repr_html_()


@pytest.mark.parametrize(
    "geometry",
    [
        conv_geometry(6, 3, 2, 1),
        conv_geometry(7, 4, 3, ((2, 0),)),
        conv_geometry(9, 3, 1, 1, 2),
        conv_geometry((5, 4), (3, 2), (2, 1), ((1, 0), (0, 2)), (1, 2)),
        conv_geometry((5, 5), 3),
    ],
)
def test_a_geometry_is_written_as_the_call_that_makes_it(geometry):
    imported = "from deconv_tutorial.geometry import conv_geometry"
    _, made = pasted(f"{imported}\n{expression(geometry)}")
    assert made == geometry


def test_a_painted_layer_knows_where_it_ends():
    for size, after, extra in ((7, 0, 0), (5, 2, 0), (8, 0, 1)):
        x, w, d_out = (np.ones(n, int) for n in (3, 4, size))
        layer = paint_layer(x, w, d_out, stride=2, padding=1)
        assert layer["padding"] == ((1, after),)
        assert layer["output_padding"] == extra
        assert problem_of(**layer).result("y").shape == (1, 1, size)


# What runs attempts.


def test_a_limit_leaves_timers_and_handlers_as_they_were():
    called = []
    before = signal.signal(signal.SIGALRM, lambda *_: called.append(True))
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(TooSlowError, match=r"more than 0.05 s"), time_limit(0.05):
            time.sleep(1)
        assert not called
        time.sleep(0.4)
        assert called
        with time_limit(5):
            pass
        assert signal.setitimer(signal.ITIMER_REAL, 0) == (0, 0)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_outside_the_main_thread_nothing_is_stopped():
    done = []

    def work():
        with time_limit(0.01):
            time.sleep(0.05)
        done.append(check("flip-dx", own("flip-dx")))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done[0]


def test_blame_without_a_line_of_ones_own():
    with pytest.raises(ValueError, match="input_size") as raised:
        conv_geometry(0, 1)
    error = raised.value.with_traceback(raised.tb.tb_next)
    assert blame(error).startswith("ValueError: input_size needs")
    assert "at line" not in blame(error)


def test_blame_of_code_without_a_file_names_the_line():
    with pytest.raises(ZeroDivisionError) as raised:
        exec("x = 1\nx / 0")
    assert blame(raised.value) == "ZeroDivisionError: division by zero, at line 2"


def test_blame_of_an_error_without_words():
    assert blame(ValueError()) == "ValueError"


def test_an_exercise_imports_what_its_chapter_needs_and_no_more():
    code = (
        "import sys; from deconv_tutorial.exercises import check, solution;"
        "assert check('flip-dx', lambda *args: solution('flip-dx')(*args));"
        "print(*({'sympy', 'matplotlib', 'scipy'} & set(sys.modules)))"
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, check=True, text=True)
    assert done.stdout.strip() == ""
