"""Make the pages light, self-contained and accessible."""

import os
import re
import sys
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parents[2]))
from tools.checkout import use_checkout

use_checkout()
# A notebook stores its figures as PNG, one line each; a page shows them sharp.
os.environ.setdefault("DECONV_FIGURE_FORMAT", "svg")

DESCRIPTION_LENGTH = 155
# The theme writes these into every page and has no setting for them.
REWRITES = [
    # Half a megabyte of script for icons that the web font shows as well.
    (r"\s*<script[^>]*/fontawesome\.js[^>]*></script>", ""),
    # A name that differs from the visible words misleads who speaks to the page.
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),
    # Roles that browsers no longer know, in a list that has no items then.
    (r'role="doc-biblioentry"', 'role="listitem"'),
    (r'(search-button__button[^>]*) aria-label="Search"', r"\1"),
]
# Only the search page searches; the index grows with the book.
SEARCH_SCRIPT = (
    r'\s*<script src="[^"]*(searchtools|language_data|searchindex)\.js[^"]*"></script>'
)


def _escape_stars(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Keep the star of ``array of shape (n, *input_size)``: it would open emphasis."""
    for number, line in enumerate(lines):
        if re.match(r"\s*(\w+ : )?array", line):
            lines[number] = line.replace(", *", r", \*")


def _description(doctree: nodes.document) -> str:
    """Return the first paragraph that says something, cut at a word."""
    for paragraph in doctree.findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        if len(text) > DESCRIPTION_LENGTH:
            return text[:DESCRIPTION_LENGTH].rsplit(" ", 1)[0] + "…"
        if len(text) > DESCRIPTION_LENGTH // 3:
            return text
    return ""


def _set_context(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Drop Thebe, which nobody starts here, and repeated scripts; add a description."""
    kept: dict[tuple[str, str], Any] = {}
    for script in context["script_files"]:
        name, body = str(script.filename or ""), script.attributes.get("body") or ""
        if "thebe" not in f"{name} {body}".lower():
            kept.setdefault((name, body), script)
    context["script_files"] = list(kept.values())
    context["css_files"] = [
        style for style in context["css_files"] if "thebe" not in str(style.filename)
    ]
    if doctree and (text := _description(doctree)):
        context["metatags"] += f'<meta name="description" content="{escape(text)}" />\n'


def _rewrite_pages(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text("utf-8")
        rewrites = [*REWRITES]
        if page.name != "search.html":
            rewrites.append((SEARCH_SCRIPT, ""))
        for pattern, replacement in rewrites:
            text = re.sub(pattern, replacement, text)
        page.write_text(text, "utf-8")


def _set_repository_buttons(app: Sphinx) -> None:
    """Show the buttons that link to the repository only if its address is set."""
    options = app.config.html_theme_options
    if options.get("repository_url"):
        options.update(use_repository_button=True, use_issues_button=True)
    else:
        options.update(repository_url="", launch_buttons={})


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the hooks."""
    app.connect("builder-inited", _set_repository_buttons, priority=100)
    # Before napoleon reads the sections.
    app.connect("autodoc-process-docstring", _escape_stars, priority=100)
    # After the extensions that put their scripts into every page.
    app.connect("html-page-context", _set_context, priority=900)
    app.connect("build-finished", _rewrite_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
