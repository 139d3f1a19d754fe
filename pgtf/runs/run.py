"""Run directories and their tasks, opened without flags."""

import dataclasses
import functools
import os
from collections.abc import Iterator
from typing import Any, Optional

import numpy as np

from pgtf import layers
from pgtf.assembly.bank import NetworkBank, head_of, rebuild
from pgtf.assembly.replay import replayed
from pgtf.assembly.swapping import SwappedNetworks, TaskNetwork
from pgtf.foundation.settings import name_in
from pgtf.methods import METHODS
from pgtf.objectives import OBJECTIVES, Objective
from pgtf.runs.classify import Classifier
from pgtf.runs.generate import ImageGenerator
from pgtf.runs.translate import TILE, Translator
from pgtf.storage import run_paths
from pgtf.storage.bank import none_learned
from pgtf.storage.facts import Facts
from pgtf.storage.ledger import Ledger
from pgtf.storage.probes import Probes, Replay
from pgtf.storage.task_slice import TaskSlice
from pgtf.storage.values import HeldValues

# {what a task serves: the command for it}, where it is not images from images.
COMMANDS = {"scores": "classify", "latents": "generate"}


@dataclasses.dataclass(frozen=True, repr=False)
class Task:
    """One learned task: a function of images.

        street = pgtf.load("runs/paired")["cityscapes"](labels)

    Attributes:
      slice: Its stored values.
      bank: The tasks that it borrows from.
      folder: Its folder.
      answered_by: Name of the later task whose slice this is, for methods that forget. Otherwise empty.
      compiled: The compiled networks that the run's tasks share.
    """

    slice: TaskSlice
    bank: NetworkBank
    folder: str
    answered_by: str = ""
    compiled: SwappedNetworks = dataclasses.field(default_factory=SwappedNetworks, compare=False)

    def __repr__(self) -> str:
        method = name_in(METHODS, self.facts.method)
        return f"<Task {self.name!r}: {method}, {self.slice.stored_bytes / 1e6:.2f} MB>"

    @property
    def name(self) -> str:
        """The task's name."""
        return self.slice.name

    @property
    def facts(self) -> Facts:
        """The facts of the task: its networks, and how it was learned."""
        return self.slice.facts

    @functools.cached_property
    def networks(self) -> dict[str, Any]:
        """{"forward": generator}, and "backward" if the task has one. Inputs and outputs are images in [-1, 1]."""
        return self.rebuilt()

    def rebuilt(self) -> dict[str, Any]:
        """Builds the networks, for callers that free them afterwards."""
        return rebuild(self.slice, self.bank)

    @property
    def has_probes(self) -> bool:
        """Whether the task has recorded probes."""
        return os.path.exists(self._probes_path)

    @functools.cached_property
    def probes(self) -> Probes:
        """Test images of the task, and its outputs for them when it was learned."""
        return Probes.read(self._probes_path, self.facts.probes_sha256, self.facts.check_probes)

    @property
    def _probes_path(self) -> str:
        return os.path.join(self.folder, run_paths.PROBES)

    def __call__(self, image: np.ndarray, backward: bool = False, tile: int = TILE) -> np.ndarray:
        """Translates images.

        Args:
          image: [h, w] or [h, w, channels] of any size; or n such images [n, h, w, channels]. Where the task's inputs
            are RGB, uint8 or uint16, gray, RGB or RGBA, converted as files are; else of the inputs' channels and type.
          backward: Translate from B to A. Needs a task that was learned in both directions.
          tile: Size of a tile in pixels. Larger images are translated in blended tiles.

        Returns:
          [h, w, channels] or [n, h, w, channels] of the targets' type: uint8 [h, w, 3] for RGB.
        """
        image, translator = np.asarray(image), self.translator(backward, tile)
        return np.stack([translator(one) for one in image]) if image.ndim == 4 else translator(image)

    def translator(self, backward: bool = False, tile: int = TILE) -> Translator:
        """Returns the translator of single images that __call__ uses. It is built once."""
        prefix = "backward" if backward else "forward"
        serves = self.facts.objective.serves
        if serves != "images":
            way = f" Use `pgtf {COMMANDS[serves]}`." if serves in COMMANDS else ""
            raise ValueError(
                f"Only tasks of images can translate.{way} Received: {self.name!r}, {_kind(self.facts.objective)}"
            )
        if prefix not in self.facts.generators:
            raise ValueError(
                "The task has no backward direction. Only tasks learned with cyclegan have one. "
                f"Received: {self.name!r}"
            )
        key = prefix, tile
        if key not in self._translators:
            multiple, pixels = self.facts.architecture.multiple, self.facts.pixels_of(prefix)
            self._translators[key] = Translator(self.network(prefix), multiple, tile, pixels=pixels)
        return self._translators[key]

    @functools.cached_property
    def classifier(self) -> Classifier:
        """A function of images of any size that returns the classes' probabilities, float64 [n, classes]."""
        facts = self.facts
        if facts.objective.serves != "scores":
            raise ValueError(
                f"Only tasks of classification can classify. Received: {self.name!r}, {_kind(facts.objective)}"
            )
        return Classifier(self.network("forward"), facts.architecture.size, labels_of(facts))

    @functools.cached_property
    def image_generator(self) -> ImageGenerator:
        """A function of latents, float32 [n, length], that returns uint8 images [n, h, w, 3]."""
        if self.facts.objective.serves != "latents":
            raise ValueError(
                f"Only tasks of unconditional generation generate from latents. Received: {self.name!r}, "
                f"{_kind(self.facts.objective)}"
            )
        return ImageGenerator(layers.folded(self.rebuilt()["forward"]))

    @functools.cached_property
    def _translators(self) -> dict:
        return {}

    def network(self, prefix: str = "forward") -> TaskNetwork:
        """Returns a network for inference. Its kernels are composed once, and swapped in when it is called."""
        return TaskNetwork(self.compiled, self.slice, self.bank, prefix)

    def replay(self) -> Replay:
        """Runs the networks on the probes, and compares the outputs with the recorded ones."""
        return replayed(self.probes, self.networks)


