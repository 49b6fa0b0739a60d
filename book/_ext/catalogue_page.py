"""Write the page of the catalogue while the book is built."""

from typing import Any

from sphinx.application import Sphinx

from tools.gallery.listing import page_text

PAGE = "book/gallery/catalogue"


def _append_entries(app: Sphinx, docname: str, source: list[str]) -> None:
    if docname == PAGE:
        source[0] += f"\n{page_text()}"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the hook."""
    app.connect("source-read", _append_entries)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
