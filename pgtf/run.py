"""A run directory: everything about its tasks, with no flag to remember."""

import dataclasses
import functools
import os

from pgtf.bank import FilterBank, TaskSlice, folder_name
from pgtf.evaluation.replay import Probes
from pgtf.methods import Architecture, rebuilt


@dataclasses.dataclass(frozen=True)
class Task:
    """One learnt task: its slice, and the networks made from it and the bank."""

    slice: TaskSlice
    bank: FilterBank  # as it was when this task was learnt
    folder: str

    @property
    def name(self):
        return self.slice.name

    @property
    def facts(self):
        return self.slice.facts

    @functools.cached_property
    def networks(self):
        """{"forward": generator}, and "backward" where the task has one; images in [-1, 1] in and out."""
        return rebuilt(self.slice, self.bank)

    @property
    def architecture(self):
        return Architecture(**self.facts["architecture"])

    @functools.cached_property
    def probes(self):
        """Test images of the task, and what it made of them when it was learnt."""
        return Probes.read(os.path.join(self.folder, "probes.safetensors"), self.facts["probes_sha256"])

    def replay(self):
        """Whether the task's outputs are what they were when it was learnt."""
        return self.probes.replayed(self.networks)


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

    def __len__(self):
        return len(self.bank)

    def __getitem__(self, name):
        if name not in self.names:
            raise ValueError(f"A task of this run is one of {', '.join(self.names)}. Received: {name!r}")
        return self.at(self.names.index(name))

    def __iter__(self):
        return (self.at(index) for index in range(len(self)))

    def at(self, index):
        folder = os.path.join(self.folder, "tasks", folder_name(index, self.names[index]))
        return Task(self.bank.slice(index), self.bank.upto(index), folder)
