"""Evaluates a run's tasks on their test images."""
