"""The rules of the house: what stands where, who imports whom, how far a call goes."""

import ast
import importlib
import inspect
import re
import traceback
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import deconv_tutorial as dt
from tools.checkout import ROOT

PACKAGE = ROOT / "deconv_tutorial"
MODULES = sorted(PACKAGE.rglob("*.py"))
ORDER = [
    "geometry",
    "dtypes",
    "engines",
    "engines/fast",
    "call",
    "functional",
    "checks",
    "identities",
    "show",
    "symbolic",
    "figures",
    "diagnose/mistakes",
    "diagnose",
    "exercises",
    "exercises/chapters",
    "__init__",
]
"""From the ground up: each may import those before it."""
PUBLIC = {
    "deconv_tutorial": (
        "conv conv_backward conv_transpose conv_transpose_backward ENGINES Engine "
        "Gradients naive im2col fast geometry threads"
    ),
    "deconv_tutorial.geometry": "conv_geometry conv_transpose_geometry Geometry Axis",
    "deconv_tutorial.symbolic": (
        "derive prove prove_layer recognise form letters letters_of derivative Letters "
        "Table Proof ProofError Reading"
    ),
    "deconv_tutorial.diagnose": (
        "gradients function assert_right mistake_of Report Finding Mistake"
    ),
    "deconv_tutorial.exercises": (
        "check stub solution exercises catalogue Question Verdict"
    ),
    "deconv_tutorial.figures": (
        "connections columns coverage phases tap_windows triangles error_maps growth "
        "kernels learning_curve matrix pictures step_errors survivors pattern_cloud "
        "gather_and_scatter Picture"
    ),
    "deconv_tutorial.checks": "inner_products matrix_of finite_difference complex_step",
    "deconv_tutorial.identities": "FromForward spread framed correlation",
    "deconv_tutorial.show": "Source",
}


def place_of(path):
    """Return the folder of a module below the package; of one at the top, its name."""
    folder = path.relative_to(PACKAGE).parent.as_posix()
    return path.stem if folder == "." else folder


