"""Learning one task of a run: from its images and the bank to its slice."""

import dataclasses
import datetime
import functools
import gc
import os

import keras

from pgtf import files
from pgtf.config import Config
from pgtf.data.task_data import TaskData
from pgtf.evaluation.parameters import full_values
from pgtf.evaluation.replay import Probes
from pgtf.runs import building
from pgtf.runs.bank import FilterBank
from pgtf.runs.beginning import as_begun, training_of
from pgtf.runs.curves import measure
from pgtf.runs.facts import Facts
from pgtf.runs.reporting import renew
from pgtf.runs.sampling import sampler
from pgtf.runs.slices import TaskSlice
from pgtf.training.learn import Intervals, learn

# Outputs in [-1, 1] that differ by less, over all pixels of all probes, show nothing.
LEAST_SPREAD = 1e-3


def learn_task(config: Config, bank: FilterBank, data: TaskData, log: str) -> None:
    """Learns the next task of a run and appends its slice to the bank; its probes are on disk before.

    Args:
      config: The run's.
      bank: Of all tasks so far, on disk.
      data: The task's images.
      log: File for a line of JSON at every few steps.
    """
    keras.backend.clear_session()
    gc.collect()  # The networks of the task before refer to one another in circles, and may fill a GPU.
    index, name, text, run = len(bank), data.name, config.flagfile(), config
    config = config.for_task(name)
    folder = bank.place(index, name)
    data = as_begun(config, data, folder)
    probes, stream = building.probes(config, data), building.stream(config, index, data)
    steps = config.steps or config.epochs * stream.steps_per_epoch
    lenders = bank.only(config.method.borrows(bank.names))
    learner = building.learner(config, index, bank, steps)
    learn(
        learner,
        stream,
        config.method.phases(steps),
        os.path.join(folder, "train"),
        title=f"task {index + 1}/{len(config.tasks)} {name}",
        log=log,
        intervals=Intervals(
            config.log_every,
            config.sample_every,
            config.checkpoint_minutes,
            config.steps_per_call,
            config.evaluate_every,
        ),
        draw=sampler(probes, folder, then=functools.partial(renew, run)),
        measure=measure(config, bank, data) if config.evaluate_every else None,
        keep_best=config.keep == "best",
        text=text,
    )
    for source in data.train:
        source.forget()  # The next task has the memory for its own.
    task_slice = building.slice_of(name, learner.generators, lenders, _facts(config, data, steps))
    bank.append(_proven(task_slice, lenders, probes, folder))


def _proven(task_slice: TaskSlice, lenders: FilterBank, probes: Probes, folder: str) -> TaskSlice:
    """The slice with the hash of its probes, which are on disk then with what it makes of them."""
    probes = probes.recorded(building.rebuilt(task_slice, lenders))
    for prefix, outputs in probes.outputs.items():
        if float(outputs.std(axis=(0, 1, 2)).max()) < LEAST_SPREAD:
            what = f"{task_slice.name}: every {prefix} output is one plain colour"
            print(f"warning: {what}; nothing was learnt, or too much at once")
    content = probes.content()
    files.write(os.path.join(folder, "probes.safetensors"), content, read_only=True)
    facts = dataclasses.replace(task_slice.facts, probes_sha256=files.sha256(content))
    return dataclasses.replace(task_slice, facts=facts)


def _facts(config: Config, data: TaskData, steps: int) -> Facts:
    shape = building.architecture(config)
    return Facts(
        shape,
        config.method,
        config.objective,
        full_values=full_values(shape, config.objective.generators),
        steps=steps,
        seed=config.seed,
        training=training_of(config),
        data=data.origin,
        images=data.manifest.summary(),
        direction="BtoA" if config.flipped(data.name) else "AtoB",
        load_size=config.load,
        skipped_images=len(data.skipped),
        learnt=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    )
