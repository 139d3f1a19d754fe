"""Several tasks learnt at once: what they share is moved by all of them, what they don't by its own task alone."""

import keras
import tensorflow as tf
from absl.testing import parameterized

from pgtf.objectives.joint import JointLearner
from pgtf.objectives.learner import Learner


class Product(Learner):
    """Lowers scale · (the generator's output for 1), and pulls the discriminator's, for the same, down by 1."""

    LOSSES = ("made",)

    def step(self, batch):
        (scale,) = batch
        one = tf.ones([1, 1])
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(self.discriminators["own"](one))
        self.minimize("discriminators", tape, loss)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.cast(scale, tf.float32) * tf.cast(self.generators["forward"](one), tf.float32))
        self.minimize("generators", tape, loss)
        return {"made": loss}


def dense(value):
    return keras.layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(value))


def network(*made):
    return keras.Sequential([keras.Input((1,)), *made])


def sgd(rate, scaled):
    optimizer = keras.optimizers.SGD(rate)
    return keras.mixed_precision.LossScaleOptimizer(optimizer) if scaled else optimizer


class TogetherTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(False, True)
    def test_a_step_by_hand(self, scaled):
        shared, own, unshared = dense(1.0), dense(2.0), dense(5.0)
        networks = {"first": network(shared), "second": network(shared, own), "third": network(unshared)}
        judges = {task: network(dense(7.0)) for task in networks}
        learners = {
            task: Product({"forward": made}, {"own": judges[task]}, {"discriminators": sgd(1.0, scaled)}, None)
            for task, made in networks.items()
        }
        together = JointLearner(learners, sgd(0.1, scaled))
        told = together.train_step(tuple((tf.constant([[scale]]),) for scale in (3.0, 10.0, 4.0)))
        # 3·w, 10·w·v and 4·u of w = 1, v = 2, u = 5, all before anything moves.
        self.assertAllClose(told, {"first/made": 3.0, "second/made": 20.0, "third/made": 20.0})
        # The sum of both gradients of w, 3 and 10·v; that of v is 10·w.
        self.assertAllClose(shared.kernel, [[1 - 0.1 * (3 + 20)]])
        self.assertAllClose(own.kernel, [[2 - 0.1 * 10]])
        self.assertAllClose(unshared.kernel, [[5 - 0.1 * 4]])
        self.assertAllClose([evaluator.weights[0] for evaluator in judges.values()], [[[6.0]]] * 3)
        self.assertEqual(int(together.steps_done), 1)
        self.assertEqual(int(together.optimizers["generators"].iterations), 1)
        self.assertLen(together.trained("generators"), 3)


if __name__ == "__main__":
    tf.test.main()
