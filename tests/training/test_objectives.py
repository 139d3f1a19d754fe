"""A small run of each objective, whole: two tasks are learned, replayed, verified and used. For either TensorFlow."""

import dataclasses
import os

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

import pgtf
from pgtf import layers
from pgtf.config import task_plans
from pgtf.methods import Layered, WidthWise
from pgtf.objectives import OBJECTIVES, Unconditional
from pgtf.runs.verify import verdicts
from pgtf.training import joint
from tests.training.test_classification import config_of
from tests.training.test_sequence import TINY, UNPAIRED, ran

pytestmark = pytest.mark.usefixtures("step_by_step")

CONFIGS = {
    "pix2pix": dataclasses.replace(TINY, steps=2),
    "cyclegan": UNPAIRED,
    "classification": config_of("mask", steps=2),
    "unconditional": dataclasses.replace(
        TINY,
        steps=1,
        image_size="16",
        tasks=("faces", "cats"),
        objective=Unconditional(path_length_weight=0.0),
        method=WidthWise(0.5),
        network="stylegan2",
        options=(("mapping_layers", 1), ("narrow_from", 4)),
        norm="none",
        width=1,
        discriminator_width=1,
        ema=0.9,
    ),
}


class ObjectivesTest(tf.test.TestCase, parameterized.TestCase):
    # `make test` learns such runs in test_sequence.py and test_classification.py.
    @parameterized.parameters(*OBJECTIVES)
    @pytest.mark.long
    def test_a_run_is_learned_verified_and_used(self, objective):
        config = CONFIGS[objective]
        folder, said = ran(config, os.path.join(self.create_tempdir().full_path, "run"))
        first, second = config.tasks
        self.assertRegex(said, f"after {second}: {first} replays (bit-equal|within tolerance)")
        self.assertEqual([verdict.holds for verdict in verdicts(folder)], [True, True])
        run = pgtf.load(folder)
        if run[second].facts.objective.serves == "images":
            image = np.random.default_rng(0).integers(0, 256, [16, 16, 3], "uint8")
            self.assertEqual(run[second](image).shape, image.shape)
        if run[second].facts.objective.serves == "latents":
            self.assertEqual(run[second].image_generator.seeds([1, 2]).shape, (2, *config.size, 3))
            self.assertNotAllEqual(run[first].image_generator.seeds([1]), run[second].image_generator.seeds([1]))

    def test_domains_learn_together_and_share_kernels(self):
        self._learn_together("forward/conv8", {})

    @pytest.mark.long
    def test_domains_learn_together_and_share_layers(self):
        shared = {"method": Layered(layers="mapping*:free,conv4*:free,*:frozen")}
        first, second = self._learn_together("forward/conv8", shared)
        self.assertIsNone(second["forward/conv8"].free)
        self.assertNotAllEqual(first["forward/conv4"].unconstrained, second["forward/conv4"].unconstrained)

    def _learn_together(self, shared, changes):
        """Takes a joint step. Both domains share a kernel's variable. Returns {path: kernel} of each."""
        plans = task_plans(dataclasses.replace(CONFIGS["unconditional"], schedule="together", ema=0.0, **changes))
        learner = joint.learner(plans, 4)
        kernels = [layers.made_kernels(one.generators["forward"]) for one in learner.learners.values()]
        first, second = (found[shared] for found in kernels)
        self.assertIs(first.unconstrained, second.bank)
        before, free = np.array(first.unconstrained), np.array(second.free)
        draw = np.random.default_rng(0)
        batch = tuple((tf.constant(draw.uniform(-1, 1, [2, 16, 16, 3]), tf.float32),) for _ in plans)
        losses = learner.step(batch)
        self.assertTrue(all(np.isfinite(float(value)) for value in losses.values()), losses)
        self.assertNotAllEqual(first.unconstrained, before)
        if second.free is not None:
            self.assertNotAllEqual(second.free, free)
        counts = [int(one.count.numpy()) for one in learner.learners.values()]
        self.assertEqual(counts, [1, 1])
        one, other = (one.trained("discriminators") for one in learner.learners.values())
        self.assertEmpty(set(map(id, one)) & set(map(id, other)))
        return kernels


if __name__ == "__main__":
    tf.test.main()
