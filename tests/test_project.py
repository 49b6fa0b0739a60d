"""The project's rules for itself."""

import ast
import doctest
import hashlib
import os
import re
import subprocess
import sys
import tomllib

import pytest
import yaml

from tools.checkout import ROOT

MODULES = sorted((ROOT / "deconv_tutorial").rglob("*.py"))
LONGEST_MODULE = 260  # lines, not counting docstrings
KATEX = ROOT / "book" / "_vendor" / "katex"


def text_of(name):
    return (ROOT / name).read_text("utf-8")


def project_files():
    """Return what git keeps or would keep; without git, what lies outside `.venv`."""
    git = ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(git, capture_output=True, check=False, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [
        ROOT / name for name in listed.stdout.split("\0") if (ROOT / name).is_file()
    ]


def test_toc_names_files():
    toc = yaml.safe_load(text_of("_toc.yml"))
    listed = [c["file"] for part in toc["parts"] for c in part["chapters"]]
    missing = [
        file
        for file in [toc["root"], *listed]
        if not any((ROOT / f"{file}{end}").is_file() for end in (".ipynb", ".md"))
    ]
    assert not missing


def test_every_source_in_the_bibliography_is_cited():
    keys = set(
        re.findall(r"^@\w+\{([^,]+),", text_of("book/references.bib"), re.MULTILINE)
    )
    book = [*(ROOT / "book").rglob("*.md"), *(ROOT / "book").rglob("*.ipynb")]
    cited = re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", "\n".join(map(text_of, book)))
    assert {key.strip() for keys in cited for key in keys.split(",")} == keys


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_module_can_be_read_in_one_sitting(module):
    code = ast.parse(text_of(module))
    for node in ast.walk(code):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                first.value.value = ""
    assert len(ast.unparse(code).splitlines()) <= LONGEST_MODULE


def test_package_needs_little():
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    names = [re.match(r"[\w-]+", line)[0] for line in project["dependencies"]]
    assert names == ["numpy", "sympy", "threadpoolctl"]


def test_import_is_lean():
    """Whoever only convolves waits for neither SymPy nor Matplotlib."""
    code = (
        "import sys, deconv_tutorial;"
        "print(*({'sympy', 'matplotlib', 'scipy'} & set(sys.modules)))"
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, check=True, text=True)
    assert done.stdout.strip() == ""


def test_readme_runs():
    results = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_commands_named_exist(page):
    goals = set(re.findall(r"^([a-z-]+):.*##", text_of("Makefile"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)\b", " ".join(code_of(page))))
    assert named
    assert named <= goals


def code_of(page):
    """Return the code of a Markdown page, in spans and in blocks."""
    text = text_of(page)
    return re.findall(r"^```.*?^```|`[^`\n]+`", text, re.MULTILINE | re.DOTALL)


def test_requirements_are_pinned():
    pins = {name_and_version(s) for s in text_of("constraints.txt").split("\n")}
    for file in ROOT.glob("requirements*.txt"):
        lines = [s for s in text_of(file).splitlines() if not s.startswith(("#", "-"))]
        exact = {line for line in lines if re.fullmatch(r"[\w.-]+==[\w.]+", line)}
        assert exact == set(lines)
        lowest = lowest_claimed() if file.name == "requirements-oldest.txt" else {}
        higher = {s for s in exact if s.partition("==")[0] not in lowest}
        assert {name_and_version(s) for s in higher} <= pins


def test_lowest_versions_claimed_are_those_tested():
    lines = text_of("requirements-oldest.txt").splitlines()
    tested = dict(line.split("==") for line in lines if "==" in line)
    claimed = lowest_claimed()
    assert claimed
    for name, version in claimed.items():
        # 1.13 claims 1.13.0, and a higher patch is not lowest.
        assert re.fullmatch(rf"{re.escape(version)}(\.0)*", tested[name]), name


def lowest_claimed():
    """Return the lowest version of each package that the package needs."""
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    return dict(line.split(">=") for line in project["dependencies"])


def name_and_version(line):
    return line.split(";")[0].strip().lower()


def test_no_file_knows_the_machine_it_was_made_on():
    home = re.compile(rf"{re.escape(str(ROOT))}/|/(home|Users|root)/\w")
    index = re.compile(r"--(extra-)?index-url|--find-links|/simple/\w")
    binary = {".woff2", ".png"}
    for path in project_files():
        if path.suffix not in binary and path != ROOT / "tests" / "test_project.py":
            text = text_of(path)
            assert not home.search(text), path
            assert not index.search(text), path


def test_katex_is_unmodified_and_of_one_version():
    for line in text_of(KATEX / "SHA256SUMS").splitlines():
        digest, name = line.split()
        assert hashlib.sha256((KATEX / name).read_bytes()).hexdigest() == digest, name
    script = re.search(r'version:"([\d.]+)"', text_of(KATEX / "katex.min.js"))
    style = re.search(r'content:"([\d.]+)"', text_of(KATEX / "katex.min.css"))
    title = re.match(r"# KaTeX ([\d.]+)", text_of(KATEX / "README.md"))
    assert script[1] == style[1] == title[1]


def test_kernels_of_a_bare_checkout_find_the_package():
    assert str(ROOT) in os.environ["PYTHONPATH"].split(os.pathsep)
