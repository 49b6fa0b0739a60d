r"""Arrays of symbols, the form T, its derivatives, and proofs that run the engines.

`derive` differentiates the form::

    T(x, w, y) = sum of  y[n, g, a, *o] * w[g, a, b, *k] * x[n, g, b, *i]

over all connections ``(o, k, i)`` and all channels. `prove` runs an engine on symbols,
and compares each entry with the derivative. `recognise` says in words what a derivative
is. In `general` the sizes are letters, too.
"""

from deconv_tutorial.symbolic.proof import Proof, ProofError, prove, prove_layer
from deconv_tutorial.symbolic.reading import Reading, recognise
from deconv_tutorial.symbolic.trilinear import (
    Letters,
    Table,
    derivative,
    derive,
    form,
    letters,
    letters_of,
)

__all__ = [
    "Letters",
    "Proof",
    "ProofError",
    "Reading",
    "Table",
    "derivative",
    "derive",
    "form",
    "letters",
    "letters_of",
    "prove",
    "prove_layer",
    "recognise",
]
