"""The sections of a report about the whole run."""

from __future__ import annotations

import numpy as np

from pgtf.metrics.matrix import METRICS, metric
from pgtf.metrics.measurements import UNTOUCHED
from pgtf.report import plots
from pgtf.report.content import ReportedRun
from pgtf.report.markup import Markup, element, joined
from pgtf.report.pictures import Pictures
from pgtf.report.svg_plots import Plots
from pgtf.report.tables import table
from pgtf.runs.describe import Measured

NAMED = 8  # Tasks; more of them are counted.
_IMAGES = {"drawn": "drawn images", "files": "images of files"}
# What the sentences on methods take for known.
_WORDS = element(
    "small", "(Kernels are the weights of a network's layers; the bank holds what earlier tasks learned freely.)"
)


def head(run: ReportedRun, pictures: Pictures) -> Markup:
    """Builds the header: the run's name, an image of each task, four numbers and the method."""
    learned = len(run.learned)
    names = [task.name for task in run.tasks]
    listed = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    every = learned + sum(not task.learned for task in run.tasks) + len(run.to_come)
    share = f"{run.stored_bytes / run.full_bytes:.0%}" if run.full_bytes else "–"
    numbers = [
        (f"{learned} of {every}", "tasks learned"),
        (f"{run.stored_bytes / 1e6:.3g} MB", "stored for all of them"),
        (share, "of what a full network for each would take"),
        _memory(run),
    ]
    return element(
        "header",
        element("p", "pgtf report", class_="kicker"),
        element("h1", run.name),
        element("p", _conditions(run)),
        _firsts(run, pictures),
        element("dl", [element("div", element("dd", n), element("dt", t)) for n, t in numbers], class_="numbers"),
        element(
            "p",
            "A run learns to turn pictures into pictures: one task after the other, without the pictures of the tasks "
            f"before. This one learns {listed}.",
            class_="lead",
        ),
        element("p", "Its method, ", element("b", run.method), f": {run.meaning} ", _WORDS) if run.method else None,
        _again(run),
    )


def _conditions(run: ReportedRun) -> str:
    """Describes the size of the images, the steps of a task, and the kind of images, as far as known."""
    listed = (run.sizes, "{} pixels"), (run.steps, "{} steps a task"), (_IMAGES.get(run.images, run.images), "{}")
    return " · ".join(text.format(value) for value, text in listed if value != "–")


def _firsts(run: ReportedRun, pictures: Pictures) -> Markup | None:
    """Shows the first test image of each task and its output."""
    shown = [task for task in run.tasks if task.ways and task.ways[0].inputs][:NAMED]
    figures = []
    for task in shown:
        way, about = task.ways[0], f"{task.name}, first test picture"
        pair = (pictures.image(way.inputs[0], f"{about}: in"), pictures.image(way.outputs[0], f"{about}: out"))
        figures.append(element("figure", element("div", pair), element("figcaption", task.name)))
    return element("div", figures, class_="firsts") if figures else None


def _memory(run: ReportedRun) -> tuple[str, str]:
    """Counts the replays of earlier tasks that found no change. The last `pgtf verify` takes precedence."""
    changed = [task.name for task in run.learned if task.changed]
    if changed:
        listed = ", ".join(changed[:NAMED]) + (" and more" if len(changed) > NAMED else "")
        return f"{len(changed)} changed", f"of {len(run.learned)} tasks, as the last check found: {listed}"
    looks = [later for task in run.learned for later in task.later]
    replays = [later.replay for later in looks if later.replay]
    if not replays:
        return "–", "no look back at earlier tasks is on record" if looks else "nothing to forget yet"
    if len(replays) == len(looks) and all(replay.bit_equal for replay in replays):
        return "0 bits", "changed in what earlier tasks make"
    kept, unmade = sum(replay.holds for replay in replays), len(looks) - len(replays)
    rest = f"; {unmade} more are not on record" if unmade else ""
    return f"{kept} of {len(replays)}", f"looks back found an earlier task unchanged{rest}"


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
    """Builds the section that shows the same images translated by every task."""
    if not run.through:
        return joined()
    names = [task.name for task in run.learned]
    rows = []
    for one in run.through:
        cells = [pictures.image(one.picture, f"an input of {one.of}")]
        cells += [pictures.or_dash(one.outputs[name], f"the input of {one.of} through {name}") for name in names]
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
    """Builds the section of metrics after each task: heat maps and tables."""
    sentence = (
        "A row is a task, a column the time after one more was learned; a constant row shows no forgetting. "
        "The brighter, the better: of Acc and SSIM on one scale from 0 to 1, of all others within a row, as values of "
        "different tasks can't be compared."
    )
    untested, split = run.untested, run.measurable_split
    why = f", as there are no test pictures of {', '.join(untested)}" if untested else ""
    flag = f" --split={split}" if untested else ""
    if run.unmeasured:
        inner = element("p", f"{run.unmeasured[:1].upper()}{run.unmeasured[1:]}", class_="note")
    elif run.measured is None:
        inner = element(
            "p",
            "Nothing is measured yet: ",
            element("code", f"pgtf evaluate --run_dir={run.folder}{flag}"),
            f" measures every task on its {split.replace('train', 'training')} pictures{why}.",
            class_="note",
        )
    else:
        known = [name for name in run.measured.matrix.values if not name.endswith(UNTOUCHED)]
        names = sorted(known, key=lambda name: list(METRICS).index(name.split("-")[0]))
        maps = [_heat_map(run.measured, name, drawn, name in names[:2]) for name in names]
        inner = element("div", maps, class_="metrics")
    return element(
        "section",
        element("h2", "How good each task is, and stays"),
        element("p", sentence),
        inner,
        id="matrix",
        class_="card",
    )


