"""Experiments: the papers' tables, and speed. No other room imports this one."""
