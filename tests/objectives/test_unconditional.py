"""Unconditional generation: its losses against numbers, when its penalties fall due, and what follows from the seed."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

from pgtf import methods
from pgtf.assembly import build
from pgtf.layers import LayerFactory, restore, state
from pgtf.networks import Architecture
from pgtf.networks.style_discriminator import outer_layers
from pgtf.objectives import Unconditional
from pgtf.objectives.optimizers import LinearDecay
from pgtf.objectives.unconditional.augment import CHANCES, augmented

pytestmark = pytest.mark.usefixtures("step_by_step")
SIDE, LATENT = 16, 8
REAL = np.random.default_rng(1).uniform(-1, 1, [4, SIDE, SIDE, 3]).astype("float32")


def learner_of(precision="float32", rate=0.01, **settings):
    """A learner of tiny networks with constant values, so that two of them are equal."""
    objective = Unconditional(**settings)
    options = (("mapping_layers", 1), ("narrow_from", 4))
    with build.precision(precision):
        shape = Architecture("stylegan2", (SIDE, SIDE), width=1, norm="none", options=options)
        networks = build.generators(shape, methods.Full(), ("forward",), seed=3)
        kind = objective.auxiliary["discriminator"]
        discriminator = build.discriminator("discriminator", kind, width=1, size=(SIDE, SIDE), narrow_from=4, seed=3)
    optimizers = {name: objective.optimizer(LinearDecay(rate, 100, 100), precision) for name in build.KINDS}
    return objective.learner(
        networks, {"discriminator": discriminator}, optimizers, image_shape=(SIDE, SIDE, 3), seed=5
    )


def values_of(learner):
    return [np.asarray(variable) for kind in build.KINDS for variable in learner.trained(kind)]


class UnconditionalTest(tf.test.TestCase, parameterized.TestCase):
    def test_r1_is_the_squared_numerical_gradient(self):
        learner = learner_of()
        image = keras.Input((SIDE, SIDE, 3))
        smooth = keras.Model(image, _bowl(image, LayerFactory("discriminator", seed=1)), name="discriminator")
        learner.discriminators["discriminator"] = smooth
        real, chances = tf.constant(REAL[:2]), tf.zeros([2, CHANCES])
        found = float(learner.r1(real, chances))
        step, total, draw = 1e-2, 0.0, np.random.default_rng(2)
        # |∇|² = E (∇ · v)² over directions v of spread 1, here the axes of an orthogonal basis of a subspace and its
        # complement would take 768 evaluations each; a random projection onto 96 of them is compared with its own.
        basis = np.linalg.qr(draw.normal(size=(SIDE * SIDE * 3, 96)))[0].T.reshape(-1, SIDE, SIDE, 3).astype("float32")
        with tf.GradientTape() as tape:
            tape.watch(real)
            scores = tf.reduce_sum(smooth(real))
        gradient = tape.gradient(scores, real).numpy()
        for direction in basis:
            ends = [np.asarray(smooth(real + sign * step * direction))[:, 0] for sign in (1, -1)]
            total = total + ((ends[0] - ends[1]) / (2 * step)) ** 2
        projected = (np.tensordot(gradient, basis, ([1, 2, 3], [1, 2, 3])) ** 2).sum(1)
        self.assertAllClose(total, projected, rtol=0.02)
        self.assertAllClose(found, (gradient**2).sum((1, 2, 3)).mean(), rtol=1e-5)

    def test_penalties_fall_due_at_their_steps_also_after_a_resume(self):
        learner = learner_of(r1_every=3, path_length_every=2)
        due = []
        for step in range(4):
            if step == 3:
                learner = learner_of(r1_every=3, path_length_every=2)
                learner.count.assign(step)
            found = learner.step((tf.constant(REAL),))
            due.append((float(found["r1"]) > 0, float(found["path_length"]) > 0))
        self.assertEqual(due, [(True, True), (False, False), (False, True), (True, False)])

    def test_a_step_follows_from_seed_and_number(self):
        one, other = learner_of(), learner_of()
        for learner in (one, other):
            learner.step((tf.constant(REAL),))
        for a, b in zip(values_of(one), values_of(other)):
            self.assertAllEqual(a, b)
        self.assertNotAllEqual(one._latents("generator", 4)[0], learner_of()._latents("generator", 4)[0])
        self.assertNotAllEqual(one._latents("generator", 4)[0], one._latents("discriminator", 4)[0])

    def test_accumulated_gradients_are_the_batchs(self):
        # At a rate of 0, as the discriminator sees what the generator makes after its step.
        whole, parts = (learner_of(rate=0.0, path_length_weight=0.0) for _ in range(2))
        for learner in (whole, parts.with_accumulation(4)):
            _without_groups(learner)
            learner.step((tf.constant(REAL),))
        for kind in ("discriminators", "generators"):
            gradients = [learner.optimizers[kind]._momentums for learner in (whole, parts)]  # As β₁ is 0.
            for variable, one, other in zip(whole.trained(kind), *gradients):
                # Parts draw noise of their own; its strength is 0.
                if "strength" in variable.name:
                    continue
                spread = (kind, tuple(one.shape)) == ("discriminators", (3, 3, 9, 8))  # Has the spread as an input.
                one, other = (np.asarray(each)[:, :, :8] if spread else each for each in (one, other))
                self.assertAllClose(one, other, atol=1e-4, rtol=1e-3, msg=variable.name)

    @parameterized.named_parameters(("bfloat16", "mixed_bfloat16"), ("float16_long", "mixed_float16"))
    def test_half_precision_stays_finite(self, precision):
        learner = learner_of(precision, augment="color,translation,cutout")
        for _ in range(2):
            found = learner.step((tf.constant(REAL),))
        self.assertAllInRange([float(value) for value in found.values()], -1e4, 1e4)
        for value in values_of(learner):
            self.assertTrue(np.isfinite(value).all())

    def test_styles_of_the_second_latent_begin_at_the_cut(self):
        learner = learner_of()
        z = tf.constant(np.random.default_rng(0).normal(size=(3, 2, LATENT)).astype("float32"))
        mixed = learner._mixed(z, tf.constant([1, 4, 6])).numpy()
        one, other = (learner._mapping(z[:, side]).numpy() for side in (0, 1))
        self.assertAllEqual(mixed[0], np.concatenate([one[0, :1], other[0, 1:]]))
        self.assertAllEqual(mixed[1], np.concatenate([one[1, :4], other[1, 4:]]))
        self.assertAllEqual(mixed[2], one[2])
        _, cuts = learner_of(style_mixing=0.5)._latents("generator", 4000)
        counts = np.bincount(cuts.numpy(), minlength=7) / 4000
        self.assertAllClose(counts, [0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.5], atol=0.03)

    def test_later_tasks_keep_frozen_blocks(self):
        objective, learner = Unconditional(freeze_discriminator=1), learner_of()
        network = learner.discriminators["discriminator"]
        self.assertEqual(set(outer_layers(network, 1)), {"rgb16", "conv16", "conv16_down", "skip16"})
        objective.begin_auxiliary({"discriminator": network}, is_first=True)
        every = len(network.trainable_variables)
        objective.begin_auxiliary({"discriminator": network}, is_first=False)
        self.assertLen(network.trainable_variables, every - 7)

    def test_settings_are_checked(self):
        with self.assertRaisesRegex(ValueError, "--augment must be some of color,translation,cutout"):
            Unconditional(augment="color,rotation")
        with self.assertRaisesRegex(ValueError, "--r1_every must be more than 0"):
            Unconditional(r1_every=0)

    def test_probes_are_the_same_latents_for_all_tasks(self):
        inputs, targets = Unconditional().probes(REAL, shape=(LATENT,))
        self.assertEqual((inputs["forward"].shape, targets), ((9, LATENT), {}))
        # The first number of Mersenne Twister's normal distribution with seed 0.
        self.assertAllClose(inputs["forward"][0, 0], 1.7640524)
        images = np.zeros([9, 4, 4, 3], "float32")
        Unconditional().check_probes(inputs, {}, {"forward": images})
        for wrong in (np.zeros([9, 4, 4, 3], "uint8"), inputs["forward"].astype("float64")):
            with self.assertRaisesRegex(ValueError, "latents"):
                Unconditional().check_probes({"forward": wrong}, {}, {"forward": images})


class AugmentTest(tf.test.TestCase):
    def test_nothing_is_the_identity_and_a_middle_chance_nearly(self):
        chances = np.full([4, CHANCES], 0.5, "float32")
        self.assertAllEqual(augmented(REAL, chances, ()), REAL)
        self.assertAllClose(augmented(tf.constant(REAL), chances, ("color", "translation")), REAL, atol=1e-5)

    def test_translation_shifts_by_up_to_an_eighth(self):
        chances = np.tile(np.float32([0, 0, 0, 0.99, 0, 0, 0]), [4, 1])
        found = augmented(tf.constant(REAL), chances, ("translation",)).numpy()
        expected = np.zeros_like(REAL)
        expected[:, 2:, :-2] = REAL[:, :-2, 2:]
        self.assertAllEqual(found, expected)

    def test_cutout_leaves_out_a_square_of_half_the_side(self):
        chances = np.tile(np.float32([0, 0, 0, 0, 0, 0.5, 0.5]), [4, 1])
        found = augmented(tf.ones([4, SIDE, SIDE, 3]), chances, ("cutout",)).numpy()
        expected = np.ones_like(found)
        expected[:, 4:12, 4:12] = 0
        self.assertAllEqual(found, expected)

    def test_color_changes_brightness_saturation_and_contrast(self):
        draw = np.random.default_rng(5)
        chances = draw.uniform(size=(4, CHANCES)).astype("float32")
        found = augmented(tf.constant(REAL), chances, ("color",)).numpy()
        for image, numbers, made in zip(REAL.astype("float64"), chances, found):
            image = image + numbers[0] - 0.5
            gray = image.mean(-1, keepdims=True)
            image = gray + (image - gray) * 2 * numbers[1]
            image = image.mean() + (image - image.mean()) * (0.5 + numbers[2])
            self.assertAllClose(made, image, atol=1e-5)


def _bowl(image, make):
    """A smooth network, which numerical gradients suit."""
    h = keras.layers.Activation("tanh")(make.equalized("first", 4, 3, strides=2)(image))
    return keras.layers.Reshape((1,))(make.equalized("last", 1, SIDE // 2, padding="valid")(h))


def _without_groups(learner):
    """Sets the kernel's values for the spread of groups to zero."""
    network = learner.discriminators["discriminator"]
    values = state(network)
    values["discriminator/conv4/unconstrained"][:, :, -1] = 0
    restore(network, values)


if __name__ == "__main__":
    tf.test.main()
