"""Names the mistake in a backward pass that somebody wrote.

Give `gradients` the wrong arrays, and it says which mistake gives these very numbers.
Give `function` the code, and it runs the code on layers that few mistakes survive. In a
shell, ``python -m deconv_tutorial.diagnose module:function --of conv_backward`` does
the same.

Each mistake in the catalogue is one of the three maps, called with something wrong. If
none of them explains an array, the report says so, and says where the array is wrong.
Only the numbers count: a right answer may be computed in any way.
"""

from deconv_tutorial.diagnose.from_arrays import gradients
from deconv_tutorial.diagnose.from_function import assert_right, function
from deconv_tutorial.diagnose.mistakes.catalogue import Mistake, mistake_of
from deconv_tutorial.diagnose.report import Finding, Report

__all__ = [
    "Finding",
    "Mistake",
    "Report",
    "assert_right",
    "function",
    "gradients",
    "mistake_of",
]
