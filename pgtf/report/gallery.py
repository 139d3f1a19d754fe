"""Draws a picture of a run's outputs for drawn inputs. It can be published even if the data can't."""

from __future__ import annotations

import numpy as np

from pgtf.data.drawn import draw, is_drawn, pixels_of
from pgtf.data.pixels import RGB
from pgtf.report import plots
from pgtf.report.grid import GAP, cell
from pgtf.runs.run import Run, Task

EXAMPLES = 3
FIRST = 1_000_000  # Index of the first drawn input: beyond those that a run with drawn data learns from.
Pairs = list[tuple[np.ndarray, np.ndarray]]


def gallery(run: Run) -> bytes:
    """Returns a PNG file with a row for each task: drawn inputs, each with the task's output on its right."""
    pairs = answers(run)
    if not pairs:
        raise ValueError(
            "A gallery shows tasks with the names of drawn ones that translate RGB images: cityscapes, maps, facades, "
            f"edges2handbags, photo2monet, photo2ukiyoe. Received: {run.folder}, which has none"
        )
    cells = np.stack([[cell(picture) for pair in row for picture in pair] for row in pairs.values()])
    return plots.png_file(plots.picture_table(cells, list(pairs), ["input", "output"] * EXAMPLES, GAP))


def answers(run: Run) -> dict[str, Pairs]:
    """Returns {task: [(drawn input, output)]} of a run. If a task has compressed copies, the last one is shown."""
    shown = {task.facts.learnt_as or task.name: task for task in run if _takes_drawn(task)}
    return {name: _pairs(name, task) for name, task in shown.items()}


def _takes_drawn(task: Task) -> bool:
    name, facts = task.facts.learnt_as or task.name, task.facts
    drawn = is_drawn(name) and pixels_of(name) == (RGB, RGB) and facts.direction != "BtoA"
    return drawn and facts.objective.serves == "images" and facts.architecture.input[-1] == RGB.channels


def _pairs(name: str, task: Task) -> Pairs:
    images = [draw(name, FIRST + index, min(task.facts.architecture.size))[0] for index in range(EXAMPLES)]
    return [(image, task(image)) for image in images]
