"""Training of one task of a run: from its images and the bank to its slice."""

import dataclasses
import datetime
import functools
import os
from collections.abc import Sequence
from typing import Callable, Optional

from pgtf.assembly import build
from pgtf.assembly.accounting import full_values
from pgtf.assembly.bank import NetworkBank
from pgtf.assembly.replay import recorded
from pgtf.config import Config, MonitoringSettings, flagfile
from pgtf.data.streams import Stream
from pgtf.data.task_data import TaskData
from pgtf.distribution import collectives, replicas
from pgtf.distribution.strategy import strategy
from pgtf.evaluation.curves import measure
from pgtf.foundation import files
from pgtf.foundation.errors import CapacityError
from pgtf.objectives.learner import Learner
from pgtf.storage import layout
from pgtf.storage.facts import Facts
from pgtf.storage.probes import Probes
from pgtf.storage.task_slice import TaskSlice
from pgtf.training.loop import Intervals, learn
from pgtf.training.observers import Observer
from pgtf.training.recorded import nearest_recorded, record_or_resume, training_of
from pgtf.training.sampling import sampler

# Outputs in [-1, 1] that differ by less, over all pixels of all probes, show nothing.
LEAST_SPREAD = 1e-3


def learn_task(config: Config, bank: NetworkBank, data: TaskData, log: str, observer: Observer) -> None:
    """Trains the next task of a run and appends its slice to the bank, after writing its probes.

    Args:
      config: The run's.
      bank: Of all tasks so far, on disk.
      data: The task's images.
      log: File for a line of JSON at every few steps.
      observer: Called after each sample.
    """
    task = _Task.begun(config, bank, data)
    with strategy(config.distribute).scope():
        collectives.barrier()  # The others read how the task begins.
    then = functools.partial(observer.on_samples, config)
    learner, attempt = task.learnt(log, sampler(config.objective, task.probes, task.folder, then=then))
    lenders = bank.only(task.config.method.borrows(bank.names))
    task_slice = build.slice_of(data.name, learner.generators, lenders, attempt.facts(config.for_task(data.name)))
    bank.append(proven(task_slice, lenders, task.probes, task.folder))


def follow_task(config: Config, bank: NetworkBank, data: TaskData) -> None:
    """Trains the next task of a run along with the chief, which has recorded it. Writes nothing."""
    _Task.begun(config, bank, data, follows=True).learnt()


@dataclasses.dataclass(frozen=True)
class _Task:
    """A task whose data and settings are recorded.

    run: Its config. config: The task's, with its method settled. probes: Of its `shown_split`. folder: Its own.
    """

    run: Config
    config: Config
    bank: NetworkBank
    data: TaskData
    probes: Probes
    folder: str

    @classmethod
    def begun(cls, run: Config, bank: NetworkBank, data: TaskData, follows: bool = False) -> "_Task":
        """Returns the next task of a run. follows: Whether the chief has recorded it."""
        config, folder = run.for_task(data.name), bank.place(len(bank), data.name)
        data = record_or_resume(config, data, folder, follows=follows)
        probes = build.probes(config.objective, data)
        method = config.method.resolve_lenders(lambda: nearest_recorded(bank, probes, folder, follows=follows))
        return cls(run, dataclasses.replace(config, method=method), bank, data, probes, folder)

    def learnt(self, log: str = "", draw: Optional[Callable] = None) -> "tuple[Learner, _Attempt]":
        """Trains the task. Returns the learner and its attempt. draw: None if the chief draws the samples."""
        config, bank, index = self.config, self.bank, len(self.bank)
        stream = build.stream(config, index, self.data)
        latest = bank.slice(index - 1).facts.architecture.width if index else config.width
        widths = config.method.candidate_widths(config.width, latest) if index else (config.width,)
        for width in widths:
            attempt = _Attempt(
                self.run,
                dataclasses.replace(config, width=width),
                bank,
                self.data,
                stream,
                os.path.join(self.folder, layout.CHECKPOINTS, *([f"width-{width}"] if width != widths[0] else [])),
                wider=width < widths[-1],
            )
            try:
                learner = attempt.learnt(log, draw)
                break
            except CapacityError as narrow:
                if not attempt.wider:
                    raise
                print(f"{self.data.name}: {narrow}. A network of width {width} is too narrow; a wider one learns it")
        for source in self.data.train:
            source.release()  # The next task has the memory for its own.
        return learner, attempt


