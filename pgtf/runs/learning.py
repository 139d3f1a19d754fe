"""Learning one task of a run: from its images and the bank to its slice."""

import dataclasses
import datetime
import functools
import os
from collections.abc import Sequence
from typing import Callable

from pgtf import files
from pgtf.config import Config
from pgtf.data.stream import Stream
from pgtf.data.task_data import TaskData
from pgtf.evaluation.parameters import full_values
from pgtf.evaluation.replay import Probes
from pgtf.methods import TooNarrow
from pgtf.objectives.learner import Learner
from pgtf.runs import building
from pgtf.runs.bank import FilterBank
from pgtf.runs.beginning import as_begun, nearest_as_begun, training_of
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
    index, run = len(bank), config
    config = config.for_task(data.name)
    folder = bank.place(index, data.name)
    data = as_begun(config, data, folder)
    probes, stream = building.probes(config, data), building.stream(config, index, data)
    method = config.method.settled(lambda: nearest_as_begun(bank, probes, folder))
    settled, lenders = dataclasses.replace(config, method=method), bank.only(method.borrows(bank.names))
    latest = bank.slice(index - 1).facts.architecture.width if index else config.width
    widths = method.widths(config.width, latest) if index else (config.width,)
    for width in widths:
        attempt = _Attempt(
            run,
            dataclasses.replace(settled, width=width),
            bank,
            data,
            stream,
            os.path.join(folder, "train", *([f"width-{width}"] if width != widths[0] else [])),
            wider=width < widths[-1],
        )
        try:
            learner = attempt.learnt(log, sampler(probes, folder, then=functools.partial(renew, run)))
            break
        except TooNarrow as narrow:
            if not attempt.wider:
                raise
            print(f"{data.name}: {narrow}. A network of width {width} is too narrow; a wider one learns it")
    for source in data.train:
        source.forget()  # The next task has the memory for its own.
    task_slice = building.slice_of(data.name, learner.generators, lenders, attempt.facts(said=config))
    bank.append(proven(task_slice, lenders, probes, folder))


@dataclasses.dataclass(frozen=True)
class _Attempt:
    """A task in networks of one width.

    run: Its config. config: The task's, with the width. folder: Of checkpoints. wider: Whether a wider attempt may
    follow; a killed run comes to it again, since this one's last checkpoint is where it was TooNarrow.
    """

    run: Config
    config: Config
    bank: FilterBank
    data: TaskData
    stream: Stream
    folder: str
    wider: bool

    @property
    def steps(self) -> int:
        """The task's."""
        return self.config.steps or self.config.epochs * self.stream.steps_per_epoch

    def learnt(self, log: str, draw: Callable) -> Learner:
        """The learner when all is learnt; it goes on where it stopped."""
        config, index = self.config, len(self.bank)
        learner = building.learner(config, index, self.bank, self.steps)
        trial = building.trial(config, self.data, self.wider)
        phases = config.method.phases(self.steps, trial)
        learn(
            learner,
            self.stream,
            phases,
            self.folder,
            title=f"task {index + 1}/{len(config.tasks)} {self.data.name}",
            log=log,
            intervals=intervals(config),
            draw=draw,
            measure=measure(config, self.bank, self.data) if config.evaluate_every else None,
            keep_best=config.keep == "best",
            trial=trial if len(phases) > 1 else None,  # One phase has nothing to remember.
            text=self.run.flagfile(),
        )
        return learner

    def facts(self, said: Config) -> Facts:
        """Those of its slice; said: the task's config as the user gave it, whose width a full network has."""
        return facts_of(self.config, self.data, self.steps, said)


def intervals(config: Config) -> Intervals:
    """How often things happen while a task is learnt."""
    return Intervals(
        config.log_every,
        config.sample_every,
        config.checkpoint_minutes,
        config.steps_per_call,
        config.evaluate_every,
    )


def facts_of(config: Config, data: TaskData, steps: int, said: Config, together: Sequence[str] = ()) -> Facts:
    """The facts of a task that was learnt now.

    Args:
      config: The task's, as it was learnt.
      data: Its images.
      steps: How many it took.
      said: Its config as the user gave it, whose width a full network has.
      together: The tasks with which it was learnt at once, itself too.
    """
    return Facts(
        building.architecture(config),
        said.method,
        config.objective,
        full_values=full_values(building.architecture(said), config.objective.generators),
        steps=steps,
        seed=config.seed,
        training=training_of(config, together),
        data=data.origin,
        images=data.manifest.summary(),
        direction="BtoA" if config.flipped(data.name) else "AtoB",
        load_size=config.load,
        skipped_images=len(data.skipped),
        learnt=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    )


def proven(task_slice: TaskSlice, lenders: FilterBank, probes: Probes, folder: str) -> TaskSlice:
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