def _heat_map(measured: Measured, name: str, drawn: Plots, first: bool) -> Markup:
    found, row = measured.matrix, metric(name)
    text = f"{name} of each task after each time, as the table below tells it"
    values = found.values[name]
    return element(
        "details",
        element("summary", element("b", name), f", {row.meaning}; {row.better} is better"),
        element(
            "div",
            drawn.svg(_map_of, values, list(found.tasks), row.sign, row.bounds, text=text),
            class_="scroll plots",
            tabindex="0",
            role="region",
            aria_label=f"Heat map of {name}",
        ),
        element("p", " · ".join(_measures(measured, name))),
        [
            element("p", text, class_="note")
            for text in (_untouched(measured, name), _extractor_line(measured, name))
            if text
        ],
        element("details", element("summary", "As a table"), _table(measured, name)),
        open=first,
    )


def _map_of(values: list, tasks: list[str], sign: int, bounds: tuple[float, float] | None):
    return plots.heat_map(np.array(values, "float64"), tasks, sign, bounds)


def _untouched(measured: Measured, name: str) -> str:
    """Describes the score of the unchanged inputs for each task; "" if it is not measured."""
    found, untouched = measured.matrix, name + UNTOUCHED
    last = found.tasks[-1]
    values = {task: found.value(untouched, task, last) for task in found.tasks}
    listed = ", ".join(f"{task} {plots.short(value)}" for task, value in values.items() if value is not None)
    return f"Doing nothing, the inputs as they are, scores: {listed}." if listed else ""


def _extractor_line(measured: Measured, name: str) -> str:
    """Names the extractor that measured the values; "" for a metric of pixels."""
    by = measured.extractors.get(name, ())
    if len(by) > 1:
        return f"Measured by several networks, so values can't be compared: {', '.join(by)}."
    return f"Measured by: {by[0]}. Compare only with values by the same." if by else ""


def _measures(measured: Measured, name: str) -> list[str]:
    measures = measured.matrix.measures(name, comparable=len(measured.extractors.get(name, ())) < 2)
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
    """Builds the section of stored bytes of each task and of full networks."""
    learned = run.learned
    if not learned:
        return joined()
    names = [task.name for task in learned]
    sizes, full = [task.stored_bytes for task in learned], [task.full_bytes for task in learned]
    rows = [[name, _mb(size), _mb(whole)] for name, size, whole in zip(names, sizes, full)]
    rows.append(["all tasks", _mb(run.stored_bytes), _mb(sum(full))])
    return element(
        "section",
        element("h2", "What each task stores"),
        element("p", "In colour what a task keeps on disk; in grey what a network of its own would take."),
        element(
            "div",
            element(
                "div",
                drawn.svg(plots.stored, names, sizes, full, text="Stored bytes, as the table tells them"),
                class_="plots",
            ),
            table("Stored bytes", ["task", "stored", "full network"], rows, "numbers", True),
            class_="beside stored",
        ),
        id="storage",
        class_="card",
    )


def _mb(size: float) -> str:
    return f"{size / 1e6:,.2f} MB"
