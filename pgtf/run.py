"""A run directory: everything about its tasks, with no flag to remember."""

import functools
import os

from pgtf.bank import FilterBank, folder_name
from pgtf.evaluation.replay import replay
from pgtf.methods import rebuilt


class Run:
    """The learnt tasks of a run directory, by name."""

    def __init__(self, folder):
        self.folder = folder
        self.bank = FilterBank.open(os.path.join(folder, "tasks"))
        if not len(self.bank):
            raise FileNotFoundError(f"A run directory holds tasks/01-NAME/slice.json. Received: {folder}, without one")

    @property
    def names(self):
        return self.bank.names

    def index(self, name):
        if name not in self.names:
            raise ValueError(f"This run has learnt {', '.join(self.names)}. Received: {name!r}")
        return self.names.index(name)

    @functools.lru_cache(maxsize=2)
    def networks(self, index):
        """{prefix: generator} of a task."""
        return rebuilt(self.bank.slice(index), self.bank.upto(index))

    def task_folder(self, index):
        return os.path.join(self.folder, "tasks", folder_name(index, self.names[index]))

    def replay(self, index):
        """Whether a task's outputs are what they were when it was learnt."""
        facts = self.bank.slice(index).facts
        return replay(
            self.networks(index), os.path.join(self.task_folder(index), "probes.safetensors"), facts["probes_sha256"]
        )
