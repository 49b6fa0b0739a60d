"""The text of the page of the catalogue, as MyST Markdown.

All of it comes from the formulas and the catalogue of the package, so that a new
mistake is on the page without being mentioned here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain

from deconv_tutorial.diagnose.mistakes.catalogue import Mistake, mistake_of
from deconv_tutorial.diagnose.probes import LayerCall
from tools.gallery.drawn_layers import Sight, all_formulas, keys_by_entry, sights
from tools.gallery.signs import HIDDEN_BY, SIGNS, hiding_layers, usual_signs
from tools.gallery.small_maps import best_sight, picture

KINDS: Mapping[str, str] = {
    "Stride, dilation and sizes": "stride|dilation|spread|leftover|size|range|bounds",
    "Padding and crops": "pad|crop|shift",
    "Flips": "flip|rot90|turned|correlate",
    "Sums": "sum|mean|sample|assign|average|doubled|negated|reduced",
    "Other arrays and other layouts": "",
}
"""The sections of the page, with what the names of their mistakes contain."""
CITED: Mapping[str, Callable[[Mistake], tuple[str, ...]]] = {
    "Bug in": lambda mistake: mistake.bugs,
    "Asked in": lambda mistake: mistake.questions,
    "Explained in": lambda mistake: mistake.explanations,
}
PLAIN = {"stride": {1}, "dilation": {1}, "padding": {0}, "groups": {1}}
"""The settings that are left out where a layer is described."""


def page_text() -> str:
    """Return the text that follows the introduction."""
    sections = chain(_index_by_sign(), _index_by_layer(), _entries())
    return "\n\n".join(sections) + "\n"


def _index_by_sign() -> Iterator[str]:
    yield "## By what you see"
    found = {key: usual_signs(each) for key, each in sights().items()}
    for sign, words in SIGNS.items():
        yield from _folded_links(words, _with(sign, found))


def _index_by_layer() -> Iterator[str]:
    yield "## By the layers that hide it"
    yield (
        "The result is right as long as the layer is of such a kind. Then a test with "
        "another layer finds the mistake."
    )
    found = {key: hiding_layers(each) for key, each in sights().items()}
    for kind, (words, _) in HIDDEN_BY.items():
        yield from _folded_links(f"Right where {words}", _with(kind, found))


def _with(wanted: str, found: Mapping[str, list[str]]) -> list[str]:
    return [key for key, each in found.items() if wanted in each]


def _folded_links(words: str, keys: list[str]) -> Iterator[str]:
    """Yield a folded list with one line for each entry and links to its keys."""
    chosen = {name: [k for k in all_ if k in keys] for name, all_ in _entries_keys()}
    lines = [
        f"- {mistake_of(found[0]).title}: {', '.join(map(_link_to_key, found))}"
        for found in chosen.values()
        if found
    ]
    if lines:
        yield _dropdown(f"{words} ({len(lines)})", "\n".join(lines))


def _entries_keys() -> Iterable[tuple[str, list[str]]]:
    return keys_by_entry().items()


def _link_to_key(key: str) -> str:
    return f"[`{key.partition('-')[0]}`](#{key})"


def _dropdown(title: str, body: str) -> str:
    return f":::{{dropdown}} {title}\n{body}\n:::"


def _entries() -> Iterator[str]:
    yield "## All mistakes"
    sections: dict[str, list[str]] = {title: [] for title in KINDS}
    for name in keys_by_entry():
        sections[next(t for t in KINDS if re.search(KINDS[t], name))].append(name)
    for title, names in sections.items():
        yield f"### {title}"
        yield from (_entry(name, keys_by_entry()[name]) for name in names)


def _entry(name: str, keys: list[str]) -> str:
    """Return the folded entry of one mistake, with an anchor for each key."""
    mistake = mistake_of(keys[0])
    seen = {key: sights()[key] for key in keys}
    names = ", ".join(f"`{key}`" for key in keys)
    paragraphs = [
        "\n".join(f"({key})=" for key in keys),
        f"{names}: in {_occurrences(name)}.",
        mistake.why,
        f"*To mend it:* {mistake.fix}",
        *_what_shows(seen),
        *_drawn(mistake, [sight for each in seen.values() for sight in each]),
        f"See [](../{mistake.chapter}.ipynb).{''.join(_citations(mistake))}",
    ]
    return _dropdown(mistake.title, "\n\n".join(paragraphs))


def _what_shows(seen: Mapping[str, list[Sight]]) -> Iterator[str]:
    """Yield a sentence on the signs of each result, and one on what hides them."""
    said: dict[str, list[str]] = {}
    for key, each in seen.items():
        words = "; ".join(_lower(SIGNS[sign]) for sign in usual_signs(each))
        said.setdefault(words, []).append(f"`{key.partition('-')[0]}`")
    for words, targets in said.items():
        if words:
            yield f"*What you see* in {', '.join(targets)}: {words}."
    hidden = [HIDDEN_BY[k][0] for k in hiding_layers(chain(*seen.values()))]
    if hidden:
        yield f"*It does not show* where {', or where '.join(hidden)}."


def _lower(words: str) -> str:
    return words[0].lower() + words[1:]


def _drawn(mistake: Mistake, each: list[Sight]) -> Iterator[str]:
    """Yield a picture, and the layer that it is of."""
    sight = best_sight(each, usual_signs(each))
    if sight is None:
        if any(s.shows for s in each):
            yield "No picture: where it shows, no number is right."
        return
    target, layer = sight.formula.target, _layer_words(sight.layer.call)
    yield f"```{{raw}} html\n{picture(sight, f'{mistake.title}, in {target}')}\n```"
    yield f"*Drawn:* `{target}` of {layer}."


def _layer_words(call: LayerCall) -> str:
    """Return a layer with its shapes, and with the settings that are not plain."""
    layer = "conv_transpose" if call.transposed else "conv"
    parts = [f"x {call.x.shape} with w {call.w.shape}"]
    for name, value in call.settings.items():
        numbers = set(re.findall(r"\d+", str(value)))
        if numbers != {str(n) for n in PLAIN.get(name, {0})}:
            parts.append(f"{name}={value}")
    return f"`{layer}` of `{', '.join(parts)}`"


def _occurrences(name: str) -> str:
    """Return in which results of which layers a mistake can be made."""
    found: dict[bool, dict[str, None]] = {False: {}, True: {}}
    for formula, transposed in all_formulas():
        if formula.key in keys_by_entry()[name]:
            found[transposed][f"`{formula.target}`"] = None
    plain, turned = (", ".join(found[transposed]) for transposed in (False, True))
    if plain == turned:
        return f"{plain} of both layers"
    parts = f"{plain} of a convolution", f"{turned} of a transposed convolution"
    return " and ".join(part for part in parts if part.startswith("`"))


def _citations(mistake: Mistake) -> Iterator[str]:
    for words, addresses_of in CITED.items():
        links = [_link(address) for address in addresses_of(mistake)]
        if links:
            yield f" {words} {', '.join(links)}."


def _link(address: str) -> str:
    host, *path = address.removeprefix("https://").split("/")
    return f"[{f'{path[1]} {path[-1]}' if host == 'github.com' else host}]({address})"
