"""Attacks at random, each a pure function of (seed, kind, number): python -m tests.fuzz --minutes=10 --seed=1"""
