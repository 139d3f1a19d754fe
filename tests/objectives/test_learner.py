"""Checks the behavior that the learners of both objectives share."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.layers import Conv2D
from pgtf.objectives.learner import Learner, jointly
from pgtf.objectives.optimizers import LinearDecay, adam


class LinearDecayTest(tf.test.TestCase):
    def test_constant_then_linear_to_zero(self):
        rate = LinearDecay(0.2, begin=10, end=30)
        for step, expected in ((0, 0.2), (9, 0.2), (10, 0.2), (15, 0.15), (20, 0.1), (29, 0.01), (30, 0.0), (99, 0.0)):
            self.assertAllClose(rate(tf.constant(step, tf.int64)), expected, atol=1e-7, msg=step)

    def test_all_of_it_falling_and_none(self):
        self.assertAllClose([LinearDecay(1.0, 0, 4)(step) for step in range(5)], [1, 0.75, 0.5, 0.25, 0])
        self.assertAllClose([LinearDecay(1.0, 4, 4)(step) for step in range(4)], [1, 1, 1, 1])

    def test_survives_saving(self):
        config = keras.saving.serialize_keras_object(LinearDecay(0.2, 10, 30))
        self.assertAllClose(keras.saving.deserialize_keras_object(config)(20), 0.1)

    def test_an_optimizer_follows_it(self):
        variable = tf.Variable(0.0)
        optimizer = adam(LinearDecay(0.5, 1, 3), "float32")
        places = []
        for _ in range(4):
            optimizer.apply_gradients([(tf.constant(1.0), variable)])
            places.append(float(variable))
        # A constant gradient makes Adam's every step as long as the rate: at steps 0, 1, 2, 3.
        self.assertAllClose(-np.diff([0, *places]), [0.5, 0.5, 0.25, 0.0], atol=1e-5)


class AdamTest(tf.test.TestCase):
    def test_is_the_papers(self):
        optimizer = adam(2e-4, "mixed_bfloat16")
        self.assertIsInstance(optimizer, keras.optimizers.Adam)
        self.assertEqual((optimizer.beta_1, optimizer.beta_2), (0.5, 0.999))
        self.assertAllClose(optimizer.learning_rate, 2e-4)

    def test_only_float16_needs_its_loss_scaled(self):
        for precision, scaled in (("float32", False), ("mixed_bfloat16", False), ("mixed_float16", True)):
            self.assertEqual(isinstance(adam(1.0, precision), keras.mixed_precision.LossScaleOptimizer), scaled)


def weight():
    """A network of one weight, 1 at first."""
    return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])


class Line(Learner):
    """One weight each: the generator's is pulled to 3, the discriminator's to -1."""

    LOSSES = ("up", "down")

    def __init__(self, optimizers):
        up, down = weight(), weight()
        super().__init__({"forward": up}, {"down": down}, optimizers, objective=None)
        self.up, self.down = up, down

    def step(self, batch):
        with tf.GradientTape(persistent=True) as tape:
            up = tf.reduce_mean((self.up(batch) - 3) ** 2)
            down = tf.reduce_mean((self.down(batch) + 1) ** 2)
        self.minimize("generators", tape, up)
        self.minimize("discriminators", tape, down)
        return {"up": up, "down": down}

    def values(self):
        return [float(network.weights[0][0, 0]) for network in (self.up, self.down)]


class LearnerTest(tf.test.TestCase, parameterized.TestCase):
    def learnt(self, wrap=lambda optimizer: optimizer, steps=2):
        learner = Line(
            {"generators": wrap(keras.optimizers.SGD(0.1)), "discriminators": wrap(keras.optimizers.SGD(0.25))}
        )
        for _ in range(steps):
            learner.train_step(tf.ones((2, 1)))
        return learner

    def test_each_party_goes_down_its_own_loss(self):
        # w -= rate * 2 (w - goal): from 1, 0.1 -> 1.4, 1.72 and 0.25 -> 0, -0.5.
        self.assertAllClose(self.learnt(steps=1).values(), [1.4, 0.0])
        self.assertAllClose(self.learnt(steps=2).values(), [1.72, -0.5])

    def test_a_scaled_loss_gives_the_same_step(self):
        self.assertAllClose(self.learnt(keras.mixed_precision.LossScaleOptimizer).values(), [1.72, -0.5])

    def test_losses_are_averaged_until_they_are_reset_and_steps_counted(self):
        learner = self.learnt(steps=2)
        self.assertEqual(int(learner.steps_done), 2)
        self.assertAllClose(learner.means["up"].result(), (4.0 + 1.6**2) / 2)
        learner.reset_metrics()
        self.assertAllClose(learner.train_step(tf.ones((1, 1)))["up"], 1.28**2)
        self.assertEqual(int(learner.steps_done), 3)

    def test_the_step_is_traced_once(self):
        learner = self.learnt(steps=3)
        self.assertEqual(learner.traced_step.experimental_get_tracing_count(), 1)

    @parameterized.product(
        setting=["kernel_regularizer", "bias_regularizer", "activity_regularizer"],
        kind=["generators", "discriminators"],
    )
    def test_networks_with_losses_of_their_own_are_refused(self, setting, kind):
        # They would reach no step.
        image = keras.Input((None, None, 3))
        output = Conv2D(2, 1, name="last", **{setting: "l2"})(Conv2D(2, 1, name="first")(image))
        regularized = keras.Model(image, output, name="mine")
        networks = {"generators": {"forward": weight()}, "discriminators": {"d": weight()}}
        networks[kind]["other"] = regularized
        with self.assertRaisesRegex(ValueError, "regularizers: .*Received: mine with regularizers in last$"):
            Learner(**networks, optimizers={}, objective=None)


class JointlyTest(tf.test.TestCase):
    def test_in_one_pass_and_taken_apart_again(self):
        # The mean of the batch that the network sees is that of all rows: 4, 5, 6.
        network = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x - tf.reduce_mean(x, 0))])
        a, b = np.float32([[1, 2, 3]]), np.float32([[4, 5, 6], [7, 8, 9]])
        ours, theirs = jointly(network, a, b)
        self.assertAllEqual(ours, a - [[4, 5, 6]])
        self.assertAllEqual(theirs, b - [[4, 5, 6]])

    def test_a_batch_norm_sees_each_batch_by_itself(self):
        network = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
        far = jointly(network, np.float32([[0], [2]]), np.float32([[100], [102]]))
        self.assertAllClose(far, [[[-1], [1]]] * 2, atol=1e-2)


if __name__ == "__main__":
    tf.test.main()
