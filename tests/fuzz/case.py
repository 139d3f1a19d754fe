"""One attack, and what comes of it."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import io
import os
import time
import traceback
import warnings
import zlib
from typing import Callable

import numpy as np

WARNINGS = 10  # More in one case are a storm.


class Finding(Exception):
    """Something is not as it must be."""


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of attack.

    module: its `attack(case)` says in a word or two what came of the case, or raises. share: of the time, to those of
    other kinds. seconds: of the processor that a case may take; wait: seconds after which it is taken to hang. memory:
    bytes that it may take beyond what its process has when it begins.
    """

    module: str
    share: float = 1.0
    seconds: float = 5.0
    wait: float = 120.0
    memory: int = 2 * 2**30

    @property
    def attack(self) -> Callable[[Case], str]:
        """Does a case and says what came of it."""
        return importlib.import_module(self.module).attack


@dataclasses.dataclass(frozen=True)
class Case:
    """One attack: all that is random in it follows from (seed, kind, number); its files lie in `folder`."""

    seed: int
    kind: str
    number: int
    folder: str

    @functools.cached_property
    def draw(self) -> np.random.Generator:
        """Generator of the case's random values."""
        return np.random.default_rng([self.seed, zlib.crc32(self.kind.encode()), self.number])

    def path(self, *names: str) -> str:
        """A file in the case's folder."""
        return os.path.join(self.folder, *names)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Outcome of a case: a word, and the description of a finding if there is one.

    peak: the most bytes of memory that the process had meanwhile.
    """

    word: str
    finding: str = ""
    peak: int = 0


def outcome(kind: Kind, case: Case) -> Outcome:
    """Does a case here and now, and holds it against the limits."""
    os.makedirs(case.folder, exist_ok=True)
    attack = kind.attack  # Imported before warnings are caught: what it says of them must stay.
    before, begun, word, finding = _peak(anew=True), time.process_time(), "found", ""
    with warnings.catch_warnings(record=True) as warned, contextlib.redirect_stdout(io.StringIO()):
        try:
            word = attack(case)
        except Finding as error:
            finding = str(error)
        except (Exception, SystemExit):
            finding = traceback.format_exc()
    seconds, taken = time.process_time() - begun, _peak() - before
    if not finding and seconds > kind.seconds:
        finding = f"A case takes at most {kind.seconds:g} s. Received: {seconds:.1f} s ({word})"
    if not finding and taken > kind.memory:
        finding = f"A case takes at most {kind.memory:,} bytes. Received: {taken:,} bytes ({word})"
    if not finding and len(warned) > WARNINGS:
        finding = f"A case warns at most {WARNINGS} times. Received: {len(warned)} times, first: {warned[0]}"
    return Outcome(word, finding, _peak())


def _peak(anew: bool = False) -> int:
    """The most bytes of memory that this process has had; anew: from now on. What a parent had does not count."""
    if anew:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    with open("/proc/self/status") as file:
        (line,) = (line for line in file if line.startswith("VmHWM"))
    return 1024 * int(line.split()[1])
