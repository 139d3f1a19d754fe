"""The section of a report about one task."""

from __future__ import annotations

from pgtf.report import plots
from pgtf.report.classes import answers_block
from pgtf.report.content import Direction, Later, ReportedTask
from pgtf.report.markup import Markup, element, joined
from pgtf.report.pictures import Pictures
from pgtf.report.svg_plots import Plots
from pgtf.report.tables import table

CHANGED = joined(
    "The last check found that this task is not as it was learned; ",
    element("code", "pgtf verify"),
    " says what changed, and clears this once all is whole again.",
)


def task_section(task: ReportedTask, pictures: Pictures, drawn: Plots) -> Markup:
    """Builds the section: a task's images when learned and after every later task, its curves and its facts."""
    state = None if task.learned else element("span", f"being learned, step {task.step:,}", class_="badge")
    state = element("span", "changed since it was learned", class_="badge") if task.changed else state
    shown = len(task.ways[0].inputs) if task.ways else 0
    return element(
        "section",
        element("h3", f"{task.number} · {task.name} ", state),
        element("p", CHANGED, class_="note") if task.changed else None,
        element("p", task.problem, class_="note") if task.problem else None,
        [_way(task, way, pictures) for way in task.ways],
        _generated(task, pictures) if task.generated else None,
        answers_block(task.name, task.answers, pictures) if task.answers else None,
        _afterwards(task, pictures) if task.later and shown else None,
        _curves(task, drawn) if task.curves else None,
        _facts(task),
        id=f"task-{task.number}",
        class_="card",
        aria_label=f"Task {task.number}: {task.name}",
    )


def _way(task: ReportedTask, way: Direction, pictures: Pictures) -> Markup:
    """Builds the slider and rows of input, output and target."""
    name = task.name
    kinds = ["input", "output", *(["target"] if way.targets else [])]
    rows = []
    for place, source in enumerate(way.inputs):
        cells = [source, way.outputs[place], *([way.targets[place]] if way.targets else [])]
        about = [f"{name}{way.title and ', ' + way.title}, {task.kind} picture {place + 1}: {kind}" for kind in kinds]
        images = [pictures.image(cell, text) for cell, text in zip(cells, about)]
        images[0] = element(
            "button",
            images[0],
            type="button",
            class_="pick",
            aria_pressed="true" if place == 0 else "false",
            aria_label=f"Put {task.kind} picture {place + 1} of {name} into the slider",
            data_input=pictures.name(cells[0]),
            data_output=pictures.name(cells[1]),
        )
        rows.append(element("tr", [element("td", image) for image in images]))
    grid = element(
        "table",
        element("caption", f"{task.kind.capitalize()} pictures of {name}", class_="unseen"),
        element("thead", element("tr", [element("th", kind, scope="col") for kind in kinds])),
        element("tbody", rows),
        class_="grid",
    )
    return element(
        "div",
        element("h4", way.title) if way.title else None,
        element("div", _slider(name, way, pictures), grid, class_="beside"),
        class_="way",
    )


def _generated(task: ReportedTask, pictures: Pictures) -> Markup:
    """Shows generated images, in the order of their latents, which are the same for all tasks."""
    images = [pictures.image(image, f"{task.name}, latent of seed {seed}") for seed, image in enumerate(task.generated)]
    about = "Generated images. Those at the same place in the sections of other tasks come from the same latents."
    heads = [f"seed {seed}" for seed in range(len(images))]
    return joined(element("p", about), table(f"{task.name}, generated", heads, [images], "strip"))


def _slider(name: str, way: Direction, pictures: Pictures) -> Markup:
    """Builds the slider that moves the border between input and output, which lie on top of each other."""
    slider = element(
        "input",
        type="range",
        min=0,
        max=100,
        value=50,
        aria_label=f"{name}: how much of the input is shown over the output, in percent",
    )
    return element(
        "figure",
        element(
            "div",
            pictures.image(way.outputs[0], f"{name}: output", class_=None),
            pictures.image(way.inputs[0], f"{name}: input", class_="over"),
            element("span", class_="border", aria_hidden="true"),
            slider,
            class_="stage",
        ),
        element(
            "figcaption", "Drag, or use the arrow keys: input on the left, what the network made of it on the right."
        ),
        class_="slider",
    )


