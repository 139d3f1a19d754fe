"""Taking a task out of a run."""

import contextlib
import os
import shutil
from typing import Optional

from pgtf.config import Config
from pgtf.runs.bank import MARK, Dropped, FilterBank
from pgtf.runs.changing import bank_of, changing, sample_path, task_path
from pgtf.runs.directory import Run
from pgtf.runs.ledger import Ledger


def drop(run_dir: str, name: str, config: Optional[Config] = None) -> None:
    """Takes a task that no other one needs out of a run; its number stays taken.

    From when its folder holds dropped.json it is dropped; what it leaves is removed after that. Killed at any time,
    this leaves the run with the task or without it, and called again it goes on.

    Args:
      run_dir: The run.
      name: The task's.
      config: The run's, where known; it is written anew.
    """
    with changing(run_dir) as bank:
        if name in bank.names:
            _refuse_needed(Run(run_dir), name)
            if config:  # Before, so that no later run learns the task again.
                config.without(name).save()
            index = bank.names.index(name)
            number, _ = os.path.basename(bank.place(index, name)).split("-", 1)
            Dropped(int(number), *bank.entry(index)).write(task_path(run_dir))
        elif name not in [mark.name for mark in bank.dropped]:
            raise ValueError(f"A task of this run is one of {', '.join(bank.names)}. Received: {name!r}")
        _forget(run_dir, bank_of(run_dir))


def _refuse_needed(run: Run, name: str) -> None:
    others = [index for index, other in enumerate(run.names) if other != name]
    borrowed = {index: [one.task for one in run.bank.slice(index).borrows] for index in others}
    borrowers = [run.names[index] for index in others if name in borrowed[index]]
    if borrowers:
        raise ValueError(
            f"A task is dropped that no other borrows from. Received: {name!r}, which {', '.join(borrowers)} mix"
        )
    if not others or any(run.at(index).player for index in others):
        raise ValueError(
            f"A task is dropped where others are left, and play as before. Received: {name!r} of {', '.join(run.names)}"
        )


def _forget(run_dir: str, bank: FilterBank) -> None:
    """Removes what dropped tasks leave, and the tables of all that was measured together with them."""
    ledger, gone = Ledger.read(run_dir), {(mark.name, mark.sha256) for mark in bank.dropped}
    Ledger(
        tuple(entry for entry in ledger.learnt if entry not in gone),
        tuple(task for task in ledger.changed if task in bank.names),
    ).write(run_dir)
    left = []
    for mark in bank.dropped:
        folder = os.path.dirname(mark.path(task_path(run_dir)))
        left += [os.path.join(folder, file) for file in os.listdir(folder) if file != MARK]
        left += [] if mark.name in bank.names else [sample_path(run_dir, mark.name)]
    evaluation = os.path.join(run_dir, "evaluation")
    tables = os.listdir(evaluation) if os.path.isdir(evaluation) else ()
    left += [os.path.join(evaluation, file) for file in tables if file.endswith((".txt", "matrix.json", "matrix.csv"))]
    for path in left:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
