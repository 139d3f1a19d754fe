"""Training: one task, and one after the other."""
