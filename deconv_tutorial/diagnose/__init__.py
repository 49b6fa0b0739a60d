"""Names the mistake in a backward pass that somebody wrote.

Hand in wrong gradients, and `gradients` says which mistake makes just these numbers.
Hand in a function, and `function` tries it on layers that few mistakes survive; so does
``python -m deconv_tutorial.diagnose module:function --of conv_backward`` in a shell.

Each mistake is one of the three maps called with something wrong. What no mistake of
the catalogue explains is said to be unknown, with where it is wrong. A right answer is
right, whatever way it was computed.
"""

from deconv_tutorial.diagnose.from_arrays import gradients
from deconv_tutorial.diagnose.from_function import function
from deconv_tutorial.diagnose.mistakes.catalogue import Mistake, mistake_of
from deconv_tutorial.diagnose.report import Finding, Report

__all__ = ["Finding", "Mistake", "Report", "function", "gradients", "mistake_of"]
