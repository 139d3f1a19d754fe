"""Trains the first tasks of a run jointly: from their images to their slices, in one stage.

The networks of the later tasks share the first one's kernels as variables, and all tasks train them. At the end the
first task's slice is stored, and then the others' slices, which borrow from it: the same as after sequential training.
"""

import dataclasses
import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import keras

from pgtf import layers
from pgtf.assembly import build
from pgtf.assembly.bank import NetworkBank, slice_of
from pgtf.assembly.planned_data import with_data
from pgtf.assembly.record_probes import record_probes
from pgtf.config import TaskPlan
from pgtf.data.streams import Stream, Streams
from pgtf.data.task_data import TaskData
from pgtf.distribution import collectives, replicas
from pgtf.distribution.strategy import strategy
from pgtf.evaluation.curves import measure
from pgtf.evaluation.task_evaluator import ClassifierOf, classifier_of
from pgtf.foundation.logger import LOG
from pgtf.foundation.settings import refuse
from pgtf.methods import Bank
from pgtf.objectives.joint import JointLearner
from pgtf.storage import run_paths
from pgtf.storage.probes import Probes
from pgtf.training.checkpoints import Checkpoints
from pgtf.training.curve_points import CurvePoint
from pgtf.training.loop import learn
from pgtf.training.observers import Observer
from pgtf.training.one_task import facts_of, intervals, keep_auxiliary
from pgtf.training.sampling import sampler
from pgtf.training.task_record import record_or_resume

# What is the same for all tasks, since they take their steps together.
COMMON = ("steps", "epochs", "learning_rate", "decay_from", "keep_weights", "ema")


@dataclasses.dataclass(frozen=True)
class LearningTask:
    """A task while it is learned. values: {path: variable}. lent: The paths of the filters that later tasks may use."""

    values: Mapping[str, Any]
    lent: Collection[str]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """{path: shape} of its variables."""
        return {path: tuple(variable.shape) for path, variable in self.values.items()}


class LearningBank(Bank):
    """The bank of a first task while it is learned. It lends the kernels' variables."""

    def __init__(self, name: str, networks: Mapping[str, keras.Model]):
        self.names, self._networks = (name,), networks
        self._task = LearningTask(
            {path: value for network in networks.values() for path, value in layers.variables(network).items()},
            {path for network in networks.values() for path in layers.lent(network)},
        )

    def __getitem__(self, name: str) -> LearningTask:
        return self._task

    def only(self, names: Sequence[str]) -> "LearningBank":
        """Returns this bank: it is of one task."""
        return self

    def network(self, name: str, prefix: str) -> keras.Model:
        """Returns one of the task's networks, which is still being trained."""
        return self._networks[prefix]


def learner(plans: Sequence[TaskPlan], steps: int) -> JointLearner:
    """Builds the learner of the first tasks of a run, for joint training over `steps` steps."""
    first, learners = plans[0], dict[str, Any]()
    for plan in plans:
        bank: Bank = LearningBank(first.name, learners[first.name].generators) if learners else NetworkBank()
        learners[plan.name] = build.learner(plan, bank, steps, moves=("discriminators",))
    made = JointLearner(learners, build.optimizer(first, steps))
    return made.with_ema(first.training.ema) if first.training.ema else made


def to_learn_together(plans: Sequence[TaskPlan], bank: NetworkBank) -> tuple[str, ...]:
    """Lists the tasks that a run trains jointly, also after a kill while storing them. Otherwise empty."""
    tasks = plans[0].run.tasks
    if plans[0].run.schedule == "sequence" or len(tasks) < 2:
        return ()
    if not len(bank):
        for name in COMMON:
            values = sorted({str(getattr(plan.training, name)) for plan in plans})
            if len(values) > 1:
                refuse("override", f"of no other {name} where tasks are learned together", ", ".join(values))
        return tasks
    stored = {*bank.names, *(mark.name for mark in bank.dropped)}
    killed = Checkpoints.steps_in(_checkpoints(bank, bank.names[0]))
    return tasks if killed and set(bank.slice(0).facts.training.get("together", ())) - stored else ()


@dataclasses.dataclass(frozen=True)
class _Member:
    """One of the tasks. plan: The task's settings. folder: Folder of its slice."""

    plan: TaskPlan
    data: TaskData
    folder: str
    probes: Probes
    stream: Stream

    @classmethod
    def create(
        cls, plan: TaskPlan, data: TaskData, bank: NetworkBank, names: Sequence[str], follows: bool
    ) -> "_Member":
        """Builds one of these tasks, with its data as recorded at the start. follows: Whether the chief records it."""
        folder = bank.place(plan.index, data.name)
        data = record_or_resume(plan, data, folder, _checkpoints(bank, names[0]), names, follows=follows)
        plan = with_data(plan, data)
        return cls(plan, data, folder, build.probes(plan, data), build.stream(plan, data))

    @property
    def name(self) -> str:
        """The task's name."""
        return self.data.name

    @property
    def steps(self) -> int:
        """Number of steps if the task were trained alone."""
        return self.plan.steps(self.stream.steps_per_epoch)


