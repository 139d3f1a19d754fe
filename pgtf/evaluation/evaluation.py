"""How good each task of a run is after each later one: measured on its test images, from what is stored.

A figure follows from a player's slice and those that it borrows from, from the images, and from what judges them; for
the same of all these it is measured once. So where a task is played by its own slice at all times, its row of the
matrix is one figure, and where it is played by the latest (Method.network_for), each of the row is a figure of its own.
"""

import dataclasses
import functools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Callable, Optional

from pgtf import layers
from pgtf.assembly.recorded_data import changes, recorded_data
from pgtf.data.task_data import TaskData
from pgtf.evaluation.collection import Collection, refuse_untested, sides
from pgtf.evaluation.evaluator import Evaluator, classifier_facts, classifier_of
from pgtf.evaluation.generator import Generator
from pgtf.evaluation.records import Records
from pgtf.evaluation.tensorboard import to_tensorboard
from pgtf.foundation import files
from pgtf.foundation.progress import Bar
from pgtf.metrics import matrix_text
from pgtf.metrics.extractors import Extractor
from pgtf.metrics.matrix import Matrix
from pgtf.metrics.measurements import Measurement
from pgtf.runs.run import Run
from pgtf.storage.bank import folder_name

SPLITS = ("test", "validation", "train")
Cell = tuple[int, int]  # (task, the latest one learnt)


@dataclasses.dataclass(frozen=True)
class EvaluationConfig:
    """What is asked of a run.

    extractor: In whose features distances are measured; the classifier's unless told. split: "test", "validation" or
    "train".
    limit: Images of each task; all of them unless told. data_dir: Where the data lies now, if no longer where it lay.
    size: (height, width) that the run must have learnt at; None is content with any. kept: The folder of what several
    runs can share: the classifier, what real images give, figures of the same slices; the run's own unless told.
    """

    extractor: Optional[Extractor] = None
    split: str = "test"
    limit: int = 0
    data_dir: str = ""
    size: Optional[tuple[int, int]] = None
    kept: str = ""

    def __post_init__(self) -> None:
        if self.split not in SPLITS or self.limit < 0:
            raise ValueError(
                f"A split is {', '.join(SPLITS)}, and a limit is 0 or more. Received: {self.split!r}, {self.limit}"
            )


