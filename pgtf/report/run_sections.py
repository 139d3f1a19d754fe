"""The parts of a report that show a run as a whole."""

from __future__ import annotations

import numpy as np

from pgtf.evaluation.matrix import METRICS, metric
from pgtf.report import plots
from pgtf.report.content import Measured, ReportedRun
from pgtf.report.drawn_plots import Plots
from pgtf.report.markup import Markup, element, joined
from pgtf.report.pictures import Pictures
from pgtf.report.tables import table

NAMED = 8  # Tasks; more of them are counted.
# What the sentences on methods take for known.
_WORDS = element(
    "small", "(Kernels are the weights of a network's layers; the bank is what earlier tasks learnt freely.)"
)


def head(run: ReportedRun) -> Markup:
    """What the run is, and its four numbers."""
    learnt = len(run.learnt)
    names = [task.name for task in run.tasks]
    told = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    every = learnt + sum(not task.learnt for task in run.tasks) + len(run.to_come)
    share = f"{run.stored_bytes / run.full_bytes:.0%}" if run.full_bytes else "–"
    numbers = [
        (f"{learnt} of {every}", "tasks learnt"),
        (f"{run.stored_bytes / 1e6:.3g} MB", "stored for all of them"),
        (share, "of what a full network for each would take"),
        _memory(run),
    ]
    return element(
        "header",
        element("p", "pgtf report", class_="kicker"),
        element("h1", run.name),
        element(
            "p",
            "A run learns to turn pictures into pictures: one task after the other, without the pictures of the tasks "
            f"before. This one learns {told}.",
            class_="lead",
        ),
        element("p", "Its method, ", element("b", run.method), f": {run.meaning} ", _WORDS) if run.method else None,
        element("dl", [element("div", element("dd", n), element("dt", t)) for n, t in numbers], class_="numbers"),
        _again(run),
    )


def _memory(run: ReportedRun) -> tuple[str, str]:
    """How many of the later looks at earlier tasks found them as they were."""
    looks = [later for task in run.learnt for later in task.later]
    replays = [later.replay for later in looks if later.replay]
    if not replays:
        return "–", "no look back at earlier tasks is on record" if looks else "nothing to forget yet"
    if all(replay.bit_equal for replay in replays):
        return "0 bits", "changed in what earlier tasks make"
    kept = sum(replay.holds for replay in replays)
    return f"{kept} of {len(replays)}", "looks back found an earlier task unchanged"


def _again(run: ReportedRun) -> Markup:
    if not run.command:
        return element("p", "Its config.cfg is not there, so there is no command to redo it.", class_="note")
    return element(
        "details",
        element("summary", "The command that learns it again"),
        element("p", "From the folder of pgtf; the same settings and seed, into a run of another name."),
        element(
            "div",
            element("pre", element("code", run.command), tabindex="0"),
            element("button", "Copy", type="button", class_="copy"),
            class_="command",
        ),
    )


def through(run: ReportedRun, pictures: Pictures) -> Markup:
    """The same pictures through every task."""
    if not run.through:
        return joined()
    names = [task.name for task in run.learnt]
    rows = []
    for one in run.through:
        cells = [pictures.image(one.picture, f"an input of {one.of}")]
        cells += [pictures.image(one.outputs[name], f"the input of {one.of} through {name}") for name in names]
        rows.append(cells)
    return element(
        "section",
        element("h2", "One input through all tasks"),
        element("p", "What each task makes of the same picture, also of one that was never meant for it."),
        table("One input through all tasks", ["input", *names], rows, "strip"),
        id="through",
        class_="card",
    )


def matrix(run: ReportedRun, drawn: Plots) -> Markup:
    """How good each task is after each later one: a heat map for each metric, and the same as tables."""
    sentence = (
        "A row is a task, a column the time after one more was learnt; a row that stays as it is forgets nothing. "
        "The brighter, the better."
    )
    if run.measured is None:
        inner = element(
            "p",
            "Nothing is measured yet: ",
            element("code", f"python scripts/evaluate.py --run_dir={run.folder}"),
            " measures every task on its test pictures.",
            class_="note",
        )
    else:
        names = sorted(run.measured.matrix.values, key=lambda name: list(METRICS).index(name.split("-")[0]))
        inner = joined([_heat_map(run.measured, name, drawn, name == names[0]) for name in names])
    return element(
        "section",
        element("h2", "How good each task is, and stays"),
        element("p", sentence),
        inner,
        id="matrix",
        class_="card",
    )


def _heat_map(measured: Measured, name: str, drawn: Plots, first: bool) -> Markup:
    found, better = measured.matrix, "higher" if metric(name).sign > 0 else "lower"
    text = f"{name} of each task after each time, as the table below tells it"
    values = found.values[name]
    return element(
        "details",
        element("summary", element("b", name), f", {metric(name).meaning}; {better} is better"),
        element(
            "div", drawn.svg(_map_of, values, list(found.tasks), metric(name).sign, text=text), class_="scroll plots"
        ),
        element("p", " · ".join(_measures(measured, name))),
        element("details", element("summary", "As a table"), _table(measured, name)),
        open=first,
    )


def _map_of(values: list, tasks: list[str], sign: int):
    return plots.heat_map(np.array(values, "float64"), tasks, sign)


def _measures(measured: Measured, name: str) -> list[str]:
    found = measured.matrix
    measures = {
        "average after the last task": found.average(name),
        "forgetting": found.forgetting(name),
        "backward transfer": found.backward_transfer(name),
    }
    return [f"{what} {'–' if value is None else plots.short(value)}" for what, value in measures.items()]


def _table(measured: Measured, name: str) -> Markup:
    found = measured.matrix
    rows = []
    for task, row in zip(found.tasks, found.values[name]):
        cells = []
        for after, value in zip(found.tasks, row):
            note = measured.notes.get((task, after, name))
            cells.append(joined("–" if value is None else plots.short(value), note and element("small", note)))
        rows.append([task, *cells])
    return table(
        f"{name} of each task after each time",
        ["task", *[f"after {one}" for one in found.tasks]],
        rows,
        "numbers",
        True,
    )


def storage(run: ReportedRun, drawn: Plots) -> Markup:
    """Stored bytes of each task against full networks."""
    learnt = run.learnt
    if not learnt:
        return joined()
    names = [task.name for task in learnt]
    sizes, full = [task.stored_bytes for task in learnt], [task.full_bytes for task in learnt]
    rows = [[name, _mb(size), _mb(whole)] for name, size, whole in zip(names, sizes, full)]
    rows.append(["all tasks", _mb(run.stored_bytes), _mb(sum(full))])
    return element(
        "section",
        element("h2", "What each task stores"),
        element("p", "In colour what a task keeps on disk; in grey what a network of its own would take."),
        element(
            "div",
            drawn.svg(plots.stored, names, sizes, full, text="Stored bytes, as the table below tells them"),
            class_="plots",
        ),
        element(
            "details",
            element("summary", "As a table"),
            table("Stored bytes", ["task", "stored", "a full network"], rows, "numbers", True),
        ),
        id="storage",
        class_="card",
    )


def _mb(size: float) -> str:
    return f"{size / 1e6:,.2f} MB"
