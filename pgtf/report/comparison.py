"""The part of a report that holds several runs against each other."""

from __future__ import annotations

from pgtf.evaluation.matrix import METRICS, metric
from pgtf.report import plots
from pgtf.report.content import Comparison, ReportedRun
from pgtf.report.drawn_plots import Plots
from pgtf.report.markup import Markup, element, joined
from pgtf.report.pictures import Pictures
from pgtf.report.tables import table


def comparison(compared: Comparison, pictures: Pictures, drawn: Plots) -> Markup:
    """Runs in numbers, by distance and bytes, and side by side on the same inputs."""
    return element(
        "section",
        element("h2", "Runs side by side"),
        element("p", "Each run learnt with the settings that its own report tells; all see the same pictures here."),
        _numbers(compared.runs),
        _frontiers(compared.runs, drawn),
        _same_inputs(compared, pictures),
        id="runs",
        class_="card",
    )


def _numbers(runs: tuple[ReportedRun, ...]) -> Markup:
    rows = [
        [
            run.name,
            run.method,
            len(run.learnt),
            f"{run.stored_bytes / 1e6:,.2f} MB",
            f"{run.stored_bytes / run.full_bytes:.0%}" if run.full_bytes else "–",
        ]
        for run in runs
    ]
    return table("Runs in numbers", ["run", "method", "tasks", "stored", "of full networks"], rows, "numbers", True)


def _frontiers(runs: tuple[ReportedRun, ...], drawn: Plots) -> Markup:
    """A plot for each metric of distance that at least two runs have."""
    averages = {
        run.name: {name: run.measured.matrix.average(name) for name in run.measured.matrix.values}
        if run.measured
        else {}
        for run in runs
    }
    names = {name for found in averages.values() for name in found if metric(name).sign < 0}
    found = []
    for name in sorted(names, key=lambda name: list(METRICS).index(name.split("-")[0])):
        known = [run for run in runs if averages[run.name].get(name) is not None]
        if len(known) < 2:
            continue
        sizes = [run.stored_bytes for run in known]
        values = [value for run in known if (value := averages[run.name][name]) is not None]
        told = ", ".join(
            f"{run.name} {plots.short(value)} at {size / 1e6:.3g} MB" for run, size, value in zip(known, sizes, values)
        )
        title = f"{name}, average of all tasks"
        found.append(
            drawn.svg(plots.frontier, [run.name for run in known], sizes, values, title, text=f"{name}: {told}")
        )
    if not found:
        return element("p", "Distance over bytes is plotted here once two runs or more are measured.", class_="note")
    return joined(
        element("h3", "Distance over bytes"),
        element("p", "Left stores less, below is nearer to real pictures: no run lies below and left of the line."),
        element("div", found, class_="scroll plots"),
    )


def _same_inputs(compared: Comparison, pictures: Pictures) -> Markup:
    if not compared.inputs:
        return element("p", "These runs have no task of the same name.", class_="note")
    runs = [run.name for run in compared.runs]
    targets = any(one.target is not None for one in compared.inputs)
    kinds = ["input", *(["target"] if targets else []), *runs]
    rows = []
    for one in compared.inputs:
        about = f"an input of {one.task}"
        cells: list[Markup | None] = [pictures.image(one.picture, about)]
        if targets:
            cells.append(pictures.image(one.target, f"the target of {about}") if one.target is not None else None)
        cells += [
            pictures.image(one.outputs[run], f"{about} through {run}") if run in one.outputs else None for run in runs
        ]
        rows.append([one.task, *[cell or "–" for cell in cells]])
    return joined(
        element("h3", "On the same inputs"),
        element("p", "What each run makes of them once all its tasks are learnt."),
        table("Runs on the same inputs", ["task", *kinds], rows, "strip", True),
    )
