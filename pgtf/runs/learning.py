"""Learning one task of a run: from its images and the bank to its slice."""

import dataclasses
import datetime
import functools
import os

import keras

from pgtf import files
from pgtf.config import Config
from pgtf.data.tasks import TaskData
from pgtf.evaluation.parameters import full_values
from pgtf.evaluation.pictures import pictures
from pgtf.runs import building
from pgtf.runs.bank import FilterBank
from pgtf.runs.facts import Facts
from pgtf.training.learn import Intervals, learn

# The settings that a slice tells of how it was learnt.
TRAINING = ("epochs", "steps", "batch_size", "learning_rate", "decay_from", "precision")


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
    index, name, text = len(bank), data.name, config.flagfile()
    config = config.for_task(name)
    folder = bank.place(index, name)
    probes, stream = building.probes(config, data), building.stream(config, index, data)
    steps = config.steps or config.epochs * stream.steps_per_epoch
    lenders = bank.only(config.method.borrows(bank.names))
    learner = building.learner(config, index, lenders, steps)
    learn(
        learner,
        stream,
        config.method.phases(steps),
        os.path.join(folder, "train"),
        title=f"task {index + 1}/{len(config.tasks)} {name}",
        log=log,
        intervals=Intervals(config.log_every, config.sample_every, config.checkpoint_minutes, config.steps_per_call),
        draw=functools.partial(pictures, probes=probes),
        text=text,
    )
    for source in data.train:
        source.forget()  # The next task has the memory for its own.
    facts = _facts(config, data, steps)
    task_slice = building.slice_of(name, learner.generators, lenders, facts)
    probes = probes.recorded(building.rebuilt(task_slice, lenders))
    for prefix, outputs in probes.outputs.items():
        if float(outputs.std(axis=(0, 1, 2)).max()) < LEAST_SPREAD:
            print(
                f"warning: {name}: every {prefix} output is one plain colour; nothing was learnt, or too much at once"
            )
    content = probes.content()
    files.write(os.path.join(folder, "probes.safetensors"), content, read_only=True)
    facts = dataclasses.replace(facts, probes_sha256=files.sha256(content))
    bank.append(dataclasses.replace(task_slice, facts=facts))


def _facts(config: Config, data: TaskData, steps: int) -> Facts:
    shape = building.architecture(config)
    skipped = {str(error) for source in data.train for error in source.bad.values()}
    if skipped:
        print(f"{data.name}: skipped {len(skipped)} images", *sorted(skipped), sep="\n  ")
    return Facts(
        shape,
        config.method,
        config.objective,
        full_values=full_values(shape, config.objective.generators),
        steps=steps,
        seed=config.seed,
        training={field: getattr(config, field) for field in TRAINING},
        data=data.origin,
        direction="BtoA" if config.flipped(data.name) else "AtoB",
        load_size=config.load,
        skipped_images=len(skipped),
        learnt=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    )
