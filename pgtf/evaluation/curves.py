"""Measures a task's networks during training, on a small fixed set of its validation or test images."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from pgtf.assembly.planned_data import coming_data
from pgtf.assembly.recorded_data import recorded_data
from pgtf.config import TaskPlan
from pgtf.data.task_data import TaskData
from pgtf.evaluation.collection import sides, sides_of
from pgtf.evaluation.generator import Generator
from pgtf.evaluation.run_evaluation import extractor_of
from pgtf.evaluation.task_evaluator import ClassifierOf, TaskEvaluator, class_names, classifier_of
from pgtf.metrics.measurements import Measurement
from pgtf.objectives import Objective
from pgtf.storage import run_paths
from pgtf.storage.bank import FilterBank


@dataclasses.dataclass(frozen=True)
class CurvePoint:
    """The measurements of a learner's generators at one step.

    Attributes:
      values: {name: value}.
      loss: The value to minimize; the best point has the least one.
      measured_by: {name: extractor} of the values that an extractor measured.
    """

    values: Mapping[str, float]
    loss: float
    measured_by: Mapping[str, str] = dataclasses.field(default_factory=dict)


def measure(
    plan: TaskPlan,
    coming: Sequence[str],
    bank: FilterBank,
    data: TaskData,
    classifier_of: ClassifierOf = classifier_of,
) -> Callable[[Mapping[str, Any]], CurvePoint]:
    """Returns a function that measures a task's networks.

    Args:
      plan: The task's settings.
      coming: The names of the run's tasks that are not in the bank, including this one.
      bank: The bank of the earlier tasks.
      data: The task's data.
      classifier_of: As for an `EvaluationConfig`. Default: the classifier of the run's tasks.

    Returns:
      {prefix: network} -> CurvePoint with distances, L1 if the task is paired, and Acc if there is a classifier.
    """
    split = data.choosing_split
    least = min(len(source) for source in sides_of(data, split))
    images = sides(data, split, flipped=plan.flipped, limit=min(plan.monitoring.evaluate_images, least))
    evaluator, generators = _evaluator(plan, coming, bank, classifier_of), {}

    def point(networks):
        for prefix, network in networks.items():
            if prefix not in generators:
                shape, output = plan.architecture.of(prefix), data.pixels[0 if prefix == "backward" else 1]
                generators[prefix] = Generator(network, plan.data.size, shape.input, output)
        return point_of(evaluator.figures(data.name, generators, images, plan.objective), plan.objective)

    return point


def point_of(figures: Mapping[str, Measurement], objective: Objective) -> CurvePoint:
    """Builds a point. Its loss is the objective's."""
    values = {name: figure.value for name, figure in figures.items() if figure.value is not None}
    by = {name: figures[name].measured_by for name in values if figures[name].measured_by}
    return CurvePoint(values, objective.loss(values), by)


def _evaluator(plan: TaskPlan, coming: Sequence[str], bank: FilterBank, classifier_of: ClassifierOf) -> TaskEvaluator:
    folder = os.path.join(plan.run.run_dir, run_paths.EVALUATION)
    if not plan.objective.compares_features:
        return TaskEvaluator(folder)
    extractor = extractor_of(plan.run.inception)
    if extractor:
        return TaskEvaluator(folder, extractor)
    # The same classifier as in the run's evaluation: of the learned tasks and of those to come.
    slices = [bank.slice(index) for index in range(len(bank))]
    classes = set(class_names(slices).values())
    learned = {
        each.name: recorded_data(each.name, each.facts, plan.data.data_dir) for each in slices if each.name in classes
    }
    others = {name: coming_data(name, plan) for name in coming}
    return TaskEvaluator(folder, classifier=classifier_of(folder, {**learned, **others}))
