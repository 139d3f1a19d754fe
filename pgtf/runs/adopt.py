"""Adds tasks that were learned in another run to a run."""

import dataclasses
import json
import os
from collections.abc import Sequence
from typing import Any

from pgtf.assembly.replay import replayed
from pgtf.config import flagfile, load_config
from pgtf.data.rgb_images import png
from pgtf.foundation import files
from pgtf.foundation.errors import BankError
from pgtf.foundation.settings import name_in
from pgtf.methods import METHODS
from pgtf.runs.lock import bank_of, clear, locked_run, sample_path, task_path
from pgtf.runs.run import Run, Task
from pgtf.storage import run_paths
from pgtf.storage.bank import FilterBank
from pgtf.storage.ledger import Ledger
from pgtf.storage.probes import TOLERANCE
from pgtf.storage.task_slice import renamed


def adopt(run_dir: str, source: Run, names: Sequence[str] = (), new_name: str = "") -> list[str]:
    """Adds tasks of another run to the end of a run, without training. Each is replayed and checked first.

    A task's folder is written under another name, and renamed when it is complete. If the process is killed, the run
    has some of the tasks, and the next call adds the others.

    Args:
      run_dir: The run. It must have the slices that the tasks borrow from, identified by sha256.
      source: The run of the tasks.
      names: Names of the tasks. Default: all that the run does not have.
      new_name: New name of the task, if `names` has only one. Default: its own name. Tasks that borrow from it by its
        old name can't be adopted with it.

    Returns:
      The names of the added tasks.
    """
    if new_name and len(names) != 1:
        raise ValueError(f"Only one task can be added under a new name. Received: {new_name!r} for {', '.join(names)}")
    with locked_run(run_dir) as bank:
        config = load_config(run_dir)
        ledger = Ledger.read(run_dir).checked(bank)
        chosen = _chosen(bank, source, names, new_name)
        replays = [_proved(bank, task, chosen[:place]) for place, task in enumerate(chosen)]
        ledger.write(run_dir)  # A task that comes back is told from the one that was dropped.
        for task, replay in zip(chosen, replays):
            _take(run_dir, os.path.basename(bank.place(len(bank), new_name or task.name)), task, replay, new_name)
            bank = bank_of(run_dir)
        ledger.checked(bank).write(run_dir)
        if config:
            flagfile.save(config.having_learned(bank.names))
    return [new_name or task.name for task in chosen]


def _chosen(bank: FilterBank, source: Run, names: Sequence[str], new_name: str) -> list[Task]:
    """Lists the tasks to add, in the order of their own run, without those that the run already has."""
    for name in names:
        if name not in source.names:
            raise ValueError(f"Unknown task. {source.folder} has one of {', '.join(source.names)}. Received: {name!r}")
    chosen = []
    for task in source:
        if names and task.name not in names:
            continue
        name = new_name or task.name
        if name not in bank.names:
            chosen.append(task)
        elif bank.slice(bank.names.index(name)).sha256 != task.slice.sha256:
            raise BankError(
                "The run has another task of this name. Choose a new name with --as. "
                f"Received: another one of {name!r}, from {source.folder}"
            )
    return chosen


def _proved(bank: FilterBank, task: Task, before: Sequence[Task]) -> dict[str, Any]:
    """Replays a task and returns the result as plain data. Raises ValueError if it does not fit the run or has changed.

    before: The tasks that are added before it.
    """
    first, own = bank.slice(0), task.facts  # A compressed task has another method than its run.
    first.facts.refuse_another(own.architecture, own.method, own.objective, "the run")
    if own.method.network_for(0, 1) != 0:
        raise ValueError(
            "A task can't be added if its method changes earlier tasks. "
            f"Received: {task.name!r}, learned with --method={name_in(METHODS, own.method)}"
        )
    coming = {other.name: other.slice.sha256 for other in before}
    bank.lenders_of([borrowed for borrowed in task.slice.borrows if coming.get(borrowed.task) != borrowed.sha256])
    replay = replayed(task.probes, task.rebuilt())
    if not replay.holds:
        raise BankError(
            f"The task's outputs differ from the recorded ones by more than {TOLERANCE:.0e}. "
            f"Received: {task.name!r}, which differs by {replay.difference:.1e}"
        )
    return dataclasses.asdict(replay)


def _take(run_dir: str, folder: str, task: Task, replay: dict[str, Any], new_name: str) -> None:
    """Writes a task's folder atomically, as training would have left it, and then its sample image."""
    if os.path.lexists(task_path(run_dir, folder)):
        raise ValueError(f"The task's folder exists. Move it elsewhere. Received: {task_path(run_dir, folder)}")
    staged = task_path(run_dir, run_paths.STAGED)
    if os.path.lexists(staged):  # What a killed one left.
        clear(run_dir, run_paths.STAGED)
    name = new_name or task.name
    for part in (run_paths.TENSORS, run_paths.PROBES, run_paths.SLICE):
        with open(os.path.join(task.folder, part), "rb") as file:
            content = file.read()
        content = renamed(content, name) if part == run_paths.SLICE and new_name else content
        files.write(os.path.join(staged, part), content, read_only=True)
    files.write(os.path.join(staged, run_paths.REPLAYS), json.dumps({name: replay}, indent=1).encode())
    os.rename(staged, task_path(run_dir, folder))
    files.sync_folder(task_path(run_dir))
    files.write(sample_path(run_dir, name), png(task.facts.objective.example(task.probes)))
