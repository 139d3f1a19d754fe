"""Evaluation of each task of a run after each later task, on its test images, from the stored slices.

A measurement depends on the network's slice, the slices that it borrows from, the images and the extractors. If all
these are equal, it is made only once. If a task always uses its own slice, its row of the matrix is one measurement. If
the latest task's network answers for it (Method.network_for), each value of the row is a separate measurement.
"""

import dataclasses
import functools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Callable, Optional

import numpy as np
from safetensors.numpy import save

from pgtf.assembly.recorded_data import changes, recorded_data
from pgtf.data.task_data import TaskData
from pgtf.evaluation.collection import Collection, refuse_untested, sides
from pgtf.evaluation.generator import Generator
from pgtf.evaluation.matrix_summaries import write_matrix_summaries
from pgtf.evaluation.records import Records
from pgtf.evaluation.task_evaluator import ClassifierOf, TaskEvaluator, class_names, classifier_facts, classifier_of
from pgtf.foundation import files
from pgtf.foundation.logger import LOG
from pgtf.foundation.progress import Bar
from pgtf.metrics import matrix_text
from pgtf.metrics.extractors import Extractor
from pgtf.metrics.matrix import Matrix
from pgtf.metrics.measurements import Measurement
from pgtf.runs.run import Run
from pgtf.storage import run_paths

SPLITS = ("test", "validation", "train")
Cell = tuple[int, int]  # (task, the latest one learned)


@dataclasses.dataclass(frozen=True)
class EvaluationConfig:
    """Settings of an evaluation.

    Attributes:
      extractor: Extractor for distances. Default: the classifier's features.
      split: "test", "validation" or "train".
      limit: Number of images of each task. Default: all.
      data_dir: Folder of the data, if it has moved since training.
      size: (height, width) that the run must have been trained at. Default: any.
      kept: Folder for results that several runs can share: the classifier, features of real images, measurements of the
        same slices. Default: inside the run.
      classifier_of: (folder, {task: data}) -> classifier, or None to measure without one. Default: `classifier_of`.
    """

    extractor: Optional[Extractor] = None
    split: str = "test"
    limit: int = 0
    data_dir: str = ""
    size: Optional[tuple[int, int]] = None
    kept: str = ""
    classifier_of: ClassifierOf = classifier_of

    def __post_init__(self) -> None:
        if self.split not in SPLITS or self.limit < 0:
            raise ValueError(
                f"A split is {', '.join(SPLITS)}, and a limit is 0 or more. Received: {self.split!r}, {self.limit}"
            )


