"""The mistakes as formulas: one of the three maps, called with something wrong.

Each mistake is a function from a right problem to a wrong one. It changes an argument,
the geometry, the way of adding up, or the last step. The wrong result is then computed
by our own maps, so that no mistake needs a convolution of its own. To make two mistakes
at once, call one function after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from deconv_tutorial.diagnose.mistakes.kinds import kinds_of
from deconv_tutorial.diagnose.mistakes.problem import MAP_OF, Change, Target
from deconv_tutorial.diagnose.mistakes.rare import (
    RARE,
    RARE_OF_A_LAYER,
    VARIANTS,
    VARIANTS_OF_A_LAYER,
    VARIANTS_OF_A_RESULT,
)
from deconv_tutorial.diagnose.mistakes.tables import (
    ARGUMENT,
    OF_A_LAYER,
    RESULT,
    SCALE,
    SETTINGS,
)


@dataclass(frozen=True)
class Formula:
    """A mistake as a function of a problem."""

    key: str
    """The name of the mistake."""
    target: Target
    """The result in which it shows."""
    change: Change
    """Makes the mistake: it returns a wrong problem, or None if that is impossible."""
    kinds: frozenset[str] = frozenset()
    """What the mistake gets wrong. Two mistakes of one kind are not made together."""

    def goes_with(self, other: Formula) -> bool:
        """Return whether somebody may have made both mistakes."""
        return self.key != other.key and not self.kinds & other.kinds


@cache
def formulas(target: Target, *, transposed: bool) -> tuple[Formula, ...]:
    """Return the mistakes of one result of a layer, the most likely ones first.

    A mistake that can be made in several ways has several formulas, with one key.

    Examples
    --------
    >>> [formula.key for formula in formulas("db", transposed=False)][:2]
    ['db-mean-all', 'db-mean-space']
    """
    return tuple(
        Formula(f"{target}-{stem}", target, change, kinds_of(stem))
        for stem, change in _changes(target, transposed=transposed)
    )


def _changes(target: Target, *, transposed: bool) -> Iterator[tuple[str, Change]]:
    """Yield each mistake of a result by its name."""
    name = MAP_OF[transposed][target]
    layer: tuple[Target, bool] = target, transposed
    yield from OF_A_LAYER.get(layer, {}).items()
    yield from RESULT[target].items()
    yield from ARGUMENT[name].items()
    if name != "bias":
        yield from SETTINGS.items()
    if target != "y":
        yield from SCALE.items()
    yield from RARE[name].items()
    yield from RARE_OF_A_LAYER.get(layer, {}).items()
    of_the_layer = VARIANTS_OF_A_LAYER.get(layer, {})
    for table in (VARIANTS[name], VARIANTS_OF_A_RESULT[target], of_the_layer):
        for stem, ways in table.items():
            yield from ((stem, way) for way in ways)