def _afterwards(task: ReportedTask, pictures: Pictures) -> Markup:
    """Shows the outputs for the same inputs at every later time, or one line if all are equal."""
    if _is_same(task):
        return element(
            "p",
            f"Nothing is forgotten: every pixel that {task.name} makes is the same to the bit after every later task "
            f"({', '.join(later.after for later in task.later)}).",
        )
    way = task.ways[0]
    heads = ["input", "when learned"]
    heads += [joined(f"after {later.after}", element("small", change_text(later))) for later in task.later]
    rows = []
    for place, source in enumerate(way.inputs):
        about = f"{task.name}, {task.kind} picture {place + 1}"
        cells = [
            pictures.image(source, f"{about}: input"),
            pictures.image(way.outputs[place], f"{about}: when learned"),
        ]
        for later in task.later:
            cells.append(pictures.or_dash(later.outputs[place], f"{about}: after {later.after}, {change_text(later)}"))
        rows.append(cells)
    return joined(
        element("h4", "The same inputs after every later task"),
        element("p", _summary(task)),
        table(f"{task.name} after every later task", heads, rows, "strip"),
    )


def change_text(later: Later) -> str:
    """Describes the change of a task's outputs since it was learned."""
    if later.replay is None:
        return "not replayed"
    if later.replay.bit_equal:
        return "the same to the bit"
    if later.replay.holds:
        return f"the same within {later.replay.difference:.0e}"
    return f"changed by up to {later.replay.difference / 2:.0%}"  # Of the range, [-1, 1].


def _is_same(task: ReportedTask) -> bool:
    """Returns whether every replay and the last verification found the task's outputs equal to the bit."""
    return not task.changed and all(later.replay and later.replay.bit_equal for later in task.later)


def _summary(task: ReportedTask) -> str:
    replays = [later.replay for later in task.later if later.replay]
    if any(not replay.holds for replay in replays):
        return f"This method forgets: later tasks changed the outputs of {task.name}."
    return "Each later column shows what the run makes of the same inputs by then."


def _curves(task: ReportedTask, drawn: Plots) -> Markup:
    curves = []
    for name, (steps, values) in task.curves.items():
        text = f"{task.name}: {name} over {steps[-1]:,} steps, from {values[0]:.3g} to {values[-1]:.3g}"
        thin = [line.round(6).tolist() for line in plots.thinned(steps, values)]
        curves.append(drawn.svg(plots.curve, name, *thin, text=text))
    return element(
        "details",
        element("summary", "How it was learned"),
        element(
            "p",
            "Losses over the training steps. Generator and discriminator learn against each other, so theirs need not "
            "fall; those that compare pictures (l1, cycle, identity) should, and so should distances (L1, FCD).",
        ),
        [element("p", text, class_="note") for text in _measured_by(task)],
        element("div", curves, class_="plots"),
        open=True,
    )


def _measured_by(task: ReportedTask) -> list[str]:
    """Names the extractors of the curves; metrics of the same ones in one sentence."""
    names: dict[str, list[str]] = {}
    for name, by in task.measured_by.items():
        names.setdefault(", then ".join(by), []).append(name)
    several = {", then ".join(by) for by in task.measured_by.values() if len(by) > 1}
    return [
        f"{', '.join(measured)}: measured by {by}. "
        + ("Points of different extractors can't be compared." if by in several else "Compare only with values by it.")
        for by, measured in names.items()
    ]


def _facts(task: ReportedTask) -> Markup:
    rows = [element("div", element("dt", what), element("dd", text)) for what, text in task.facts.items()]
    return element("details", element("summary", "Facts"), element("dl", rows, class_="facts")) if rows else joined()
