"""The mistakes that have a name: functions from a right problem to a wrong one.

`problem` holds what they change, and computes results from it, right or wrong.
`formulas` gives each mistake its key, and ``catalogue.toml`` has its explanation.
"""
