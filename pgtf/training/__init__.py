"""Trains one task, and the tasks of a run in order."""
