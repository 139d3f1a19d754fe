"""Describes a run: its tasks' facts and its measurements."""

import dataclasses
import json
import os
from collections.abc import Mapping
from typing import Any, Optional

from pgtf.foundation.settings import name_in, settings_of
from pgtf.methods import METHODS, WeightOwnership
from pgtf.metrics import matrix_text
from pgtf.metrics.matrix import Matrix
from pgtf.metrics.measurements import Measurement
from pgtf.objectives import OBJECTIVES
from pgtf.storage import run_paths
from pgtf.storage.bank import FilterBank
from pgtf.storage.facts import COMPRESS_TO, COMPRESSED_FROM, Facts
from pgtf.storage.task_slice import TaskSlice


@dataclasses.dataclass(frozen=True)
class Measured:
    """The measurements of a run.

    Attributes:
      matrix: The values.
      notes: {(task, after, metric): limits of comparing this value}.
      conditions: {metric: the images and the extractor that it was measured with}, once all tasks are learned. Runs are
        comparable in a metric if these are equal.
      extractors: {metric: the extractors that measured its values}. Values of several extractors are not comparable.
    """

    matrix: Matrix
    notes: Mapping[tuple[str, str, str], str] = dataclasses.field(default_factory=dict)
    conditions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    extractors: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)


def described(task_slice: TaskSlice) -> dict[str, str]:
    """Returns the facts of a learned task as text."""
    facts = task_slice.facts
    shape = facts.architecture
    return {
        "Learned": facts.learnt[:16].replace("T", " "),
        "Steps": f"{facts.steps:,}",
        "Images": _images(facts.data, facts.images),
        "Pictures": f"of {facts.shown_split} images",
        "Size": f"{shape.size[0]} × {shape.size[1]} pixels",
        "Direction": facts.ways,
        **({"Inputs": str(facts.input_pixels), "Targets": str(facts.target_pixels)} if facts.pixels else {}),
        "Network": f"{shape.network}, width {shape.width}, {shape.norm} norm",
        "Method": _settings(METHODS, facts.method),
        "Objective": _settings(OBJECTIVES, facts.objective),
        "Training": ", ".join(f"{name} {value}" for name, value in _training(facts).items()),
        **({"Compressed": facts.compressed} if facts.compressed else {}),
        "Borrows from": ", ".join(one.task for one in task_slice.borrows) or "no task",
        **({"Weights": _shares(facts.shares)} if facts.shares else {}),
        "Stores": f"{task_slice.size:,} values",
        "sha256 of the slice": f"{task_slice.sha256[:16]}…",
    }


def _training(facts: Facts) -> dict[str, Any]:
    """Returns the settings of training that say something, without those of compression."""
    hidden = COMPRESS_TO, COMPRESSED_FROM
    return {name: value for name, value in facts.training.items() if value not in ("", None) and name not in hidden}


def _shares(shares: WeightOwnership) -> str:
    return ", ".join(f"{name} {share:.1%}" for name, share in dataclasses.asdict(shares).items())


def measured(run_dir: str, bank: FilterBank) -> tuple[Optional[Measured], str]:
    """Reads the measurements of a run.

    Args:
      run_dir: The run's folder.
      bank: Its slices. Measurements of other slices are refused.

    Returns:
      (the measurements or None, the reason why the file of measurements can't be used or "").
    """
    path = os.path.join(run_dir, run_paths.EVALUATION, run_paths.MATRIX)
    try:
        with open(path, encoding="utf-8") as file:
            matrix, figures = matrix_text.with_figures(file.read())
        matrix.of_run(bank.names, [bank.slice(index).sha256 for index in range(len(bank))])
    except FileNotFoundError:
        return None, ""
    except ValueError as error:
        return None, f"not measured: the file of figures was changed, or is of another run: {path} ({error})"
    notes, conditions = {}, dict[str, dict[str, Any]]()
    for (task, after), found in figures.items():
        for name, figure in found.items():
            notes[task, after, name] = _note(figure)
            if after == matrix.tasks[-1]:
                conditions.setdefault(name, {})[task] = _conditions(figure)
    told = {name: json.dumps(found, sort_keys=True) for name, found in conditions.items()}
    by = {name: tuple(matrix_text.extractors_of(figures, name)) for name in matrix.values}
    return (Measured(matrix, notes, told, by) if matrix.values else None), ""


def _conditions(figure: Measurement) -> dict[str, Any]:
    """Returns the facts that a value depends on besides the generator. Networks are identified by their hash."""
    facts = figure.facts
    network = facts["extractor"] and {key: value for key, value in facts["extractor"].items() if key != "name"}
    return {"real": facts["real"], "generated": facts["generated"], "extractor": network}


def _note(figure: Measurement) -> str:
    if figure.value is None:
        return figure.reason
    parts = [f"± {figure.standard_error:.2g}"] if figure.standard_error is not None else []
    made = figure.generated
    if made:
        is_test = made.split.removeprefix("drawn ").startswith("test")
        parts += [f"{made.n:,} images" if is_test else f"{made.n:,} {made.split} images"]
    return ", ".join([*parts, *figure.notes])


def _settings(table: dict[str, Any], settings: Any) -> str:
    values = [f"{field.name} {getattr(settings, field.name)}" for field in settings_of(settings)]
    return ", ".join([name_in(table, settings), *values])


def _images(origin: str, images: dict[str, Any]) -> str:
    counts = [f"{part['count']:,} {split}" for split, part in images.items() if "count" in part]
    return f"{origin}: {', '.join(counts)}" if counts else origin
