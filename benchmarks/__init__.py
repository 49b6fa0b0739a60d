"""What is measured, against whom, and what draws the tables. Not part of the package.

``python -m benchmarks`` measures everything and writes ``results.json``, ``RESULTS.md``
and ``results.svg``; ``python -m benchmarks report`` draws the last two from the first.
"""
