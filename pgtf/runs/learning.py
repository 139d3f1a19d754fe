"""Learning one task of a run: from its images and the bank to its slice."""

import dataclasses
import datetime
import functools
import json
import os
from typing import Any

import keras

from pgtf import files
from pgtf.config import Config
from pgtf.data.manifest import Manifest
from pgtf.data.task_data import TaskData
from pgtf.evaluation.parameters import full_values
from pgtf.evaluation.pictures import pictures
from pgtf.runs import building
from pgtf.runs.bank import FilterBank
from pgtf.runs.curves import measure
from pgtf.runs.facts import Facts
from pgtf.training.checkpoints import Checkpoints
from pgtf.training.learn import Intervals, learn

# The settings that a slice tells of how it was learnt.
TRAINING = ("epochs", "steps", "batch_size", "learning_rate", "decay_from", "precision", "load_size", "keep", "ema")
# The settings that choose the best point, and with it what is learnt.
CHOOSING = ("evaluate_every", "evaluate_images", "inception")

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
    data = _as_begun(config, data, folder)
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
        draw=functools.partial(pictures, probes=probes),
        measure=measure(config, bank, data) if config.evaluate_every else None,
        keep_best=config.keep == "best",
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


def _as_begun(config: Config, data: TaskData, folder: str) -> TaskData:
    """A task's data as it was when the task began; data or settings that changed since are refused."""
    path, settings = os.path.join(folder, "begun.json"), {**_training(config), **dataclasses.asdict(config.objective)}
    if not Checkpoints.steps_in(os.path.join(folder, "train")):  # Nothing that would have to fit.
        data = data.checked(config.bad_images == "skip")
        if data.skipped:
            print(f"{data.name}: skipped {len(data.skipped)} images", *data.skipped, sep="\n  ")
        record = {"settings": settings, "data": data.manifest.to_json()}
        files.write(path, json.dumps(record, indent=1).encode())
        return data
    try:
        with open(path, "rb") as file:
            record = json.load(file)
        begun, manifest = record["settings"], Manifest.from_json(record["data"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"A task goes on with what {path} says of its beginning; without {folder} it begins anew. "
            f"Received: {type(error).__name__}: {error}"
        ) from error
    changed = [
        f"{name}={settings[name]}, not {begun.get(name)}" for name in settings if begun.get(name) != settings[name]
    ]
    if changed:
        raise ValueError(
            f"A task goes on with the settings that it began with; without {folder} it begins anew. "
            f"Received: for {data.name}, {', '.join(changed)}"
        )
    return data.resumed(manifest)


def _training(config: Config) -> dict[str, Any]:
    names = TRAINING + CHOOSING if config.keep == "best" else TRAINING
    return {name: getattr(config, name) for name in names}


def _facts(config: Config, data: TaskData, steps: int) -> Facts:
    shape = building.architecture(config)
    return Facts(
        shape,
        config.method,
        config.objective,
        full_values=full_values(shape, config.objective.generators),
        steps=steps,
        seed=config.seed,
        training=_training(config),
        data=data.origin,
        images=data.manifest.summary(),
        direction="BtoA" if config.flipped(data.name) else "AtoB",
        load_size=config.load,
        skipped_images=len(data.skipped),
        learnt=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    )
