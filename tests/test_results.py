"""The results of the book, what proves them, and the tool that numbers them."""

import ast
from collections import Counter

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.notebooks import canonical_text
from tools.results import PAGE, book_chapters, main


@pytest.fixture(scope="module")
def book():
    return book_chapters()


@pytest.fixture(scope="module")
def results(book):
    return [result for chapter in book for result in chapter.results]


def has(cell, *kinds):
    """Tell whether some statement of a cell is of one of these kinds."""
    return any(isinstance(node, kinds) for node in ast.walk(ast.parse(cell)))


def test_numbers_and_page_are_up_to_date():
    assert main(["--check"]) == 0, "run: make notebooks"


def test_every_box_is_counted_and_says_something(book):
    for chapter in book:
        cells = [c.source for c in chapter.notebook.cells if c.cell_type == "markdown"]
        boxes = "\n".join(cells).count("{admonition} Result")
        assert boxes == len(chapter.results), chapter.path
        assert all(result.statement for result in chapter.results)


def test_names_are_unique(results):
    names = Counter(result.name for result in results)
    assert set(names.values()) == {1}, names


def test_every_result_is_proved(results):
    unproved = [r for r in results if not any(has(c, ast.Assert) for c in r.proofs)]
    assert not unproved


def test_every_condition_is_needed(results):
    """A cell shows the failure without it; a result without a condition has none."""
    for result in results:
        shown = [has(c, ast.Assert, ast.ExceptHandler) for c in result.counters]
        assert any(shown) == bool(result.condition), result


def test_every_tag_names_a_result_of_its_chapter(book):
    for chapter in book:
        names = {result.name for result in chapter.results}
        for cell in chapter.notebook.cells:
            for tag in cell.metadata.get("tags", []):
                kind, _, name = tag.partition("-")
                if kind in {"proves", "counters"}:
                    assert name in names, (chapter.path, tag)
                    assert cell.cell_type == "code", (chapter.path, tag)


def box(name, text="One and one is two."):
    named = f":name: result-{name}\n" if name else ""
    return f":::{{admonition}} Result\n:class: important\n{named}\n{text}\n:::"


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a chapter, its code cells tagged by their keys."""

    def write(file, *prose, **code):
        path = tmp_path / f"{file}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        cells = [new_markdown_cell(text) for text in (f"# The {path.stem}", *prose)]
        for tag, source in code.items():
            tags = {"tags": [tag.replace("_", "-")]}
            cells.append(new_code_cell(source, metadata=tags))
        path.write_text(canonical_text(new_notebook(cells=cells)), "utf-8")
        return path

    return write


@pytest.fixture
def order(tmp_path):
    """Return a function that writes the table of contents, in two parts."""

    def order(*files):
        chapters = [{"file": file} for file in files]
        parts = [{"chapters": chapters[:1]}, {"chapters": chapters[1:]}]
        toc = yaml.safe_dump({"root": "index", "parts": parts})
        (tmp_path / "_toc.yml").write_text(toc, "utf-8")

    return order


def titles(path):
    cells = nbformat.read(path, as_version=4).cells
    lines = "\n".join(cell.source for cell in cells).splitlines()
    return [line for line in lines if line.startswith(":::{")]


def numbered(*numbers):
    return [f":::{{admonition}} Result {number}" for number in numbers]


def test_number_is_that_of_the_chapter_and_of_the_place_in_it(tmp_path, write, order):
    first = write("book/b/first", box("one"), f"Text.\n\n{box('two')}\n\nMore text.")
    second = write("book/a/second", box("three"))
    (tmp_path / "book" / "notes.md").write_text("# No notebook", "utf-8")
    order("book/b/first", "book/notes", "book/a/second")
    assert main([], tmp_path) == 0
    assert titles(first) == numbered("1.1", "1.2")
    assert titles(second) == numbered("2.1")
    assert canonical_text(nbformat.read(first, as_version=4)) == first.read_text(
        "utf-8"
    )


def test_numbers_follow_when_a_chapter_is_put_before(tmp_path, write, order):
    old = write("book/old", box("one"), box("two"))
    order("book/old")
    main([], tmp_path)
    new = write("book/new", box("three"))
    order("book/new", "book/old")
    main([], tmp_path)
    assert titles(new) == numbered("1.1")
    assert titles(old) == numbered("2.1", "2.2")


def test_second_run_changes_nothing(tmp_path, write, order, capsys):
    path = write("book/first", box("one"), proves_one="assert 1 + 1 == 2")
    order("book/first")
    main([], tmp_path)
    once = path.read_bytes(), (tmp_path / PAGE).read_bytes()
    assert main(["--check"], tmp_path) == main([], tmp_path) == 0
    assert (path.read_bytes(), (tmp_path / PAGE).read_bytes()) == once
    words = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert words == ["changed", "changed", "same", "same", "same", "same"]


def test_check_counts_and_changes_no_file(tmp_path, write, order):
    path = write("book/first", box("one"))
    order("book/first")
    before = path.read_bytes()
    assert main(["--check"], tmp_path) == 2
    assert path.read_bytes() == before
    assert not (tmp_path / PAGE).exists()


def test_page_lists_chapters_results_and_cells(tmp_path, write, order):
    write("book/empty")
    said = "$$\na_1 < b\n$$\n\nAlways.\n\nCondition: it is\nMonday."
    code = {"proves_sum": "assert 1\nassert 2", "hide_input": "3", "counters_sum": "4"}
    write("book/part/first", box("sum", said), **code)
    order("book/empty", "book/part/first", PAGE.with_suffix("").as_posix())
    main([], tmp_path)
    _, page = (tmp_path / PAGE).read_text("utf-8").split("\n## ")
    assert page == (
        "2. [The first](../part/first.ipynb)\n\n### {ref}`Result 2.1 <result-sum>`\n\n"
        "$$\na_1 < b\n$$\n\nAlways.\n\nCondition: it is\nMonday.\n\n"
        "**Proved by**\n\n```python\nassert 1\nassert 2\n```\n\n"
        "**Without the condition**\n\n```python\n4\n```\n"
    )


def test_box_without_a_name_is_refused(tmp_path, write, order):
    write("book/first", box("one"), box(""))
    order("book/first")
    with pytest.raises(SystemExit, match=r"first\.ipynb: Result 1\.2 has no line"):
        main([], tmp_path)


def test_missing_chapter_is_named(tmp_path, order):
    order("book/gone")
    with pytest.raises(SystemExit, match="names book/gone, but there is no"):
        main([], tmp_path)
