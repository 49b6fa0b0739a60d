"""Run the chapters and store their outputs in one canonical form.

The same code and the same pinned packages give the same bytes, on every machine.
"""

# nbformat has no types.
# pyright: basic

import argparse
import hashlib
import os
import sys
from copy import deepcopy
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from tools.checkout import ROOT, use_checkout

CELL_TIMEOUT = 120
CELL_METADATA = {"mystnb", "tags"}
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def chapters() -> list[Path]:
    """Return every notebook of the book."""
    return sorted(
        path
        for path in (ROOT / "book").rglob("*.ipynb")
        if ".ipynb_checkpoints" not in path.parts
    )


def canonical_text(notebook: NotebookNode) -> str:
    """Return the text of a notebook without anything that differs from run to run.

    The id of a cell is made from its source, so that a new cell changes no other id.
    """
    notebook = deepcopy(notebook)
    notebook.update(nbformat=4, nbformat_minor=5)
    notebook.metadata = nbformat.from_dict(NOTEBOOK_METADATA)
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        cell.source = cell.source.strip("\n")
        cell.metadata = {k: v for k, v in cell.metadata.items() if k in CELL_METADATA}
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = f"{digest[:8]}-{seen[digest]}"
    return nbformat.writes(notebook) + "\n"


def run(path: Path) -> str:
    """Run a notebook in its own folder, and return its canonical text."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    return canonical_text(notebook)


def main(arguments: list[str] | None = None) -> int:
    """Run these notebooks or all; with --check, return how many would change."""
    parser = argparse.ArgumentParser(prog="tools.notebooks", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change no file")
    parser.add_argument("paths", nargs="*", type=Path, metavar="NOTEBOOK")
    options = parser.parse_args(arguments)

    use_checkout()
    os.environ["DECONV_FIGURE_FORMAT"] = "png"
    changed = 0
    for path in options.paths or chapters():
        text = run(path)
        same = text == path.read_text("utf-8")
        changed += not same
        if not same and not options.check:
            path.write_text(text, "utf-8")
        print("same   " if same else "changed", path, flush=True)
    return changed if options.check else 0


if __name__ == "__main__":
    sys.exit(main())
