"""Runs: opening, listing, translating, verifying, packing, adopting and dropping."""
