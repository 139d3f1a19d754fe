"""Distances of generated images to all real ones, with both numbers in the result."""

import dataclasses
import os

import numpy as np
import tensorflow as tf

import pgtf
from pgtf.evaluation.generator import Generator
from pgtf.evaluation.run_evaluation import EvaluationConfig, RunEvaluation
from pgtf.evaluation.task_evaluator import TaskEvaluator
from pgtf.metrics.extractors import Extractor
from pgtf.metrics.frechet_kernel import frechet_distance
from tests.tiny import tiny_run

CORNERS = Extractor("corners", "0" * 64, lambda x: x[:, 0, 0], 3, "ID-3")


class GeneratedTest(tf.test.TestCase):
    def test_generated_images_are_measured_against_all_real_ones(self):
        folder = os.path.join(self.create_tempdir().full_path, "run")
        run = pgtf.load(tiny_run(folder, ("faces", "cats"), "stylegan2", "unconditional"))
        evaluation = RunEvaluation(run, EvaluationConfig(CORNERS, limit=20))
        task, real = run["cats"], evaluation._sides(1)[1]
        objective = dataclasses.replace(task.facts.objective, generated=30)
        network = Generator(task.network("forward"), (16, 16), task.facts.architecture.input)
        found = objective.figures(TaskEvaluator(folder, CORNERS), "cats", {"forward": network}, (real, real))
        frechet = found["FID-3"]
        self.assertEqual((frechet.real.n, frechet.generated.n), (20, 30))
        made = task.image_generator.seeds(range(30))
        features = [np.asarray(CORNERS(np.stack(list(images)))) for images in (real, made)]
        self.assertAllClose(frechet.value, frechet_distance(*features), rtol=1e-3)
        self.assertEqual(objective.loss({name: one.value for name, one in found.items()}), frechet.value)
        self.assertIsNotNone(found["KID-3"].value)


if __name__ == "__main__":
    tf.test.main()
