"""Learnt tasks as files that need no pgtf: which, where to, checked, and put in place.

What is written is the folded network, plain convolutions in float32. It is read back, shown the task's probe images,
and goes to its place only if it answers as the task did when it was learnt.
"""

import collections
import contextlib
import dataclasses
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from pgtf import files
from pgtf.evaluation.replay import TOLERANCE
from pgtf.serving.direction import Direction, Learnt
from pgtf.serving.format import Format
from pgtf.serving.models_config import write_models_config
from pgtf.serving.true_float32 import true_float32

STAGING = ".exporting-"


class Tasks(Protocol):
    """The learnt tasks of a run, as `pgtf.load(run_dir)` gives them."""

    @property
    def names(self) -> Sequence[str]:
        """Of the tasks."""

    def __getitem__(self, name: str) -> Learnt:
        """A task; an error where there is none of that name."""


def export(run: Tasks, output: str, formats: Sequence[Format], tasks: Sequence[str] = ()) -> None:
    """Exports tasks of a run, and says so as it goes; an export of the same slice that is there is checked and kept.

    Args:
      run: A run.
      output: The folder for the exports.
      formats: What each task becomes.
      tasks: Their names; all of them unless told.
    """
    waiting = collections.deque(_exports(run, output, formats, tasks))
    with alone_in(output):
        # Whatever will be refused is refused before the first is written.
        for one in waiting:
            one.is_there()
        while waiting:
            with true_float32():
                waiting.popleft().do(output)  # Popped, so that its network is freed.
            write_models_config(output)


def _exports(run: Tasks, output: str, formats: Sequence[Format], tasks: Sequence[str]) -> "list[Export]":
    exports: dict[str, Export] = {}
    for name in dict.fromkeys(tasks or run.names):
        task = run[name]
        for direction in (Direction(task, prefix) for prefix in task.facts.generators):
            for form in formats:
                path = form.path(output, direction)
                if path in exports:
                    raise ValueError(f"Each export has a place of its own. Received: two for {path}")
                exports[path] = Export(direction, form, path, form.identity(direction))
    return list(exports.values())


@contextlib.contextmanager
def alone_in(output: str) -> Iterator[None]:
    """Makes a folder this process's to export into, and removes what a killed one left there.

    The lock is free once its process is dead, so nothing that is removed is still being written.
    """
    if os.path.exists(output) and not os.path.isdir(output):
        raise ValueError(f"Exports go into a folder. Received: {output}, a file")
    with files.locked(output, "exports into a folder"):
        for name in os.listdir(output):
            if name.startswith((STAGING, files.WRITING)):
                files.remove(output, name)
        yield


@dataclasses.dataclass(frozen=True)
class Export:
    """One direction in one format.

    path: Where it goes. identity: What its description must hold.
    """

    direction: Direction
    form: Format
    path: str
    identity: dict[str, Any]

    def is_there(self) -> bool:
        """Whether it was exported before; an error where something else has its place."""
        if not os.path.lexists(self.path):
            return False
        found = self.form.described(self.path)
        others = [key for key, value in self.identity.items() if not isinstance(found, dict) or found.get(key) != value]
        if others:
            what = f"has another {', '.join(others)}" if isinstance(found, dict) else "is not an export of a task"
            raise ValueError(
                f"An export never overwrites; {self.form.instead(self.path)}. Received: {self.path}, which {what}"
            )
        return True

    def do(self, output: str) -> None:
        """Writes it, or keeps what is there; either is checked."""
        kept, started = self.is_there(), time.monotonic()
        print(f"{self.direction.name}: {self.path} {'is there, of the same slice' if kept else '...'}", flush=True)
        difference = self._checked(self.path, "remove it to have it written anew") if kept else self._put(output)
        print(
            f"{self.direction.name}: {'kept, ' if kept else ''}checked, differs from the learnt task by "
            f"{difference:.1e}; {time.monotonic() - started:.1f} s",
            flush=True,
        )

    def _put(self, output: str) -> float:
        """Writes it into a folder of its own, checks it and moves it to its path; gives its difference."""
        with tempfile.TemporaryDirectory(prefix=STAGING, dir=output) as folder:
            written = os.path.join(folder, os.path.basename(self.path))
            self.form.write(self.direction, written)
            difference = self._checked(written, "nothing was kept")
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            os.rename(written, self.path)
        return difference

    def _checked(self, path: str, otherwise: str) -> float:
        """How far what lies at a path is from the learnt task; an error where that is too far."""
        images, expected = self.direction.shown(self.form.size_for(self.direction))
        try:
            difference = self.form.difference(path, images, expected)
            wrong = "" if difference <= TOLERANCE else f"differs by {difference:.1e}"  # NaN is wrong too.
        except Exception as error:  # TensorFlow has another one for each way in which a file is broken.
            wrong = f"can't be read ({type(error).__name__}: {error})"
        if wrong:
            raise ValueError(
                f"An export must answer as the learnt task, within {TOLERANCE:.0e}; {otherwise}. "
                f"Received: an export to {self.path} that {wrong}"
            )
        return difference