def targets_of(path):
    """Return the modules of this package that a module imports."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            name = node.module
        elif isinstance(node, ast.Import):
            name = node.names[0].name
        else:
            continue
        if name.split(".")[0] != "deconv_tutorial":
            continue
        names = [alias.name for alias in node.names]
        for each in names if isinstance(node, ast.ImportFrom) else [""]:
            yield module_path(name, each)


def module_path(name, attribute):
    """Return the file of a module, or of a name that is imported from it."""
    base = ROOT / name.replace(".", "/")
    for path in (base / f"{attribute}.py", base / attribute / "__init__.py"):
        if attribute and path.is_file():
            return path
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def arrows():
    for path in MODULES:
        for target in targets_of(path):
            source, end = place_of(path), place_of(target)
            if source != end:
                yield source, end, path.name, target.name


def test_imports_point_down_and_form_no_circle():
    """The order has no circle, so arrows that all follow it have none."""
    assert {place_of(path) for path in MODULES} == set(ORDER)
    rank = {place: n for n, place in enumerate(ORDER)}
    up = {each for each in arrows() if rank[each[0]] <= rank[each[1]]}
    assert not up
    assert len({each[:2] for each in arrows()}) > 20


def test_figures_need_only_engines_and_geometry():
    needed = {end for source, end, *_ in arrows() if source == "figures"}
    assert needed <= {"geometry", "dtypes", "engines"}


def test_what_is_checked_is_not_compared_with_the_fast_engine():
    users = {source for source, end, *_ in arrows() if end == "engines/fast"}
    assert users <= {"functional", "symbolic", "__init__"}


def test_few_modules_stand_at_the_top():
    assert len([*PACKAGE.glob("*.py")]) <= 12


def test_no_file_and_no_class_has_the_name_of_another():
    files = Counter(path.stem for path in MODULES if not path.stem.startswith("__"))
    classes = Counter(
        node.name
        for folder in (PACKAGE, ROOT / "tools", ROOT / "benchmarks", ROOT / "tests")
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in (files + classes).items() if count > 1] == []


def test_no_file_is_named_like_a_function_that_the_package_exports():
    functions = {n for n in dt.__all__ if inspect.isfunction(getattr(dt, n))}
    assert "threads" in functions
    assert not functions & {path.stem for path in MODULES}


@pytest.mark.parametrize("module", PUBLIC)
def test_public_names_can_be_imported(module):
    found = importlib.import_module(module)
    names = set(PUBLIC[module].split())
    assert all(hasattr(found, name) for name in names)
    if hasattr(found, "__all__") and module != "deconv_tutorial.geometry":
        assert set(found.__all__) == names


def test_threads_is_the_only_public_name_beside_the_design():
    assert set(dt.__all__) == set(PUBLIC["deconv_tutorial"].split())


def test_the_core_can_be_read():
    wings = ("fast", "diagnose", "exercises", "figures", "symbolic")
    core = [
        path
        for path in MODULES
        if not set(path.relative_to(PACKAGE).parts) & set(wings)
    ]
    assert sum(len(path.read_text("utf-8").splitlines()) for path in core) < 2300
    im2col = (PACKAGE / "engines" / "im2col.py").read_text("utf-8")
    assert len(im2col.splitlines()) <= 110
    assert not re.search(r"import.*(fast|pool|scratch|thread)", im2col)


TRICKS = re.compile(
    r"\.(reshape|transpose|swapaxes|moveaxis|mT)\b|as_strided\(|stack\("
)
LETTERS = re.compile(r"#.*\(.*\w.*\)")


def test_a_hard_line_of_numpy_has_its_letters_beside_it():
    """On the lines of the statement, or on the line before it."""
    for path in (PACKAGE / "engines").rglob("*.py"):
        text = path.read_text("utf-8")
        lines = text.splitlines()
        for node in ast.walk(ast.parse(text)):
            simple = ast.Assign | ast.AugAssign | ast.Return | ast.Expr
            if isinstance(node, simple) and not is_text(node):
                source = lines[node.lineno - 1 : node.end_lineno]
                if any(map(TRICKS.search, source)):
                    near = lines[node.lineno - 2 : node.end_lineno]
                    place = f"{path.name}:{node.lineno}"
                    told = any(map(LETTERS.search, near)) or has_shape(text, node)
                    assert told, place


def is_text(node):
    value = getattr(node, "value", None)
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def has_shape(text, node):
    """Return whether a function of one statement says its shape in the docstring."""
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef) and len(function.body) == 2:
            said = ast.get_docstring(function) or ""
            if function.body[1].lineno == node.lineno:
                return "(" in said
    return False


def test_nothing_knows_the_processor():
    for path in MODULES:
        text = path.read_text("utf-8")
        assert not re.search(r"\bimport ctypes|affinity|sched_", text), path


class Raising:
    """An engine all of whose maps raise."""

    def forward(self, *_):
        raise ArithmeticError

    input_grad = weight_grad = forward


def frames_of(call):
    """Return the frames of this package in the traceback of a call that raises."""
    try:
        call()
    except (ArithmeticError, FloatingPointError) as error:
        frames = [
            Path(each.filename) for each in traceback.extract_tb(error.__traceback__)
        ]
        return [place_of(f) for f in frames if f.is_relative_to(PACKAGE)]
    raise AssertionError


def calls(engine, x, w):
    y = dt.conv(x, w, engine=dt.im2col)
    back = w.swapaxes(0, 1)
    return [
        lambda: dt.conv(x, w, engine=engine),
        lambda: dt.conv_backward(y, x, w, engine=engine),
        lambda: dt.conv_transpose(x, back, engine=engine),
        lambda: dt.conv_transpose_backward(
            dt.conv_transpose(x, back, engine=dt.im2col), x, back, engine=engine
        ),
    ]


def test_a_call_goes_from_functional_to_the_engine_and_nowhere_else():
    x, w = np.ones((2, 3, 6, 5)), np.ones((4, 3, 2, 2))
    for call in calls(Raising(), x, w):
        assert frames_of(call) == ["functional"]


# Layers for each way of `fast`: channels and size of x, channels of y, kernel.
LAYERS = [((3, 6, 5), 4, 2), ((64, 40, 40), 64, 1), ((3, 90, 90), 16, 3)]


@pytest.mark.parametrize("name", dt.ENGINES)
@pytest.mark.parametrize(("size", "channels", "kernel"), LAYERS)
def test_a_call_has_five_frames_at_most_where_its_engine_raises(
    name, size, channels, kernel, monkeypatch
):
    """What raises is the innermost call of NumPy: a product, or a sum of products."""
    if name == "naive" and size != LAYERS[0][0]:
        return  # it takes minutes
    x = np.ones((1, *size), np.float32)
    w = np.ones((channels, size[0], kernel, kernel), np.float32)

    def raising(*_, **__):
        raise ArithmeticError

    call = calls(dt.ENGINES[name], x, w)[0]
    for function in ("matmul", "einsum"):
        monkeypatch.setattr(np, function, raising)
    monkeypatch.setattr(dt.im2col, "matrices", raising)
    frames = frames_of(call)
    assert frames[0] == "functional"
    assert len(frames) <= 5, frames
    assert all(frame.startswith("engines") for frame in frames[1:]), frames
