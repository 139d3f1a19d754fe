"""Hooks that a caller of training can fill in, such as writing a report. By default they do nothing."""


class Observer:
    """Is called while a run is learned. Training itself writes no report."""

    def on_samples(self, run_dir: str) -> None:
        """Called after new sample pictures of the task that is being learned."""

    def on_task_end(self, run_dir: str) -> None:
        """Called when a task is stored, replayed and sampled, and others are to come."""

    def on_run_end(self, run_dir: str) -> None:
        """Called when all tasks are learned."""