@dataclasses.dataclass(frozen=True)
class _Attempt:
    """Training of a task with networks of one width.

    run: Its config. config: The task's, with the width. folder: Of checkpoints. wider: Whether a wider attempt may
    follow; a killed run comes to it again, since this one's last checkpoint is where it was CapacityError.
    """

    run: Config
    config: Config
    bank: NetworkBank
    data: TaskData
    stream: Stream
    folder: str
    wider: bool

    @property
    def steps(self) -> int:
        """The task's."""
        return self.config.steps or self.config.epochs * self.stream.steps_per_epoch

    def learnt(self, log: str, draw: Optional[Callable]) -> Learner:
        """Trains the task, resuming from its last checkpoint. Returns the learner."""
        config, index = self.config, len(self.bank)
        measured = measure(config, self.bank, self.data) if config.evaluate_every and draw else None
        with strategy(config.distribute).scope():
            learner = build.learner(config, index, self.bank, self.steps)
            trial = build.trial(config.objective, config.size, self.data, self.wider)
            phases = config.method.phases(self.steps, trial)
            learn(
                learner,
                self.stream,
                phases,
                self.folder,
                title=f"task {index + 1}/{len(config.tasks)} {self.data.name}",
                log=log,
                intervals=intervals(config.monitoring),
                draw=replicas.outside_strategy(draw) if draw else None,
                measure=replicas.outside_strategy(measured) if measured else None,
                keep_best=config.keep_weights == "best",
                trial=trial if len(phases) > 1 else None,  # One phase has nothing to remember.
                text=flagfile.text(self.run),
            )
        return learner

    def facts(self, said: Config) -> Facts:
        """Returns the facts of its slice. said: The task's config as the user gave it, with a full network's width."""
        return facts_of(self.config, self.data, self.steps, said)


def intervals(settings: MonitoringSettings) -> Intervals:
    """Intervals of periodic work during training."""
    return Intervals(
        settings.log_every,
        settings.sample_every,
        settings.checkpoint_minutes,
        settings.steps_per_call,
        settings.evaluate_every,
    )


def facts_of(config: Config, data: TaskData, steps: int, said: Config, together: Sequence[str] = ()) -> Facts:
    """Returns the facts of a task that has just been learned.

    Args:
      config: The task's, as it was learned.
      data: Its images.
      steps: How many it took.
      said: Its config as the user gave it, whose width a full network has.
      together: The tasks with which it was learned at once, itself too.
    """
    return Facts(
        build.architecture(config),
        said.method,
        config.objective,
        full_values=full_values(build.architecture(said), config.objective.networks),
        steps=steps,
        seed=config.seed,
        training=training_of(config, together),
        data=data.origin,
        images=data.manifest.summary(),
        probes_split=data.shown_split,
        direction="BtoA" if config.flipped(data.name) else "AtoB",
        load_size=config.load,
        skipped_images=len(data.skipped),
        learnt=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    )


def proven(task_slice: TaskSlice, lenders: NetworkBank, probes: Probes, folder: str) -> TaskSlice:
    """Writes the probes with the task's outputs, and returns the slice with their hash."""
    probes = recorded(probes, build.rebuilt(task_slice, lenders))
    for prefix, outputs in probes.outputs.items():
        if float(outputs.std(axis=tuple(range(outputs.ndim - 1))).max()) < LEAST_SPREAD:
            what = f"{task_slice.name}: every {prefix} output is one plain colour"
            print(f"warning: {what}; nothing was learnt, or too much at once")
    content = probes.content()
    files.write(os.path.join(folder, layout.PROBES), content, read_only=True)
    facts = dataclasses.replace(task_slice.facts, probes_sha256=files.sha256(content))
    return dataclasses.replace(task_slice, facts=facts)
