"""Results made by hand: a matrix of two later tasks, written as a finished run leaves it."""

import json
import os

from pgtf.metrics import matrix_text
from pgtf.metrics.matrix import Matrix
from pgtf.runs.run import Run
from tests.tiny import tiny_run

TASKS = ("facades", "maps", "shoes")
# Task i after task j: the first is lost by and by, as a method has it that forgets.
FID = [[1.0, 2.0, 5.0], [None, 3.0, 4.0], [None, None, 6.0]]
UNTOUCHED = [[8.0] * 3, [None, 10.0, 10.0], [None, None, None]]  # The last task is paired.
ACC = [[1.0, 0.5, 0.25], [None, 0.75, 0.5], [None, None, 1.0]]


def finished_run(folder, fid=FID, tasks=TASKS):
    """A run of three tasks, measured."""
    tiny_run(folder, tasks)
    slices = tuple(task.slice.sha256 for task in Run(folder))
    plain = json.loads(
        matrix_text.to_json(Matrix(tasks, slices, {"FID-8": fid, "Acc": ACC, "FID-8-untouched": UNTOUCHED}))
    )
    del plain["own_sha256"]  # It is written anew.
    plain["figures"] = [_figure(task) for task in tasks] + [_figure(tasks[0], "FID-8-backward", 9)]
    os.makedirs(os.path.join(folder, "evaluation"), exist_ok=True)
    with open(os.path.join(folder, "evaluation", "matrix.json"), "w", encoding="utf-8") as file:
        json.dump(plain, file)
    return folder


def _figure(task, name="FID-8", n=7):
    return {
        "task": task,
        "name": name,
        "generated": {"n": n, "split": "test"},
        "extractor": {"name": "eyes", "sha256": "ab" * 32},
        "notes": ["few"],
    }
