"""Checkpoints of a task in training, written atomically, in folders of any name.

TensorFlow treats the characters [ ] * ? in a checkpoint's path as patterns, and its CheckpointManager keeps the list of
checkpoints in a separate file that can be lost. Here a checkpoint is a folder, step-N, that is renamed into place when
it is complete. TensorFlow gets a path without such characters.
"""

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from pgtf.distribution import collectives
from pgtf.foundation import files
from pgtf.storage import run_paths

_NONE = -1  # The step of no checkpoint.


class Checkpoints:
    """The checkpoints of one object in a folder. Only the last one is stored. Of several workers only the chief writes.

    Args:
      state: A tf.train.Checkpoint.
      folder: Folder of the checkpoints.
    """

    def __init__(self, state: tf.train.Checkpoint, folder: str):
        self.state, self.folder = state, folder

    @staticmethod
    def steps_in(folder: str) -> list[int]:
        """Lists the steps of the checkpoints in a folder, in order."""
        names = os.listdir(folder) if os.path.isdir(folder) else []
        return sorted(int(name[len(run_paths.STEP) :]) for name in names if re.fullmatch(rf"{run_paths.STEP}\d+", name))

    def save(self, step: int) -> None:
        """Saves the state of a step, then removes older checkpoints and incomplete ones."""
        if not collectives.is_chief():
            return
        writing, path = (os.path.join(self.folder, f"{name}{run_paths.STEP}{step}") for name in (files.WRITING, ""))
        files.remove(writing)
        os.makedirs(writing)
        with _plainly_named(writing) as path_for_tensorflow:
            self.state.write(os.path.join(path_for_tensorflow, "state"))
        files.write(os.path.join(writing, run_paths.HASHES), json.dumps(_hashes(writing)).encode())
        files.remove(path)
        os.rename(writing, path)
        remove_checkpoints(self.folder, but=f"{run_paths.STEP}{step}")

    def restore(self) -> str:
        """Restores the last readable checkpoint. All workers restore the chief's.

        Returns:
          A description of lost checkpoints; empty if there are none. Damaged files are kept under another name.
        """
        found, lost = self._last_whole() if collectives.is_chief() else (_NONE, [])
        step = int(collectives.broadcast_from_chief(found))
        if step != _NONE:
            self._read(os.path.join(self.folder, f"{run_paths.STEP}{step}"))
        return "; ".join(lost)

    def _last_whole(self) -> tuple[int, list[str]]:
        """Returns the step of the last readable checkpoint and a description of lost ones. Renames damaged ones."""
        lost: list[str] = []
        for step in reversed(self.steps_in(self.folder)):
            path = os.path.join(self.folder, f"{run_paths.STEP}{step}")
            if _is_whole(path):
                return step, lost
            aside = os.path.join(self.folder, f"{run_paths.DAMAGED}{run_paths.STEP}{step}")
            files.remove(aside)
            os.rename(path, aside)
            lost.append(f"the checkpoint of step {step} is damaged; it is kept as {aside}")
        return _NONE, lost

    def _read(self, path: str) -> None:
        with _plainly_named(path) as path_for_tensorflow:
            try:
                self.state.read(os.path.join(path_for_tensorflow, "state")).assert_existing_objects_matched()
            except (AssertionError, ValueError) as error:
                raise ValueError(
                    "A checkpoint must be of this task, with these settings and this version of pgtf. Remove it "
                    f"to start the task again. Received: {path} ({error})"
                ) from error


def remove_checkpoints(folder: str, but: Any = None) -> None:
    """Removes the checkpoints in a folder, also incomplete ones of killed processes. Keeps TensorBoard's files.

    Includes the folders width-N of a task that was learned again in a wider network, except one to keep.
    """
    names = os.listdir(folder) if os.path.isdir(folder) else []
    for name in names:
        # "checkpoint" and ckpt-*: of pgtf up to 0.1.
        if name != but and (name == "checkpoint" or name.startswith((run_paths.STEP, "ckpt-", files.WRITING))):
            files.remove(folder, name)
        elif but is None and name.startswith(run_paths.WIDTH):
            remove_checkpoints(files.inside(folder, name))


def _is_whole(path: str) -> bool:
    # Before anything is restored: half a state is worse than none.
    try:
        with open(os.path.join(path, run_paths.HASHES)) as file:
            return bool(json.load(file) == _hashes(path))
    except (OSError, ValueError, RecursionError):
        return False


def _hashes(path: str) -> dict[str, str]:
    names = sorted(name for name in os.listdir(path) if name != run_paths.HASHES)
    return {name: files.sha256_of(os.path.join(path, name)) for name in names}


@contextlib.contextmanager
def _plainly_named(path: str) -> Iterator[str]:
    """Yields another path of a folder, valid inside the block."""
    with tempfile.TemporaryDirectory() as folder:
        link = os.path.join(folder, "checkpoint")
        os.symlink(os.path.abspath(path), link)
        yield link
