"""Each loss against its formula, on scores few enough to check by hand."""

import numpy as np
import tensorflow as tf

from pgtf.objectives import gan_losses, losses

REAL = np.array([[0.5, -1.0], [2.0, 3.0]], "float32")[..., None]
FAKE = np.array([[0.0, 4.0], [-2.0, 1.0]], "float32")[..., None]


class LossesTest(tf.test.TestCase):
    def test_vanilla_discriminator(self):
        by_hand = np.log1p(np.exp(-REAL)).mean() + np.log1p(np.exp(FAKE)).mean()
        self.assertAllClose(losses.vanilla_discriminator(REAL, FAKE), by_hand, rtol=1e-6)

    def test_vanilla_generator_does_not_saturate(self):
        self.assertAllClose(losses.vanilla_generator(FAKE), np.log1p(np.exp(-FAKE)).mean(), rtol=1e-6)
        self.assertAllClose(losses.vanilla_generator(np.float32([-100])), 100.0)

    def test_undecided_scores(self):
        zero = np.zeros((1, 3, 3, 1), "float32")
        self.assertAllClose(losses.vanilla_discriminator(zero, zero), 2 * np.log(2))
        self.assertAllClose(losses.vanilla_generator(zero), np.log(2))

    def test_least_squares_discriminator(self):
        # Squares of real - 1: .25, 4, 1, 4; of fake: 0, 16, 4, 1.
        self.assertAllClose(losses.least_squares_discriminator(REAL, FAKE), (9.25 / 4 + 21 / 4) / 2, rtol=1e-6)

    def test_least_squares_generator_has_no_half(self):
        # Squares of fake - 1: 1, 9, 9, 0.
        self.assertAllClose(losses.least_squares_generator(FAKE), 19 / 4, rtol=1e-6)

    def test_l1(self):
        a, b = np.float32([[0, 1], [2, -3]]), np.float32([[1, 1], [-2, 0]])
        self.assertAllClose(losses.l1(a, b), 2.0)

    def test_nothing_is_collected(self):
        # Plain tensorflow-gan adds each loss to a graph's collection: a leak, step by step.
        with tf.Graph().as_default() as graph:
            for loss in (losses.vanilla_discriminator, losses.least_squares_discriminator):
                loss(tf.constant(REAL), tf.constant(FAKE))
            losses.vanilla_generator(tf.constant(FAKE)), losses.least_squares_generator(tf.constant(FAKE))
            self.assertEmpty(graph.get_collection(tf.compat.v1.GraphKeys.LOSSES))

    def test_the_stand_ins_are_tensorflow_gans(self):
        try:
            from tensorflow_gan.losses import wargs
        except ImportError:
            self.skipTest("tensorflow-gan is not installed")
        for name, scores in (
            ("modified_discriminator_loss", (REAL, FAKE)),
            ("modified_generator_loss", (FAKE,)),
            ("least_squares_discriminator_loss", (REAL, FAKE)),
            ("least_squares_generator_loss", (FAKE,)),
        ):
            scores = [tf.Variable(score) for score in scores]
            with tf.GradientTape(persistent=True) as tape:
                theirs = getattr(wargs, name)(*scores, loss_collection=None)
                ours = getattr(gan_losses, name)(*scores)
            self.assertAllClose(ours, theirs, rtol=1e-6)
            for mine, other in zip(tape.gradient(ours, scores), tape.gradient(theirs, scores)):
                self.assertAllClose(mine, other, rtol=1e-5)


if __name__ == "__main__":
    tf.test.main()
