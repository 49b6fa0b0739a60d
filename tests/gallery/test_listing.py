"""The page of the catalogue has every mistake, and leads to it."""

import re
from collections import Counter

import pytest

from deconv_tutorial.diagnose.mistakes.catalogue import catalogue, mistake_of
from tools.checkout import ROOT
from tools.gallery.drawn_layers import all_formulas, keys_by_entry
from tools.gallery.listing import page_text
from tools.gallery.signs import SIGNS

TEXT = page_text()
KEYS = {formula.key for formula, _ in all_formulas()}


def test_every_key_has_one_anchor():
    anchors = Counter(re.findall(r"^\((\S+)\)=$", TEXT, re.MULTILINE))
    assert anchors == Counter(KEYS)


def test_links_in_the_page_lead_to_anchors():
    links = set(re.findall(r"\]\(#([^)]+)\)", TEXT))
    assert links == KEYS


def test_every_entry_is_folded_and_has_its_words():
    for name, keys in keys_by_entry().items():
        entry = catalogue()[name]
        start = TEXT.index(f":::{{dropdown}} {entry['title']}\n({keys[0]})=")
        folded = TEXT[start : TEXT.index("\n:::\n", start)]
        assert entry["why"] in folded
        assert f"*To mend it:* {entry['fix']}" in folded
        assert f"(../{entry['chapter']}.ipynb)" in folded
        assert all(f"`{key}`" in folded for key in keys)


def test_alternative_texts_of_pictures_differ():
    texts = re.findall(r'aria-label="([^"]*)"', TEXT)
    assert len(texts) == TEXT.count("<svg") > 90
    assert len(set(texts)) == len(texts)


def test_every_entry_has_a_picture_or_says_why_not():
    without = TEXT.count("No picture: where it shows, no number is right.")
    assert TEXT.count("<svg") + without == len(keys_by_entry())
    assert without < 5


def test_page_is_light():
    pictures = re.findall(r"<svg.*</svg>", TEXT)
    assert max(map(len, pictures)) < 6000
    assert len(TEXT) < 400_000
    widths = [float(w) for w in re.findall(r'<svg[^>]* width="([\d.]+)"', TEXT)]
    assert max(widths) <= 640


def test_index_begins_with_what_is_seen():
    first = TEXT[: TEXT.index("## By the layers")]
    titles = re.findall(r"^:::\{dropdown\} (.*) \(\d+\)$", first, re.MULTILINE)
    assert titles == [words for words in SIGNS.values() if words in titles]
    assert len(titles) == len(SIGNS)


@pytest.mark.parametrize("key", sorted(KEYS))
def test_page_of_a_mistake_is_its_anchor(key):
    page, _, anchor = mistake_of(key).page.partition("#")
    assert (page, anchor) == ("gallery/catalogue.html", key)
    assert (ROOT / "book" / page).with_suffix(".md").is_file()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("output-padding-zeros", "Bug in [myia 338](https://github.com/mila-iqia/"),
        ("assign-not-add", "Asked in [deep-learning-from-scratch 27]("),
        ("dw-flipped", "Explained in [scipy 5897]("),
        ("dx-not-spread", "Asked in [ai.stackexchange.com]("),
    ],
)
def test_sources_say_what_they_are(name, said):
    start = TEXT.index(f"({keys_by_entry()[name][0]})=")
    assert said in TEXT[start : TEXT.index("\n:::\n", start)]
