"""Distillation: what is added to the losses, by hand, and that it holds outputs back."""

import dataclasses
import functools
import tempfile

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.assembly import build
from pgtf.config import load_config
from pgtf.methods import Distilled
from pgtf.runs.run import Run
from tests.tiny import plan_of, tiny_run

BATCH = tuple(np.random.default_rng(0).uniform(-1, 1, (2, 1, 16, 16, 3)).astype("float32"))


@functools.cache
def run_of(objective, network):
    return Run(tiny_run(tempfile.mkdtemp(), objective=objective, network=network, method="distilled"))


def learner_of(run, weight, index=2):
    """A task as it begins after the two of a run, or as the first."""
    config = dataclasses.replace(
        load_config(run.folder), method=Distilled(weight), discriminator_width=2, discriminator_layers=1
    )
    return build.learner(plan_of(config, index), run.bank.only(run.names[:index]), steps=100)


BOTH = ("pix2pix", "pix2pix", "unet"), ("cyclegan", "cyclegan", "resnet")
LONG = ("pix2pix", "pix2pix", "unet"), ("cyclegan_long", "cyclegan", "resnet")


class DistilledTest(tf.test.TestCase, parameterized.TestCase):
    def distances(self, learner, run):
        """From what the second task's networks make of the images, direction by direction."""
        played = run["maps"].networks
        return [np.abs(learner.generators[p](x) - played[p](x)).mean() for p, x in zip(played, BATCH)]

    @parameterized.named_parameters(*BOTH)
    def test_the_penalty_is_the_weighted_distance_of_each_direction(self, objective, network):
        run = run_of(objective, network)
        learner = learner_of(run, weight=3.0)
        self.assertAllClose(self.distances(learner, run), [0] * len(learner.generators), atol=1e-6)
        learner.step(BATCH)
        distances = self.distances(learner, run)
        self.assertGreater(min(distances), 1e-3)
        self.assertAllClose(learner.step(BATCH)["penalty"], 3 * sum(distances), rtol=1e-3)
        self.assertIn("penalty", learner.means)

    @parameterized.named_parameters(*LONG)
    def test_it_holds_outputs_back(self, objective, network):
        run = run_of(objective, network)
        free, held = learner_of(run, weight=0), learner_of(run, weight=1e4)
        for learner in (free, held):
            for _ in range(3):
                learner.step(BATCH)
        self.assertLess(sum(self.distances(held, run)), sum(self.distances(free, run)) / 2)

    @parameterized.named_parameters(*LONG)
    def test_the_first_task_has_none(self, objective, network):
        learner = learner_of(run_of(objective, network), weight=3.0, index=0)
        self.assertIsNone(learner.penalty)
        self.assertNotIn("penalty", learner.step(BATCH))


if __name__ == "__main__":
    tf.test.main()
