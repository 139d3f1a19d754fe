"""Reproduction of the paper's tables and figures: the runs, their results, and the page with the tables."""
