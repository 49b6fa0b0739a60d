"""Benchmarks of the engines beside their peers. They are not part of the package.

``python -m benchmarks`` measures everything and writes ``results.json``, ``RESULTS.md``
and ``results.svg``. ``python -m benchmarks report`` makes the last two files again from
the first.
"""