def learn_together(
    plans: Sequence[TaskPlan],
    bank: NetworkBank,
    found: Sequence[TaskData],
    log: str,
    observer: Observer,
    classifier_of: ClassifierOf = classifier_of,
) -> None:
    """Trains the first tasks of a run jointly, and appends their missing slices to the bank.

    Args:
      plans: The settings of these tasks.
      bank: The run's bank. It is empty, or has some of the slices if a killed run is resumed.
      found: The tasks' images.
      log: File that gets a line of JSON at every few steps.
      observer: Called after each sample.
      classifier_of: As for an `EvaluationConfig`. Default: the classifier of the run's tasks.
    """
    names = [data.name for data in found]
    LOG.info(f"Learned together: {', '.join(names)}")
    members = _members(plans, bank, found)
    with strategy(plans[0].training.distribute).scope():
        collectives.barrier()  # The others read how the tasks begin.
    together, steps = _learned(members, bank, log, observer, classifier_of)
    for member in members[len(bank) :]:
        lenders = bank.only(member.plan.method.borrows(bank.names))
        facts = facts_of(member.plan, member.data, steps, member.plan, names)
        keep_auxiliary(member.plan, together.learners[member.name], member.folder)
        made = slice_of(member.name, together.learners[member.name].generators, lenders, facts)
        bank.append(record_probes(made, lenders, member.probes, member.folder))
    for source in (source for member in members for source in member.data.train):
        source.release()  # The next task has the memory for its own.


def follow_together(plans: Sequence[TaskPlan], bank: NetworkBank, found: Sequence[TaskData]) -> None:
    """Trains the first tasks of a run along with the chief, which has recorded them. Writes nothing."""
    _learned(_members(plans, bank, found, follows=True), bank)


def _members(plans, bank, found, follows=False):
    names = [data.name for data in found]
    return [_Member.create(plan, data, bank, names, follows) for plan, data in zip(plans, found)]


def _learned(members, bank, log="", observer=None, classifier_of=None):
    """Trains the tasks, resuming from the last checkpoint. Returns the learner and its number of steps.

    observer: None if the chief draws and measures.
    """
    first, names = members[0].plan, [member.name for member in members]
    steps = max(member.steps for member in members)
    keras.backend.clear_session()
    with strategy(first.training.distribute).scope():
        together = learner([member.plan for member in members], steps)
        measured = observer and first.monitoring.evaluate_every
        measure = _measuring(bank, members, together, classifier_of) if measured else None
        learn(
            together,
            Streams([member.stream for member in members]),
            first.method.phases(steps),
            _checkpoints(bank, names[0]),
            title=f"tasks 1-{len(names)}/{len(names)} together",
            log=log,
            intervals=intervals(first.monitoring),
            draw=replicas.outside_strategy(_drawing(members, together, observer)) if observer else None,
            measure=replicas.outside_strategy(measure) if measure else None,
            keep_best=first.training.keep_weights == "best",
            text=first.text,
        )
    return together, steps


def _checkpoints(bank, first):
    """Returns the folder of the stage's checkpoints, which is the first task's."""
    return os.path.join(bank.place(0, first), run_paths.CHECKPOINTS)


def _drawing(members, together, observer):
    """Returns a function that draws the samples of all tasks with the learner's current networks."""
    draws = {
        member.name: sampler(member.plan.objective, member.probes, member.folder, then=lambda: None)
        for member in members
    }

    def draw(_):
        shown = {name: draw(together.learners[name].generators) for name, draw in draws.items()}
        observer.on_samples(members[0].plan.run.run_dir)
        return {f"{name}/{title}": picture for name, own in shown.items() for title, picture in own.items()}

    return draw


def _measuring(bank, members, together, classifier_of):
    """Returns a function that measures all tasks with the current networks. Its loss is the sum of theirs."""
    measures = {
        member.name: measure(member.plan, member.plan.run.tasks[len(bank) :], bank, member.data, classifier_of)
        for member in members
    }

    def point(_):
        points = {name: measured(together.learners[name].generators) for name, measured in measures.items()}
        values = {f"{name}/{key}": value for name, one in points.items() for key, value in one.values.items()}
        by = {f"{name}/{key}": text for name, one in points.items() for key, text in one.measured_by.items()}
        return CurvePoint(values, sum(one.loss for one in points.values()), by)

    return point
