"""What nbval leaves unchecked: to it, a notebook without outputs passes."""

import re

import nbformat
import pytest
import yaml

from tools.checkout import ROOT
from tools.notebooks import canonical_text, chapters

# Longer numbers than this differ between machines.
MANY_DIGITS = re.compile(r"\d\.\d{12,}|\d{16,}")
BACKTICK_FENCE = re.compile(r"^`{3,}\{", re.MULTILINE)
MACRO = re.compile(
    r"\\(newcommand|renewcommand|providecommand|def|DeclareMathOperator)\b"
)
TAG = re.compile(
    r"hide-input|hide-output|remove-cell|remove-input|(proves|counters)-[a-z0-9-]+"
)
DISPLAY = re.compile(r"\$\$(.*?)\$\$", re.DOTALL)


@pytest.fixture(
    params=chapters(), ids=lambda path: str(path.relative_to(ROOT / "book"))
)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


@pytest.fixture
def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture
def prose(notebook):
    return "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")


def shown(cell):
    """Yield the text of every output of a cell."""
    for output in cell.outputs:
        yield output.get("text", "")
        yield from (str(v) for k, v in output.get("data", {}).items() if "text/" in k)


def test_form_is_the_one_that_the_tool_writes(path, notebook):
    assert path.read_text("utf-8") == canonical_text(notebook), "run: make notebooks"


def test_chapter_is_in_the_toc(path):
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    listed = {c["file"] for part in toc["parts"] for c in part["chapters"]}
    assert str(path.relative_to(ROOT).with_suffix("")) in listed


def test_every_cell_was_run_in_order(code_cells):
    counts = [cell.execution_count for cell in code_cells]
    assert counts == list(range(1, len(counts) + 1))
    assert all(cell.source.strip() for cell in code_cells)


def test_nothing_is_skipped_or_expected_to_fail(code_cells):
    tags = {tag for cell in code_cells for tag in cell.metadata.get("tags", [])}
    assert all(TAG.fullmatch(tag) for tag in tags)
    assert "NBVAL_" not in "".join(cell.source for cell in code_cells)


def test_outputs_are_the_same_everywhere(code_cells):
    for cell in code_cells:
        for output in cell.outputs:
            assert output.get("name") != "stderr", cell.source
            assert output.output_type != "error", cell.source
            assert "image/svg+xml" not in output.get("data", {}), cell.source
        for text in shown(cell):
            assert " at 0x" not in text, cell.source
            assert not MANY_DIGITS.search(text), cell.source


def test_figures_have_alternative_text(code_cells):
    for cell in code_cells:
        if any("image/png" in output.get("data", {}) for output in cell.outputs):
            assert cell.metadata.get("mystnb", {}).get("image", {}).get("alt"), (
                cell.source
            )


def test_first_code_cell_imports(code_cells):
    assert re.match(r"(import|from) ", code_cells[0].source)


def test_prose_reads_in_every_notebook_viewer(prose):
    """Elsewhere a backtick fence is code, and a macro or a bare & a red error."""
    assert not BACKTICK_FENCE.search(prose), "use colon fences"
    assert not MACRO.search(prose)
    for formula in DISPLAY.findall(prose):
        assert r"\begin{" in formula or not re.search(r"(?<!\\)&|\\\\", formula), (
            formula
        )
