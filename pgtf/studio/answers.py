"""The tasks of a run, ready to answer: networks are folded when they are first asked, and a few are kept."""

import collections
import dataclasses
import threading

import numpy as np

from pgtf.runs.run import Run, Task
from pgtf.storage.ledger import Ledger
from pgtf.studio.palette import palette

KEPT = 4  # Tasks whose networks stay in memory: 0.2 GB each for a U-Net of width 64.


@dataclasses.dataclass(frozen=True)
class Direction:
    """One network of a task.

    title: Of the way where there are two. examples: Inputs to start from, uint8 [h, w, 3]. colours: To draw with, the
    background first.
    """

    prefix: str
    title: str
    examples: tuple[np.ndarray, ...]
    colours: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Offered:
    """A task that one may try; size: (height, width) that it learnt at."""

    name: str
    size: tuple[int, int]
    ways: tuple[Direction, ...]


class Answers:
    """What the tasks of a run make of pictures.

    Args:
      run_dir: Where it lies.
      most: How many tasks are kept ready.
    """

    def __init__(self, run_dir: str, most: int = KEPT):
        self.run_dir, self.most = run_dir, most
        self.tasks = [_offered(task) for task in Run(run_dir)]
        self._kept: collections.OrderedDict[int, Task] = collections.OrderedDict()
        self._stamp = Ledger.stamp(run_dir)
        # One at a time: each takes all cores.
        self._lock = threading.Lock()

    def __call__(self, task: int, way: int, picture: np.ndarray) -> np.ndarray:
        """What a way of a task, both by their numbers, makes of uint8 [h, w, 3]."""
        prefix = self.tasks[task].ways[way].prefix
        with self._lock:
            return self._ready(task)(picture, backward=prefix == "backward")

    def _ready(self, number: int) -> Task:
        """Returns a task. Once the ledger was written anew, tasks are opened anew, and changed ones refused."""
        stamp = Ledger.stamp(self.run_dir)
        if stamp != self._stamp:
            self._kept.clear()
            self._stamp = stamp
        if number not in self._kept:
            while len(self._kept) >= self.most:
                self._kept.popitem(last=False)
            # A run of its own, which goes with the task when that is no longer kept.
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
