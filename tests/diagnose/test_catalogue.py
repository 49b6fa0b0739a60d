"""Every mistake that the checker knows has its words in the catalogue."""

import re
from collections import Counter

import pytest

from deconv_tutorial.diagnose.mistakes.catalogue import catalogue, mistake_of
from deconv_tutorial.diagnose.mistakes.formulas import formulas
from deconv_tutorial.diagnose.mistakes.kinds import KINDS, kinds_of
from deconv_tutorial.diagnose.mistakes.problem import TARGETS
from tools.checkout import ROOT

KEYS = {
    formula.key
    for target in TARGETS
    for transposed in (False, True)
    for formula in formulas(target, transposed=transposed)
}
ENTRIES = catalogue()


def stem_of(name):
    """Return the part of a key behind the result in which a mistake shows."""
    return name.partition("-")[2] if name in KEYS else name


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_mistake_has_words(key):
    mistake = mistake_of(key)
    assert mistake.key == key
    assert mistake.title


def test_no_entry_is_unused():
    used = {key if key in ENTRIES else stem_of(key) for key in KEYS}
    assert used == set(ENTRIES)


def test_titles_tell_mistakes_apart():
    titles = Counter(entry["title"] for entry in ENTRIES.values())
    assert [title for title, count in titles.items() if count > 1] == []


def test_each_mistake_is_of_some_kind():
    stems = {stem_of(key) for key in KEYS}
    assert {stem for stem in stems if not kinds_of(stem)} == set()
    assert {stem for each in KINDS.values() for stem in each.split()} == stems


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_entry_is_in_form(name):
    entry = ENTRIES[name]
    assert set(entry) - {"sources"} == {"title", "why", "fix", "chapter"}
    assert len(entry["title"]) <= 60
    assert not entry["title"].endswith(".")
    for text in (entry["title"], entry["why"], entry["fix"]):
        assert text == " ".join(text.split())
        assert text.count("`") % 2 == 0
    assert entry["why"].endswith(".")
    assert entry["fix"].endswith(".")
    assert (ROOT / "book" / f"{entry['chapter']}.ipynb").is_file()


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_sources_are_addresses(name):
    sources = ENTRIES[name].get("sources", ["https://example.org"])
    assert sources
    assert len(set(sources)) == len(sources)
    for address in sources:
        assert re.fullmatch(r"https://[\w.-]+/?[\w./#-]*", address)
