"""The tables of classifiers: Piggyback masks (Mallya et al., ECCV 2018) and CPG (Hung et al., NeurIPS 2019), small.

With real images the first task of the masks tables is a backbone from a file, and those of CPG are CIFAR-100's twenty
superclasses. On drawn images, the default, the tasks are shapes, textures and digits. Those show only that it works.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pgtf.experiments.paper import published_results
from pgtf.experiments.paper.experiment import BACKBONE, Experiment, experiment_of
from pgtf.experiments.paper.presets import Preset
from pgtf.experiments.paper.results import Result
from pgtf.experiments.paper.tables import Column, Row, Table, later_share

DRAWN = "shapes", "textures", "digits"
MASKS = BACKBONE, "flowers102", "pacs_art_painting", "gtsrb", "pacs_photo"
SMALL = "tiny_imagenet32"
SUPERCLASSES = (
    "aquatic_mammals", "fish", "flowers", "food_containers", "fruit_and_vegetables", "household_electrical_devices",
    "household_furniture", "insects", "large_carnivores", "large_man-made_outdoor_things",
    "large_natural_outdoor_scenes", "large_omnivores_and_herbivores", "medium_mammals", "non-insect_invertebrates",
    "people", "reptiles", "small_mammals", "trees", "vehicles_1", "vehicles_2",
)  # fmt: skip
RATE, _MASKING = "mask_learning_rate", ("mask", "cpg")  # A flag, and the methods that have it.
MIRRORED = {"gtsrb", "digits"}  # They have a left and a right.
_COPY = {"method": "piggyback", "borrow_from": "first", "unconstrained_ratio": 1.0}
_INT8 = {"slice_precision": "int8"}
_KEPT = {"keep_norms": True}
_FAST = {"learning_rate": 1e-3}  # For factors, norms and random kernels; whole kernels of a backbone want less.
INDIVIDUAL, CLASSIFIER_ONLY = "Individual networks, fine-tuned", "Classifier Only"
FIXED, TRAINED = "Piggyback masks", "Piggyback masks, own norms"
# {title: flags} of the rows whose tasks do not depend on their order.
ROWS: dict[str, dict[str, Any]] = {
    INDIVIDUAL: _COPY,
    CLASSIFIER_ONLY: {"method": "frozen", **_KEPT, **_FAST},
    FIXED: {"method": "mask", **_KEPT, **_FAST},
    TRAINED: {"method": "mask", **_FAST},
    "low rank 4, int8": {"method": "low_rank", "rank": 4, **_INT8, **_FAST},
    "Piggyback masks, ternary": {"method": "mask", "mask": "ternary", **_KEPT, **_FAST},
    "low rank 14, int8": {"method": "low_rank", "rank": 14, **_INT8, **_FAST},
    "low rank 16, int8": {"method": "low_rank", "rank": 16, **_INT8, **_FAST},
    "frozen kernels, own norms": {"method": "frozen", **_FAST},
    "piggyback mixing, ¼": {"method": "piggyback", "borrow_from": "first", **_FAST},
    "Individual networks, from scratch": {"method": "full", **_FAST},
}


def tables(preset: Preset, seeds: Sequence[int], drawn: bool) -> dict[str, Table]:
    """Builds the tables, by name; empty if the preset has none. drawn: Whether their images are drawn."""
    if not preset.labelled:
        return {}
    make = _Maker(preset, tuple(seeds), drawn)
    return {
        "masks-2": make.masks_2(),
        "masks-4": make.masks_4(),
        "masks-5": make.masks_5(),
        "masks-7": make.masks_7(),
        "cpg-1": make.cpg_1(),
        "cpg-2": make.cpg_2(),
    }


def error(found: Result, task: str) -> float | None:
    """Returns the share of wrong answers of a task after the last one, in percent."""
    top = found.figure("Top1", task)
    return None if top is None else 100 * (1 - top)


def mean_error(found: Result) -> float | None:
    """Returns the mean error of all tasks with a measured error, in percent; None if there are none."""
    errors = [value for task in found.matrix.tasks[1:] if (value := error(found, task)) is not None]
    return sum(errors) / len(errors) if errors else None


def half_interval(found: Result) -> float | None:
    """Returns half the 95 % interval of `mean_error` over test images, in points.

    The variance of a share p of n images is p (1 - p) / n.
    """
    shares = {task: value / 100 for task in found.matrix.tasks[1:] if (value := error(found, task)) is not None}
    counts = found.beside["n"]
    if not shares or not set(shares) <= set(counts):
        return None
    variances = [share * (1 - share) / counts[task] for task, share in shares.items()]
    return 196 * math.sqrt(sum(variances)) / len(variances)


def forgetting(found: Result) -> float | None:
    """Returns the mean loss of accuracy of earlier tasks since their best, in points; a backbone has none."""
    rows = found.matrix.values.get("Top1", ())
    known = [[value for value in row if value is not None] for row in rows]
    losses = [max(row) - row[-1] for row in known if len(row) > 1]
    return 100 * sum(losses) / len(losses) if losses else None


def megabytes(found: Result) -> float:
    """Returns the bytes of all tasks, in MB."""
    return sum(found.stored.values()) / 1e6


_COSTS = (
    Column("forgetting, points", forgetting),
    Column("MB of all", megabytes),
    Column("error of later tasks, %", mean_error),
    Column("a later task stores, %", lambda found: 100 * later_share(found)),
)


def _accuracy(found: Result) -> float | None:
    """Returns the mean accuracy of all tasks, in percent."""
    average = found.figure("Top1")
    return None if average is None else 100 * average


_CPG = (
    Column("accuracy, %", _accuracy, 4),
    Column("expansion, ×", lambda found: 1 + found.shares.get("grown", 0.0)),
    Column("redundant, ×", lambda found: found.shares.get("free", 0.0) * (1 + found.shares.get("grown", 0.0))),
    Column("forgetting, points", forgetting),
    Column("MB of all", megabytes),
)


class _Maker:
    """Builds tables whose experiments share first tasks."""

    def __init__(self, preset: Preset, seeds: tuple[int, ...], drawn: bool):
        self.seeds, self.drawn = seeds, drawn
        self.masks = {**preset.labelled, **(_DRAWN_MASKS if drawn else {})}
        self.cpg = {**preset.labelled_small, **(_DRAWN_CPG if drawn else {})}

    def masks_2(self) -> Table:
        return Table("Masks, table 2: one backbone, later tasks", self._columns(), self._rows())

    def masks_4(self) -> Table:
        """Builds table 4: another network at 32 px, whose first task is trained here."""
        base = self._base(self.cpg)
        titles = (CLASSIFIER_ONLY, FIXED, INDIVIDUAL)
        rate = {"learning_rate": self.cpg["learning_rate"]}
        rows = [self._row(title, {**ROWS[title], **rate}, self._learned, base=base, flags=self.cpg) for title in titles]
        title = "Masks, table 4: another network, VGG-16 with batch norm at 32 px"
        return Table(title, self._columns(), (*rows, *self._packnet(self._learned, self.cpg)))

    def masks_5(self) -> Table:
        """Builds table 5: masks on a backbone with other initial values."""
        flags = self.masks
        rows = [] if self.drawn else [self._row("ImageNet", ROWS[FIXED], paper=published_results.MASKS_5["ImageNet"])]
        learned = self._base({**flags, **_FAST})
        random = self._base({**flags, "steps": 1, "learning_rate": 1e-9})
        other = published_results.MASKS_5["Places365"]
        rows.append(self._row("learned here", ROWS[FIXED], self._learned, base=learned, paper=other))
        rows.append(
            self._row("random", ROWS[FIXED], self._learned, base=random, paper=published_results.MASKS_5["random"])
        )
        return Table("Masks, table 5: the backbone's initial values", self._columns(), tuple(rows))

    def masks_7(self) -> Table:
        rows = tuple(self._row(title, ROWS[title]) for title in (FIXED, TRAINED, INDIVIDUAL))
        return Table("Masks, table 7: fixed and own norms", self._columns(), rows)

    def cpg_1(self) -> Table:
        rows = tuple(self._cpg(title, method=title.lower()) for title in ("PackNet", "PAE", "CPG"))
        return Table("CPG, table 1: tasks in one network", _CPG, rows)

    def cpg_2(self) -> Table:
        base = self._base(self.cpg, self._superclasses)
        rows = (
            self._cpg("scratch", method="full"),
            self._cpg("fine-tuned from the first", base=base, **_COPY),
            self._cpg("fine-tuned from the one before", base=base, **_COPY, start="previous_task"),
            self._cpg("CPG", method="cpg"),
        )
        return Table("CPG, table 2: CPG and individual networks", (_CPG[0], *_CPG[3:]), rows)

    @property
    def _tasks(self) -> tuple[str, ...]:
        """The tasks that are learned on the backbone."""
        return DRAWN if self.drawn else MASKS

    @property
    def _learned(self) -> tuple[str, ...]:
        """The tasks that are learned on a first task, which is trained here too."""
        return DRAWN if self.drawn else (SMALL, *MASKS[1:])

    @property
    def _superclasses(self) -> tuple[str, ...]:
        return DRAWN if self.drawn else SUPERCLASSES

    def _columns(self) -> tuple[Column, ...]:
        each = tuple(Column(f"{task}, %", functools.partial(error, task=task)) for task in self._tasks[1:])
        return (*each, Column("± of the mean", half_interval, 2), *_COSTS)

    def _rows(self) -> tuple[Row, ...]:
        rows = {
            title: self._row(title, flags, paper=published_results.MASKS_2.get(title)) for title, flags in ROWS.items()
        }
        first = [rows.pop(title) for title in (INDIVIDUAL, CLASSIFIER_ONLY, FIXED, "low rank 4, int8")]
        return (*first, *self._packnet(self._tasks, self.masks), *rows.values())

    def _packnet(self, tasks: tuple[str, ...], flags: Mapping[str, Any]) -> list[Row]:
        """Builds PackNet's rows in both orders of the later tasks."""
        own = {"method": "packnet"}
        orders = {"PackNet ↓": tasks, "PackNet ↑": (tasks[0], *reversed(tasks[1:]))}
        return [
            self._row(title, own, order, base={}, flags=flags, paper=published_results.MASKS_2[title])
            for title, order in orders.items()
        ]

    def _row(
        self,
        title: str,
        own: Mapping[str, Any],
        tasks: tuple[str, ...] = (),
        *,
        base: Mapping[int, Experiment] | None = None,
        flags: Mapping[str, Any] | None = None,
        paper: Mapping[str, float] | None = None,
    ) -> Row:
        """Builds a row of an experiment for each seed.

        base: {seed: first task}. Default: the first drawn task; a backbone from a file needs none.
        """
        tasks, flags = tasks or self._tasks, flags or self.masks
        if base is None:
            base = self._base(self.masks) if self.drawn else {}
        given = {name: value for name, value in flags.items() if name != RATE or own["method"] in _MASKING}
        experiments = [
            experiment_of(tasks, {**given, **_unmirrored(tasks), **own}, seed, base.get(seed)) for seed in self.seeds
        ]
        return Row(title, tuple(experiments), dict(paper or {}))

    def _base(self, flags: Mapping[str, Any], tasks: tuple[str, ...] = ()) -> dict[int, Experiment]:
        """Returns {seed: experiment} that learns the first task of these."""
        first = (tasks or self._learned)[:1]
        given = {name: value for name, value in flags.items() if name != RATE}
        return {
            seed: experiment_of(first, {**given, **_unmirrored(first), "method": "full"}, seed) for seed in self.seeds
        }

    def _cpg(self, title: str, base: Mapping[int, Experiment] | None = None, **own: Any) -> Row:
        flags = {**own, **({"goal": 0.05} if own["method"] in ("pae", "cpg") else {})}
        published = {"accuracy, %": published_results.CPG[title]} if title in published_results.CPG else {}
        return self._row(title, flags, self._superclasses, base=base or {}, flags=self.cpg, paper=published)


def _unmirrored(tasks: Sequence[str]) -> dict[str, str]:
    found = [task for task in tasks if task in MIRRORED]
    return {"override": f"{found[0]}:flip=false"} if found else {}


_DRAWN_MASKS = {"image_size": 32, "load_size": 36, "width": 8, "input_values": "plain", "learning_rate": 1e-3}
_DRAWN_CPG = {"width": 4}
