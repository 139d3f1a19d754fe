"""Taking tasks into a run that were learnt elsewhere."""

import dataclasses
import json
import os
import shutil
from collections.abc import Sequence
from typing import Any, Optional

from pgtf import files
from pgtf.config import Config
from pgtf.data.images import png
from pgtf.evaluation.replay import TOLERANCE
from pgtf.runs.bank import FilterBank
from pgtf.runs.changing import bank_of, changing, sample_path, task_path
from pgtf.runs.directory import Run, Task
from pgtf.runs.ledger import Ledger
from pgtf.runs.listing import unfinished
from pgtf.runs.slices import BankError


def adopt(run_dir: str, source: Run, names: Sequence[str] = (), config: Optional[Config] = None) -> list[str]:
    """Takes tasks that were learnt elsewhere into a run, at its end; nothing is learnt, and all are proved before.

    A task is there once its slice.json is, which is written last: killed at any time, this leaves the run with some of
    the tasks and without the others, and called again it goes on.

    Args:
      run_dir: The run; its slices must be, by their sha256, those that the tasks borrow from.
      source: Holds them.
      names: Of the tasks; all that the run does not have unless told.
      config: The run's, where known; it is written anew.

    Returns:
      The names of the tasks that are new.
    """
    with changing(run_dir) as bank:
        ledger = Ledger.read(run_dir).checked(bank)
        chosen = _chosen(bank, source, names)
        replays = [_proved(bank, task, chosen[:place]) for place, task in enumerate(chosen)]
        for folder in unfinished(run_dir):  # What a killed one left.
            shutil.rmtree(task_path(run_dir, folder))
        for task, replay in zip(chosen, replays):
            _take(run_dir, bank.place(len(bank), task.name), task, replay)
            bank = bank_of(run_dir)
        ledger.checked(bank).write(run_dir)
        if config:
            config.having_learnt(bank.names).save()
    return [task.name for task in chosen]


def _chosen(bank: FilterBank, source: Run, names: Sequence[str]) -> list[Task]:
    """The tasks to take, in the order of their own run; those that the run has already are left out."""
    for name in names:
        if name not in source.names:
            raise ValueError(f"A task of {source.folder} is one of {', '.join(source.names)}. Received: {name!r}")
    chosen = []
    for task in source:
        if names and task.name not in names:
            continue
        if task.name not in bank.names:
            chosen.append(task)
        elif bank.slice(bank.names.index(task.name)).sha256 != task.slice.sha256:
            raise BankError(f"Each task has one slice. Received: another one of {task.name!r}, from {source.folder}")
    return chosen


def _proved(bank: FilterBank, task: Task, before: Sequence[Task]) -> dict[str, Any]:
    """The replay of a task as plain data; an error unless it fits the run and is whole.

    before: What is taken before it.
    """
    last, own = bank.slice(len(bank) - 1), task.facts
    last.facts.refuse_another(own.architecture, own.method, own.objective, "the run")
    if own.method.network_at(0, 1) != 0:
        raise ValueError(f"Tasks are adopted that no later one changes. Received: {task.name!r}, which later ones play")
    coming = {other.name: other.slice.sha256 for other in before}
    bank.of([borrowed for borrowed in task.slice.borrows if coming.get(borrowed.task) != borrowed.sha256])
    replay = task.probes.replayed(task.rebuilt())
    if not replay.holds:
        raise BankError(
            f"A task is adopted while its outputs are those that were recorded, within {TOLERANCE:.0e}. "
            f"Received: {task.name!r}, which differs by {replay.difference:.1e}"
        )
    return dataclasses.asdict(replay)


def _take(run_dir: str, place: str, task: Task, replay: dict[str, Any]) -> None:
    """Writes what learning would have left of a task, its slice.json last."""
    _copy(task.folder, place, "slice.safetensors")
    _copy(task.folder, place, "probes.safetensors")
    files.write(os.path.join(place, "replays.json"), json.dumps({task.name: replay}, indent=1).encode())
    files.write(sample_path(run_dir, task.name), png(task.probes.inputs["forward"][0]))
    _copy(task.folder, place, "slice.json")


def _copy(source: str, target: str, name: str) -> None:
    with open(os.path.join(source, name), "rb") as file:
        files.write(os.path.join(target, name), file.read(), read_only=True)
