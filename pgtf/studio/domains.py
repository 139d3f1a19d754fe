"""Generates images of a run's domains for the studio: one latent through all of them, moved along a few directions."""

import collections
import contextlib
import dataclasses
import functools
import threading
from collections.abc import Sequence

import numpy as np

from pgtf.objectives.unconditional.latents import latents
from pgtf.runs.generate import AVERAGED, ImageGenerator
from pgtf.runs.run import Run
from pgtf.studio.live_run import LiveRun

DIRECTIONS = 4
MOST_BYTES = 2**29  # Of generators in memory.


class Domains:
    """Generates images with all tasks of a run.

    Args:
      run: A run of unconditional generation. Its tasks are opened again when its ledger changes.
      most_bytes: Most bytes of generators that stay in memory, those that were used last. One always does.
    """

    def __init__(self, run: Run, most_bytes: int = MOST_BYTES):
        self.tasks, self._live, self._most_bytes = list(run.names), LiveRun(run), most_bytes
        self._kept: collections.OrderedDict[str, ImageGenerator] = collections.OrderedDict()
        self._lock = threading.Lock()  # One image at a time: each uses all cores.

    def __call__(self, task: int, seed: int, truncation: float, amounts: Sequence[float]) -> np.ndarray:
        """Generates an image.

        Args:
          task: Index of the task.
          seed: Seed of the latent.
          truncation: ψ, as for `ImageGenerator`.
          amounts: Moves of the style along the directions, in standard deviations.

        Returns:
          uint8 [h, w, 3].
        """
        with self._lock:
            generator = self._generator(task)
            styles = generator.styles(latents([seed], generator.length), truncation)
            return generator.images(styles + np.asarray(amounts, "float32") @ self._directions)[0]

    def warm_up(self) -> None:
        """Generates an image with each task that has room in memory, so that no visitor waits for a network."""
        for number in range(len(self.tasks)):
            if self.bytes + max((kept.bytes for kept in self._kept.values()), default=0) > self._most_bytes:
                return  # The next one would displace another.
            with contextlib.suppress(ValueError):  # A broken task is reported to whoever asks it.
                self(number, 0, 1.0, [0.0] * DIRECTIONS)

    @property
    def bytes(self) -> int:
        """The bytes of the generators in memory."""
        return sum(kept.bytes for kept in self._kept.values())

    def _generator(self, task: int) -> ImageGenerator:
        stored = self._live[self.tasks[task]]
        key = stored.slice.sha256
        if key not in self._kept:
            self._kept[key] = dataclasses.replace(stored).image_generator  # A task keeps its own, so a copy makes it.
        self._kept.move_to_end(key)
        while self.bytes > self._most_bytes and len(self._kept) > 1:
            self._kept.popitem(last=False)
        return self._kept[key]

    @functools.cached_property
    def _directions(self) -> np.ndarray:
        """The directions of all tasks: those of the first one, from whose styles the others started."""
        first = self._generator(0)
        styles = first.styles(latents(range(AVERAGED), first.length))
        return principal_directions(styles[:, 0])


def principal_directions(styles: np.ndarray) -> np.ndarray:
    """Returns the directions in which styles [n, values] vary most, each of one standard deviation.

    Each is turned so that its largest value is positive. Without so many directions the rest is 0.

    Returns:
      float32 [DIRECTIONS, values].
    """
    centred = styles.astype("float64") - styles.mean(0, dtype="float64")
    _, spreads, axes = np.linalg.svd(centred, full_matrices=False)
    found = axes[:DIRECTIONS] * (spreads[:DIRECTIONS, None] / np.sqrt(len(styles)))
    found *= np.sign(np.take_along_axis(found, np.abs(found).argmax(1)[:, None], 1))
    return np.pad(found, ((0, DIRECTIONS - len(found)), (0, 0))).astype("float32")
