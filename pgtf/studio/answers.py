"""A run's tasks for the studio. Networks are folded on first use, and the last few stay in memory."""

import collections
import dataclasses
import threading

import numpy as np

from pgtf.runs.run import Run, Task
from pgtf.storage.ledger import Ledger
from pgtf.studio.palette import palette

KEPT = 4  # Number of tasks whose networks stay in memory: 0.2 GB each for a U-Net of width 64.


@dataclasses.dataclass(frozen=True)
class Direction:
    """One network of a task.

    title: Shown if the task has two directions. examples: Inputs to start from, uint8 [h, w, 3]. colours: Drawing
    colours, the background first.
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
      run_dir: The run's folder.
      most: Number of tasks whose networks stay in memory.
    """

    def __init__(self, run_dir: str, most: int = KEPT):
        self.run_dir, self.most = run_dir, most
        scored = [task.name for task in Run(run_dir) if task.facts.objective.makes != "images"]
        if scored:
            raise ValueError(
                "The studio shows tasks that make images. Classify images with `pgtf classify`. "
                f"Received: {', '.join(scored)} in {run_dir}"
            )
        self.tasks = [_offered(task) for task in Run(run_dir)]
        self._kept: collections.OrderedDict[int, Task] = collections.OrderedDict()
        self._stamp = Ledger.stamp(run_dir)
        # One image at a time: each uses all cores.
        self._lock = threading.Lock()

    def __call__(self, task: int, way: int, picture: np.ndarray) -> np.ndarray:
        """Translates uint8 [h, w, 3] with a task in one direction. Both are indices into `tasks` and its `ways`."""
        prefix = self.tasks[task].ways[way].prefix
        with self._lock:
            return self._ready(task)(picture, backward=prefix == "backward")

    def _ready(self, number: int) -> Task:
        """Returns a task. If the ledger has changed, all tasks are opened again, and altered ones raise an error."""
        stamp = Ledger.stamp(self.run_dir)
        if stamp != self._stamp:
            self._kept.clear()
            self._stamp = stamp
        if number not in self._kept:
            while len(self._kept) >= self.most:
                self._kept.popitem(last=False)
            # A separate Run for each task, so that its memory is freed with the task.
            self._kept[number] = Run(self.run_dir)[self.tasks[number].name]
        self._kept.move_to_end(number)
        return self._kept[number]


def _offered(task: Task) -> Offered:
    prefixes = task.facts.generators
    titles = {"forward": "A to B", "backward": "B to A"} if len(prefixes) > 1 else {}
    ways = []
    for prefix in prefixes:
        examples = tuple(task.probes.inputs[prefix]) if task.has_probes else ()
        colours = palette(examples) if examples else ["#ffffff", "#000000"]
        ways.append(Direction(prefix, titles.get(prefix, ""), examples, tuple(colours)))
    return Offered(task.name, task.facts.architecture.size, tuple(ways))
