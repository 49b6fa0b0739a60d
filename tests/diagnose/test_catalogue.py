"""Every mistake that the checker knows has its words in the catalogue."""

import re
from collections import Counter

import pytest

from deconv_tutorial.diagnose.mistakes.catalogue import (
    KINDS_OF_SOURCES,
    catalogue,
    mistake_of,
)
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
    assert set(entry) - set(KINDS_OF_SOURCES) == {"title", "why", "fix", "chapter"}
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
    lists = [ENTRIES[name][kind] for kind in KINDS_OF_SOURCES if kind in ENTRIES[name]]
    assert all(lists)
    addresses = [address for each in lists for address in each]
    assert len(set(addresses)) == len(addresses)
    for address in addresses:
        assert re.fullmatch(r"https://[\w.-]+/?[\w./#-]*", address)


def test_sources_keep_bugs_questions_and_explanations_apart():
    mistake = mistake_of("y-output-padding-zeros")
    assert mistake.bugs == ("https://github.com/mila-iqia/myia/pull/338",)
    assert mistake.questions[0].endswith("/pytorch/pytorch/issues/8816")
    assert mistake.explanations == ()
    assert mistake.sources == mistake.bugs + mistake.questions


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/ddbourgin/numpy-ml/issues/27",
        "https://github.com/pytorch/pytorch/issues/61100",
        "https://github.com/hguomin/deep-learning-from-scratch/issues/2",
        "https://github.com/oreilly-japan/deep-learning-from-scratch/issues/27",
        "https://github.com/CNugteren/CLBlast/issues/270",
    ],
)
def test_question_accuses_no_project(address):
    kinds = {
        kind
        for entry in ENTRIES.values()
        for kind in KINDS_OF_SOURCES
        if address in entry.get(kind, ())
    }
    assert kinds == {"questions"}
