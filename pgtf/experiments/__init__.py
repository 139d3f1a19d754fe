"""Experiments: the papers' tables and speed benchmarks. No other package imports this one."""
