"""A run directory: everything about its tasks, with no flag to remember."""

import dataclasses
import functools
import glob
import os

import numpy as np

from pgtf.bank import FilterBank, TaskSlice, folder_name
from pgtf.evaluation.replay import Probes
from pgtf.layers import folded
from pgtf.methods import Architecture, rebuilt
from pgtf.translation import TILE, Translator


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

    def __call__(self, image, backward=False, tile=TILE):
        """uint8 [h, w, 3] or [n, h, w, 3], of any size -> the same of the target domain (backward: the other way)."""
        image, translator = np.asarray(image), self.translator(backward, tile)
        return np.stack([translator(one) for one in image]) if image.ndim == 4 else translator(image)

    def translator(self, backward=False, tile=TILE):
        """What __call__ uses for one image; made once."""
        prefix = "backward" if backward else "forward"
        if prefix not in self.facts["prefixes"]:
            raise ValueError(
                "The way back is there where a task was learnt both ways (cyclegan). "
                f"Received: {self.name!r}, learnt one way only"
            )
        key = prefix, tile
        if key not in self._translators:
            self._translators[key] = Translator(self._folded[prefix], self.architecture.multiple, tile)
        return self._translators[key]

    @functools.cached_property
    def _translators(self):
        return {}

    @functools.cached_property
    def _folded(self):
        # Plain kernels, made once: making them anew for every image can cost more than the convolutions.
        return {prefix: folded(network) for prefix, network in rebuilt(self.slice, self.bank).items()}

    def replay(self):
        """Whether the task's outputs are what they were when it was learnt."""
        return self.probes.replayed(self.networks)


class Run:
    """The learnt tasks of a run directory, by name."""

    def __init__(self, folder):
        self.folder = folder
        self.bank = FilterBank.open(os.path.join(folder, "tasks"))
        self._used = {}
        if not len(self.bank):
            raise none_learnt(folder)

    @property
    def names(self):
        return self.bank.names

    def __len__(self):
        return len(self.bank)

    def __getitem__(self, name):
        if name not in self.names:
            raise ValueError(f"A task of this run is one of {', '.join(self.names)}. Received: {name!r}")
        # Kept, so that its network is made once; those met in passing, by iteration, are not.
        if name not in self._used:
            self._used[name] = self.at(self.names.index(name))
        return self._used[name]

    def __iter__(self):
        return (self.at(index) for index in range(len(self)))

    def at(self, index):
        folder = os.path.join(self.folder, "tasks", folder_name(index, self.names[index]))
        return Task(self.bank.slice(index), self.bank.upto(index), folder)


def none_learnt(folder):
    """The error that a folder is no run with a learnt task; it lists those in it and beside it that are."""
    runs = set()
    for place in (folder, os.path.dirname(os.path.normpath(folder))):
        for path in glob.glob(os.path.join(glob.escape(place), "*", "tasks", "*", "slice.json")):
            runs.add(path.rsplit(os.sep, 3)[0])
    what = "where no task is learnt yet" if os.path.isdir(os.path.join(folder, "tasks")) else "which is none"
    return FileNotFoundError(
        f"A run directory holds tasks/01-NAME/slice.json. Received: {folder}, {what}; "
        f"there are: {', '.join(sorted(runs)) or 'none near it'}"
    )
