"""How often a verdict of the checker holds: on right functions, and on mutated ones."""
