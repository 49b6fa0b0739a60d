"""The mistakes that have a name: functions from a right problem to a wrong one.

`problem` is what they change, and computes the wrong results from it. In `formulas`
each has its key. What the book says of it is in ``catalogue.toml``.
"""
