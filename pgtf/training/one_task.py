"""Training of one task of a run: from its images and the bank to its slice."""

import dataclasses
import datetime
import functools
import os
from collections.abc import Sequence
from typing import Callable, Optional

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from pgtf import layers
from pgtf.assembly import build
from pgtf.assembly.bank import NetworkBank, rebuild, slice_of
from pgtf.assembly.parameters import full_values
from pgtf.assembly.planned_data import with_data
from pgtf.assembly.record_probes import record_probes
from pgtf.compression.task import Compression, compressed_task
from pgtf.config import MonitoringSettings, TaskPlan
from pgtf.data.streams import Stream
from pgtf.data.task_data import TaskData
from pgtf.distribution import collectives, replicas
from pgtf.distribution.strategy import strategy
from pgtf.evaluation.curves import measure
from pgtf.evaluation.task_evaluator import ClassifierOf, classifier_of
from pgtf.foundation import files
from pgtf.foundation.errors import CapacityError
from pgtf.foundation.logger import LOG
from pgtf.objectives.learner import Learner
from pgtf.storage import run_paths
from pgtf.storage.facts import Facts
from pgtf.storage.probes import Probes
from pgtf.training.callbacks import append_line
from pgtf.training.loop import Intervals, learn
from pgtf.training.observers import Observer
from pgtf.training.sampling import sampler
from pgtf.training.task_record import nearest_recorded, pixels_json, record_or_resume, training_of


def learn_task(
    plan: TaskPlan,
    bank: NetworkBank,
    data: TaskData,
    log: str,
    observer: Observer,
    classifier_of: ClassifierOf = classifier_of,
) -> None:
    """Trains the next task of a run, compresses it if --compress_to is set, and appends its slice to the bank.

    The trained weights are in the last checkpoint until the slice is whole, so a process that is killed in between
    loses nothing.

    Args:
      plan: The task's settings.
      bank: The bank of all tasks so far, on disk.
      data: The task's images.
      log: File that gets a line of JSON at every few steps.
      observer: Called after each sample.
      classifier_of: As for an `EvaluationConfig`. Default: the classifier of the run's tasks.
    """
    task = _Task.begun(plan, bank, data)
    with strategy(plan.training.distribute).scope():
        collectives.barrier()  # The others read how the task begins.
    then = functools.partial(observer.on_samples, plan.run.run_dir)
    draw = sampler(plan.objective, task.probes, task.folder, then=then)
    learner, attempt = task.learned(log, draw, functools.partial(measure, classifier_of=classifier_of))
    lenders = bank.only(task.plan.method.borrows(bank.names))
    facts = facts_of(attempt.plan, attempt.data, attempt.steps, plan)
    task_slice = slice_of(data.name, learner.generators, lenders, facts)
    keep_auxiliary(attempt.plan, learner, task.folder)
    if plan.index and plan.training.compress_to:
        networks, lenders = rebuild(task_slice, lenders), bank.only(bank.names[:1])
        made = compressed_task(data.name, task_slice, networks, lenders, Compression(plan.training.budget))
        LOG.info(f"{data.name}: compressed to {made}")
        append_line(log, {"task": data.name, "compressed": made.slice.stored_bytes, "change": made.change})
        task_slice = made.slice
    bank.append(record_probes(task_slice, lenders, task.probes, task.folder))


def follow_task(plan: TaskPlan, bank: NetworkBank, data: TaskData) -> None:
    """Trains the next task of a run along with the chief, which has recorded it. Writes nothing."""
    _Task.begun(plan, bank, data, follows=True).learned()


@dataclasses.dataclass(frozen=True)
class _Task:
    """A task whose data and settings are recorded.

    Attributes:
      plan: Its settings, with the method's lenders resolved.
      bank: The bank of the earlier tasks.
      data: Its images.
      probes: Images of its `shown_split`.
      folder: Its folder.
    """

    plan: TaskPlan
    bank: NetworkBank
    data: TaskData
    probes: Probes
    folder: str

    @classmethod
    def begun(cls, plan: TaskPlan, bank: NetworkBank, data: TaskData, follows: bool = False) -> "_Task":
        """Returns the next task of a run. follows: Whether the chief has recorded it."""
        folder = bank.place(len(bank), data.name)
        data = record_or_resume(plan, data, folder, follows=follows)
        plan, probes = with_data(plan, data), build.probes(plan, data)
        method = plan.method.resolve_lenders(lambda: nearest_recorded(bank, probes, folder, follows=follows))
        return cls(dataclasses.replace(plan, method=method), bank, data, probes, folder)

    def learned(
        self, log: str = "", draw: Optional[Callable] = None, measure: Optional[Callable] = None
    ) -> "tuple[Learner, _Attempt]":
        """Trains the task. Returns the learner and its attempt. draw, measure: None if the chief does so."""
        plan, bank, least = self.plan, self.bank, self.plan.networks.width
        stream = build.stream(plan, self.data)
        latest = bank[bank.names[-1]].facts.architecture.width if bank.names else least
        widths = plan.method.candidate_widths(least, latest) if bank.names else (least,)
        for width in widths:
            attempt = _Attempt(
                plan.with_width(width),
                bank,
                self.data,
                stream,
                os.path.join(
                    self.folder, run_paths.CHECKPOINTS, *([f"{run_paths.WIDTH}{width}"] if width != widths[0] else [])
                ),
                wider=width < widths[-1],
            )
            try:
                learner = attempt.learned(log, draw, measure)
                break
            except CapacityError as narrow:
                if not attempt.wider:
                    raise
                LOG.info(f"{self.data.name}: {narrow}. A network of width {width} is too narrow; a wider one learns it")
        for source in self.data.train:
            source.release()  # The next task has the memory for its own.
        return learner, attempt


