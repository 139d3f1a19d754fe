"""Training of one task, and of the tasks of a run in order."""
