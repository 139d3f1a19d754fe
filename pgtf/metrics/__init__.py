"""Metrics: functions from arrays of images or features to numbers."""
