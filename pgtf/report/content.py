"""What a report tells: plain data, whatever it was collected from. Pictures are uint8 [h, w, 3]."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np

from pgtf.runs.describe import Measured
from pgtf.storage.probes import Replay

Picture = np.ndarray


@dataclasses.dataclass(frozen=True)
class Direction:
    """One network of a task on its test pictures.

    title: As "A to B", where there are two. targets: None where inputs have none.
    """

    prefix: str
    inputs: list[Picture]
    outputs: list[Picture]
    targets: list[Picture] | None = None
    title: str = ""


@dataclasses.dataclass(frozen=True)
class Later:
    """What a task makes of the inputs of its first way after another one was learned; None where it can't be played.

    replay: How far that is from what it made when it was learned; None where nobody looked.
    """

    after: str
    outputs: list[Picture | None]
    replay: Replay | None = None


@dataclasses.dataclass(frozen=True)
class ReportedTask:
    """One task of a run, learned or being learned.

    facts: {what: text}. curves: {loss or metric: (steps, values)}. problem: Why something is missing. size: (height,
    width) of its images. drawn: Whether they are drawn ones. changed: Whether the last check found that it is no longer
    what was learned. split: Of its pictures; "train" where it learned from them. has_test: Whether there are test
    images to measure it on.
    """

    name: str
    number: int
    learnt: bool
    step: int = 0
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    ways: tuple[Direction, ...] = ()
    later: tuple[Later, ...] = ()
    curves: Mapping[str, tuple[list[int], list[float]]] = dataclasses.field(default_factory=dict)
    stored_bytes: float = 0.0
    full_bytes: float = 0.0
    problem: str = ""
    size: tuple[int, int] | None = None
    drawn: bool = False
    changed: bool = False
    split: str = "test"
    has_test: bool = True

    @property
    def kind(self) -> str:
        """The kind of its pictures, as a word before "picture"."""
        return {"train": "training", "val": "test"}.get(self.split, self.split)


@dataclasses.dataclass(frozen=True)
class Through:
    """One picture through every task: outputs: {task: what it makes of it}, None where it can't be played."""

    of: str
    picture: Picture
    outputs: Mapping[str, Picture | None]


@dataclasses.dataclass(frozen=True)
class ReportedRun:
    """One run.

    folder: Where it lies. method: Its name and what it does, in a sentence. to_come: Names of tasks that are not begun.
    command: What learns it again. stored_bytes: What it takes to play all learned tasks. unmeasured: Why the
    figures on disk are not used.
    """

    name: str
    folder: str
    method: str
    meaning: str
    tasks: tuple[ReportedTask, ...]
    to_come: tuple[str, ...] = ()
    command: str = ""
    stored_bytes: float = 0.0
    through: tuple[Through, ...] = ()
    measured: Measured | None = None
    unmeasured: str = ""

    @property
    def learnt(self) -> list[ReportedTask]:
        """The tasks that are learned."""
        return [task for task in self.tasks if task.learnt]

    @property
    def learnt_from(self) -> list[str]:
        """The tasks whose pictures are ones that they learned from."""
        return [task.name for task in self.tasks if task.split == "train"]

    @property
    def untested(self) -> list[str]:
        """The tasks without test images."""
        return [task.name for task in self.tasks if task.split == "train" or not task.has_test]

    @property
    def measurable_split(self) -> str:
        """The split on which all tasks can be measured."""
        if not self.untested:
            return "test"
        return "validation" if all(task.split == "validation" for task in self.tasks) else "train"

    @property
    def full_bytes(self) -> float:
        """What a full network for each learned task would store."""
        return sum(task.full_bytes for task in self.learnt)

    @property
    def sizes(self) -> str:
        """The size of its images, as text; several where tasks differ."""
        return _several(f"{task.size[0]} × {task.size[1]}" for task in self.tasks if task.size)

    @property
    def steps(self) -> str:
        """How many steps each of its tasks learned."""
        return _several(f"{task.step:,}" for task in self.learnt)

    @property
    def images(self) -> str:
        """Whether its tasks learn from drawn images or from files."""
        return _several("drawn" if task.drawn else "files" for task in self.tasks if task.size)


def _several(texts: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(texts)) or "–"


@dataclasses.dataclass(frozen=True)
class SameInput:
    """One input of a task through several runs: outputs: {run: what it makes of it}, of the runs that know the task."""

    task: str
    picture: Picture
    target: Picture | None
    outputs: Mapping[str, Picture | None]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Several runs, the page's own first, and what they make of the same inputs."""

    runs: tuple[ReportedRun, ...]
    inputs: tuple[SameInput, ...] = ()
