"""Opens every page of the built book in a browser, as a reader would.

The book must be built (`make book`) and Debian's chromium be installed. Without them
the tests are skipped, except where the environment variable CI is set: there they fail.
"""

import os
import re
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from functools import cache, partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import axe_playwright_python
import pytest
import yaml
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from deconv_tutorial.diagnose.mistakes.catalogue import mistake_of
from tools.checkout import ROOT
from tools.gallery.drawn_layers import all_formulas

BUILT = ROOT / "_build" / "html"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
# The page at the root only leads on to the front page.
PAGES = sorted(
    str(path.relative_to(BUILT))
    for path in BUILT.rglob("*.html")
    if path != BUILT / "index.html" and "_static" not in path.parts
)
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PHONE, DESKTOP = 360, 1366

# What lies beyond the right edge of the text and in no box that scrolls.
OVERFLOW = """() => {
  const edge = document.documentElement.clientWidth + 1;
  const scrolls = e => e && (["auto", "scroll"].includes(getComputedStyle(e).overflowX)
    || scrolls(e.parentElement));
  const beyond = [...document.querySelectorAll(".bd-article-container *")].filter(
    e => e.getBoundingClientRect().right > edge
      && !e.closest(".katex-mathml") && !scrolls(e.parentElement));
  const wide = document.documentElement.scrollWidth > edge;
  return beyond.map(e => e.outerHTML.slice(0, 120)).concat(wide ? ["the page"] : []);
}"""
BROKEN_IMAGES = """async () => {
  const images = [...document.images];
  for (const image of images) image.loading = "eager";
  await Promise.all(images.map(image => image.decode().catch(() => 0)));
  return images.filter(image => !image.naturalWidth).map(image => image.src);
}"""
VIOLATIONS = """async ([tags, contrast]) => {
  const found = await axe.run({
    preload: false,  // it would fetch the imports of style sheets from wrong places
    runOnly: {type: "tag", values: tags},
    rules: {"target-size": {enabled: true}, "color-contrast": {enabled: contrast}}});
  return found.violations.flatMap(v => v.nodes.map(n => `${v.id}: ${n.html}`));
}"""


def require(thing: object, reason: str) -> None:
    """Skip without the thing; fail where nothing may be left out."""
    if not thing and os.environ.get("CI"):
        pytest.fail(reason)
    elif not thing:
        pytest.skip(reason)


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    require(PAGES, "the book is not built: make book")


class QuietHandler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections, which is faster

    def log_message(self, *args: object) -> None:
        """Say nothing: the tests report what is missing."""


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    handler = partial(QuietHandler, directory=BUILT)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    require(CHROMIUM, "chromium is not installed: apt-get install chromium")
    arguments = [
        "--headless",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-gpu",
        "--disable-quic",
        "--disable-sync",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--no-first-run",
    ]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module", params=["light", "dark"])
def scheme(request) -> str:
    return request.param


@pytest.fixture(scope="module", params=[PHONE, DESKTOP])
def view(request, browser, scheme) -> Iterator[BrowserContext]:
    """Yield one kind of reader's browser, which keeps what the pages share."""
    with browser.new_context(
        viewport={"width": request.param, "height": 900},
        color_scheme=scheme,
        reduced_motion="reduce",
    ) as context:
        yield context


def watch(page: Page, host: str) -> list[str]:
    """Return a list that grows with whatever goes wrong on the page."""
    wrong: list[str] = []

    def asked(request):
        if not request.url.startswith((host, "data:", "blob:")):
            wrong.append(f"asks another host: {request.url}")

    def answered(response):
        if response.status >= 400:
            wrong.append(f"missing: {response.url}")

    def said(message):
        if message.type in {"error", "warning"}:
            wrong.append(f"console: {message.text}")

    page.on("request", asked)
    page.on("response", answered)
    page.on("console", said)
    page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
    return wrong


