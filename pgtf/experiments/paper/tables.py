"""The tables and figures of section 4 of Piggyback GAN (Zhai et al., ECCV 2020), and further ones."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from pgtf.experiments.paper import published_results, variants
from pgtf.experiments.paper.experiment import Experiment, experiment_of
from pgtf.experiments.paper.presets import PAIRED, STYLES, Preset
from pgtf.experiments.paper.results import Result


@dataclasses.dataclass(frozen=True)
class Column:
    """A column: a number computed from a result."""

    title: str
    of: Callable[[Result], float | None]
    digits: int = 3


@dataclasses.dataclass(frozen=True)
class Row:
    """One method or setting.

    Attributes:
      experiments: One experiment for each seed.
      paper: {column title: published value}.
    """

    title: str
    experiments: tuple[Experiment, ...]
    paper: dict[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Table:
    """A table or a figure.

    Attributes:
      plot: Whether to plot each row by its last two columns, distance and share.
      reference: Title of the row that the others are compared with, image by image and seed by seed. Default: none,
        and no intervals.
      remark: Function of {name of experiment: result} that returns a paragraph below the table. Default: none.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    plot: bool = False
    reference: str = ""
    remark: Callable[[Mapping[str, Result]], str] = lambda known: ""


def values(row: Row, column: Column, known: Mapping[str, Result]) -> list[float]:
    """Returns a row's values in a column, one for each seed that has a result."""
    found = (column.of(known[experiment.name]) for experiment in row.experiments if experiment.name in known)
    return [value for value in found if value is not None]


def mean(row: Row, column: Column, known: Mapping[str, Result]) -> float | None:
    """Returns the mean over the seeds that have a result; None if there is none."""
    found = values(row, column, known)
    return sum(found) / len(found) if found else None


def tables(preset: Preset, seeds: Sequence[int]) -> dict[str, Table]:
    """Builds all tables, by name: those of the paper's section 4, "better" and "frontier" (distance over bytes)."""
    make = TableMaker(preset, tuple(seeds))
    return {
        "1": make.table_1(),
        "2": make.table_2(),
        "3": make.table_3(),
        "4a": make.table_4("Table 4a: unpaired tasks", PAIRED, published_results.TABLE_4A),
        "4b": make.table_4("Table 4b: style transfer", STYLES, published_results.TABLE_4B),
        "figure 3": make.figure_3(),
        "better": make.better(),
        "frontier": make.frontier(),
    }


def shown(
    make: Callable[[Preset, Sequence[int], bool], dict[str, Table]],
    preset: Preset,
    seeds: Sequence[int],
    results: str,
    drawn: bool | None,
) -> dict[str, Table]:
    """Builds the tables of drawn images or of real ones.

    Args:
      make: Function of a preset, seeds and whether images are drawn that returns {name: table}.
      preset: The preset.
      seeds: The seeds.
      results: Folder of results.
      drawn: Whether images are drawn. Default: None, the tables with stored results; real images take precedence.
    """
    if drawn is not None:
        return make(preset, seeds, drawn)
    for each in (make(preset, seeds, False), make(preset, seeds, True)):
        known = {
            name: table
            for name, table in each.items()
            for row in table.rows
            for experiment in row.experiments
            if os.path.exists(os.path.join(results, f"{experiment.name}.json"))
        }
        if known:
            return known
    return {}


def _quality(task: str = "") -> tuple[Column, ...]:
    return (
        Column("Acc, %", lambda found: _percent(found.figure("Acc", task)), digits=4),
        Column("FID", lambda found: distance(found, task), digits=4),
        Column("KID × 1000", lambda found: thousand(kernel_distance(found, task))),
    )


_FORGETTING = Column(
    "forgetting, FID", lambda found: found.forgetting("FID" if found.figure("FID") is not None else "FCD")
)


def distance(found: Result, task: str = "") -> float | None:
    """Returns the Fréchet distance: FID, or FCD if no Inception network was given."""
    fid = found.figure("FID", task)
    return found.figure("FCD", task) if fid is None else fid


def kernel_distance(found: Result, task: str = "") -> float | None:
    """Returns the kernel distance: KID or KCD. Unlike the Fréchet distance it is unbiased for few images."""
    kid = found.figure("KID", task)
    return found.figure("KCD", task) if kid is None else kid


def later_distance(found: Result) -> float | None:
    """Returns the mean Fréchet distance of all tasks after the first."""
    return later(found, distance)


def later(found: Result, of: Callable[[Result, str], float | None]) -> float | None:
    """Returns the mean of a metric over all tasks after the first; None if one is unknown."""
    values = [of(found, task) for task in found.matrix.tasks[1:]]
    return None if None in values or not values else sum(filter(None, values)) / len(values)


def later_figure(found: Result, kind: str) -> float | None:
    """Returns the mean of `Result.figure(kind)` over all tasks after the first."""
    return later(found, lambda result, task: result.figure(kind, task))


