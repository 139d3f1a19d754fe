"""A matrix as JSON, as CSV and as a table for people."""

import csv
import io
import json

import numpy as np

from pgtf.evaluation.matrix import Matrix, metric

COLUMNS = ["metric", "task", "slice", "after", "value"]


def to_json(matrix: Matrix) -> str:
    """{"tasks": […], "slices": […], "values": {metric: rows}}."""
    facts = {"tasks": matrix.tasks, "slices": matrix.slices, "values": matrix.values}
    return json.dumps(facts, indent=1, allow_nan=False, ensure_ascii=False)


def from_json(text: str) -> Matrix:
    """The matrix that `to_json` wrote."""
    try:
        facts = json.loads(text)
        return Matrix(facts["tasks"], facts["slices"], facts["values"])
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"A matrix is read from the JSON that was written. Received: {error!r}") from error


def to_csv(matrix: Matrix) -> str:
    """A line for each metric, task and time; an empty value is None."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name, rows in matrix.values.items():
        for task, sha256, row in zip(matrix.tasks, matrix.slices, rows):
            writer.writerows([name, task, sha256, after, value] for after, value in zip(matrix.tasks, row))
    return lines.getvalue()


def from_csv(text: str) -> Matrix:
    """The matrix that `to_csv` wrote of at least one metric."""
    reader = csv.DictReader(io.StringIO(text))
    if reader.fieldnames != COLUMNS:
        raise ValueError(f"A matrix's CSV has the columns {', '.join(COLUMNS)}. Received: {reader.fieldnames}")
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
        raise ValueError(f"A value in a matrix's CSV is a number, or empty. Received: {text!r}") from None


def table(matrix: Matrix, name: str) -> str:
    """One metric: a row for each task, a column for each time; averages, forgetting and backward transfer below."""
    better = "higher" if metric(name).sign > 0 else "lower"
    rows = [("after", matrix.tasks), *zip(matrix.tasks, matrix.array(name))]
    rows.append(("average", [matrix.average(name, after) for after in matrix.tasks]))
    measures = {"forgetting": matrix.forgetting(name), "backward transfer": matrix.backward_transfer(name)}
    first = max(len(head) for head, _ in rows)
    lines = [f"{name}, {metric(name).meaning}; {better} is better"]
    lines += [f"{head:<{first}}" + "".join(f"{_cell(cell):>14}" for cell in cells) for head, cells in rows]
    return "\n".join([*lines, *(f"{head} {_cell(value)}" for head, value in measures.items())])


def _cell(value):
    if isinstance(value, str):
        return value[:12]
    return "–" if value is None or np.isnan(value) else f"{value:.4g}"