def labels_of(facts: Facts) -> tuple[str, ...]:
    """Returns the names of a task's classes; none if it makes images."""
    return tuple(getattr(facts.objective, "labels", ()))


def _kind(objective: Objective) -> str:
    return f"--objective={name_in(OBJECTIVES, objective)}"


class Run:
    """The learned tasks of a run directory, by name. Each is read on first use.

        for task in pgtf.load("runs/paired"):
            print(task.name, task.replay())

    Args:
      folder: The run directory.
      compiled: The compiled networks that tasks share. Default: new ones, with up to 512 MiB of composed kernels.
    """

    def __init__(self, folder: str, compiled: Optional[SwappedNetworks] = None):
        self.folder, self.compiled = folder, compiled or SwappedNetworks()
        self.bank = NetworkBank.open(os.path.join(folder, run_paths.TASKS))
        self._used: dict[str, Task] = {}
        if not len(self.bank):
            raise none_learned(folder)

    def __repr__(self) -> str:
        more = f" and {len(self) - 5} more" if len(self) > 5 else ""
        size = sum(self.bank.slice(index).stored_bytes for index in range(len(self))) / 1e6
        return f"<Run {self.folder!r}: {', '.join(self.names[:5])}{more}, {size:.2f} MB>"

    @property
    def names(self) -> list[str]:
        """Names of the learned tasks, in order."""
        return self.bank.names

    def __len__(self) -> int:
        return len(self.bank)

    def __getitem__(self, name: str) -> Task:
        if name not in self.names:
            raise ValueError(f"Unknown task. This run has one of {', '.join(self.names)}. Received: {name!r}")
        if name in Ledger.read(self.folder).changed:
            raise ValueError(
                "The task has changed since it was learned, so it is not served. `pgtf verify` shows what has changed, "
                f"and clears this mark once all is restored. Received: {name!r}"
            )
        # Kept, so that its network is made once; those met in passing, by iteration, are not.
        if name not in self._used:
            self._used[name] = self.at(self.names.index(name))
        return self._used[name]

    def __iter__(self) -> Iterator[Task]:
        return (self.at(index) for index in range(len(self)))

    def at(self, index: int, latest: int = -1) -> Task:
        """Returns task `index` with the network that answers for it after task `latest`. Default: the last one."""
        own = self.bank.slice(index)
        latest = len(self) - 1 if latest < 0 else latest
        folder, by = self.bank.place(index, own.name), own.facts.method.network_for(index, latest)
        if by == index:
            return Task(own, self.bank.lenders_of(own.borrows), folder, compiled=self.compiled)
        answering = self.bank.slice(by)
        own_head = own.facts.objective.own_outputs
        values = HeldValues({**answering.values, **head_of(own)}) if own_head else answering.values
        answer = dataclasses.replace(answering, name=own.name, facts=own.facts, values=values)
        bank = self.bank.lenders_of(answering.borrows)
        return Task(answer, bank, folder, answered_by=answering.name, compiled=self.compiled)
