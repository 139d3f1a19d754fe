"""One training run that results come from, or the compressed copies of its tasks; named by a hash of all settings."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from pgtf.experiments.paper.presets import PAIRED, STYLES
from pgtf.foundation import files

KINDS = "paired", "unpaired", "labelled", "images"
BACKBONE = "imagenet"  # The first task that comes from a file of weights, and has no images.


@dataclasses.dataclass(frozen=True)
class Experiment:
    """One run of `pgtf train`.

    Attributes:
      tasks: The tasks in order.
      flags: ((flag, value), …) with all other settings that affect the result.
      seed: The random seed.
      base: The experiment whose first task this one starts from. Default: it learns its first task itself.
      split: The images that it is measured on, "test", "validation" or "train".
      compressed: Budget of `pgtf compress`, such as "2%". The later tasks are then compressed copies of those that the
        same run learned. Default: no compression.
    """

    tasks: tuple[str, ...]
    flags: tuple[tuple[str, str], ...]
    seed: int = 0
    base: Experiment | None = None
    split: str = "test"
    compressed: str = ""

    @property
    def facts(self) -> dict[str, Any]:
        """The experiment's settings as JSON data. Experiments with equal facts are the same."""
        return {
            "tasks": list(self.tasks),
            "flags": dict(sorted(self.flags)),
            "seed": self.seed,
            "base": self.base.facts if self.base else None,
            **({} if self.split == "test" else {"split": self.split}),  # Older results have no split.
            **({"compressed": self.compressed} if self.compressed else {}),
        }

    @property
    def name(self) -> str:
        """Name of the file of results, unique to the settings and the split."""
        key = files.sha256(json.dumps(self.facts, sort_keys=True).encode())
        return f"{dict(self.flags)['method']}-{self.tasks[-1]}-{self.seed}-{key[:10]}"

    @property
    def run_name(self) -> str:
        """Name of the run directory. Experiments that differ in the split or the compression alone share one run."""
        return dataclasses.replace(self.on("test"), compressed="").name

    def name_in_run(self, task: str) -> str:
        """Returns a task's name in the run, which differs for a compressed copy."""
        copied = self.compressed and task in self.learned
        return f"{task}-{self.compressed.replace('%', 'percent')}" if copied else task

    def on(self, split: str) -> Experiment:
        """Returns the same experiment, measured on another split, and its base too."""
        return dataclasses.replace(self, split=split, base=self.base.on(split) if self.base else None)

    @property
    def from_file(self) -> bool:
        """Whether the first task is a file of weights."""
        return self.tasks[0] == BACKBONE

    @property
    def learned(self) -> tuple[str, ...]:
        """The tasks that the experiment learns itself."""
        return self.tasks[1:] if self.base or self.from_file else self.tasks

    @property
    def with_images(self) -> tuple[str, ...]:
        """The tasks that have images."""
        return self.tasks[1:] if self.from_file else self.tasks

    @property
    def kind(self) -> str:
        """The kind of its images, one of KINDS: in pairs, without their pairs, with labels, or images alone."""
        kinds = {"cyclegan": "unpaired", "classification": "labelled", "unconditional": "images"}
        return kinds.get(str(dict(self.flags).get("objective")), "paired")

    @property
    def compared(self) -> tuple[str, ...]:
        """The tasks that rows are compared on: all after the first, or all that are trained jointly."""
        return self.tasks if dict(self.flags).get("schedule") == "together" else self.tasks[1:]

    @property
    def validation(self) -> float:
        """The fraction of the training images that is held out."""
        return float(dict(self.flags).get("validation", 0))

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the classifier that measures Acc: all tasks of the same group, learned here or not."""
        if self.kind in ("labelled", "images"):
            return ()
        return PAIRED if self.tasks[0] in PAIRED else STYLES


def experiment_of(
    tasks: tuple[str, ...], flags: dict[str, Any], seed: int, base: Experiment | None = None
) -> Experiment:
    """Builds an experiment from flags in any order."""
    return Experiment(tasks, tuple(sorted((name, str(value)) for name, value in flags.items())), seed, base)


def with_bases(experiments: list[Experiment]) -> list[Experiment]:
    """Lists each experiment once, with its base before it."""
    found: dict[str, Experiment] = {}
    for one in experiments:
        for each in (one.base, one):
            if each:
                found.setdefault(each.name, each)
    return list(found.values())
