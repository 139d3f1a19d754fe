"""Runs: the slices of their tasks and the bank that these make, building, learning and looking at them."""
