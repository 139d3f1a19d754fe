"""Confidence intervals of a table's rows, and of their differences to its reference row, paired by image and seed.

They are computed from the run directories, and stored as JSON, so that the page can be written without them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from pgtf.experiments.paper.experiment import Experiment
from pgtf.experiments.paper.results import Result
from pgtf.experiments.paper.tables import Table
from pgtf.foundation import files
from pgtf.metrics.intervals import Interval, Sample, interval

MEAN = "mean"
FOLDER = "intervals"
Measured = Mapping[int, Mapping[str, Mapping[str, Sample]]]  # {seed: {task: {measure: Sample}}}
Read = Callable[[Experiment, str], Mapping[str, Sample]]  # (experiment, task) -> {measure: Sample}


def write_intervals(
    path: str, table: Table, known: Mapping[str, Result], read: Read, readable: Collection[str] | None = None
) -> None:
    """Computes the intervals of all rows whose experiments have results, and writes them to a file.

    A row is compared over the seeds that the reference has, too. Intervals in the file remain if their rows are not in
    `readable`.

    Args:
      path: Path of the JSON file.
      table: A table with a reference.
      known: {name of experiment: result}.
      read: Function that returns the samples of a task of an experiment.
      readable: The names of the experiments whose runs can be read. Default: all.
    """
    left = read_intervals(path, table, known)

    def is_readable(experiments: Mapping[int, Experiment]) -> bool:
        return readable is None or all(one.name in readable for one in experiments.values())

    rows = {
        row.title: {experiment.seed: experiment for experiment in row.experiments if experiment.name in known}
        for row in table.rows
    }
    rows = {title: experiments for title, experiments in rows.items() if experiments and is_readable(experiments)}
    reference = rows.get(table.reference, {})
    measured = {
        title: {seed: _samples(experiment, read) for seed, experiment in each.items()} for title, each in rows.items()
    }
    entries = [each for each in left if each["row"] not in rows]
    for title, experiments in rows.items():
        common = {seed: experiment for seed, experiment in experiments.items() if seed in reference}
        other = {seed: measured[table.reference][seed] for seed in common}
        for measure, tasks in _measures(measured[title]):
            entries.append(
                {
                    "row": title,
                    "measure": measure,
                    "task": tasks[0] if len(tasks) == 1 else MEAN,
                    "seeds": sorted(experiments),
                    "slices": _slices(experiments, known),
                    "interval": _plain(interval(_row(measured[title], measure, tasks))),
                    "difference": _difference(measured[title], other, measure, tasks)
                    if common and title != table.reference
                    else None,
                    "compared": sorted(common),
                }
            )
    order = [row.title for row in table.rows]
    entries.sort(key=lambda each: order.index(each["row"]))
    files.write(path, (json.dumps(entries, indent=1) + "\n").encode())


def read_intervals(path: str, table: Table, known: Mapping[str, Result]) -> list[dict[str, Any]]:
    """Reads the intervals of a table. Leaves out those that were computed from other slices than the results."""
    try:
        with open(path, encoding="utf-8") as file:
            entries = json.load(file)
    except FileNotFoundError:
        return []
    experiments = {
        row.title: {experiment.seed: experiment for experiment in row.experiments if experiment.name in known}
        for row in table.rows
    }
    return [each for each in entries if each["slices"] == _slices(experiments.get(each["row"], {}), known)]


def mean_intervals(entries: Sequence[Mapping[str, Any]], measure: str) -> dict[str, tuple[float, float]]:
    """Returns {row: (low, high)}, the intervals of a measure's mean over all tasks."""
    return {
        each["row"]: (each["interval"]["low"], each["interval"]["high"])
        for each in entries
        if (each["measure"], each["task"]) == (measure, MEAN)
    }


def intervals_path(results: str, name: str) -> str:
    """Returns the path of the intervals of a table."""
    return os.path.join(results, FOLDER, f"{name.replace(' ', '-')}.json")


def markdown(table: Table, entries: Sequence[Mapping[str, Any]]) -> str:
    """Returns the intervals as a table in Markdown; empty if there are none."""
    if not entries:
        return ""
    heads = "row", "measure", "task", "seeds", "value [95 % interval]", f"minus {table.reference} [95 % interval]"
    lines = [heads, ["---"] * len(heads)]
    for each in entries:
        scale, measure = (1000, "KID × 1000") if each["measure"] == "KID" else (1, each["measure"])
        seeds = ", ".join(map(str, each["seeds"]))
        shown = [_text(each[name], scale) for name in ("interval", "difference")]
        lines.append([each["row"], measure, each["task"], seeds, *shown])
    notes = sorted({each["interval"]["note"] for each in entries} - {""})
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return "\n\n".join([text, *(f"Intervals of {note}." for note in notes)])


def _samples(experiment: Experiment, read: Read) -> dict[str, Mapping[str, Sample]]:
    return {task: read(experiment, task) for task in experiment.compared}


def _measures(measured: Measured) -> list[tuple[str, list[str]]]:
    """Lists (measure, tasks): each measure over all tasks that have it, and then for each of several tasks."""
    found: dict[str, list[str]] = {}
    for task, samples in next(iter(measured.values())).items():
        for measure in samples:
            found.setdefault(measure, []).append(task)
    each = [(measure, [task]) for measure, tasks in found.items() if len(tasks) > 1 for task in tasks]
    return [*found.items(), *each]


def _row(measured: Measured, measure: str, tasks: Sequence[str]) -> dict[int, dict[str, Sample]]:
    return {seed: {task: samples[task][measure] for task in tasks} for seed, samples in measured.items()}


def _difference(mine: Measured, other: Measured, measure: str, tasks: Sequence[str]) -> dict[str, Any]:
    common = {seed: mine[seed] for seed in other}
    return _plain(interval(_row(common, measure, tasks), _row(other, measure, tasks)))


def _slices(experiments: Mapping[int, Experiment], known: Mapping[str, Result]) -> dict[str, list[str]]:
    """Returns {seed: hashes of the slices} of the experiments behind a row."""
    return {str(seed): list(known[experiment.name].matrix.slices) for seed, experiment in sorted(experiments.items())}


def _plain(found: Interval) -> dict[str, Any]:
    return {"value": found.value, "low": found.low, "high": found.high, "note": found.note}


def _text(found: Mapping[str, Any] | None, scale: float) -> str:
    if not found:
        return "–"
    value, low, high = (scale * found[name] for name in ("value", "low", "high"))
    return f"{value:.3g} [{low:.3g}, {high:.3g}]"