@dataclasses.dataclass(frozen=True)
class _Attempt:
    """Training of a task with networks of one width.

    Attributes:
      plan: The task's settings, with the width.
      bank: The bank of the earlier tasks.
      data: The task's images.
      stream: Its batches.
      folder: Folder of its checkpoints.
      wider: Whether a wider attempt may follow. A killed run gets there again: this attempt's last checkpoint is where
        the capacity ended.
    """

    plan: TaskPlan
    bank: NetworkBank
    data: TaskData
    stream: Stream
    folder: str
    wider: bool

    @property
    def steps(self) -> int:
        """The number of steps that the task takes."""
        return self.plan.steps(self.stream.steps_per_epoch)

    def learned(self, log: str, draw: Optional[Callable], measure: Optional[Callable]) -> Learner:
        """Trains the task, resuming from its last checkpoint. Returns the learner."""
        plan, tasks, index = self.plan, self.plan.run.tasks, len(self.bank)
        measured = (
            measure(plan, tasks[index:], self.bank, self.data) if plan.monitoring.evaluate_every and measure else None
        )
        with strategy(plan.training.distribute).scope():
            learner = build.learner(plan, self.bank, self.steps, auxiliary=auxiliary_of_first(plan, self.bank))
            context = build.phase_context(plan.objective, plan.data.size, self.data, self.wider)
            phases = plan.method.phases(self.steps, context)
            learn(
                learner,
                self.stream,
                phases,
                self.folder,
                title=f"task {index + 1}/{len(tasks)} {plan.name}",
                log=log,
                intervals=intervals(plan.monitoring),
                draw=replicas.outside_strategy(draw) if draw else None,
                measure=replicas.outside_strategy(measured) if measured else None,
                keep_best=plan.training.keep_weights == "best",
                context=context if len(phases) > 1 else None,  # One phase has nothing to remember.
                text=plan.text,
            )
        return learner


def keep_auxiliary(plan: TaskPlan, learner: Learner, folder: str) -> None:
    """Stores a task's discriminators in its folder, where later tasks start from the first one's."""
    if plan.objective.continues_auxiliary:
        values = {path: value for one in learner.discriminators.values() for path, value in layers.state(one).items()}
        files.write(os.path.join(folder, run_paths.AUXILIARY), save(values))


def auxiliary_of_first(plan: TaskPlan, bank: NetworkBank) -> dict[str, np.ndarray]:
    """Returns {path: array} of the first task's discriminators, where later tasks start from them; else none."""
    if not (plan.objective.continues_auxiliary and bank.names):
        return {}
    path = os.path.join(bank.place(0, bank.names[0]), run_paths.AUXILIARY)
    try:
        return load_file(path)
    except FileNotFoundError:
        LOG.warning(f"{plan.name}: its discriminator starts at random, as {path} is missing; it may learn nothing")
        return {}
    except SafetensorError as error:
        raise ValueError(
            "The first task's discriminators can't be read. Restore the file, or remove it to start from random ones. "
            f"Received: {path} ({error})"
        ) from error


def intervals(settings: MonitoringSettings) -> Intervals:
    """Intervals of periodic work during training."""
    return Intervals(
        settings.log_every,
        settings.sample_every,
        settings.checkpoint_minutes,
        settings.steps_per_call,
        settings.evaluate_every,
    )


def facts_of(learned: TaskPlan, data: TaskData, steps: int, asked: TaskPlan, together: Sequence[str] = ()) -> Facts:
    """Returns the facts of a task that has just been learned.

    Args:
      learned: The settings that it was learned with.
      data: Its images.
      steps: Number of training steps.
      asked: The settings that the user gave: the lenders are not resolved, and the width is that of a full network.
      together: The tasks that were trained jointly, this one included. Default: none.
    """
    asked = dataclasses.replace(asked, objective=learned.objective)
    return Facts(
        learned.architecture,
        asked.method,
        learned.objective,
        full_values=full_values(asked.architecture, learned.objective.networks),
        steps=steps,
        seed=learned.run.seed,
        training=training_of(learned, together),
        data=data.origin,
        images=data.manifest.summary(),
        probes_split=data.shown_split,
        direction="BtoA" if learned.flipped else "AtoB",
        load_size=learned.data.load,
        skipped_images=len(data.skipped),
        learnt=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        pixels=pixels_json(data),
    )
