"""A piece: one run that figures come from, named by all that decides what it learns."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from pgtf.experiments.paper.presets import PAIRED, STYLES
from pgtf.foundation import files


@dataclasses.dataclass(frozen=True)
class Experiment:
    """One run of scripts/train.py.

    tasks: In order. flags: ((flag, value), …), all that decides what is learnt but for the rest here. seed: Of
    everything random. base: The piece whose first task this one begins with; None learns its own.
    """

    tasks: tuple[str, ...]
    flags: tuple[tuple[str, str], ...]
    seed: int = 0
    base: Experiment | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """This piece as plain data; pieces of equal facts are one."""
        return {
            "tasks": list(self.tasks),
            "flags": dict(sorted(self.flags)),
            "seed": self.seed,
            "base": self.base.facts if self.base else None,
        }

    @property
    def name(self) -> str:
        """Of its run directory and of its file of results; other settings give another name."""
        key = files.sha256(json.dumps(self.facts, sort_keys=True).encode())
        return f"{dict(self.flags)['method']}-{self.tasks[-1]}-{self.seed}-{key[:10]}"

    @property
    def learnt(self) -> tuple[str, ...]:
        """The tasks that it learns itself."""
        return self.tasks[1:] if self.base else self.tasks

    @property
    def unpaired(self) -> bool:
        """Whether its images are used without their pairs."""
        return dict(self.flags).get("objective") == "cyclegan"

    @property
    def classes(self) -> tuple[str, ...]:
        """The tasks among which a classifier tells those of a piece apart, whatever the piece learns of them."""
        return PAIRED if self.tasks[0] in PAIRED else STYLES


def piece(tasks: tuple[str, ...], flags: dict[str, Any], seed: int, base: Experiment | None = None) -> Experiment:
    """A piece of flags in any order."""
    return Experiment(tasks, tuple(sorted((name, str(value)) for name, value in flags.items())), seed, base)


def with_bases(pieces: list[Experiment]) -> list[Experiment]:
    """Each piece once, and before it the one that it begins with."""
    found: dict[str, Experiment] = {}
    for one in pieces:
        for each in (one.base, one):
            if each:
                found.setdefault(each.name, each)
    return list(found.values())
