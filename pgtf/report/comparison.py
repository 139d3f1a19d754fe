"""The part of a report that compares several runs."""

from __future__ import annotations

from pgtf.metrics.matrix import METRICS, metric
from pgtf.report import plots
from pgtf.report.content import Comparison, ReportedRun
from pgtf.report.markup import Markup, element, joined
from pgtf.report.pictures import Pictures
from pgtf.report.svg_plots import Plots
from pgtf.report.tables import table

ORDER = list(METRICS)


def comparison(compared: Comparison, pictures: Pictures, drawn: Plots) -> Markup:
    """Returns the comparison of runs: numbers, distance over bytes, and outputs for the same inputs."""
    return element(
        "section",
        element("h2", "Runs side by side"),
        element("p", f"Each run was trained with the settings in its own report. {_seen(compared.runs)}"),
        _numbers(compared.runs),
        _frontiers(compared.runs, drawn),
        _same_inputs(compared, pictures),
        id="runs",
        class_="card",
    )


def _seen(runs: tuple[ReportedRun, ...]) -> str:
    sizes = {task.size for run in runs for task in run.learned}
    if len(sizes) < 2:
        return "All see the same pictures here."
    return (
        "They were trained at different sizes: each gets the pictures resized to its own, and sizes are not comparable."
    )


def _numbers(runs: tuple[ReportedRun, ...]) -> Markup:
    rows = [
        [
            run.name,
            run.method,
            len(run.learned),
            run.sizes,
            run.steps,
            run.images,
            f"{run.stored_bytes / 1e6:,.2f} MB",
            f"{run.stored_bytes / run.full_bytes:.0%}" if run.full_bytes else "–",
        ]
        for run in runs
    ]
    heads = ["run", "method", "tasks", "pixels", "steps a task", "images", "stored", "of full networks"]
    return table("Runs in numbers", heads, rows, "numbers", True)


def _frontiers(runs: tuple[ReportedRun, ...], drawn: Plots) -> Markup:
    """Returns a plot for each metric of distance in which at least two runs are comparable."""
    names = {name for run in runs if run.measured for name in run.measured.matrix.values if metric(name).sign < 0}
    found = [_frontier(name, runs, drawn) for name in sorted(names, key=lambda name: ORDER.index(name.split("-")[0]))]
    if not any(found):
        why = (
            "Distance over bytes is plotted here once two runs are measured on the same images, with the same network."
        )
        return element("p", why, class_="note")
    return joined(
        element("h3", "Distance over bytes"),
        element("p", "Left stores less, below is nearer to real pictures: no run lies below and left of the line."),
        element("div", found, class_="plots"),
    )


def _frontier(name: str, runs: tuple[ReportedRun, ...], drawn: Plots) -> Markup | None:
    """Plots the runs that share the most frequent conditions of measurement, if there are at least two."""
    alike: dict[str, list[tuple[str, float, float]]] = {}
    for run in runs:
        value = run.measured.matrix.average(name) if run.measured and name in run.measured.conditions else None
        if run.measured and value is not None:
            alike.setdefault(run.measured.conditions[name], []).append((run.name, run.stored_bytes / 1e6, value))
    points = max(alike.values(), key=len, default=[])
    if len(points) < 2:
        return None
    points_text = ", ".join(f"{run} {plots.short(value)} at {size:.3g} MB" for run, size, value in points)
    columns = [list(column) for column in zip(*points)]
    titles = f"{name}, average of all tasks", "stored for all tasks, MB"
    return drawn.svg(plots.frontier, *columns, *titles, text=f"{name}: {points_text}")


def _same_inputs(compared: Comparison, pictures: Pictures) -> Markup:
    if not compared.inputs:
        return joined()
    common = any(len(one.outputs) > 1 for one in compared.inputs)
    runs = [run.name for run in compared.runs]
    targets = any(one.target is not None for one in compared.inputs)
    kinds = ["input", *(["target"] if targets else []), *runs]
    rows = []
    for one in compared.inputs:
        about = f"an input of {one.task}"
        shown = {"input": (one.picture, about), "target": (one.target, f"the target of {about}")}
        shown.update((run, (made, f"{about} through {run}")) for run, made in one.outputs.items())
        known = {kind: pictures.image(picture, text) for kind, (picture, text) in shown.items() if picture is not None}
        rows.append([one.task, *[known.get(kind, "–") for kind in kinds]])
    return joined(
        element("h3", "On the same inputs"),
        element("p", "The outputs of each run after all its tasks are learned; a dash if it has no such task."),
        None if common else element("p", "These runs have no task of the same name.", class_="note"),
        table("Runs on the same inputs", ["task", *kinds], rows, "strip", True),
    )