def later_share(found: Result) -> float:
    """Returns the mean stored size of the tasks after the first, as a fraction of a full network."""
    tasks = found.matrix.tasks[1:]
    return sum(map(found.share, tasks)) / len(tasks)


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def thousand(value: float | None) -> float | None:
    return None if value is None else 1000 * value


_TITLES = {
    "full": "Full",
    "half": "½ Full",
    "quarter": "¼ Full",
    "factorized": "PF",
    "piggyback": "Piggyback GAN",
    "mask": "[24], binary masks",
    "finetune": "SFT",
    "progressive": "PN",
}


# Methods with another width or pruning. Their first task is not a full network, so they need their own.
_OWN_FIRST = ("half", "quarter", "packnet", "pae", "cpg")


class TableMaker:
    """Builds tables whose experiments share first tasks."""

    def __init__(self, preset: Preset, seeds: tuple[int, ...]):
        self.preset, self.seeds = preset, seeds

    def row(self, title: str, tasks: tuple[str, ...], paired: bool = True, paper: Any = None, **flags: Any) -> Row:
        """Builds a row: an experiment for each seed. All start from the same first task if the method allows it."""
        common = self.preset.paired if paired else self.preset.unpaired
        experiments = []
        for seed in self.seeds:
            first = seed if self.preset.first_seed is None else self.preset.first_seed
            base = experiment_of(tasks[:1], {**common, **self.preset.first, "method": "full"}, first)
            own = flags["method"] in _OWN_FIRST
            experiments.append(experiment_of(tasks, {**common, **flags}, seed, None if own else base))
        return Row(title, tuple(experiments), paper or {})

    def _method(self, method: str, tasks: tuple[str, ...] = PAIRED, paper: Any = None) -> Row:
        return self.row(_TITLES[method], tasks, paper=paper, method=method)

    def table_1(self) -> Table:
        rows = [self._method(method, PAIRED, said) for method, said in published_results.TABLE_1.items()]
        return Table("Table 1: model components, task 2 (maps)", _quality("maps"), tuple(rows))

    def table_2(self) -> Table:
        rows = []
        for first, said in published_results.TABLE_2.items():
            # Tasks learned after maps do not change maps.
            tasks = PAIRED if first == PAIRED[0] else (first, "maps")
            rows.append(self.row(f"first {first}", tasks, paper=said, method="piggyback"))
        return Table("Table 2: maps as task 2 after three different first tasks", _quality("maps"), tuple(rows))

    def table_3(self) -> Table:
        rows = tuple(self._method(method, PAIRED, said) for method, said in published_results.TABLE_3.items())
        return Table("Table 3: four paired tasks, mean after the last", (*_quality(), _FORGETTING), rows)

    def table_4(self, title: str, tasks: tuple[str, ...], published: Mapping[str, published_results.Figures]) -> Table:
        rows = [self.row(_TITLES[name], tasks, paired=False, paper=one, method=name) for name, one in published.items()]
        return Table(title, (*_quality(), _FORGETTING), tuple(rows))

    def figure_3(self) -> Table:
        rows = (self._lambda(title, ratio) for title, ratio in (("⅛", 0.125), ("¼", 0.25), ("½", 0.5), ("1", 1.0)))
        zero = dataclasses.replace(self._method("factorized"), title="λ = 0")
        return Table("Figure 3: FID of later tasks over λ", _LATER, (zero, *rows), plot=True)

    def _lambda(self, title: str, ratio: float) -> Row:
        flags: dict[str, Any] = {} if ratio == 0.25 else {"unconstrained_ratio": ratio}
        return self.row(f"λ = {title}", PAIRED, method="piggyback", **flags)

    def better(self) -> Table:
        rows = [self.row(title, PAIRED, **flags) for title, flags in variants.better(self.preset.outer).items()]
        columns = (*_LATER[:3], *_NEAR_ITS_OWN, *_LATER[3:])
        return Table("Variants of piggyback GAN", columns, tuple(rows))

    def frontier(self) -> Table:
        known = ("full", "half", "quarter", "factorized", "piggyback", "mask", "progressive")
        rows = [self._method(method) for method in known]
        rows += [self.row(title, PAIRED, **flags) for title, flags in variants.frontier(self.preset.outer).items()]
        half = dataclasses.replace(self._lambda("½", 0.5), title="piggyback, ½")
        return Table("The frontier: distance over bytes", _LATER[-2:], (*rows, half), plot=True)


_LATER = (
    *(Column(task, functools.partial(distance, task=task), 4) for task in PAIRED[1:]),
    Column("FID of tasks 2-4", later_distance, 4),
    Column("% of a full network", lambda found: 100 * later_share(found), 4),
)
# Distance of each image to its own target, without a feature extractor.
_NEAR_ITS_OWN = (
    Column("L1 of tasks 2-4", functools.partial(later_figure, kind="L1")),
    Column("SSIM of tasks 2-4", functools.partial(later_figure, kind="SSIM")),
)
