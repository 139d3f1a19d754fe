"""Checkpoints of a task that is being learnt: whole or not there, whatever its folder is called.

TensorFlow takes the characters [ ] * ? in a checkpoint's path for patterns, and its manager's list of checkpoints is a
file of its own that can be lost. Here a checkpoint is a folder, step-N, that is renamed into place when it is whole and
reaches TensorFlow under a path without such characters.
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

_WRITING, _DAMAGED, _HASHES = ".writing-", "damaged-", "sha256.json"
_NONE = -1  # The step of no checkpoint.


class Checkpoints:
    """The checkpoints of one object in a folder; the last one is kept. Of several workers the chief alone writes.

    Args:
      state: A tf.train.Checkpoint.
      folder: Where they lie.
    """

    def __init__(self, state: tf.train.Checkpoint, folder: str):
        self.state, self.folder = state, folder

    @staticmethod
    def steps_in(folder: str) -> list[int]:
        """The steps of the checkpoints that lie in a folder, in order."""
        names = os.listdir(folder) if os.path.isdir(folder) else []
        return sorted(int(name[5:]) for name in names if re.fullmatch(r"step-\d+", name))

    def save(self, step: int) -> None:
        """Writes the state of a step, then removes older ones and what a killed process left."""
        if not collectives.is_chief():
            return
        writing, path = (os.path.join(self.folder, f"{name}step-{step}") for name in (_WRITING, ""))
        files.remove(writing)
        os.makedirs(writing)
        with _plainly_named(writing) as path_for_tensorflow:
            self.state.write(os.path.join(path_for_tensorflow, "state"))
        files.write(os.path.join(writing, _HASHES), json.dumps(_hashes(writing)).encode())
        files.remove(path)
        os.rename(writing, path)
        forget_checkpoints(self.folder, but=f"step-{step}")

    def restore(self) -> str:
        """Takes back the last state that can be read; all workers take the chief's.

        Returns:
          What was lost, in words; empty where nothing was. Damaged files are kept under another name.
        """
        found, lost = self._last_whole() if collectives.is_chief() else (_NONE, [])
        step = int(collectives.broadcast_from_chief(found))
        if step != _NONE:
            self._read(os.path.join(self.folder, f"step-{step}"))
        return "; ".join(lost)

    def _last_whole(self) -> tuple[int, list[str]]:
        """The step of the last checkpoint that can be read, and what was lost; the damaged are put aside."""
        lost: list[str] = []
        for step in reversed(self.steps_in(self.folder)):
            path = os.path.join(self.folder, f"step-{step}")
            if _is_whole(path):
                return step, lost
            aside = os.path.join(self.folder, f"{_DAMAGED}step-{step}")
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
                    "A checkpoint must be of this task, with these settings and this version of pgtf; without it the "
                    f"task begins anew. Received: {path} ({error})"
                ) from error


def forget_checkpoints(folder: str, but: Any = None) -> None:
    """Removes the checkpoints in a folder, and what killed processes left of some; TensorBoard's files stay.

    Those in its folders width-N too, unless told which one to keep: of a task that was learnt again in a wider network.
    """
    names = os.listdir(folder) if os.path.isdir(folder) else []
    for name in names:
        # "checkpoint" and ckpt-*: of pgtf up to 0.1.
        if name != but and (name == "checkpoint" or name.startswith(("step-", "ckpt-", _WRITING))):
            files.remove(folder, name)
        elif but is None and name.startswith("width-"):
            forget_checkpoints(files.inside(folder, name))


def _is_whole(path: str) -> bool:
    # Before anything is restored: half a state is worse than none.
    try:
        with open(os.path.join(path, _HASHES)) as file:
            return bool(json.load(file) == _hashes(path))
    except (OSError, ValueError, RecursionError):
        return False


def _hashes(path: str) -> dict[str, str]:
    names = sorted(name for name in os.listdir(path) if name != _HASHES)
    return {name: files.sha256_of(os.path.join(path, name)) for name in names}


@contextlib.contextmanager
def _plainly_named(path: str) -> Iterator[str]:
    """Another path of a folder, for as long as the block lasts."""
    with tempfile.TemporaryDirectory() as folder:
        link = os.path.join(folder, "checkpoint")
        os.symlink(os.path.abspath(path), link)
        yield link
