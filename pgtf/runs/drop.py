"""Removes a task from a run."""

import os

from pgtf.config import flagfile, load_config
from pgtf.foundation import files
from pgtf.runs.lock import bank_of, clear, locked_run, task_path
from pgtf.runs.run import Run
from pgtf.storage import run_paths
from pgtf.storage.bank import Dropped, FilterBank
from pgtf.storage.ledger import Ledger


def drop(run_dir: str, name: str) -> None:
    """Removes a task that no other task borrows from. Its number is not used again.

    The task is dropped when dropped.json is written into its folder; its files are removed after that. If the process
    is killed, the run has the task or not, and the next call removes the rest.

    Args:
      run_dir: The run.
      name: Name of the task.
    """
    with locked_run(run_dir) as bank:
        if name in bank.names:
            _refuse_needed(Run(run_dir), name)
            config = load_config(run_dir)
            if config:  # Before, so that no later run learns the task again.
                flagfile.save(config.having_learned(bank.names).without(name))
            index = bank.names.index(name)
            number, _ = os.path.basename(bank.place(index, name)).split("-", 1)
            Dropped(int(number), *bank.entry(index)).write(task_path(run_dir))
        elif name not in [mark.name for mark in bank.dropped]:
            raise ValueError(f"Unknown task. This run has one of {', '.join(bank.names)}. Received: {name!r}")
        _remove_leftovers(run_dir, bank_of(run_dir))


def _refuse_needed(run: Run, name: str) -> None:
    others = [index for index, other in enumerate(run.names) if other != name]
    borrowed = {index: [one.task for one in run.bank.slice(index).borrows] for index in others}
    borrowers = [run.names[index] for index in others if name in borrowed[index]]
    if borrowers:
        raise ValueError(
            "A task that others borrow from can't be removed. "
            f"Received: {name!r}, from which {', '.join(borrowers)} borrow"
        )
    if not others or any(run.at(index).answered_by for index in others):
        raise ValueError(
            "A run's only task, and a task whose network answers for others, can't be removed. "
            f"Received: {name!r} of {', '.join(run.names)}"
        )


def _remove_leftovers(run_dir: str, bank: FilterBank) -> None:
    """Removes the files of dropped tasks, and the tables of measurements that include them."""
    Ledger.read(run_dir).without_dropped(bank).write(run_dir)
    for mark in bank.dropped:
        clear(run_dir, os.path.basename(os.path.dirname(mark.path(task_path(run_dir)))))
        if mark.name not in bank.names:
            files.remove(run_dir, run_paths.SAMPLES, run_paths.example(mark.name))
    evaluation = os.path.join(run_dir, run_paths.EVALUATION)
    for name in os.listdir(evaluation) if os.path.isdir(evaluation) else ():
        if run_paths.is_measured(name):
            files.remove(run_dir, run_paths.EVALUATION, name)
