"""How good task i is after task j was learnt: numbers alone, whatever the method."""

import dataclasses
import math
from typing import Optional

import numpy as np

from pgtf.metrics.measurements import BACKWARD, UNTOUCHED


@dataclasses.dataclass(frozen=True)
class Metric:
    """sign: +1 where higher is better, -1 where lower is; what it tells; the worst and the best value, if any."""

    sign: int
    meaning: str
    bounds: Optional[tuple[float, float]] = None

    @property
    def better(self) -> str:
        """The direction: "higher" or "lower"."""
        return "higher" if self.sign > 0 else "lower"


# By name, up to a dash: FID-768 is a FID.
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
}


def metric(name: str) -> Metric:
    """The row of METRICS of a metric's name, with a meaning of its own for the way back and the untouched inputs."""
    if name.split("-")[0] not in METRICS:
        raise ValueError(f"A metric is one of {', '.join(METRICS)}. Received: {name!r}")
    row = METRICS[name.split("-")[0]]
    if name.endswith(UNTOUCHED):
        base = name.removesuffix(UNTOUCHED)
        return dataclasses.replace(row, meaning=f"what doing nothing scores: {base} of the inputs as they are")
    return dataclasses.replace(row, meaning=f"{row.meaning}, on the way back") if name.endswith(BACKWARD) else row


@dataclasses.dataclass(frozen=True)
class Matrix:
    """Of each metric the value r[i, j] of task i after task j was learnt; None where i is later, or nothing is known.

    Below, T is the number of tasks, counted from 0, s the sign of the metric, and s r so that more is better. A measure
    that needs a value which is None is None.

    Args:
      tasks: the names, in the order of learning.
      slices: the sha256 of each task's slice, which says of which run the values are.
      values: {metric: T rows of T}.
    """

    tasks: tuple
    slices: tuple
    values: dict = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        if not all(isinstance(text, str) for text in (*self.tasks, *self.slices)):
            raise ValueError(f"Tasks and slices are texts. Received: {self.tasks} and {self.slices}")
        if not self.tasks or len(set(self.tasks)) != len(self.tasks) or len(self.slices) != len(self.tasks):
            raise ValueError(
                f"A matrix has tasks, each once, and a slice of each. Received: {self.tasks} and {self.slices}"
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
            raise ValueError(f"A metric has a row and a column for each of {count} tasks. Received: {name}, {rows}")
        for i, row in enumerate(rows):
            for j, value in enumerate(row):
                if value is not None and (i > j or not math.isfinite(value)):
                    raise ValueError(
                        "A value is finite, and of a task that is learnt by then. "
                        f"Received: {name} {value} of {self.tasks[i]} after {self.tasks[j]}"
                    )

    def with_value(self, name: str, task: str, after: str, value: Optional[float]) -> "Matrix":
        """This matrix with one more value, which may be None."""
        i, j = self._index(task), self._index(after)
        rows = [list(row) for row in self.values.get(name, [[None] * len(self.tasks)] * len(self.tasks))]
        rows[i][j] = value
        return dataclasses.replace(self, values={**self.values, name: rows})

    def value(self, name: str, task: str, after: str) -> Optional[float]:
        """r of a task after a task; None where it is not known."""
        i, j = self._index(task), self._index(after)
        return self.values[name][i][j] if name in self.values else None

    def _index(self, task):
        if task not in self.tasks:
            raise ValueError(f"A task of this matrix is one of {', '.join(self.tasks)}. Received: {task!r}")
        return self.tasks.index(task)

    def array(self, name: str) -> np.ndarray:
        """float64 [task, time] for a heat map, NaN for None."""
        if name not in self.values:
            raise ValueError(f"A metric of this matrix is one of {', '.join(self.values)}. Received: {name!r}")
        return np.array(self.values[name], "float64")

    def of_run(self, tasks, slices) -> "Matrix":
        """This matrix with room for all tasks of a run, whose first tasks its own must be."""
        here, run = list(zip(self.tasks, self.slices)), list(zip(tasks, slices))
        if run[: len(here)] != here:
            raise ValueError(
                "A matrix belongs to the run whose tasks and slices it names. "
                f"Received: {_named(here)} for a run of {_named(run)}"
            )
        more = len(run) - len(here)
        grown = {
            name: [[*row, *[None] * more] for row in rows] + [[None] * len(run)] * more
            for name, rows in self.values.items()
        }
        return Matrix(tuple(tasks), tuple(slices), grown)

    def average(self, name: str, after: Optional[str] = None) -> Optional[float]:
        """1/(j+1) Σ_{i≤j} r[i, j]: of all tasks learnt by time j, the last one unless told."""
        j = len(self.tasks) - 1 if after is None else self._index(after)
        return _mean(self.array(name)[: j + 1, j])

    def forgetting(self, name: str) -> Optional[float]:
        """1/(T-1) Σ_{i<T-1} (max_{i≤j<T-1} s r[i, j] - s r[i, T-1]): what is lost since the best; positive is worse."""
        r = self._goodness(name)
        return _mean([r[i, i:-1].max() - r[i, -1] for i in range(len(r) - 1)])

    def backward_transfer(self, name: str) -> Optional[float]:
        """1/(T-1) Σ_{i<T-1} (s r[i, T-1] - s r[i, i]): what later tasks did to earlier ones; positive is better."""
        r = self._goodness(name)
        return _mean([r[i, -1] - r[i, i] for i in range(len(r) - 1)])

    def measures(self, name: str, comparable: bool = True) -> dict[str, Optional[float]]:
        """{measure: value} after the last task; None of each where values are not comparable."""
        found = {
            "average": self.average(name),
            "forgetting": self.forgetting(name),
            "backward transfer": self.backward_transfer(name),
        }
        return found if comparable else dict.fromkeys(found)

    def forward_transfer(self, name: str, alone: dict) -> Optional[float]:
        """1/(T-1) Σ_{i≥1} (s r[i, i] - s a[i]): what earlier tasks were worth to later ones; positive is better.

        a[i] is the value of task i learnt alone, {task: value}: before it is learnt, a task has no network to measure.
        """
        a = np.array([alone.get(task) for task in self.tasks], "float64") * metric(name).sign
        return _mean((np.diag(self._goodness(name)) - a)[1:])

    def _goodness(self, name):
        return metric(name).sign * self.array(name)


def _plain(value):
    return None if value is None else float(value)


def _mean(values):
    """The mean, or None where there is nothing or a NaN among it."""
    return float(np.mean(values)) if len(values) and np.isfinite(values).all() else None


def _named(run):
    return ", ".join(f"{task} ({sha256[:8]})" for task, sha256 in run)
