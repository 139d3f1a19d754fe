"""Exports learned tasks to files that run without pgtf."""
