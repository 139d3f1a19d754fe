"""Masks in a network: they start as ones, are learnt at a rate of their own, and take a bit a weight."""

import dataclasses
import tempfile

import numpy as np
import tensorflow as tf

from pgtf import layers
from pgtf.assembly import build
from pgtf.assembly.accounting import plan, summary
from pgtf.config import load_config
from pgtf.methods import Mask
from pgtf.networks import Architecture
from pgtf.runs.run import Run
from tests.tiny import plan_of, tiny_run

PAPER = Architecture("unet", (256, 256), width=64)


class MaskTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tiny_run(tempfile.mkdtemp(), method="mask")
        config = dataclasses.replace(load_config(folder), discriminator_width=2, discriminator_layers=1)
        cls.run_ = Run(folder)
        cls.learner = build.learner(plan_of(config, 2), cls.run_.bank, steps=10)

    def test_the_first_step_goes_as_far_as_the_rates_say(self):
        network = self.learner.generators["forward"]
        before = [variable.numpy() for variable in network.trainable_variables]
        image, target = np.random.default_rng(0).uniform(-1, 1, (2, 1, 16, 16, 3)).astype("float32")
        self.learner.step((image, target))
        # Adam's first step is the learning rate, whatever the gradient.
        for variable, value in zip(network.trainable_variables, before):
            rate = 1e-4 if "scores" in variable.name else 2e-4
            if "bias" not in variable.name:
                furthest = np.abs(variable.numpy() - value).max()
                self.assertAllClose(furthest, rate, rtol=0.01, msg=variable.name)

    def test_begins_as_the_first_task_to_the_bit(self):
        image = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)).astype("float32")
        network = self.learner.generators["forward"]
        config = load_config(self.run_.folder)
        begun = build.initial_generators(plan_of(config, 2), self.run_.bank)["forward"]
        self.assertAllEqual(begun(image), self.run_["facades"].networks["forward"](image))
        for recipe in layers.made_kernels(network).values():
            self.assertNotEmpty(recipe.state())

    def test_a_later_task_of_the_papers_network_by_hand(self):
        for mask, bits in (("binary", 1), ("ternary", 2)):
            facts = summary(plan(("one", "two", "three"), PAPER, Mask(mask), ("forward",)))
            full, *later = facts["tasks"]
            self.assertEqual(full["values"], 54_419_459)
            # The output layer, 4 x 4 x 128 x 3 weights, is free; the other kernels' weights take `bits` each.
            masked = full["kernels"] - 6_144
            expected = (bits * masked + 32 * (6_144 + full["biases"] + full["norms"])) / 8
            self.assertEqual([task["bytes"] for task in later], [expected] * 2)
            self.assertAllClose(later[0]["share"], bits / 32, rtol=0.02)


if __name__ == "__main__":
    tf.test.main()
