"""Learners, batches and tasks to measure. They are untrained: speed does not depend on values."""

import dataclasses

from pgtf.assembly import build
from pgtf.assembly.bank import NetworkBank, slice_of
from pgtf.assembly.planned_data import finder
from pgtf.storage.facts import Facts


def at(plan, task):
    """Returns the plan of task `task` (from 1)."""
    return dataclasses.replace(plan, index=task - 1)


def first_learner(plan):
    """Builds the learner of a first task."""
    return build.learner(plan, NetworkBank(), 1000)


def stream_of(plan):
    """Returns the stream of drawn images."""
    drawn = dataclasses.replace(plan.data, data_dir="", drawn_images=20)
    return build.stream(plan, finder(drawn, plan.objective.batch, plan.run.seed)("facades"))


def held(plan):
    """Returns one batch."""
    return next(iter(stream_of(plan).dataset(0, 1)))


def banked(plan, tasks):
    """Builds the bank of `tasks` tasks."""
    bank, shape = NetworkBank(), plan.architecture
    for number in range(tasks):
        lenders = bank.only(plan.method.borrows(bank.names))
        networks = build.generators(shape, plan.method, plan.objective.networks, lenders, number)
        facts = Facts(shape, plan.method, plan.objective)
        bank.append(slice_of(f"task{number + 1}", networks, lenders, facts))
    return bank


def step_of(learner, batch):
    """Returns a function that runs one training step as a graph."""
    return lambda: float(learner.train_step(batch)[learner.LOSSES[0]])
