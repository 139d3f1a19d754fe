"""Content of a report as plain data. Images are uint8 [h, w, 3]."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np

from pgtf.runs.describe import Measured
from pgtf.storage.probes import Replay

Picture = np.ndarray


@dataclasses.dataclass(frozen=True)
class Direction:
    """One network of a task on its test images.

    Attributes:
      title: Title such as "A to B", if there are two directions.
      targets: None if inputs have no targets.
    """

    prefix: str
    inputs: list[Picture]
    outputs: list[Picture]
    targets: list[Picture] | None = None
    title: str = ""


@dataclasses.dataclass(frozen=True)
class Later:
    """A task's outputs for the inputs of its first direction after another task was learned; None if unavailable.

    replay: Difference from the recorded outputs; None if it was not measured.
    """

    after: str
    outputs: list[Picture | None]
    replay: Replay | None = None


@dataclasses.dataclass(frozen=True)
class Answers:
    """The answers of a classifier for its test images.

    Attributes:
      labels: Names of the classes.
      confusions: Rows (class, predicted class, number of images).
      mistakes: [(picture, class, predicted class)], the most confident first.
    """

    labels: tuple[str, ...]
    confusions: list[tuple[int, int, int]]
    mistakes: list[tuple[Picture, str, str]]


@dataclasses.dataclass(frozen=True)
class ReportedTask:
    """One task of a run, learned or being learned.

    Attributes:
      facts: {title: text}.
      curves: {loss or metric: (steps, values)}.
      measured_by: {metric: extractors that measured its curve}.
      problem: Reason why something is missing.
      size: (height, width) of its images.
      drawn: Whether its images are drawn by a script.
      changed: Whether the last verification found the task changed.
      split: Split of its pictures; "train" if there is no other.
      has_test: Whether it has test images to be measured on.
      answers: Answers of a classifier, as the last evaluation stored them.
      generated: Images of the same latents for all tasks.
    """

    name: str
    number: int
    learned: bool
    step: int = 0
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    ways: tuple[Direction, ...] = ()
    later: tuple[Later, ...] = ()
    curves: Mapping[str, tuple[list[int], list[float]]] = dataclasses.field(default_factory=dict)
    measured_by: Mapping[str, list[str]] = dataclasses.field(default_factory=dict)
    stored_bytes: float = 0.0
    full_bytes: float = 0.0
    problem: str = ""
    size: tuple[int, int] | None = None
    drawn: bool = False
    changed: bool = False
    split: str = "test"
    has_test: bool = True
    answers: Answers | None = None
    generated: tuple[Picture, ...] = ()

    @property
    def kind(self) -> str:
        """The kind of its images, as a word before "picture"."""
        return {"train": "training", "val": "test"}.get(self.split, self.split)


@dataclasses.dataclass(frozen=True)
class InputThroughTasks:
    """One image translated by every task. outputs: {task: output}, None if unavailable."""

    of: str
    picture: Picture
    outputs: Mapping[str, Picture | None]


@dataclasses.dataclass(frozen=True)
class ReportedRun:
    """One run.

    Attributes:
      folder: Its folder.
      method: Name of its method.
      meaning: Description of the method, in a sentence.
      to_come: Names of tasks whose training has not begun.
      command: Command that trains the run again.
      stored_bytes: Bytes of all slices that the learned tasks need.
      unmeasured: Reason why the measurements on disk are not used.
    """

    name: str
    folder: str
    method: str
    meaning: str
    tasks: tuple[ReportedTask, ...]
    to_come: tuple[str, ...] = ()
    command: str = ""
    stored_bytes: float = 0.0
    through: tuple[InputThroughTasks, ...] = ()
    measured: Measured | None = None
    unmeasured: str = ""

    @property
    def learned(self) -> list[ReportedTask]:
        """The learned tasks."""
        return [task for task in self.tasks if task.learned]

    @property
    def learned_from(self) -> list[str]:
        """The tasks that are shown on their training images."""
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
        """Bytes of a full network for each learned task."""
        return sum(task.full_bytes for task in self.learned)

    @property
    def sizes(self) -> str:
        """The size of the images as text, several if tasks differ."""
        return _several(f"{task.size[0]} × {task.size[1]}" for task in self.tasks if task.size)

    @property
    def steps(self) -> str:
        """The number of training steps of its tasks, as text."""
        return _several(f"{task.step:,}" for task in self.learned)

    @property
    def images(self) -> str:
        """The kind of training images, drawn or from files, as text."""
        return _several("drawn" if task.drawn else "files" for task in self.tasks if task.size)


def _several(texts: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(texts)) or "–"


@dataclasses.dataclass(frozen=True)
class SameInput:
    """One input of a task translated by several runs. outputs: {run: output}, for the runs that have the task."""

    task: str
    picture: Picture
    target: Picture | None
    outputs: Mapping[str, Picture | None]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Several runs, the first of which is the page's, and their outputs for the same inputs."""

    runs: tuple[ReportedRun, ...]
    inputs: tuple[SameInput, ...] = ()
