"""Formats of a matrix: JSON, CSV and text tables."""

import csv
import io
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Optional

import numpy as np

from pgtf.metrics.matrix import Matrix, metric
from pgtf.metrics.measurements import Measurement
from pgtf.metrics.own_hash import check_own_hash, with_own_hash

COLUMNS = ["metric", "task", "slice", "after", "value"]
# Further columns, filled if the measurements are given.
BESIDE = ["standard_error", "n", "split", "images", "extractor", "resize", "notes", "low", "high"]

Measurements = Mapping[tuple[str, str], Mapping[str, Measurement]]  # {(task, after): {metric: Measurement}}


def to_json(matrix: Matrix, figures: Measurements = MappingProxyType({})) -> str:
    """Formats {"tasks": […], "slices": […], "values": {metric: rows}, "figures": [facts of each value]} with a hash."""
    beside = [
        {"task": task, "after": after, **figure.facts}
        for (task, after), found in figures.items()
        for figure in found.values()
    ]
    facts = {"tasks": matrix.tasks, "slices": matrix.slices, "values": matrix.values, "figures": beside}
    return json.dumps(with_own_hash(facts), indent=1, allow_nan=False, ensure_ascii=False)


def from_json(text: str) -> Matrix:
    """Parses a matrix that `to_json` wrote."""
    return _read(text)[0]


def with_figures(text: str) -> tuple[Matrix, Measurements]:
    """Parses a matrix and its measurements that `to_json` wrote."""
    matrix, facts = _read(text)
    found: dict[tuple[str, str], dict[str, Measurement]] = {}
    try:
        for plain in facts.get("figures", []):
            task, after = plain["task"], plain["after"]
            figure = Measurement.from_facts({key: plain[key] for key in plain if key not in ("task", "after")})
            if matrix.value(figure.name, task, after) != figure.value:
                raise ValueError(f"{figure.name} of {task} after {after} differs from the matrix")
            found.setdefault((task, after), {})[figure.name] = figure
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"The measurements in the file are damaged. Received: {error!r}") from error
    return matrix, found


def _read(text: str) -> tuple[Matrix, dict[str, Any]]:
    try:
        facts = json.loads(text)
        check_own_hash(facts)
        return Matrix(facts["tasks"], facts["slices"], facts["values"]), facts
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"The file is not a matrix in JSON, or damaged. Received: {error!r}") from error


def extractors_of(figures: Measurements, name: str) -> list[str]:
    """Returns the extractors that measured a metric's values, each as NAME (HASH). Metrics of pixels have none.

    An extractor is identified by its hash: under two names it is listed once.
    """
    found = [figure[name] for figure in figures.values() if name in figure]
    return sorted({one.extractor["sha256"]: one.measured_by for one in found if one.extractor}.values())


