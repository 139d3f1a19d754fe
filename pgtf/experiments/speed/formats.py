"""Benchmark of export formats: their size, their time, and what their rounding loses on a task's test images.

Each file takes one image a call, on one thread. Times are CPU seconds of the process; sides take turns.
"""

import contextlib
import dataclasses
import functools
import glob
import itertools
import os
import tempfile
from collections.abc import Sequence
from typing import Any, Callable

import numpy as np
import tensorflow as tf

from pgtf import layers
from pgtf.assembly.recorded_data import recorded_data
from pgtf.data.rgb_images import to_float, to_input, to_uint8
from pgtf.evaluation.collection import sides
from pgtf.evaluation.run_evaluation import extractor_of
from pgtf.evaluation.task_evaluator import TaskEvaluator, classifier_of
from pgtf.experiments.speed import peers
from pgtf.experiments.speed.answers import noise, run_of
from pgtf.experiments.speed.timing import compared, cpu_times
from pgtf.objectives import Objective
from pgtf.runs.pack import load
from pgtf.runs.run import Run
from pgtf.serving.saved_model import write_saved_model
from pgtf.serving.tflite import TOLERANCES, converted, interpreter

TFLITE = {precision: f"TFLite {precision}" for precision in TOLERANCES}
BASE = TFLITE["float32"]
CALIBRATION = 100  # Training images that give the ranges of activations, at most.

Ask = Callable[[np.ndarray], np.ndarray]


def formats(plan: Any, rounds: int, run: str = "") -> dict[str, dict[str, Any]]:
    """Compares the files of one network: {format: {"seconds", "ratio", "megabytes", "differs", metric: value}}.

    Args:
      plan: The plan of a task. Without a run its architecture is measured, with random values.
      rounds: Number of rounds.
      run: A run or a pack. Its first task is measured, also on its test images: each metric of the file's outputs.
    """
    with tempfile.TemporaryDirectory() as folder:
        opened = load(run) if run else Run(run_of(plan, 1, os.path.join(folder, "run"), "full"))
        task, measures = opened.at(0), Measures.of(opened, plan, folder) if run else None
        shown = measures.calibration if measures else [noise(plan, seed) for seed in range(4)]
        asks, sizes = written(layers.folded(task.rebuilt()["forward"]), task.facts.architecture, shown, folder)
        given = to_float(shown[0])[None]
        times = cpu_times({name: functools.partial(ask, given) for name, ask in asks.items()}, rounds)
        exact = asks[BASE](given)
        found: dict[str, dict[str, Any]] = dict(compared(times, BASE))
        for name, ask in asks.items():
            found[name]["megabytes"] = sizes[name] / 1e6
            if measures:
                found[name].update(measures(ask, asks[BASE]))
            else:
                found[name]["differs"] = float(np.abs(ask(given) - exact).mean())
    return found


def written(
    plain: Any, architecture: Any, calibration: Sequence[np.ndarray], folder: str
) -> tuple[dict[str, Ask], dict[str, int]]:
    """Writes a network in each format: ({format: function of one image [1, h, w, 3]}, {format: bytes})."""
    path = os.path.join(folder, "saved_model")
    write_saved_model(plain, architecture.multiple, {}, path)
    served = tf.saved_model.load(path).signatures["floats"]
    asks: dict[str, Ask] = {"SavedModel": lambda image: served(images=tf.constant(image))["images"].numpy()}
    inside = glob.glob(os.path.join(path, "**", "*.*"), recursive=True)
    sizes = {"SavedModel": sum(map(os.path.getsize, inside))}
    for precision, name in TFLITE.items():
        content = converted(plain, architecture.size, architecture.inputs, precision, calibration)
        sizes[name], asks[name] = len(content), _runner(content)
    with contextlib.suppress(ImportError):  # It is an extra.
        onnx = os.path.join(folder, "network.onnx")
        asks["ONNX"] = peers.onnx_runtime(plain, onnx)
        sizes["ONNX"] = os.path.getsize(onnx)
    return asks, sizes


def _runner(content: bytes) -> Ask:
    ask = interpreter()(model_content=content, num_threads=1).get_signature_runner()
    return lambda image: ask(images=image)["images"]


@dataclasses.dataclass(frozen=True)
class Measures:
    """Measurements of a format on the test images of a task.

    Attributes:
      name, objective: The task's name and objective.
      sides: The inputs and the targets.
      evaluator: Its distances are among the metrics.
      calibration: Training images that give the ranges of activations.
    """

    name: str
    objective: Objective
    sides: tuple[Any, Any]
    evaluator: TaskEvaluator
    calibration: Sequence[np.ndarray] = ()

    @classmethod
    def of(cls, run: Run, plan: Any, folder: str) -> "Measures":
        """Returns those of a run's first task.

        Args:
          run: The run. Its other tasks are classes of the classifier that measures distances without --inception.
          plan: Names the folder of the data, if it has moved since training, and the network for KID.
          folder: Folder for features of real images.
        """
        data = {task.name: recorded_data(task.name, task.facts, plan.data.data_dir) for task in run}
        name, facts = run.names[0], run.at(0).facts
        flipped = facts.direction == "BtoA"
        learned_from, _ = sides(data[name], "train", flipped=flipped)
        tested = sides(data[name], data[name].test_split, flipped=flipped)
        extractor = extractor_of(plan.run.inception)
        evaluator = TaskEvaluator(folder, extractor, None if extractor else classifier_of(folder, data))
        return cls(name, facts.objective, tested, evaluator, list(itertools.islice(learned_from, CALIBRATION)))

    def __call__(self, ask: Ask, exact: Ask) -> dict[str, Any]:
        """Returns {metric: value} of a format's outputs, and their mean difference from those of another."""
        given = [to_input(image)[None] for image in self.sides[0]]
        made = np.concatenate([ask(image) for image in given])
        differs = np.abs(made - np.concatenate([exact(image) for image in given])).mean()
        network = {"forward": lambda images: to_uint8(made)}
        figures = self.evaluator.figures(self.name, network, self.sides, self.objective)
        values = {name: figure.value for name, figure in figures.items() if figure.value is not None}
        return {**values, "differs": float(differs), "task": self.name, "images": len(given)}
