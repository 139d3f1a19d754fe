"""Case after case, until the time is over or something is found."""

from __future__ import annotations

import collections
import dataclasses
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import IO

from pgtf.foundation.progress import Bar
from tests.fuzz.case import Case, Kind
from tests.fuzz.worker import Worker


@dataclasses.dataclass
class Tally:
    """Outcomes of the cases of one kind, and the seconds that they took."""

    words: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    seconds: float = 0.0

    @property
    def cases(self) -> int:
        """Number of cases."""
        return sum(self.words.values())

    def __str__(self) -> str:
        words = ", ".join(f"{word} {count:,}" for word, count in sorted(self.words.items()))
        return f"{self.cases:>9,} cases {self.seconds / 60:>7.1f} minutes  {words}"


class Loop:
    """Attacks with some kinds, each having its share of the time, and tells of it.

    Args:
      kinds: {name: kind}.
      seed: All cases follow from it.
      findings: After so many it stops.
    """

    def __init__(self, kinds: Mapping[str, Kind], seed: int, findings: int = 1, out: IO[str] | None = None):
        self.kinds, self.seed, self.most, self.out = kinds, seed, findings, out or sys.stdout
        self.folder = tempfile.mkdtemp(prefix="pgtf-fuzz-")
        self.tallies = {name: Tally() for name in kinds}
        self.found: list[str] = []
        self._worker = Worker(dict(kinds), os.path.join(self.folder, "temporary"))
        os.makedirs(os.path.join(self.folder, "temporary"))

    def run(self, seconds: float) -> bool:
        """Whether nothing was found in this time."""
        self._worker.begin()
        bar, begun, done = Bar("fuzz", math.ceil(seconds), "seconds", out=self.out), time.monotonic(), 0.0
        numbers: collections.Counter = collections.Counter()
        while done < seconds and len(self.found) < self.most:
            name = min(self.kinds, key=lambda name: self.tallies[name].seconds / self.kinds[name].share)
            self._attack(name, numbers[name], bar)
            numbers[name] += 1
            done = time.monotonic() - begun
            counts = "  ".join(f"{name} {tally.cases}" for name, tally in self.tallies.items())
            bar.show(int(min(done, seconds)), counts)
        return not self.found

    def replay(self, name: str, number: int) -> bool:
        """Whether nothing is found in one case; its files stay where they are."""
        self._attack(name, number, Bar("fuzz", 1, "cases", out=self.out), keep=True)
        return not self.found

    def end(self) -> None:
        """Ends the process that did the cases, and says what came of them."""
        self._worker.end()
        shutil.rmtree(os.path.join(self.folder, "temporary"), ignore_errors=True)
        if os.path.isdir(self.folder) and not os.listdir(self.folder):
            os.rmdir(self.folder)
        for name, tally in self.tallies.items():
            if tally.cases:
                print(f"{name:<8}{tally}", file=self.out)

    def _attack(self, name: str, number: int, bar: Bar, keep: bool = False) -> None:
        case = Case(self.seed, name, number, os.path.join(self.folder, f"{name}-{number}"))
        self._worker.begin()  # Its time is no kind's.
        begun = time.monotonic()
        outcome = self._worker.outcome(case)
        self.tallies[name].seconds += time.monotonic() - begun
        self.tallies[name].words[outcome.word] += 1
        if outcome.finding:
            again = f"--seed={self.seed} --kind={name} --case={number}"
            self.found.append(f"FOUND by {again}\n{outcome.finding.rstrip()}\nIts files: {case.folder}")
            bar.say(self.found[-1])
        elif keep:
            bar.say(f"{outcome.word}; its files: {case.folder}")
        else:
            shutil.rmtree(case.folder, ignore_errors=True)
