"""Images of tasks that are not learned yet, found from their plans. Needs no TensorFlow."""

import dataclasses

from pgtf.config import DataSettings, TaskPlan
from pgtf.data.finder import Finder
from pgtf.data.task_data import TaskData


def finder(settings: DataSettings, batch: str, seed: int) -> Finder:
    """Returns the finder of the images of a run's tasks.

    Args:
      settings: The settings of the data.
      batch: The objective's kind of batch.
      seed: The run's seed.
    """
    return Finder(
        settings.data_dir,
        batch,
        settings.size,
        settings.load,
        seed=seed,
        drawn_images=settings.drawn_images,
        cache_bytes=settings.cache_mb * 2**20,
        validation=settings.validation,
        pixels=settings.pixels,
    )


def data_of(plan: TaskPlan) -> TaskData:
    """Finds a task's images."""
    return finder(plan.data, plan.objective.batch, plan.run.seed)(plan.name, plan.flipped)


def with_data(plan: TaskPlan, data: TaskData) -> TaskPlan:
    """Returns a task's plan with the channels and the objective of its data; see `Objective.for_data`."""
    return dataclasses.replace(plan, objective=plan.objective.for_data(data), channels=data.channels)


def coming_data(name: str, plan: TaskPlan) -> TaskData:
    """Returns the images of a task that is not learned yet, all at the size of training.

    Args:
      name: The task's name.
      plan: The plan of any task of the run.
    """
    find = finder(plan.data, plan.objective.batch, plan.run.seed)
    return dataclasses.replace(find, train_size=plan.data.size, cache_bytes=0)(name, plan.data.flipped(name))