def to_csv(matrix: Matrix, figures: Measurements = MappingProxyType({})) -> str:
    """Formats one line for each metric, task and time, with the facts of the value. None is empty."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(COLUMNS + BESIDE)
    for name, rows in matrix.values.items():
        for task, sha256, row in zip(matrix.tasks, matrix.slices, rows):
            for after, value in zip(matrix.tasks, row):
                writer.writerow([name, task, sha256, after, value, *_beside(figures.get((task, after), {}).get(name))])
    return lines.getvalue()


def _beside(figure: Optional[Measurement]) -> list:
    if figure is None:
        return [None] * len(BESIDE)
    made, extractor = figure.generated, figure.extractor or {}
    images = [made.n, made.split, made.sha256] if made else [None] * 3
    notes = "; ".join([*filter(None, [figure.reason]), *figure.notes])
    bounds = figure.interval or (None, None)
    return [figure.standard_error, *images, extractor.get("sha256"), extractor.get("resize"), notes, *bounds]


def from_csv(text: str) -> Matrix:
    """Parses a matrix with at least one metric that `to_csv` wrote."""
    reader = csv.DictReader(io.StringIO(text))
    if reader.fieldnames is None or list(reader.fieldnames)[: len(COLUMNS)] != COLUMNS:
        raise ValueError(f"The CSV must have the columns {', '.join(COLUMNS)}. Received: {reader.fieldnames}")
    rows = list(reader)
    slices = {row["task"]: row["slice"] for row in rows}
    matrix = Matrix(tuple(slices), tuple(slices.values()))
    for row in rows:
        matrix = matrix.with_value(row["metric"], row["task"], row["after"], _number(row["value"]))
    return matrix


def _number(text):
    try:
        return float(text) if text else None
    except ValueError:
        raise ValueError(f"A value in the CSV must be a number or empty. Received: {text!r}") from None


def table(matrix: Matrix, name: str, figures: Measurements = MappingProxyType({})) -> str:
    """Formats one metric: a row for each task, a column for each time, and the measures below."""
    rows = [("after", matrix.tasks), *zip(matrix.tasks, matrix.array(name))]
    one = len(extractors_of(figures, name)) < 2
    found = matrix.measures(name, comparable=one)
    rows.append(("average", [matrix.average(name, after) if one else None for after in matrix.tasks]))
    first = max(len(head) for head, _ in rows)
    lines = [f"{name}, {metric(name).meaning}; {metric(name).better} is better"]
    lines += [f"{head:<{first}}" + "".join(f"{_cell(cell):>14}" for cell in cells) for head, cells in rows]
    below = (f"{head} {_cell(found[head])}" for head in ("forgetting", "backward transfer"))
    return "\n".join([*lines, *below])


def summary(matrix: Matrix, figures: Measurements) -> str:
    """Formats the values after the last task: a row for each task, a column for each metric, and notes below.

    A metric that changed over time has its own table below.
    """
    last = matrix.tasks[-1]
    rows = [[f"after {last}", *(f"{name} {'↑' if metric(name).sign > 0 else '↓'}" for name in matrix.values), "n"]]
    for task in matrix.tasks:
        found = figures.get((task, last), {})
        counts = {str(figure.generated.n) for figure in found.values() if figure.generated}
        values = [_cell(matrix.value(name, task, last)) + _error(found.get(name)) for name in matrix.values]
        rows.append([task, *values, "/".join(sorted(counts)) or "–"])
    below = [matrix.measures(name, len(extractors_of(figures, name)) < 2) for name in matrix.values]
    rows += [[head, *(_cell(one[head]) for one in below), ""] for head in (below[0] if below else ())]
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
    changed = [name for name, values in matrix.values.items() if any(len(set(_known(row))) > 1 for row in values)]
    tables = [line for name in changed for line in ("", table(matrix, name, figures))]
    return "\n".join([*lines, "", *_legend(matrix, figures), *_remarks(figures, last), *tables])


def _error(figure):
    """Formats the interval, or else the standard error of a kernel distance, which can be as large as the value."""
    if figure and figure.interval:
        return f" [{_cell(figure.interval[0])}, {_cell(figure.interval[1])}]"
    if figure is None or not figure.name.startswith("K") or figure.standard_error is None:
        return ""
    return f" ±{figure.standard_error:.1g}"


def _legend(matrix, figures):
    for name in matrix.values:
        yield f"{name}: {metric(name).meaning}; {metric(name).better} is better"
    names: dict[tuple, list] = {}
    for name in matrix.values:
        names.setdefault(tuple(extractors_of(figures, name)), []).append(name)
    for found, measured in names.items():
        if len(found) == 1:
            yield f"{', '.join(measured)}: measured by {found[0]}; comparable only with values of the same extractor"
        elif found:
            yield f"{', '.join(measured)}: not comparable, measured by several extractors: {', '.join(found)}"


def _remarks(figures, last):
    """Lists each note and each reason for a missing value once, with its metrics and tasks."""
    sources: dict[str, Any] = {}
    for (task, after), found in figures.items():
        for name, figure in found.items() if after == last else ():
            for text in (*filter(None, [figure.reason]), *figure.notes):
                names, tasks = sources.setdefault(text, ({}, {}))
                names[name], tasks[task] = None, None
    return [f"{', '.join(names)} of {', '.join(tasks)}: {text}" for text, (names, tasks) in sources.items()]


def _known(row):
    return [value for value in row if value is not None]


def _cell(value):
    if isinstance(value, str):
        return value[:12]
    return "–" if value is None or np.isnan(value) else f"{value:.4g}"
