"""Results of experiments: one small JSON file each, enough to redraw every table without training."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import math
import os
import re
from collections.abc import Mapping
from typing import Any, Callable

from pgtf.config import load_config
from pgtf.experiments.paper.experiment import Experiment
from pgtf.experiments.paper.identity import (
    ACC_CLASSIFIER,
    DISTANCE_EXTRACTOR,
    Identity,
    Wanted,
    extractor_identity,
    images_identity,
)
from pgtf.foundation import files, settings
from pgtf.foundation.version import __version__
from pgtf.metrics import matrix_text
from pgtf.metrics.matrix import Matrix
from pgtf.metrics.measurements import BACKWARD, UNTOUCHED
from pgtf.storage import run_paths
from pgtf.storage.bank import FilterBank
from pgtf.storage.task_slice import TaskSlice

MISSING = "missing"
ANY = Wanted()
ASIDE = (BACKWARD, UNTOUCHED)  # Suffixes of metrics that are not of the forward direction.


@dataclasses.dataclass(frozen=True)
class Result:
    """The measurements of an experiment.

    Attributes:
      matrix: The metrics of each task after each task.
      stored: {task: bytes}.
      full: Bytes of a full network.
      seconds: Duration of training and evaluation.
      images: {task: identity of its images}.
      beside: Number of images, splits, extractors and versions.
      shares: Ownership of the kernels' weights after the last task, for methods whose tasks share kernels.
    """

    matrix: Matrix
    stored: dict[str, int]
    full: int
    seconds: float
    images: dict[str, str]
    beside: dict[str, Any]
    shares: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def identity(self) -> Identity:
        """Identity of the data and of the feature extractors."""
        extractors = {
            name: extractor for name, extractor in self.beside["extractors"].items() if not name.endswith(ASIDE)
        }
        acc = extractors.pop("Acc", "")
        found = {DISTANCE_EXTRACTOR: "; ".join(sorted(set(extractors.values()))), ACC_CLASSIFIER: acc}
        return {
            **{f"images of {task}": self.images[task] for task in self.matrix.tasks},
            **{part: extractor for part, extractor in found.items() if extractor},
        }

    def without(self, kind: str) -> Result:
        """Returns this result without the metrics of a kind, such as "Acc"."""
        values = {name: rows for name, rows in self.matrix.values.items() if name.split("-")[0] != kind}
        return dataclasses.replace(self, matrix=dataclasses.replace(self.matrix, values=values))

    @property
    def metrics(self) -> list[str]:
        """The names of the metrics."""
        return list(self.matrix.values)

    def figure(self, kind: str, task: str = "") -> float | None:
        """Returns a metric, such as "FID", after the last task: of one task, or the mean of all. None if unknown."""
        names = self._named(kind)
        if not names:
            return None
        last = self.matrix.tasks[-1]
        return self.matrix.value(names[0], task, last) if task else self.matrix.average(names[0])

    def forgetting(self, kind: str) -> float | None:
        """Returns the forgetting in a metric: how much worse earlier tasks are at the end than at their best."""
        names = self._named(kind)
        return self.matrix.forgetting(names[0]) if names else None

    def identity_baseline(self, task: str) -> float | None:
        """Returns the Fréchet distance of a task's unchanged inputs; None if unknown."""
        names = [name for name in self.metrics if name[0] == "F" and name.endswith(UNTOUCHED)]
        return self.matrix.value(names[0], task, task) if names else None

    def _named(self, kind: str) -> list[str]:
        """Lists the metrics of a kind in the forward direction."""
        return [name for name in self.metrics if name.split("-")[0] == kind and not name.endswith(ASIDE)]

    def share(self, task: str) -> float:
        """Returns the stored size of a task as a fraction of a full network."""
        return self.stored[task] / self.full


class Results:
    """A folder with a file for each experiment.

    Args:
      folder: Path of the folder.
      wanted: The data and the feature extractor that results must come from. Default: any.
    """

    def __init__(self, folder: str, wanted: Wanted = ANY):
        self.folder, self.wanted = folder, wanted

    def path(self, experiment: Experiment) -> str:
        """Returns the path of an experiment's file."""
        return os.path.join(self.folder, f"{experiment.name}.json")

    def seeds(self) -> set[int]:
        """Returns the seeds of all stored experiments, of any settings."""
        names = os.listdir(self.folder) if os.path.isdir(self.folder) else []
        return {int(found.group(1)) for name in names if (found := re.fullmatch(r".*-(\d+)-\w{10}\.json", name))}

    def read(self, experiment: Experiment) -> Result | None:
        """Returns the result of an experiment; None if it is missing, damaged or not comparable."""
        return None if self.problem(experiment) else self._load(experiment)

    def problem(self, experiment: Experiment) -> str:
        """Returns the reason why an experiment's result can't be used, or "missing"; empty if it can."""
        try:
            self._load(experiment)
        except FileNotFoundError:
            return MISSING
        except ValueError as error:
            return str(error)
        return self.other(experiment)

    def other(self, experiment: Experiment) -> str:
        """Returns how a readable result differs from the wanted data and feature extractor; empty if it does not."""
        try:
            return self.wanted.difference(experiment, self._load(experiment).identity)
        except (FileNotFoundError, ValueError):
            return ""

    def _load(self, experiment: Experiment) -> Result:
        with open(self.path(experiment), encoding="utf-8") as file:
            try:
                plain = json.load(file)
            except (ValueError, RecursionError) as error:
                raise ValueError("its file is damaged") from error
        return _result(experiment, plain)

    def write(self, experiment: Experiment, run_dir: str) -> Result:
        """Stores the measurements of a run as an experiment's result."""
        with open(os.path.join(run_dir, run_paths.EVALUATION, run_paths.MATRIX), encoding="utf-8") as file:
            text = file.read()
        names = {task: experiment.name_in_run(task) for task in experiment.tasks}
        matrix, bank = (
            matrix_text.from_json(text).for_tasks(names),
            FilterBank.open(os.path.join(run_dir, run_paths.TASKS)),
        )
        slices = {task: bank.slice(bank.names.index(name)) for task, name in names.items()}
        last = slices[experiment.tasks[-1]].facts
        plain = {
            "piece": experiment.facts,
            "tasks": list(matrix.tasks),
            "slices": list(matrix.slices),
            "values": matrix.values,
            "stored": {task: int(each.stored_bytes) for task, each in slices.items()},
            "full": 4 * last.full_values,
            "seconds": round(seconds_of(os.path.join(run_dir, "seconds"))),
            "images": {task: _images(each, run_dir) for task, each in slices.items()},
            **({"shares": dataclasses.asdict(last.shares)} if last.shares else {}),
            "beside": _beside(json.loads(text)["figures"], names),
        }
        found = _result(experiment, plain)
        if difference := self.wanted.difference(experiment, found.identity):
            raise ValueError(
                f"The run's data or feature extractor differ: {difference}. Choose another folder for runs. "
                f"Received: --runs={os.path.dirname(run_dir)}"
            )
        files.write(self.path(experiment), json.dumps({**plain, "sha256": _sha256(plain)}, indent=1).encode())
        return found