class Evaluation:
    """The figures of a run's tasks, in RUN/evaluation.

    Args:
      run: With the tasks learnt so far.
      question: What is asked of it.
      coming: {task: data} of tasks that are still to be learnt: the classifier knows them too, so that it stays one.
      say: What is told where.
    """

    def __init__(
        self,
        run: Run,
        question: EvaluationConfig = EvaluationConfig(),
        *,
        coming: Optional[Mapping[str, TaskData]] = None,
        say: Callable[[str], Any] = print,
    ):
        self.run, self.question, self.say = run, question, say
        self.folder = files.inside(run.folder, "evaluation")
        self.slices = [run.bank.slice(index) for index in range(len(run))]
        for each in self.slices:
            each.check()  # A figure on record is that of these bits.
        self.matrix = Matrix(tuple(run.names), tuple(each.sha256 for each in self.slices))
        self._earlier = self._read_earlier()
        self._refuse_another_size()
        self.kept = question.kept or self.folder
        for part in ("figures", "activations", "classifiers"):
            files.inside(self.kept, part)
        self.records = Records(os.path.join(self.kept, "figures"), say)
        self.data = {each.name: recorded_data(each.name, each.facts, question.data_dir) for each in self.slices}
        self.coming = dict(coming or {})
        self.changes = {each.name: changes(each.facts, self.data[each.name]) for each in self.slices}
        self.figures: dict[tuple[str, str], dict[str, Measurement]] = {}
        self._found: dict[int, tuple[Collection, Collection]] = {}
        for task, changed in self.changes.items():
            for change in changed:
                self.say(f"{task}: its images are not those that it was learnt with: {change}")

    def measure(self, tasks: Sequence[str] = ()) -> Matrix:
        """The matrix of these tasks, or of all; rows of others stay empty. Only what is not on record is measured.

        RUN/evaluation/matrix.json and .csv are renewed after each figure; the table of a whole matrix is the last.
        """
        asked = self._asked(tasks)
        follows = {(index, j): self._follows_from(index, j) for index in asked for j in range(index, len(self.run))}
        self._measure({cell: facts for cell, facts in follows.items() if not self._entered(cell, facts)})
        self._write()
        self._tell_other_yardsticks()
        to_tensorboard(self.matrix, files.inside(self.run.folder, "tensorboard"))
        if len(asked) == len(self.run):
            files.write(table_path(self.run.folder, len(self.run) - 1, self.run.names[-1]), self.table().encode())
        return self.matrix

    def table(self) -> str:
        """All figures for people."""
        return matrix_text.summary(self.matrix, self.figures)

    @functools.cached_property
    def judge(self) -> Evaluator:
        """What judges generated images; the classifier is learnt when it is first asked for."""
        learnt = classifier_of(self.kept, self._classes)
        return Evaluator(self.kept, self.question.extractor, learnt, self._watched)

    @property
    def _classes(self) -> dict[str, TaskData]:
        """What the classifier tells apart."""
        return {**self.data, **self.coming}

    def _asked(self, tasks: Sequence[str]) -> list[int]:
        names = self.run.names
        unknown = [task for task in tasks if task not in names]
        if unknown:
            raise ValueError(f"A task of this run is one of {', '.join(names)}. Received: {', '.join(unknown)}")
        asked = [index for index, name in enumerate(names) if not tasks or name in tasks]
        if self.question.split != "train":
            refuse_untested({names[index]: self.data[names[index]] for index in asked}, self.question.split)
        return asked

    def _follows_from(self, index: int, latest: int) -> dict[str, Any]:
        """All that the figures of a cell follow from, as plain data."""
        player, extractor = self.run.at(index, latest).slice, self.question.extractor
        return {
            "task": self.run.names[index],
            "player": [player.sha256, *(borrowed.sha256 for borrowed in player.borrows)],
            "images": [dataclasses.asdict(side.image_set) for side in self._sides(index)],
            "extractor": extractor and extractor.facts,
            "classifier": classifier_facts(self._classes),
        }

    def _sides(self, index: int) -> tuple[Collection, Collection]:
        if index not in self._found:
            flipped = self.slices[index].facts.direction == "BtoA"
            data, asked = self.data[self.run.names[index]], self.question
            self._found[index] = sides(data, asked.split, flipped=flipped, limit=asked.limit)
        return self._found[index]

    def _entered(self, cell: Cell, facts: dict[str, Any]) -> bool:
        """Whether figures that follow from these facts are on record, and then entered."""
        figures = self.records.read(facts)
        if figures:
            self._enter(cell, figures)
        return bool(figures)

    def _measure(self, missing: Mapping[Cell, dict[str, Any]]) -> None:
        """Measures cells, but not the same facts twice."""
        if missing:
            self.judge  # noqa: B018  (made before the bar, which counts what comes after)
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
        facts = self.slices[index].facts
        # Plain kernels: made once, not for every batch.
        generators = {
            prefix: Generator(layers.folded(network), facts.architecture.size)
            for prefix, network in self.run.at(index, latest).rebuilt().items()
        }
        return self.judge.figures(self.run.names[index], generators, self._sides(index), facts.objective.paired)

    def _effort(self, cell: Cell) -> int:
        """How many images pass, each where it is made and where its features are."""
        facts, counts = self.slices[cell[0]].facts, [len(side) for side in self._sides(cell[0])]
        return 2 * counts[0] if facts.objective.paired else 2 * sum(counts)

    def _names(self, index: int, latest: int) -> tuple[str, str]:
        return self.run.names[index], self.run.names[latest]

    def _watched(self, images: Iterable) -> Iterator:
        for image in images:
            yield image
            self.bar.show(self.bar.done + 1, self.doing)

    def _enter(self, cell: Cell, figures: Mapping[str, Measurement]) -> None:
        task, after = self._names(*cell)
        notes = tuple(f"changed since it was learnt: {change}" for change in self.changes[task])
        figures = {name: dataclasses.replace(figure, notes=figure.notes + notes) for name, figure in figures.items()}
        self.figures[task, after] = figures
        for name, figure in figures.items():
            self.matrix = self.matrix.with_value(name, task, after, figure.value)

    def _write(self) -> None:
        for name, text in (
            ("matrix.json", matrix_text.to_json(self.matrix, self.figures)),
            ("matrix.csv", matrix_text.to_csv(self.matrix, self.figures)),
        ):
            files.write(os.path.join(self.folder, name), text.encode())

    def _tell_other_yardsticks(self) -> None:
        """Tells which values can't be compared with those of the matrix that was there before."""
        names: dict[tuple[str, str], list[str]] = {}
        for name in self.matrix.values:
            then, now = (", ".join(matrix_text.yardsticks(each, name)) for each in (self._earlier, self.figures))
            if then and now and then != now:
                names.setdefault((then, now), []).append(name)
        for (then, now), measured in names.items():
            self.say(
                f"{', '.join(measured)}: measured by {now}, before by {then}; not comparable with the values before"
            )

    def _read_earlier(self) -> matrix_text.Measurements:
        """The figures that matrix.json holds so far; refuses those of another run."""
        path = os.path.join(self.folder, "matrix.json")
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
                f"{self.folder} holds what was measured of this run; without that folder all is measured anew. {error}"
            ) from error
        return figures

    def _refuse_another_size(self) -> None:
        size, asked = self.slices[0].facts.architecture.size, self.question.size
        if asked and asked != size:
            raise ValueError(
                "Measurements are of images of the size that a run learnt at: those of two sizes can't be compared. "
                f"Received: {asked[0]}x{asked[1]}, where {self.run.folder} learnt at {size[0]}x{size[1]}"
            )


def extractor_of(text: str) -> Optional[Extractor]:
    """The extractor that the flag --inception names; None where it is empty."""
    if not text:
        return None
    from pgtf.metrics.pretrained import named  # tensorflow-hub only where it is needed.

    return named(text)


def table_path(run_dir: str, index: int, name: str) -> str:
    """Where the table lies of all tasks up to this one."""
    return os.path.join(run_dir, "evaluation", f"{folder_name(index, name)}.txt")
