"""Reads a run's log.jsonl and replays.json."""

import json
import os
import re
from collections.abc import Iterator
from typing import Any

from pgtf.storage import run_paths
from pgtf.storage.probes import Replay

Curves = dict[str, tuple[list[int], list[float]]]
UNPLOTTED = ("step", "learning_rate", "steps_per_second")


def lines(run_dir: str) -> Iterator[dict[str, Any]]:
    """Returns the lines of a run's log. Skips a line that a crash cut off."""
    path = os.path.join(run_dir, run_paths.LOG)
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict):
                yield found


def curves(run_dir: str) -> dict[str, Curves]:
    """Returns {task: {loss or metric: (steps, values)}}. Of a repeated step, the last values count."""
    points: dict[str, dict[int, dict[str, float]]] = {}
    for line in lines(run_dir):
        if isinstance(line.get("step"), int):
            for task, name, value in _of_tasks(line, _values(line)):
                points.setdefault(task, {}).setdefault(line["step"], {})[name] = value
    found: dict[str, Curves] = {}
    for task, by_step in points.items():
        for step, values in sorted(by_step.items()):
            for name, value in values.items():
                steps, curve = found.setdefault(task, {}).setdefault(name, ([], []))
                steps.append(step)
                curve.append(value)
    return found


def measured_by(run_dir: str) -> dict[str, dict[str, list[str]]]:
    """Returns {task: {metric: extractors that measured its curve, in order}}. Logs of older versions name none."""
    found: dict[str, dict[str, list[str]]] = {}
    for line in lines(run_dir):
        by = line.get("measured_by")
        for task, name, extractor in _of_tasks(line, by if isinstance(by, dict) else {}):
            seen = found.setdefault(task, {}).setdefault(name, [])
            if extractor not in seen:
                seen.append(str(extractor))
    return found


def _of_tasks(line: dict[str, Any], values: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yields (task, name, value) of a line. Where tasks are learned together, names are TASK/NAME."""
    if title := re.match(r"tasks? [\d-]+/\d+ (.+)", str(line.get("task"))):
        for name, value in values.items():
            task, _, own = name.rpartition("/")
            yield task or title[1], own, value


def _values(line: dict[str, Any]) -> dict[str, float]:
    """Returns the losses of a line, or the metrics of test images."""
    measured = line.get("evaluation")
    found = {**line, **(measured if isinstance(measured, dict) else {})}
    return {name: value for name, value in found.items() if isinstance(value, (int, float)) and name not in UNPLOTTED}


def replays(folder: str) -> dict[str, Replay]:
    """Returns {task: its replay} after the task of a folder was learned."""
    try:
        with open(os.path.join(folder, run_paths.REPLAYS), "rb") as file:
            records = json.load(file).items()
        return {task: Replay(float(one["difference"]), one["bit_equal"] is True) for task, one in records}
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
