"""Calls a run's tasks for the studio. Tasks of one architecture share one compiled network."""

import contextlib
import dataclasses
import threading

import numpy as np

from pgtf.data.pixels import to_picture
from pgtf.runs.run import Run, Task
from pgtf.studio.live_run import LiveRun
from pgtf.studio.palette import palette

CHANNELS = (1, 3)  # Of inputs that a browser can draw.


@dataclasses.dataclass(frozen=True)
class Direction:
    """One network of a task.

    Attributes:
      title: Title, which is shown if the task has two directions.
      examples: Inputs to start from, uint8 [h, w, 3].
      colours: Drawing colours, the background first.
    """

    prefix: str
    title: str
    examples: tuple[np.ndarray, ...]
    colours: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Offered:
    """A task that the studio offers. size: (height, width) of the training images."""

    name: str
    size: tuple[int, int]
    ways: tuple[Direction, ...]


class Answers:
    """Translates images with the tasks of a run.

    Args:
      run: The run. Its tasks are opened again when its ledger changes.
    """

    def __init__(self, run: Run):
        scored = [task.name for task in run if task.facts.objective.makes != "images"]
        if scored:
            raise ValueError(
                "The studio shows tasks that make images. Classify images with `pgtf classify`. "
                f"Received: {', '.join(scored)} in {run.folder}"
            )
        drawable = [task for task in run if task.facts.architecture.inputs in CHANNELS]
        if not drawable:
            raise ValueError(
                "The studio shows tasks whose inputs have 1 or 3 channels. Translate others with `pgtf translate`. "
                f"Received: {', '.join(run.names)} in {run.folder}"
            )
        self.tasks, self._live = [_offered(task) for task in drawable], LiveRun(run)
        # One image at a time: each uses all cores.
        self._lock = threading.Lock()

    def __call__(self, task: int, way: int, picture: np.ndarray) -> np.ndarray:
        """Translates uint8 [h, w, 3] with a task in one direction. Both are indices into `tasks` and its `ways`.

        Returns the output as a picture, uint8 [h, w, 3].
        """
        prefix = self.tasks[task].ways[way].prefix
        with self._lock:
            ready = self._live[self.tasks[task].name]
            given, made = ready.facts.pixels_of(prefix)
            return to_picture(made.scaled(ready(given.of_picture(picture), backward=prefix == "backward")))

    def warm_up(self) -> None:
        """Calls each task once, so that no visitor waits for a network to be compiled or for kernels to be composed.

        Stops when half of the memory for kernels is taken, as further tasks would displace the first ones.
        """
        cache = self._live.run.compiled.cache
        for number, task in enumerate(self.tasks):
            if cache.bytes > cache.most_bytes / 2:
                break
            with contextlib.suppress(ValueError):  # A broken task is reported to whoever asks it.
                self(number, 0, np.zeros((*task.size, 3), "uint8"))


def _offered(task: Task) -> Offered:
    shape = task.facts.architecture
    prefixes = [prefix for prefix in task.facts.generators if shape.of(prefix).inputs in CHANNELS]
    titles = {"forward": "A to B", "backward": "B to A"} if len(prefixes) > 1 else {}
    ways = []
    for prefix in prefixes:
        examples = tuple(to_picture(task.probes.inputs[prefix])) if task.has_probes else ()
        colours = palette(examples) if examples else ["#ffffff", "#000000"]
        ways.append(Direction(prefix, titles.get(prefix, ""), examples, tuple(colours)))
    return Offered(task.name, task.facts.architecture.size, tuple(ways))
