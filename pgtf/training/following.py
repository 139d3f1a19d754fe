"""Workers other than the chief: they train the tasks that the chief announces, and write nothing."""

import contextlib
import gc
import os
import time
from typing import Optional

import keras
import tensorflow as tf

from pgtf.assembly import build
from pgtf.assembly.bank import NetworkBank
from pgtf.config import Config, RunSettings
from pgtf.distribution import collectives
from pgtf.foundation.seeds import seed_of
from pgtf.foundation.settings import settings_of
from pgtf.storage import layout
from pgtf.training.one_task import follow_task

OWN = ("run_dir", "data_dir", "cache_mb")  # Settings that may differ from machine to machine.
_END = -1
_PATIENCE = 60.0  # Seconds in which a shared file system shows what another machine wrote.


def check_alike(config: Config, place: tf.distribute.Strategy) -> None:
    """Raises ValueError if a worker's settings differ from the chief's. Called before training."""
    names = [field.name for field in settings_of(config) if field.name not in OWN] + ["method", "objective"]
    with place.scope():
        said = collectives.all_gather([seed_of(name, repr(getattr(config, name))) for name in names])
    for number, one in enumerate(said):
        others = [f"--{name}" for name, own, chiefs in zip(names, one, said[0]) if own != chiefs]
        if others:
            raise ValueError(
                "All workers learn with the same settings. "
                f"Received: worker {number} with another {', '.join(others)} than the chief, worker 0"
            )


def tell(place: tf.distribute.Strategy, index: Optional[int]) -> None:
    """Announces the next task to the other workers. None announces the end."""
    with place.scope():
        collectives.broadcast_from_chief(_END if index is None else index)


def follow(config: Config, place: tf.distribute.Strategy) -> None:
    """Trains along with the chief, task by task."""
    find = build.finder(config)
    with place.scope():
        print(f"This is worker {collectives.number()} of {collectives.count()}; worker 0, the chief, says how it goes")
    while True:
        with place.scope():
            index = int(collectives.broadcast_from_chief(_END))
            if index == _END:
                return
            collectives.barrier()  # The chief has written how the task begins.
        bank, name = _bank(config.run, index), config.tasks[index]
        keras.backend.clear_session()
        gc.collect()
        with contextlib.redirect_stdout(None):  # The chief says it.
            follow_task(config, bank, find(name, config.flipped(name)))


def _bank(run: RunSettings, index: int) -> NetworkBank:
    """Returns the bank of all tasks before one, once its files and the task's record are visible here."""
    since = time.monotonic()
    while True:
        bank = NetworkBank.open(os.path.join(run.run_dir, layout.TASKS))
        if len(bank) == index and os.path.exists(os.path.join(bank.place(index, run.tasks[index]), layout.BEGUN)):
            return bank
        if time.monotonic() - since > _PATIENCE:
            raise ValueError(
                "All workers see one run directory, on a file system that they share. "
                f"Received: {run.run_dir} with {len(bank)} learnt tasks, where the chief has {index}"
            )
        time.sleep(0.2)
