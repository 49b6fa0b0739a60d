"""The three maps, computed in three ways: read `naive` first, then `im2col`.

An engine is anything with the three maps, as `engine` says: a module, or an object of
your own. `naive` is the definition, `im2col` is one matrix product for each group, and
`fast` takes what pays for a layer and a machine.
"""
