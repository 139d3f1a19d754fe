"""Trains on workers other than the chief: they train the tasks that the chief announces, and write nothing."""

import gc
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, Optional

import keras
import tensorflow as tf

from pgtf.assembly.bank import NetworkBank
from pgtf.assembly.planned_data import data_of
from pgtf.config import RunSettings, TaskPlan
from pgtf.distribution import collectives
from pgtf.foundation.errors import Busy
from pgtf.foundation.logger import LOG, silenced
from pgtf.foundation.seeds import seed_of
from pgtf.storage import run_paths
from pgtf.training.joint import follow_together
from pgtf.training.one_task import follow_task

OWN = ("run_dir", "data_dir", "cache_mb")  # Settings that may differ from machine to machine.
_END, _BUSY, _TOGETHER = -1, -2, -3  # Announced in place of a task's index.
_PATIENCE = 60.0  # Seconds in which a shared file system shows what another machine wrote.


def check_alike(settings: Mapping[str, Any], place: tf.distribute.Strategy) -> None:
    """Raises ValueError if a worker's settings differ from the chief's. Called before training.

    Args:
      settings: {setting: value} of this worker; all have the same names.
      place: The strategy of the run.
    """
    names = [name for name in settings if name not in OWN]
    with place.scope():
        hashes = collectives.all_gather([seed_of(name, repr(settings[name])) for name in names])
    for number, row in enumerate(hashes):
        others = [f"--{name}" for name, own, chiefs in zip(names, row, hashes[0]) if own != chiefs]
        if others:
            raise ValueError(
                "All workers must have the same settings. "
                f"Received: worker {number} with another {', '.join(others)} than the chief, worker 0"
            )


def announce_task(place: tf.distribute.Strategy, index: Optional[int]) -> None:
    """Announces the next task to the other workers. None: there is no further task."""
    with place.scope():
        collectives.broadcast_from_chief(_END if index is None else index)


def announce_busy(place: tf.distribute.Strategy) -> None:
    """Announces to the other workers that another process trains in the run directory."""
    announce_task(place, _BUSY)


def announce_together(place: tf.distribute.Strategy) -> None:
    """Announces to the other workers that the first tasks of the run are trained jointly."""
    announce_task(place, _TOGETHER)


def follow(plans: Sequence[TaskPlan], place: tf.distribute.Strategy) -> None:
    """Trains along with the chief, task by task. plans: The settings of all tasks of the run."""
    with place.scope():
        LOG.info(
            f"This is worker {collectives.worker_index()} of {collectives.worker_count()}; "
            "worker 0, the chief, prints the progress"
        )
    while True:
        with place.scope():
            index = int(collectives.broadcast_from_chief(_END))
            if index == _END:
                return
            if index == _BUSY:
                raise Busy(
                    "One process at a time trains in a run directory. "
                    f"Received: {plans[0].run.run_dir}, where the chief found another one at work"
                )
            collectives.barrier()  # The chief has written how the task begins.
        keras.backend.clear_session()
        gc.collect()
        with silenced():  # The chief says it.
            if index == _TOGETHER:
                follow_together(plans, _bank(plans[0].run, len(plans) - 1, whole=False), list(map(data_of, plans)))
            else:
                follow_task(plans[index], _bank(plans[index].run, index), data_of(plans[index]))


def _bank(run: RunSettings, index: int, whole: bool = True) -> NetworkBank:
    """Returns the bank of the tasks before one, once the task's record is visible here.

    whole: Whether all tasks before it are learned.
    """
    since = time.monotonic()
    while True:
        bank = NetworkBank.open(os.path.join(run.run_dir, run_paths.TASKS))
        begun = os.path.exists(os.path.join(bank.place(index, run.tasks[index]), run_paths.BEGUN))
        if begun and (len(bank) == index or not whole):
            return bank
        if time.monotonic() - since > _PATIENCE:
            raise ValueError(
                "All workers must see the same run directory, on a shared file system. "
                f"Received: {run.run_dir} with {len(bank)} learned tasks, where the chief has {index}"
            )
        time.sleep(0.2)
