"""Compression: copies of learned tasks within a budget of bytes."""
