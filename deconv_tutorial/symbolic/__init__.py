r"""Arrays of symbols, the form T, its derivatives, and proofs that run the engines.

`derive` differentiates the form::

    T(x, w, y) = sum of  y[n, g, a, *o] * w[g, a, b, *k] * x[n, g, b, *i]

over all connections ``(o, k, i)`` and all channels. `prove` runs an engine on symbols,
and compares each entry of its results with the derivative. `recognise` describes a
derivative as a convolution, in words. In `general` even the sizes are letters.
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
