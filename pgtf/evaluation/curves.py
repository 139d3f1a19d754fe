"""Measurements of a task's networks during training, on a small fixed set of its validation or test images."""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any, Callable

from pgtf.assembly.recorded_data import coming_data, recorded_data
from pgtf.config import Config
from pgtf.data.task_data import TaskData
from pgtf.evaluation.collection import sides, sides_of
from pgtf.evaluation.evaluation import extractor_of
from pgtf.evaluation.evaluator import Evaluator, classifier_of
from pgtf.evaluation.generator import Generator
from pgtf.metrics.measurements import Measurement
from pgtf.objectives import Objective
from pgtf.storage import layout
from pgtf.storage.bank import FilterBank


@dataclasses.dataclass(frozen=True)
class CurvePoint:
    """The measurements of a learner's generators at one step.

    values: {name: value}. loss: The value that is least at the best point.
    """

    values: Mapping[str, float]
    loss: float


def measure(config: Config, bank: FilterBank, data: TaskData) -> Callable[[Mapping[str, Any]], CurvePoint]:
    """Returns a function that measures a task's networks.

    Args:
      config: The run's config.
      bank: The bank of the earlier tasks.
      data: The task's data.

    Returns:
      {prefix: network} -> CurvePoint with distances, L1 if the task is paired, and Acc if there is a classifier.
    """
    split = data.choosing_split
    least = min(len(source) for source in sides_of(data, split))
    images = sides(data, split, flipped=config.flipped(data.name), limit=min(config.evaluate_images, least))
    judge, generators = _judge(config, bank), {}

    def point(networks):
        for prefix, network in networks.items():
            if prefix not in generators:
                generators[prefix] = Generator(network, config.size)
        return point_of(judge.figures(data.name, generators, images, config.objective), config.objective)

    return point


def point_of(figures: Mapping[str, Measurement], objective: Objective) -> CurvePoint:
    """Builds a point. Its loss is the objective's."""
    values = {name: figure.value for name, figure in figures.items() if figure.value is not None}
    return CurvePoint(values, objective.loss(values))


def _judge(config: Config, bank: FilterBank) -> Evaluator:
    folder, extractor = os.path.join(config.run_dir, layout.EVALUATION), extractor_of(config.inception)
    if extractor:
        return Evaluator(folder, extractor)
    # The same classifier as in the run's evaluation: of the learned tasks and of those to come.
    learnt = {name: recorded_data(name, bank.slice(i).facts, config.data_dir) for i, name in enumerate(bank.names)}
    coming = {name: coming_data(name, config) for name in config.tasks[len(bank) :]}
    return Evaluator(folder, classifier=classifier_of(folder, {**learnt, **coming}))