def _images(task: TaskSlice, run_dir: str) -> str:
    """Returns the identity of a task's images, or of its file of weights if it was not trained."""
    if task.facts.data:
        return images_identity(task.facts.data, task.facts.images)
    config = load_config(run_dir)
    if config is None:
        raise ValueError(f"A run without images of a task must have its config.cfg. Received: {run_dir}")
    return f"weights {files.sha256_of(config.first_task_from)[:12]}"


def seconds_of(path: str) -> float:
    """Reads a number of seconds from a file; 0 if there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return float(file.read())
    except (FileNotFoundError, ValueError):
        return 0.0


def _sha256(plain: dict[str, Any]) -> str:
    """Returns the hash of a result's content without its own hash."""
    content = {name: value for name, value in plain.items() if name != "sha256"}
    return files.sha256(json.dumps(content, sort_keys=True).encode())


def _result(experiment: Experiment, plain: Any) -> Result:
    """Builds a result from a file's JSON. Raises ValueError if it is not a result of this experiment.

    Older results have no hash of their content.
    """
    if not isinstance(plain, dict) or plain.get("piece") != experiment.facts:
        raise ValueError("its file belongs to another experiment")
    if "sha256" in plain and plain["sha256"] != _sha256(plain):
        raise ValueError("its file has changed since it was written")
    for name, fits in _FIELDS.items():
        if name not in plain and name in ("images", "beside"):
            raise ValueError(f"its file records no {'data' if name == 'images' else 'feature extractors'}")
        if not fits(plain.get(name)):
            raise ValueError(f"its file has a wrong `{name}`: {json.dumps(plain.get(name))[:60]}")
    if not _named(float, 0)(plain.get("shares", {})):
        raise ValueError(f"its file has a wrong `shares`: {json.dumps(plain['shares'])[:60]}")
    if not set(experiment.tasks) <= set(plain["tasks"]) <= plain["stored"].keys():
        raise ValueError("its file has other tasks")
    if not all(plain["images"].get(task) for task in plain["tasks"]):
        raise ValueError("its file records no data")
    try:
        matrix = Matrix(tuple(plain["tasks"]), tuple(plain["slices"]), plain["values"])
    except (ValueError, TypeError) as error:
        raise ValueError("`values` in its file are not matrices of its tasks") from error
    fields = {name: plain[name] for name in ("stored", "full", "seconds", "images", "beside")}
    return Result(matrix, **fields, shares=plain.get("shares", {}))


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _named(kind: type, least: float = -math.inf) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, dict)
        and all(settings.is_of(kind, each) and (kind is str or each >= least) for each in value.values())
    )


def _is_beside(value: Any) -> bool:
    return isinstance(value, dict) and all(fits(value.get(name)) for name, fits in _BESIDE.items())


# {field of a result's file: test of its JSON value}
_FIELDS: dict[str, Callable[[Any], bool]] = {
    "tasks": _texts,
    "slices": _texts,
    "values": lambda value: isinstance(value, dict),
    "stored": _named(int, 0),
    "full": lambda value: settings.is_of(int, value) and value > 0,
    "seconds": lambda value: settings.is_of(float, value) and 0 <= value < math.inf,
    "images": _named(str),
    "beside": _is_beside,
}
_BESIDE = {"n": _named(int, 1), "split": _texts, "extractors": _named(str), "notes": _texts, "versions": _named(str)}


def _beside(figures: list[dict[str, Any]], names: Mapping[str, str]) -> dict[str, Any]:
    """Returns how the metrics of some tasks were measured: n, splits, extractors, notes and versions.

    names: {task: its name in the run}.
    """
    tasks = {name: task for task, name in names.items()}
    figures = [{**one, "task": tasks[one["task"]]} for one in figures if one["task"] in tasks]
    extractors = {one["name"]: one["extractor"] for one in figures if one["extractor"]}
    forth = [one for one in figures if not one["name"].endswith(ASIDE)]
    return {
        "n": {one["task"]: one["generated"]["n"] for one in forth if one["generated"]},
        "split": sorted({one["generated"]["split"] for one in figures if one["generated"]}),
        "extractors": {name: extractor_identity(facts) for name, facts in extractors.items()},
        "notes": sorted({note for one in figures for note in one["notes"]}),
        "versions": {"pgtf": __version__, "tensorflow": importlib.metadata.version("tensorflow")},
    }
