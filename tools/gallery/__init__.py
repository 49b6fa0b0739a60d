"""Writes the page of the catalogue: what each mistake does, in words and pictures."""
