"""Distances of generated images to all real ones, with both numbers in the result."""

import dataclasses
import os

import numpy as np
import tensorflow as tf

import pgtf
from pgtf.evaluation.generator import Generator
from pgtf.evaluation.run_evaluation import EvaluationConfig, RunEvaluation
from pgtf.evaluation.task_evaluator import TaskEvaluator
from pgtf.experiments.paper.samples import SampleReader
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

    def test_rows_of_results_have_the_intervals_of_the_evaluation(self):
        place = self.create_tempdir().full_path
        run = pgtf.load(tiny_run(os.path.join(place, "run"), ("faces", "cats"), "stylegan2", "unconditional"))
        kept = os.path.join(place, "kept")
        evaluation = RunEvaluation(
            run, EvaluationConfig(CORNERS, split="train", kept=kept, classifier_of=lambda *_: None)
        )
        evaluation.measure(["cats"])
        figures = evaluation.figures["cats", "cats"]
        stored = sorted(os.listdir(os.path.join(kept, "activations")))
        samples = SampleReader(CORNERS, "train", kept)(run, "cats")
        self.assertCountEqual(samples, ("FID", "KID"))
        for name, sample in samples.items():
            self.assertEqual(sample.value, figures[f"{name}-3"].value)
            self.assertEqual((sample.interval.low, sample.interval.high), figures[f"{name}-3"].interval)
            self.assertEqual(sample.sizes, (figures["FID-3"].real.n, figures["FID-3"].generated.n))
        # The features of generated images are those that the evaluation stored.
        self.assertEqual(sorted(os.listdir(os.path.join(kept, "activations"))), stored)
        low, high = figures["FID-3"].interval
        self.assertIn(f"[{low:.4g}, {high:.4g}]", evaluation.table())


if __name__ == "__main__":
    tf.test.main()