class RunEvaluation:
    """The measurements of a run's tasks, stored in RUN/evaluation.

    Args:
      run: The run with the tasks learned so far.
      config: Settings of the evaluation.
      coming: {task: data} of tasks that are not learned yet. The classifier includes them, so that it stays the same.
      say: Function that logs a message. Default: the logger of pgtf.
    """

    def __init__(
        self,
        run: Run,
        config: EvaluationConfig = EvaluationConfig(),
        *,
        coming: Optional[Mapping[str, TaskData]] = None,
        say: Callable[[str], Any] = LOG.info,
    ):
        self.run, self.config, self.say = run, config, say
        self.folder = files.inside(run.folder, run_paths.EVALUATION)
        self.slices = [run.bank.slice(index) for index in range(len(run))]
        for each in self.slices:
            each.check()  # Stored measurements are valid only for unchanged slices.
        self.matrix = Matrix(tuple(run.names), tuple(each.sha256 for each in self.slices))
        self._earlier = self._read_earlier()
        self._refuse_another_size()
        self.kept = config.kept or self.folder
        for part in (run_paths.FIGURES, run_paths.ACTIVATIONS, run_paths.CLASSIFIERS):
            files.inside(self.kept, part)
        self.records = Records(os.path.join(self.kept, run_paths.FIGURES), say)
        # A backbone from elsewhere has no images.
        with_data = [each for each in self.slices if each.facts.data]
        self.data = {each.name: recorded_data(each.name, each.facts, config.data_dir) for each in with_data}
        self.classes = class_names(with_data)
        self.coming = dict(coming or {})
        self.changes = {each.name: changes(each.facts, self.data[each.name]) for each in with_data}
        self.figures: dict[tuple[str, str], dict[str, Measurement]] = {}
        self._found: dict[int, tuple[Collection, Collection]] = {}
        for task, changed in self.changes.items():
            for change in changed:
                self.say(f"{task}: its images have changed since it was learned: {change}")

    def measure(self, tasks: Sequence[str] = ()) -> Matrix:
        """Measures these tasks, or all, and returns the matrix. Rows of others stay empty. Reuses stored measurements.

        Updates RUN/evaluation/matrix.json and .csv after each measurement. Writes the table of a full matrix.
        """
        asked = self._asked(tasks)
        follows = {(index, j): self._follows_from(index, j) for index in asked for j in range(index, len(self.run))}
        self._measure({cell: facts for cell, facts in follows.items() if not self._entered(cell, facts)})
        self._write()
        self._log_other_extractors()
        write_matrix_summaries(self.matrix, files.inside(self.run.folder, run_paths.TENSORBOARD))
        if len(asked) == len(self.data):
            files.write(table_path(self.run.folder, len(self.run) - 1, self.run.names[-1]), self.table().encode())
        return self.matrix

    def table(self) -> str:
        """Formats all measurements as text."""
        return matrix_text.summary(self.matrix, self.figures)

    @functools.cached_property
    def evaluator(self) -> TaskEvaluator:
        """The evaluator of generated images. Its classifier is trained on first use."""
        learned = self.config.classifier_of(self.kept, self._classes) if self._compares_features else None
        return TaskEvaluator(
            self.kept,
            self.config.extractor,
            learned,
            self._watched,
            self.classes,
            keeps_features=True,
            keep=self._keep,
        )

    @property
    def _compares_features(self) -> bool:
        """Whether some metrics need the features of images."""
        return self.slices[0].facts.objective.compares_features

    @property
    def _classes(self) -> dict[str, TaskData]:
        """The classes of the classifier."""
        return {**{name: self.data[name] for name in dict.fromkeys(self.classes.values())}, **self.coming}

    def _asked(self, tasks: Sequence[str]) -> list[int]:
        names = self.run.names
        unknown = [task for task in tasks if task not in names]
        if unknown:
            raise ValueError(f"Unknown task. It must be one of {', '.join(names)}. Received: {', '.join(unknown)}")
        without = [task for task in tasks if task not in self.data]
        if without:
            raise ValueError(f"Only tasks with images can be measured. Received: {', '.join(without)}")
        asked = [index for index, name in enumerate(names) if name in (tasks or self.data)]
        if self.config.split != "train":
            refuse_untested({names[index]: self.data[names[index]] for index in asked}, self.config.split)
        return asked

    def _follows_from(self, index: int, latest: int) -> dict[str, Any]:
        """Returns all facts that the measurements of a cell depend on, as JSON data."""
        answering, extractor = self.run.at(index, latest).slice, self.config.extractor
        return {
            "task": self.run.names[index],
            "player": [answering.sha256, *(borrowed.sha256 for borrowed in answering.borrows)],
            "images": [dataclasses.asdict(side.image_set) for side in self._sides(index)],
            "extractor": extractor and extractor.facts,
            "classifier": classifier_facts(self._classes) if self._compares_features else None,
        }

    def _sides(self, index: int) -> tuple[Collection, Collection]:
        if index not in self._found:
            flipped = self.slices[index].facts.direction == "BtoA"
            data, asked = self.data[self.run.names[index]], self.config
            self._found[index] = sides(data, asked.split, flipped=flipped, limit=asked.limit)
        return self._found[index]

    def _entered(self, cell: Cell, facts: dict[str, Any]) -> bool:
        """Enters the stored measurements of these facts. Returns whether there are any."""
        figures = self.records.read(facts)
        if figures:
            self._enter(cell, figures)
        return bool(figures)

    def _measure(self, missing: Mapping[Cell, dict[str, Any]]) -> None:
        """Measures cells. Cells with the same facts are measured once."""
        if missing:
            self.evaluator  # noqa: B018  (train the classifier before the progress bar starts)
        self.bar = Bar("evaluation", sum(map(self._effort, missing)), "images")
        for cell, facts in missing.items():
            done, self.doing = self.bar.done + self._effort(cell), " after ".join(self._names(*cell))
            if not self._entered(cell, facts):
                figures = self._measured(*cell)
                self.records.write(facts, figures)
                self._enter(cell, figures)
            self._write()
            if self.bar.done < done:
                self.bar.show(done, self.doing)

    def _measured(self, index: int, latest: int) -> dict[str, Measurement]:
        facts, task = self.slices[index].facts, self.run.at(index, latest)
        shape = facts.architecture
        generators = {
            prefix: Generator(task.network(prefix), shape.size, shape.of(prefix).input, facts.pixels_of(prefix)[1])
            for prefix in facts.generators
        }
        return self.evaluator.figures(self.run.names[index], generators, self._sides(index), facts.objective)

    def _effort(self, cell: Cell) -> int:
        """Counts the images to process: once for the generator and once for the extractor."""
        facts, counts = self.slices[cell[0]].facts, [len(side) for side in self._sides(cell[0])]
        passes = 2 if self._compares_features else 1
        return passes * sum(counts[: len(facts.objective.networks)])

    def _names(self, index: int, latest: int) -> tuple[str, str]:
        return self.run.names[index], self.run.names[latest]

    def _keep(self, task: str, arrays: dict[str, np.ndarray]) -> None:
        path = run_paths.answers_file(self.run.names.index(task), task)
        files.write(files.inside(self.run.folder, *path.split(os.sep)), save(arrays))

    def _watched(self, images: Iterable) -> Iterator:
        for image in images:
            yield image
            self.bar.show(self.bar.done + 1, self.doing)

    def _enter(self, cell: Cell, figures: Mapping[str, Measurement]) -> None:
        task, after = self._names(*cell)
        notes = tuple(f"changed since it was learned: {change}" for change in self.changes[task])
        figures = {name: dataclasses.replace(figure, notes=figure.notes + notes) for name, figure in figures.items()}
        self.figures[task, after] = figures
        for name, figure in figures.items():
            self.matrix = self.matrix.with_value(name, task, after, figure.value)

    def _write(self) -> None:
        for name, text in (
            (run_paths.MATRIX, matrix_text.to_json(self.matrix, self.figures)),
            (run_paths.MATRIX_CSV, matrix_text.to_csv(self.matrix, self.figures)),
        ):
            files.write(os.path.join(self.folder, name), text.encode())

    def _log_other_extractors(self) -> None:
        """Logs the metrics whose extractors differ from those of the previous matrix."""
        names: dict[tuple[str, str], list[str]] = {}
        for name in self.matrix.values:
            then, now = (", ".join(matrix_text.extractors_of(each, name)) for each in (self._earlier, self.figures))
            if then and now and then != now:
                names.setdefault((then, now), []).append(name)
        for (then, now), measured in names.items():
            self.say(
                f"{', '.join(measured)}: measured by {now}, before by {then}; not comparable with the values before"
            )

    def _read_earlier(self) -> matrix_text.Measurements:
        """Reads the measurements from matrix.json. Raises ValueError if they belong to another run."""
        path = os.path.join(self.folder, run_paths.MATRIX)
        try:
            with open(path, encoding="utf-8") as file:
                matrix, figures = matrix_text.with_figures(file.read())
        except FileNotFoundError:
            return {}
        except ValueError as error:
            self.say(f"{path} is not as it was written, and is made anew: {error}")
            return {}
        try:
            matrix.of_run(self.matrix.tasks, self.matrix.slices)
        except ValueError as error:
            raise ValueError(
                f"The stored measurements do not fit the run. Remove {self.folder} to measure all again. {error}"
            ) from error
        return figures

    def _refuse_another_size(self) -> None:
        size, asked = self.slices[0].facts.architecture.size, self.config.size
        if asked and asked != size:
            raise ValueError(
                "The run was trained at another size, and measurements at two sizes are not comparable. "
                f"Received: {asked[0]}x{asked[1]}, where {self.run.folder} learned at {size[0]}x{size[1]}"
            )


def extractor_of(text: str) -> Optional[Extractor]:
    """Loads the extractor that the flag --inception names; None if it is empty."""
    if not text:
        return None
    from pgtf.metrics.pretrained import named  # May import tensorflow-hub.

    return named(text)


def table_path(run_dir: str, index: int, name: str) -> str:
    """Returns the path of the table of all tasks up to this one."""
    return os.path.join(run_dir, run_paths.EVALUATION, run_paths.evaluation_table(index, name))
