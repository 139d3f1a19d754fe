"""One training run that results come from, named by a hash of all its settings."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from pgtf.experiments.paper.presets import PAIRED, STYLES
from pgtf.foundation import files


@dataclasses.dataclass(frozen=True)
class Experiment:
    """One run of `pgtf train`.

    tasks: The tasks in order. flags: ((flag, value), …) with all other settings that affect the result. seed: The
    random seed. base: The experiment whose first task this one starts from. Default: it learns its first task itself.
    """

    tasks: tuple[str, ...]
    flags: tuple[tuple[str, str], ...]
    seed: int = 0
    base: Experiment | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """The experiment's settings as JSON data. Experiments with equal facts are the same."""
        return {
            "tasks": list(self.tasks),
            "flags": dict(sorted(self.flags)),
            "seed": self.seed,
            "base": self.base.facts if self.base else None,
        }

    @property
    def name(self) -> str:
        """Name of the run directory and of the file of results, unique to the settings."""
        key = files.sha256(json.dumps(self.facts, sort_keys=True).encode())
        return f"{dict(self.flags)['method']}-{self.tasks[-1]}-{self.seed}-{key[:10]}"

    @property
    def learned(self) -> tuple[str, ...]:
        """The tasks that the experiment learns itself."""
        return self.tasks[1:] if self.base else self.tasks

    @property
    def unpaired(self) -> bool:
        """Whether the images are used without their pairs."""
        return dict(self.flags).get("objective") == "cyclegan"

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the classifier that measures Acc: all tasks of the same group, learned here or not."""
        return PAIRED if self.tasks[0] in PAIRED else STYLES


def piece(tasks: tuple[str, ...], flags: dict[str, Any], seed: int, base: Experiment | None = None) -> Experiment:
    """Builds an experiment from flags in any order."""
    return Experiment(tasks, tuple(sorted((name, str(value)) for name, value in flags.items())), seed, base)


def with_bases(pieces: list[Experiment]) -> list[Experiment]:
    """Lists each experiment once, with its base before it."""
    found: dict[str, Experiment] = {}
    for one in pieces:
        for each in (one.base, one):
            if each:
                found.setdefault(each.name, each)
    return list(found.values())
