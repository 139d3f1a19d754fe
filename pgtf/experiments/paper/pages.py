"""RESULTS.md with its CSV files and plots: the paper's values and ours side by side, made from stored results."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pgtf.experiments.paper import comparison
from pgtf.experiments.paper.experiment import Experiment, with_bases
from pgtf.experiments.paper.identity import ACC_CLASSIFIER, part_key, usual
from pgtf.experiments.paper.presets import Preset
from pgtf.experiments.paper.results import MISSING, Result, Results
from pgtf.experiments.paper.tables import Column, Row, Table, mean, values
from pgtf.foundation import files
from pgtf.report import plots

HOLE = "–"


def write_page(path: str, preset: Preset, tables: Mapping[str, Table], results: Results) -> None:
    """Writes the page, and in the folder of results a folder with its plots and a CSV file for each table.

    The text of notes/NAME.md in the folder of results is added below the table of that name.
    """
    known, problems = comparable(with_bases(_pieces(tables)), results)
    place, folder = os.path.dirname(path) or ".", os.path.join(results.folder, "page")
    parts = [_head(preset, known)]
    for name, table in tables.items():
        stem = f"{folder}/{name.replace(' ', '-')}"
        parts.append(f"## {table.title}")
        if not any(experiment.name in known for experiment in _pieces({name: table})):
            parts += "Not measured yet.", _note(f"{results.folder}/notes", name), _left_out(table, known, problems)
            continue
        files.write(f"{stem}.csv", _csv(table, known).encode())
        parts.append(markdown(table, known))
        parts += _untouched(table, known), table.remark(known)
        points = _points(table, known) if table.plot else []
        entries = comparison.read_intervals(comparison.intervals_path(results.folder, name), table, known)
        if len(points) > 1:
            files.write(f"{stem}.png", _plot(table, points, entries))
            parts.append(f"![{table.title}]({os.path.relpath(stem, place)}.png)")
            parts.append(_frontier(points))
        if table.reference:
            parts.append(comparison.markdown(table, entries))
        parts += _disagreements(table, known), _note(f"{results.folder}/notes", name)
        parts += _missing(table, problems), _left_out(table, known, problems)
    files.write(path, ("\n\n".join(filter(None, parts)) + "\n").encode())


def comparable(experiments: Sequence[Experiment], results: Results) -> tuple[dict[str, Result], dict[str, str]]:
    """Splits experiments into comparable ones, {name: result}, and others, {name: reason}.

    Results are comparable if their data and feature extractors are the most frequent ones. A result with another
    classifier loses only its Acc.
    """
    found = {experiment: result for experiment in experiments if (result := results.read(experiment))}
    problems = {experiment.name: results.problem(experiment) for experiment in experiments if experiment not in found}
    common, known = usual({experiment: result.identity for experiment, result in found.items()}), {}
    for experiment, result in found.items():
        odd = {
            part: f"{_with_verb(part)} {value}, not {common[part_key(experiment, part)]}"
            for part, value in result.identity.items()
            if value != common[part_key(experiment, part)]
        }
        if odd:
            problems[experiment.name] = "; ".join(odd.values())
        if set(odd) <= {ACC_CLASSIFIER}:
            known[experiment.name] = result.without("Acc") if odd else result
    return known, problems


def markdown(table: Table, known: Mapping[str, Result]) -> str:
    """Returns a table in Markdown: the paper's values, if any, beside ours, and a dash for missing ones.

    Rows with neither are left out.
    """
    heads = [
        "",
        *itertools.chain(
            *((f"paper: {c.title}", c.title) if _is_published(table, c) else (c.title,) for c in table.columns)
        ),
    ]
    lines = [heads, ["---"] * len(heads)]
    for row in table.rows:
        if not row.paper and not any(experiment.name in known for experiment in row.experiments):
            continue
        cells = [row.title]
        for column in table.columns:
            cells += [_number(row.paper.get(column.title), column)] if _is_published(table, column) else []
            cells.append(_ours(row, column, known))
        lines.append(cells)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _pieces(tables: Mapping[str, Table]) -> list[Experiment]:
    return [experiment for table in tables.values() for row in table.rows for experiment in row.experiments]


def _is_published(table: Table, column: Column) -> bool:
    return any(column.title in row.paper for row in table.rows)


def _number(value: float | None, column: Column) -> str:
    return HOLE if value is None else f"{value:.{column.digits}g}"


def _with_verb(part: str) -> str:
    return f"{part} {'are' if part.startswith('images') else 'is'}"


def _ours(row: Row, column: Column, known: Mapping[str, Result]) -> str:
    """Formats the measured mean, followed by the value of each seed if they differ."""
    found = values(row, column, known)
    each = [_number(value, column) for value in found]
    if len(set(each)) < 2:
        return each[0] if each else HOLE
    return f"{_number(sum(found) / len(found), column)} ({', '.join(each)})"


def _head(preset: Preset, known: Mapping[str, Result]) -> str:
    seconds = sum(found.seconds for found in known.values())
    lines = [
        f"# {preset.title}",
        f"Preset `{preset.name}`: {preset.meaning}.",
        "Written by this command. It runs the missing experiments first; with `--redraw` it only writes the page. "
        "Without `--data_dir` images are drawn, and results say nothing about quality.",
        "```\npgtf reproduce --preset=" + preset.name + " --data_dir=DATA --inception=INCEPTION\n```",
        f"The runs behind this page took {seconds / 3600:.1f} hours in all. Some ran at the same time.",
    ]
    if known:
        lines += [_beside(list(known.values()))]
    return "\n\n".join(lines)


def _beside(found: list[Result]) -> str:
    """Lists how the results were measured: images, data, extractors, versions and notes."""

    def _joined(texts: Iterable[str]) -> str:
        return "; ".join(sorted(set(texts)))

    counts: dict[str, set[int]] = {}
    for each in found:
        for task, n in each.beside["n"].items():
            counts.setdefault(task, set()).add(n)
    n = ", ".join(f"{task} {'/'.join(map(str, sorted(some)))}" for task, some in sorted(counts.items()))
    extractors = (f"{name} by {one}" for each in found for name, one in each.beside["extractors"].items())
    versions = (f"{name} {version}" for each in found for name, version in each.beside["versions"].items())
    return "\n".join(
        [
            f"- Images measured: {n}; split {_joined(split for each in found for split in each.beside['split'])}.",
            f"- Data: {_joined(f'{task} {data}' for each in found for task, data in each.images.items())}.",
            f"- Measured by: {_joined(extractors)}.",
            f"- Versions: {_joined(versions)}.",
            *(f"- Note: {note}." for note in sorted({note for each in found for note in each.beside["notes"]})),
        ]
    )


def _csv(table: Table, known: Mapping[str, Result]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["row", "figure", "paper", "seed", "ours"])
    for row in table.rows:
        for column in table.columns:
            for experiment in row.experiments:
                value = column.of(known[experiment.name]) if experiment.name in known else None
                writer.writerow([row.title, column.title, row.paper.get(column.title), experiment.seed, value])
    return out.getvalue()


@dataclasses.dataclass(frozen=True)
class _TablePoint:
    """A point of a plot: the mean of a row over its seeds.

    Attributes:
      range: Lowest and highest distance of the seeds.
    """

    title: str
    share: float
    distance: float
    range: tuple[float, float]


def _points(table: Table, known: Mapping[str, Result]) -> list[_TablePoint]:
    """Returns the points of the rows that have results."""
    distance, share = table.columns[-2:]
    points = []
    for row in table.rows:
        size, at, each = mean(row, share, known), mean(row, distance, known), values(row, distance, known)
        if size is not None and at is not None:
            points.append(_TablePoint(row.title, size, at, (min(each), max(each))))
    return points


def _frontier(points: Sequence[_TablePoint]) -> str:
    """Lists the rows on the Pareto frontier: no row of the same size or smaller has a lower distance."""
    owners: list[str] = []
    best = math.inf
    for point in sorted(points, key=lambda point: (point.share, point.distance)):
        if point.distance < best:
            best = point.distance
            owners.append(f"{point.title} ({point.share:.3g} %, {point.distance:.3g})")
    return f"Pareto frontier (size, distance): {'; '.join(owners)}."


def _plot(table: Table, points: Sequence[_TablePoint], entries: Sequence[Mapping[str, Any]]) -> bytes:
    """Plots the points with 95 % intervals where all have one, else with the range of their seeds."""
    names, shares, distances, ranges = zip(*map(dataclasses.astuple, points))
    intervals = comparison.mean_intervals(entries, "KID")
    bars = "range of seeds" if any(low < high for low, high in ranges) else ""
    if set(names) <= intervals.keys():
        ranges, bars = (
            tuple((1000 * low, 1000 * high) for low, high in (intervals[name] for name in names)),
            "95 % intervals",
        )
    title = f"{table.columns[-2].title}{f' (bars: {bars})' if bars else ''}"
    return plots.png_file(
        plots.frontier(names, shares, distances, title, "size of a later task, % of a full network", ranges=ranges)
    )


def _untouched(table: Table, known: Mapping[str, Result]) -> str:
    """Lists the distances of the unchanged inputs: the baseline of a network that does nothing."""
    found: dict[str, str] = {}
    for experiment in _pieces({"": table}):
        for task in known[experiment.name].matrix.tasks if experiment.name in known else ():
            if (distance := known[experiment.name].identity_baseline(task)) is not None:
                found[task] = f"{task} {distance:.4g}"
    return f"FID of the unchanged inputs: {', '.join(found.values())}." if found else ""


def _disagreements(table: Table, known: Mapping[str, Result]) -> str:
    """Lists the pairs of rows that are in another order than in the paper."""
    lines = []
    for column in table.columns:
        for one, other in itertools.combinations(table.rows, 2):
            if column.title not in one.paper or column.title not in other.paper:
                continue
            ours = mean(one, column, known), mean(other, column, known)
            if None in ours:
                continue
            paper = one.paper[column.title] - other.paper[column.title]
            if paper * (ours[0] - ours[1]) < 0:  # type: ignore[operator]
                first, second = (one, other) if paper < 0 else (other, one)
                told = "; the ranges over seeds overlap" if _overlap(one, other, column, known) else ""
                lines.append(
                    f"- {column.title}: {first.title} is lower than {second.title} in the paper, higher here{told}."
                )
    return "\n".join(["Differences from the paper's order:", *lines]) if lines else ""


def _overlap(one: Row, other: Row, column: Column, known: Mapping[str, Result]) -> bool:
    """Returns whether the ranges of two rows over their seeds overlap."""
    ours, theirs = values(one, column, known), values(other, column, known)
    return min(ours) <= max(theirs) and min(theirs) <= max(ours)


def _note(folder: str, name: str) -> str:
    path = os.path.join(folder, f"{name.replace(' ', '-')}.md")
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def _missing(table: Table, problems: Mapping[str, str]) -> str:
    """Lists the experiments without a result."""
    missing = []
    for row in table.rows:
        seeds = [str(experiment.seed) for experiment in row.experiments if problems.get(experiment.name) == MISSING]
        if seeds:
            missing.append(f"{row.title} (seed {' and '.join(seeds)})")
    return f"Missing: {', '.join(missing)}." if missing else ""


def _left_out(table: Table, known: Mapping[str, Result], problems: Mapping[str, str]) -> str:
    """Lists the results that are not comparable, with the reasons."""
    lines = [
        f"- {'Acc of ' if experiment.name in known else ''}{row.title} (seed {experiment.seed}): {why}."
        for row in table.rows
        for experiment in row.experiments
        if (why := problems.get(experiment.name, MISSING)) != MISSING
    ]
    return "\n".join(["Left out:", *lines]) if lines else ""