@pytest.mark.parametrize("path", PAGES or ["index.html"])
def test_page(view, host, path):
    with view.new_page() as page:
        wrong = watch(page, host)
        page.goto(host + path)
        wrong += [f"no image: {src}" for src in page.evaluate(BROKEN_IMAGES)]
        wrong += [f"too wide: {part}" for part in page.evaluate(OVERFLOW)]
        page.evaluate(AXE.read_text("utf-8"))
        # The slowest rule. A phone shows the same colours, and fewer of them.
        contrast = page.viewport_size["width"] == DESKTOP
        wrong += page.evaluate(VIOLATIONS, [WCAG, contrast])
        assert not wrong, "\n".join(wrong)


def test_root_leads_to_the_front_page(browser, host):
    with browser.new_page() as page:
        page.goto(host)
        page.wait_for_url(host + "book/index.html")


def test_search_finds_a_chapter(browser, host):
    with browser.new_page() as page:
        wrong = watch(page, host)
        page.goto(host + "search.html?q=gradient")
        page.wait_for_selector("ul.search li a[href*='book/']")
        assert not wrong, "\n".join(wrong)


CATALOGUE = "book/gallery/catalogue.html"


def test_catalogue_has_one_place_for_every_name():
    text = (BUILT / CATALOGUE).read_text("utf-8")
    places = Counter(re.findall(r'\bid="([^"]+)"', text))
    keys = {formula.key for formula, _ in all_formulas()}
    assert {key: places[key] for key in keys} == dict.fromkeys(keys, 1)


def test_address_of_a_mistake_opens_its_entry(view, host):
    key = "dx-not-cropped"
    with view.new_page() as page:
        page.goto(f"{host}{CATALOGUE}")
        assert not page.locator("details[open]").count()
        assert page.evaluate("document.documentElement.scrollHeight") < 20_000
        page.goto(f"{host}book/{mistake_of(key).page}")
        opened = page.locator("details[open]")
        assert opened.count() == 1
        assert opened.get_by_text(key).is_visible()
        assert opened.get_by_role("img").is_visible()
        title = opened.locator("summary").bounding_box()["y"]
        assert 0 < title < page.viewport_size["height"] / 2


class Links(HTMLParser):
    """Collects where a page leads, and the places in it that can be led to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.scripts: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = {key: value or "" for key, value in attrs}
        self.anchors |= {values[key] for key in ("id", "name") if key in values}
        for key in ("href", "src"):
            if key in values:
                self.targets.append(values[key])
        if tag == "script" and "src" in values:
            self.scripts.append(values["src"])


@cache
def links(path: Path) -> Links:
    return Links(path.read_text("utf-8"))


@pytest.mark.parametrize("path", PAGES or ["index.html"])
def test_links_lead_somewhere(path):
    dead = []
    for target in links(BUILT / path).targets:
        parts = urlsplit(urljoin(path, target))
        if parts.scheme or parts.netloc:
            continue
        file = BUILT / unquote(parts.path)
        anchor = unquote(parts.fragment)
        if not file.is_file() or (anchor and anchor not in links(file).anchors):
            dead.append(target)
    assert not dead


@pytest.mark.parametrize("path", PAGES or ["index.html"])
def test_page_is_light(path):
    """The theme's unused scripts are gone: if its templates change, this says so."""
    scripts = links(BUILT / path).scripts
    unwanted = [
        script
        for script in scripts
        if "thebe" in script
        or "/fontawesome" in script
        or ("searchindex" in script and path != "search.html")
    ]
    assert not unwanted
    assert len(scripts) == len(set(scripts))


@pytest.mark.parametrize("path", PAGES or ["index.html"])
def test_page_tells_nothing_about_this_machine(path):
    assert str(ROOT) not in (BUILT / path).read_text("utf-8")


def test_every_chapter_has_its_page():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    listed = [c["file"] for part in toc["parts"] for c in part["chapters"]]
    assert {f"{file}.html" for file in [toc["root"], *listed]} <= set(PAGES)
