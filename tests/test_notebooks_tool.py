"""The tool that runs the chapters and stores their outputs."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.notebooks import canonical_text, main


def example(*sources):
    cells = [new_markdown_cell("# Title"), *map(new_code_cell, sources)]
    return new_notebook(cells=cells)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "chapter.ipynb"


def test_canonical_form_keeps_only_what_carries_content():
    notebook = example("1 + 1\n\n")
    notebook.metadata.update(widgets={}, kernelspec={"name": "my-own"})
    cell = notebook.cells[1]
    cell.metadata.update(execution={"iopub.execute_input": "now"}, tags=["hide-input"])
    kept = nbformat.reads(canonical_text(notebook), as_version=4)
    assert kept.metadata.kernelspec.name == "python3"
    assert set(kept.metadata) == {"kernelspec", "language_info"}
    assert kept.cells[1].metadata == {"tags": ["hide-input"]}
    assert kept.cells[1].source == "1 + 1"


def test_canonical_form_of_itself_is_itself():
    text = canonical_text(example("1 + 1", "1 + 1"))
    assert canonical_text(nbformat.reads(text, as_version=4)) == text


def test_identifiers_are_unique_and_do_not_move():
    def identifiers(*sources):
        return [
            c.id for c in nbformat.reads(canonical_text(example(*sources)), 4).cells
        ]

    before, after = identifiers("a", "b", "a"), identifiers("a", "new", "b", "a")
    assert len(set(before)) == len(before)
    assert [i for i in after if i in before] == before


def test_run_stores_outputs_and_is_repeatable(path, capsys):
    loop = "import sys\nfor i in range(3):\n    print(i)\n    sys.stdout.flush()"
    path.write_text(nbformat.writes(example(loop, "2 * 3")), "utf-8")
    assert main([str(path)]) == 0
    first = path.read_text("utf-8")
    loop_cell, product_cell = nbformat.reads(first, as_version=4).cells[1:]
    assert [output.text for output in loop_cell.outputs] == ["0\n1\n2\n"]
    assert product_cell.outputs[0].data == {"text/plain": "6"}
    assert main(["--check", str(path)]) == 0
    assert path.read_text("utf-8") == first
    assert capsys.readouterr().out == f"changed {path}\nsame    {path}\n"


def test_check_changes_no_file(path):
    text = nbformat.writes(example("2 * 3"))
    path.write_text(text, "utf-8")
    assert main(["--check", str(path)]) == 1
    assert path.read_text("utf-8") == text
