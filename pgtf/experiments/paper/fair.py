"""The comparison of stored sizes with fine-tuning a full network for each task. Preset `fair`.

Settings are chosen on validation images, which are held out of the training images: tables "rates", "budgets" and
"choice". "choice" has the same runs as "quality", and decides which row is recommended. Test images are measured
afterwards with these settings: tables "quality" and "finished". All rows have the same first task, the same number of
steps and a moving average of the weights. The first task has one seed, so the intervals hold for this first task.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

from pgtf.experiments.paper.presets import PAIRED, Preset
from pgtf.experiments.paper.results import Result
from pgtf.experiments.paper.tables import (
    Column,
    Row,
    Table,
    TableMaker,
    distance,
    kernel_distance,
    later,
    later_figure,
    later_share,
    mean,
    thousand,
)

COLD, WARM, OURS = "full, from random values", "fine-tuned copy", "fine-tuned copy, compressed to 2 %"
COMPRESSED = "compressed"  # Not a flag of `pgtf train`: the budget of `pgtf compress`.
_MIXED = {"method": "piggyback", "borrow_from": "first"}
_COPY = {**_MIXED, "unconstrained_ratio": 1.0}  # No filter is mixed: a full network that starts as the first task.
_INT8 = {"slice_precision": "int8"}
_REST = "head:free:int8,norms:free:float16,biases:free:float16"


def _layered(rules: str) -> dict[str, Any]:
    return {"method": "layered", "layers": f"{rules},{_REST}"}


# {title: flags}. The learning rates are those of table "rates"; where none is given, it is the preset's.
ROWS: dict[str, dict[str, Any]] = {
    WARM: _COPY,
    OURS: {**_COPY, COMPRESSED: "2%"},
    "fine-tuned copy, compressed to 1 %": {**_COPY, COMPRESSED: "1%"},
    "fine-tuned copy, compressed to 0.5 %": {**_COPY, COMPRESSED: "0.5%"},
    "outer 3 free, inner frozen, int8": _layered("outer3:free:int8,inner:frozen"),
    COLD: {"method": "full", "learning_rate": 8e-3},
    "outer 3 free, inner low rank 4, int8": _layered("outer3:free:int8,inner:low_rank(4):int8"),
    "outer 3 free, inner LoRA 4, int8": _layered("outer3:free:int8,inner:lora(4):int8"),
    "outer 3 free, inner LoRA 8, int8": _layered("outer3:free:int8,inner:lora(8):int8"),
    "LoRA 16, int8": {"method": "lora", "rank": 16, **_INT8},
    "low rank 16, int8": {"method": "low_rank", "rank": 16, **_INT8},
    "outer 3 low rank 8, inner frozen, int8": _layered("outer3:low_rank(8):int8,inner:frozen"),
    "low rank 8, outer 4 free, int8": {"method": "low_rank", "rank": 8, "free_outer": 4, **_INT8},
    "outer 4 free, inner mixed, int8": {**_MIXED, "free_outer": 4, "unconstrained_ratio": 0.125, **_INT8},
    "fine-tuned copy, float16": {**_COPY, "slice_precision": "float16"},
    "fine-tuned copy, int8": {**_COPY, **_INT8},
    "½ width, int8": {"method": "half", **_INT8},
    "¼ width, int8": {"method": "quarter", **_INT8},
    "Piggyback GAN": _MIXED,
}
NAMED = COLD, WARM, OURS  # The rows that the claim is about.
RATES = 2e-3, 4e-3, 8e-3
BUDGETS = 125, 250, 500, 1000, 2000, 4000, 8000
CHOSEN_ON = "cityscapes", "maps"


def tables(preset: Preset, seeds: Sequence[int]) -> dict[str, Table]:
    """Builds the tables, by name. Those on validation images have the first seed alone."""
    make, choose = (TableMaker(preset, tuple(some)) for some in (seeds, seeds[:1]))
    rates = [
        _row(choose, f"{title}, {rate:g}", {**flags, "learning_rate": rate}, CHOSEN_ON, "validation")
        for title, flags in ROWS.items()
        for rate in RATES
    ]
    budgets = {
        title: {
            steps: _row(choose, f"{title}, {steps} steps", {**ROWS[title], "steps": steps}, CHOSEN_ON, "validation")
            for steps in BUDGETS
        }
        for title in NAMED
    }
    choice = [_row(choose, title, flags, split="validation") for title, flags in ROWS.items()]
    quality = [_row(make, title, flags) for title, flags in ROWS.items()]
    finished = [_row(make, title, {**ROWS[title], "steps": BUDGETS[-1]}) for title in NAMED]
    return {
        "rates": Table("Learning rates, maps as task 2, validation images", _ON_MAPS, tuple(rates)),
        "budgets": Table(
            "Steps, maps as task 2, validation images",
            _ON_MAPS,
            tuple(row for rows in budgets.values() for row in rows.values()),
            remark=functools.partial(steps_to_cold, budgets),
        ),
        "choice": Table("All later tasks, validation images", _LATER, tuple(choice)),
        "quality": Table(f"{preset.paired['steps']} steps per task", _LATER, tuple(quality), True, WARM),
        "finished": Table(f"{BUDGETS[-1]} steps per task", _LATER, tuple(finished), False, WARM),
    }


def _row(
    make: TableMaker, title: str, flags: Mapping[str, Any], tasks: tuple[str, ...] = PAIRED, split: str = "test"
) -> Row:
    row = make.row(title, tasks, **{name: value for name, value in flags.items() if name != COMPRESSED})
    budget = flags.get(COMPRESSED, "")
    experiments = (dataclasses.replace(experiment.on(split), compressed=budget) for experiment in row.experiments)
    return dataclasses.replace(row, experiments=tuple(experiments))


def steps_to_cold(budgets: Mapping[str, Mapping[int, Row]], known: Mapping[str, Result]) -> str:
    """Returns a sentence for each row: the fewest steps at which maps reach the final KID of training from scratch.

    budgets: {title: {steps: row}}. known: {name of experiment: result}.
    """
    found = {
        title: {steps: value for steps, row in rows.items() if (value := mean(row, _ON_MAPS[0], known)) is not None}
        for title, rows in budgets.items()
    }
    cold = found.pop(COLD)
    if not cold:
        return ""
    last = max(cold)
    lines = [f"Steps to the KID of {COLD} after {last} steps, {cold[last]:.3g}:"]
    for title, each in found.items():
        reached = [steps for steps, value in sorted(each.items()) if value <= cold[last]]
        if each:
            lines.append(f"- {title}: {reached[0] if reached else f'more than {max(each)}'}.")
    return "\n".join([lines[0], "", *lines[1:]]) if lines[1:] else ""


def megabytes(found: Result, tasks: int) -> float:
    """Returns the megabytes of this many tasks: a full network, and later tasks of the mean size."""
    return found.full * (1 + (tasks - 1) * later_share(found)) / 1e6


def _kid(task: str) -> Column:
    return Column(task, lambda found: thousand(kernel_distance(found, task)))


def _size(tasks: int) -> Column:
    return Column(f"MB of {tasks} tasks", lambda found: megabytes(found, tasks))


_SHARE = Column("% of a full network", lambda found: 100 * later_share(found))
_ON_MAPS = (
    Column("KID × 1000", lambda found: thousand(kernel_distance(found, "maps"))),
    Column("FID", lambda found: distance(found, "maps"), 4),
    Column("L1", lambda found: found.figure("L1", "maps")),
    Column("SSIM", lambda found: found.figure("SSIM", "maps")),
    _SHARE,
)
_LATER = (
    *map(_kid, PAIRED[1:]),
    Column("FID", lambda found: later(found, distance), 4),
    Column("L1", lambda found: later_figure(found, "L1")),
    Column("SSIM", lambda found: later_figure(found, "SSIM")),
    *map(_size, (2, 10, 100)),
    Column("KID × 1000, mean", lambda found: thousand(later(found, kernel_distance))),
    _SHARE,
)
