"""Updates the report during training."""

import time

from pgtf.foundation.logger import LOG
from pgtf.report.write import update_report
from pgtf.training.observers import Observer

SHARE = 0.02  # Of the time of a task's training, at most. A long log takes seconds to read.


class ReportObserver(Observer):
    """Writes the report after new samples and after each task; prints its path at the end."""

    def __init__(self) -> None:
        self._next = -float("inf")  # Earliest time of the next report within a task, in seconds of time.monotonic().

    def on_samples(self, run_dir: str) -> None:
        begun = time.monotonic()
        if begun >= self._next:
            update_report(run_dir)
            took = time.monotonic() - begun
            self._next = begun + took / SHARE

    def on_task_end(self, run_dir: str) -> None:
        update_report(run_dir, tensorboard=True)

    def on_run_end(self, run_dir: str) -> None:
        page = update_report(run_dir, tensorboard=True)
        LOG.info(f"\nAs curves: tensorboard --logdir {run_dir}\nLook, in a browser: {page}")
