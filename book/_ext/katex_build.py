"""Render formulas with KaTeX while the book is built.

The script runs in an embedded V8, so neither the build nor a page needs Node or a
network. A formula that KaTeX rejects is a warning, and warnings fail the build.
"""

from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from py_mini_racer import MiniRacer
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.fileutil import copy_asset
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

KATEX = Path(__file__).parents[1] / "_vendor" / "katex"
# What strict mode refuses, other readers of the notebooks refuse too.
RENDER = """
function render(tex, displayMode) {
  try { return {html: katex.renderToString(tex, {displayMode, strict: "error"})}; }
  catch (error) { return {error: error.message}; }
}
"""

logger = logging.getLogger(__name__)


@cache
def _engine() -> MiniRacer:
    engine = MiniRacer()
    engine.eval((KATEX / "katex.min.js").read_text("utf-8"))
    engine.eval(RENDER)
    return engine


def _html(node: nodes.Element, *, display: bool) -> str:
    tex = node.astext().strip()
    result = dict(_engine().call("render", tex, display))
    if "error" in result:
        logger.warning("%s in: %s", result["error"], tex, location=node, type="katex")
        return f"<code>{escape(tex)}</code>"
    return result["html"]


def _visit_inline(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(self.starttag(node, "span", "", CLASS="math"))
    self.body.append(_html(node, display=False) + "</span>")
    raise nodes.SkipNode


def _visit_block(self: HTML5Translator, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math"))
    self.body.append(_html(node, display=True))
    if node["number"]:
        number = get_node_equation_number(self, node)
        self.body.append(f'<span class="eqno">({number})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def _copy_styles(app: Sphinx) -> None:
    """Copy what the pages need: the style sheet and the fonts, not the script."""
    if app.builder.format == "html":
        target = Path(app.outdir, "_static", "katex")
        copy_asset(KATEX / "katex.min.css", target)
        copy_asset(KATEX / "fonts", target / "fonts")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer; ``html_math_renderer: katex_build`` selects it."""
    app.add_html_math_renderer(
        "katex_build", (_visit_inline, None), (_visit_block, None)
    )
    app.connect("builder-inited", _copy_styles)
    app.add_css_file("katex/katex.min.css")
    return {"parallel_read_safe": True, "parallel_write_safe": False}
