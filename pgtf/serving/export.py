"""Export of learned tasks to files that run without pgtf.

An export holds the folded network: plain convolutions in float32. It is written to a staging folder, read back and run
on the task's probe images. It moves to its path only if its outputs match those recorded when the task was learned.
"""

import collections
import contextlib
import dataclasses
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from pgtf.foundation import files
from pgtf.foundation.logger import LOG
from pgtf.serving.direction import Direction, LearnedTask
from pgtf.serving.format import Format
from pgtf.serving.models_config import write_models_config
from pgtf.serving.true_float32 import true_float32

STAGING = ".exporting-"


class Tasks(Protocol):
    """Interface of a run's learned tasks, as `pgtf.load(run_dir)` returns them."""

    @property
    def names(self) -> Sequence[str]:
        """The tasks' names, in order of learning."""

    def __getitem__(self, name: str) -> LearnedTask:
        """Returns the task of this name. Raises an error if there is none."""


def export(run: Tasks, output: str, formats: Sequence[Format], tasks: Sequence[str] = ()) -> None:
    """Exports tasks of a run and prints each. An existing export of the same slice is verified and left in place.

    Args:
      run: A run.
      output: Folder for the exports.
      formats: The formats that each task is written in.
      tasks: Names of tasks. Default: all tasks.

    Raises:
      ValueError: If a path holds something else (checked before anything is written), or if an export's outputs differ
        from the task's.
    """
    waiting = collections.deque(_exports(run, output, formats, tasks))
    with alone_in(output):
        # Check all paths before the first export is written.
        for one in waiting:
            one.is_there()
        while waiting:
            with true_float32():
                waiting.popleft().do(output)  # Popping frees its network.
            write_models_config(output)


def _exports(run: Tasks, output: str, formats: Sequence[Format], tasks: Sequence[str]) -> "list[Export]":
    exports: dict[str, Export] = {}
    for name in dict.fromkeys(tasks or run.names):
        task = run[name]
        for direction in (Direction(task, prefix) for prefix in task.facts.generators):
            for form in formats:
                path = form.path(output, direction)
                if path in exports:
                    raise ValueError(
                        f"Two exports have the same path. Export one of them elsewhere. Received: two for {path}"
                    )
                exports[path] = Export(direction, form, path, form.identity(direction))
    return list(exports.values())


@contextlib.contextmanager
def alone_in(output: str) -> Iterator[None]:
    """Locks a folder for exports by this process and removes the staging files of killed ones.

    A dead process holds no lock, so none of the removed files is still being written.
    """
    if os.path.exists(output) and not os.path.isdir(output):
        raise ValueError(f"The output of an export must be a folder. Received: {output}, a file")
    with files.locked(output, "exports into a folder"):
        for name in os.listdir(output):
            if name.startswith((STAGING, files.WRITING)):
                files.remove(output, name)
        yield


@dataclasses.dataclass(frozen=True)
class Export:
    """One direction in one format.

    Attributes:
      path: The file or folder to write.
      identity: The facts that its description must contain.
    """

    direction: Direction
    form: Format
    path: str
    identity: dict[str, Any]

    def is_there(self) -> bool:
        """Returns whether the export exists. Raises ValueError if its path holds something else."""
        if not os.path.lexists(self.path):
            return False
        found = self.form.described(self.path)
        others = [key for key, value in self.identity.items() if not isinstance(found, dict) or found.get(key) != value]
        if others:
            what = f"has another {', '.join(others)}" if isinstance(found, dict) else "is not an export of a task"
            raise ValueError(
                f"The export's path exists and is never overwritten. {self.form.instead(self.path)}. "
                f"Received: {self.path}, which {what}"
            )
        return True

    def do(self, output: str) -> None:
        """Writes the export, or keeps an existing one. Verifies either."""
        kept, started = self.is_there(), time.monotonic()
        LOG.info(f"{self.direction.name}: {self.path} {'exists, from the same slice' if kept else '...'}")
        difference = self._checked(self.path, "Remove it and export again") if kept else self._put(output)
        LOG.info(
            f"{self.direction.name}: {'kept, ' if kept else ''}verified, differs from the task by "
            f"{difference:.1e}; {time.monotonic() - started:.1f} s"
        )

    def _put(self, output: str) -> float:
        """Writes the export into a staging folder, verifies it and moves it to its path. Returns the difference."""
        with tempfile.TemporaryDirectory(prefix=STAGING, dir=output) as folder:
            written = os.path.join(folder, os.path.basename(self.path))
            self.form.write(self.direction, written)
            difference = self._checked(written, "The export was discarded")
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            os.rename(written, self.path)
        return difference

    def _checked(self, path: str, otherwise: str) -> float:
        """Returns the difference between an export's outputs and the task's. Raises ValueError above the tolerance."""
        images, expected = self.direction.shown(self.form.size_for(self.direction))
        try:
            difference = self.form.difference(path, images, expected, self.direction.pixels)
            wrong = "" if difference <= self.form.tolerance else f"differs by {difference:.1e}"  # NaN differs too.
        except Exception as error:  # TensorFlow raises many types of errors for broken files.
            wrong = f"can't be read ({type(error).__name__}: {error})"
        if wrong:
            raise ValueError(
                f"The export's output differs from the learned task's by more than {self.form.tolerance:.0e}. "
                f"{otherwise}. Received: an export to {self.path} that {wrong}"
            )
        return difference
