"""Number the results of the chapters, and write the page that lists them.

A result is a box with a name. Code cells with the tag ``proves-NAME`` prove it. Code
cells with the tag ``counters-NAME`` show what happens without its condition.
"""

# nbformat has no types.
# pyright: basic

import argparse
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import yaml
from nbformat import NotebookNode

from tools.checkout import ROOT
from tools.notebooks import canonical_text

PAGE = Path("book", "reference", "results.md")
BOX = re.compile(
    r"^:::\{admonition\} (?P<title>Result(?: [\d.]+)?)\n"
    r"(?P<options>(?::\w+:.*\n)*)(?P<body>[\s\S]*?)\n:::$",
    re.MULTILINE,
)
NAME = re.compile(r"^:name: result-([a-z0-9-]+)$", re.MULTILINE)
CONDITION = re.compile(r"^Condition:.*(?:\n.+)*", re.MULTILINE)
# A box is no heading, so a link to chapter.ipynb#result-name would be a warning.
LINK = "{{ref}}`Result {number} <result-{name}>`"
INTRODUCTION = """\
# Every result, and what proves it

<!-- Written by `make notebooks` from the boxes and the cells of the chapters. -->

Here are the results of all chapters, each with the cells that prove it. A number leads
to the result in its chapter, where the cells run after those above them. Where a result
has a condition, another cell shows that it fails without it.
"""


@dataclass(frozen=True)
class ChapterResult:
    """A box with a result, and the sources of the cells that prove it."""

    number: str
    name: str
    statement: str
    condition: str
    proofs: list[str]
    counters: list[str]


@dataclass(frozen=True)
class Chapter:
    """A notebook whose boxes have numbers, and its results."""

    path: Path
    notebook: NotebookNode
    results: list[ChapterResult]


def paths(root: Path) -> list[Path]:
    """Return the paths of the notebooks, in the order of the table of contents."""
    toc = yaml.safe_load((root / "_toc.yml").read_text("utf-8"))
    files = [c["file"] for part in toc["parts"] for c in part["chapters"]]
    for file in files:
        ends = [(root / f"{file}{end}").is_file() for end in (".ipynb", ".md")]
        if not any(ends) and f"{file}.md" != PAGE.as_posix():
            sys.exit(f"_toc.yml names {file}, but there is no {file}.ipynb or .md")
    return [root / f"{f}.ipynb" for f in files if (root / f"{f}.ipynb").is_file()]


def tagged_sources(notebook: NotebookNode, tag: str) -> list[str]:
    """Return the sources of the code cells with a tag."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [cell.source for cell in cells if tag in cell.metadata.get("tags", [])]


def chapter(path: Path, place: int) -> Chapter:
    """Return a chapter. Result n of the chapter in place p has the number p.n."""
    notebook = nbformat.read(path, as_version=4)
    results: list[ChapterResult] = []

    def numbered_box(box: re.Match[str]) -> str:
        number = f"{place}.{len(results) + 1}"
        name = NAME.search(box["options"])
        if not name:
            sys.exit(f"{path}: Result {number} has no line `:name: result-...`")
        results.append(
            ChapterResult(
                number=number,
                name=name[1],
                statement=CONDITION.sub("", box["body"]).strip(),
                condition="\n\n".join(CONDITION.findall(box["body"])),
                proofs=tagged_sources(notebook, f"proves-{name[1]}"),
                counters=tagged_sources(notebook, f"counters-{name[1]}"),
            )
        )
        return box[0].replace(box["title"], f"Result {number}", 1)

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = BOX.sub(numbered_box, cell.source)
    return Chapter(path, notebook, results)


def book_chapters(root: Path = ROOT) -> list[Chapter]:
    """Return every chapter of the book. Their places count from 1."""
    return [chapter(path, place) for place, path in enumerate(paths(root), 1)]


def page(chapters: list[Chapter], folder: Path) -> str:
    """Return the text of the page of all results, for its folder."""
    parts = [INTRODUCTION]
    for place, written in enumerate(chapters, 1):
        title = written.notebook.cells[0].source.splitlines()[0].removeprefix("# ")
        link = Path(os.path.relpath(written.path, folder)).as_posix()
        if written.results:
            parts.append(f"## {place}. [{title}]({link})\n")
        for result in written.results:
            link = LINK.format(number=result.number, name=result.name)
            said = [f"### {link}", result.statement, result.condition]
            parts += [f"{text}\n" for text in said if text]
            for title, cells in (
                ("Proved by", result.proofs),
                ("Without the condition", result.counters),
            ):
                if cells:
                    parts.append(f"**{title}**\n")
                    parts += [f"```python\n{cell}\n```\n" for cell in cells]
    return "\n".join(parts)


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Write numbers and page; with --check, return how many files would change."""
    parser = argparse.ArgumentParser(prog="tools.results", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change no file")
    options = parser.parse_args(arguments)

    chapters = book_chapters(root)
    texts = {written.path: canonical_text(written.notebook) for written in chapters}
    texts[root / PAGE] = page(chapters, root / PAGE.parent)
    changed = 0
    for path, text in texts.items():
        same = path.is_file() and path.read_text("utf-8") == text
        changed += not same
        if not same and not options.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        print("same   " if same else "changed", path)
    return changed if options.check else 0


if __name__ == "__main__":
    sys.exit(main())
