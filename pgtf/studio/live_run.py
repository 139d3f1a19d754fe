"""A run for a server that stays open: its tasks are opened again when the run's ledger changes."""

from pgtf.runs.run import Run, Task
from pgtf.storage.ledger import Ledger


class LiveRun:
    """The tasks of a run as its ledger has them now.

    Attributes:
      run: The run as it was last opened.
    """

    def __init__(self, run: Run):
        self.run, self._stamp = run, Ledger.stamp(run.folder)

    def __getitem__(self, name: str) -> Task:
        """Returns a task. Raises ValueError if it was altered or dropped."""
        stamp = Ledger.stamp(self.run.folder)
        if stamp != self._stamp:
            self.run, self._stamp = Run(self.run.folder, self.run.compiled), stamp
        return self.run[name]
