"""Matrix of the metrics of task i after task j was learned, and measures computed from it."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Optional

import numpy as np

from pgtf.metrics.measurements import BACKWARD, UNTOUCHED


@dataclasses.dataclass(frozen=True)
class Metric:
    """A metric.

    Attributes:
      sign: +1 if higher is better, -1 if lower is better.
      meaning: Description.
      bounds: Worst and best value, if there are any.
    """

    sign: int
    meaning: str
    bounds: Optional[tuple[float, float]] = None

    @property
    def better(self) -> str:
        """The direction: "higher" or "lower"."""
        return "higher" if self.sign > 0 else "lower"


# The keys are names up to a dash: FID-768 is a FID.
METRICS = {
    "FID": Metric(-1, "Fréchet distance of Inception's features"),
    "KID": Metric(-1, "kernel distance of Inception's features"),
    "FD": Metric(-1, "Fréchet distance of another network's features"),
    "KD": Metric(-1, "kernel distance of another network's features"),
    "FCD": Metric(-1, "Fréchet distance of the features of the tasks' classifier"),
    "KCD": Metric(-1, "kernel distance of the features of the tasks' classifier"),
    "Acc": Metric(+1, "share of the images that the tasks' classifier takes for the task's", (0, 1)),
    "L1": Metric(-1, "mean distance to the target, in [-1, 1]"),
    "PSNR": Metric(+1, "peak signal-to-noise ratio against the target, dB"),
    "SSIM": Metric(+1, "structural similarity to the target", (0, 1)),
    "Top1": Metric(+1, "share of the images whose own class has the highest score", (0, 1)),
    "Top5": Metric(+1, "share of the images whose own class is among the five highest scores", (0, 1)),
    "CE": Metric(-1, "cross-entropy of the images' classes, in nats"),
}


def metric(name: str) -> Metric:
    """Returns the row of METRICS for a name. Adapts the meaning for -backward and -untouched."""
    if name.split("-")[0] not in METRICS:
        raise ValueError(f"Unknown metric. It must be one of {', '.join(METRICS)}. Received: {name!r}")
    row = METRICS[name.split("-")[0]]
    if name.endswith(UNTOUCHED):
        base = name.removesuffix(UNTOUCHED)
        return dataclasses.replace(row, meaning=f"baseline of doing nothing: {base} of the unchanged inputs")
    return dataclasses.replace(row, meaning=f"{row.meaning}, backward direction") if name.endswith(BACKWARD) else row


@dataclasses.dataclass(frozen=True)
class Matrix:
    """For each metric the value r[i, j] of task i after task j was learned. None if i is later than j, or unknown.

    Below, T is the number of tasks, counted from 0, and s the sign of the metric, so that more of s r is better. A
    measure is None if one of its values is None.

    Args:
      tasks: Names of the tasks, in order of learning.
      slices: The sha256 of each task's slice, which identifies the run.
      values: {metric: T rows of T}.
    """

    tasks: tuple
    slices: tuple
    values: dict = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        if not all(isinstance(text, str) for text in (*self.tasks, *self.slices)):
            raise ValueError(f"Tasks and slices must be strings. Received: {self.tasks} and {self.slices}")
        if not self.tasks or len(set(self.tasks)) != len(self.tasks) or len(self.slices) != len(self.tasks):
            raise ValueError(
                f"A matrix needs different tasks and a slice of each. Received: {self.tasks} and {self.slices}"
            )
        for name, rows in self.values.items():
            metric(name)
            self._check(name, rows)
        values = {name: tuple(tuple(map(_plain, row)) for row in rows) for name, rows in self.values.items()}
        for field, value in (("tasks", tuple(self.tasks)), ("slices", tuple(self.slices)), ("values", values)):
            object.__setattr__(self, field, value)

    def _check(self, name, rows):
        count = len(self.tasks)
        if len(rows) != count or any(len(row) != count for row in rows):
            raise ValueError(f"A metric needs a row and a column for each of {count} tasks. Received: {name}, {rows}")
        for i, row in enumerate(rows):
            for j, value in enumerate(row):
                if value is not None and (i > j or not math.isfinite(value)):
                    raise ValueError(
                        "A value must be finite, and of a task that was learned by then. "
                        f"Received: {name} {value} of {self.tasks[i]} after {self.tasks[j]}"
                    )

    def with_value(self, name: str, task: str, after: str, value: Optional[float]) -> "Matrix":
        """Returns this matrix with one more value, which may be None."""
        i, j = self._index(task), self._index(after)
        rows = [list(row) for row in self.values.get(name, [[None] * len(self.tasks)] * len(self.tasks))]
        rows[i][j] = value
        return dataclasses.replace(self, values={**self.values, name: rows})

    def for_tasks(self, names: Mapping[str, str]) -> "Matrix":
        """Returns the matrix of some tasks, in the order of learning. names: {new name: name in this matrix}."""
        places = [self._index(name) for name in names.values()]
        values = {name: [[rows[i][j] for j in places] for i in places] for name, rows in self.values.items()}
        return Matrix(tuple(names), tuple(self.slices[place] for place in places), values)

    def value(self, name: str, task: str, after: str) -> Optional[float]:
        """Returns a metric of `task`, measured after the task `after` was learned; None if unknown."""
        i, j = self._index(task), self._index(after)
        return self.values[name][i][j] if name in self.values else None

    def _index(self, task):
        if task not in self.tasks:
            raise ValueError(f"Unknown task. This matrix has {', '.join(self.tasks)}. Received: {task!r}")
        return self.tasks.index(task)

    def array(self, name: str) -> np.ndarray:
        """Returns float64 [task, time], with NaN for None."""
        if name not in self.values:
            raise ValueError(f"Unknown metric. This matrix has {', '.join(self.values)}. Received: {name!r}")
        return np.array(self.values[name], "float64")

    def of_run(self, tasks, slices) -> "Matrix":
        """Returns this matrix extended to all tasks of a run. The matrix's tasks must be the run's first ones."""
        here, run = list(zip(self.tasks, self.slices)), list(zip(tasks, slices))
        if run[: len(here)] != here:
            raise ValueError(
                "The matrix belongs to another run: its tasks or slices differ. "
                f"Received: {_named(here)} for a run of {_named(run)}"
            )
        more = len(run) - len(here)
        grown = {
            name: [[*row, *[None] * more] for row in rows] + [[None] * len(run)] * more
            for name, rows in self.values.items()
        }
        return Matrix(tuple(tasks), tuple(slices), grown)

    def average(self, name: str, after: Optional[str] = None) -> Optional[float]:
        """Computes 1/(j+1) Σ_{i≤j} r[i, j], the average over the tasks learned by time j. Default: the last time."""
        j = len(self.tasks) - 1 if after is None else self._index(after)
        return _mean(self.array(name)[: j + 1, j])

    def forgetting(self, name: str) -> Optional[float]:
        """Computes 1/(T-1) Σ_{i<T-1} (max_{i≤j<T-1} s r[i, j] - s r[i, T-1]), the loss since the best value.

        Positive is worse.
        """
        r = self._goodness(name)
        return _mean([r[i, i:-1].max() - r[i, -1] for i in range(len(r) - 1)])

    def backward_transfer(self, name: str) -> Optional[float]:
        """Computes 1/(T-1) Σ_{i<T-1} (s r[i, T-1] - s r[i, i]), the effect of later tasks on earlier ones.

        Positive is better.
        """
        r = self._goodness(name)
        return _mean([r[i, -1] - r[i, i] for i in range(len(r) - 1)])

    def measures(self, name: str, comparable: bool = True) -> dict[str, Optional[float]]:
        """Returns {measure: value} after the last task. All are None if the values are not comparable."""
        found = {
            "average": self.average(name),
            "forgetting": self.forgetting(name),
            "backward transfer": self.backward_transfer(name),
        }
        return found if comparable else dict.fromkeys(found)

    def forward_transfer(self, name: str, alone: dict) -> Optional[float]:
        """Computes 1/(T-1) Σ_{i≥1} (s r[i, i] - s a[i]), the benefit of earlier tasks for later ones.

        Positive is better. a[i] is the value of task i learned alone, {task: value}: a task has no network to measure
        before it is learned.
        """
        a = np.array([alone.get(task) for task in self.tasks], "float64") * metric(name).sign
        return _mean((np.diag(self._goodness(name)) - a)[1:])

    def _goodness(self, name):
        return metric(name).sign * self.array(name)


def _plain(value):
    return None if value is None else float(value)


def _mean(values):
    """Returns the mean; None if there are no values or one is not finite."""
    return float(np.mean(values)) if len(values) and np.isfinite(values).all() else None


def _named(run):
    return ", ".join(f"{task} ({sha256[:8]})" for task, sha256 in run)
