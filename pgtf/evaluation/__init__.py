"""Measures of what was learnt."""
