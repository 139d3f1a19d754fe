"""Locks a run while tasks are added or dropped, and finds a task's files."""

import contextlib
import os
from collections.abc import Iterator

from pgtf.foundation import files
from pgtf.runs.listing import unfinished
from pgtf.storage import run_paths
from pgtf.storage.bank import FilterBank, none_learned

# What pgtf writes into a task's folder; beside it lies the mark of a dropped task.
WRITTEN = (
    run_paths.SLICE,
    run_paths.TENSORS,
    run_paths.PROBES,
    run_paths.REPLAYS,
    run_paths.BEGUN,
    run_paths.NEAREST,
    run_paths.CHECKPOINTS,
)


@contextlib.contextmanager
def locked_run(run_dir: str) -> Iterator[FilterBank]:
    """Locks a run and yields its bank. Raises ValueError if a task is being learned."""
    if not len(bank_of(run_dir)):
        raise none_learned(run_dir)
    for folder in (run_paths.TASKS, run_paths.SAMPLES, run_paths.EVALUATION):
        files.inside(run_dir, folder)
    with files.locked(run_dir, "changes a run directory"):
        files.sweep(run_dir)
        begun = [
            folder for folder in unfinished(run_dir) if os.path.exists(task_path(run_dir, folder, run_paths.BEGUN))
        ]
        if begun:
            raise ValueError(
                "Tasks can't be added or removed while one is being learned: finish it, or remove its folder. "
                f"Received: {run_dir}, where {', '.join(begun)} has begun"
            )
        yield bank_of(run_dir)


def clear(run_dir: str, folder: str) -> None:
    """Removes the files that pgtf writes into a task's folder. Does not follow links."""
    for name in os.listdir(files.inside(run_dir, run_paths.TASKS, folder)):
        if name in WRITTEN or name.startswith(files.WRITING):
            files.remove(run_dir, run_paths.TASKS, folder, name)


def bank_of(run_dir: str) -> FilterBank:
    """Reads the bank of a run."""
    return FilterBank.open(os.path.join(run_dir, run_paths.TASKS))


def task_path(run_dir: str, *parts: str) -> str:
    """Returns a path in a run's folder of tasks."""
    return os.path.join(run_dir, run_paths.TASKS, *parts)


def sample_path(run_dir: str, name: str) -> str:
    """Returns the path of a task's sample image, the last file that training writes."""
    return os.path.join(run_dir, run_paths.SAMPLES, run_paths.example(name))
