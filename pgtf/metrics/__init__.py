"""Measures as pure numbers: arrays in, numbers out."""
