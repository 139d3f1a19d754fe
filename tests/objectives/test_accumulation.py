"""A batch in parts gives the update of the whole, for both objectives."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.objectives import CycleGAN, Pix2Pix
from pgtf.objectives.accumulation import mean_of


def network(channels, filters, activation, seed):
    """A network of one layer, so that a step is traced in a moment."""
    start = keras.initializers.RandomNormal(stddev=0.3, seed=seed)
    layer = keras.layers.Conv2D(filters, 3, padding="same", activation=activation, kernel_initializer=start)
    return keras.Sequential([keras.Input((None, None, channels)), layer])


def networks(objective):
    generators = {name: network(3, 3, "tanh", seed) for seed, name in enumerate(objective.networks)}
    discriminators = {
        name: network(one.channels, 1, None, seed) for seed, (name, one) in enumerate(objective.auxiliary.items(), 2)
    }
    return generators, discriminators


def batch(seed, count=4):
    draw = np.random.default_rng(seed)
    return tuple(tf.constant(draw.uniform(-1, 1, [count, 8, 8, 3]), tf.float32) for _ in range(2))


class MeanOfTest(tf.test.TestCase):
    def test_means_and_rows_in_order(self):
        x, y = tf.range(12.0)[:, None], tf.range(12.0)[:, None] ** 2
        seen = []

        def function(x, y):
            seen.append(x.shape)
            return {"x": tf.reduce_mean(x), "y": tf.reduce_max(y)}, (x + y, -x)

        means, (sums, negatives) = tf.function(lambda: mean_of(4, function, x, y))()
        self.assertAllClose(means, {"x": 5.5, "y": (4 + 25 + 64 + 121) / 4})
        self.assertAllEqual(sums, x + y)
        self.assertAllEqual(negatives, -x)
        self.assertEqual({tuple(shape) for shape in seen}, {(3, 1)})


class PartsTest(tf.test.TestCase, parameterized.TestCase):
    # Plain descent: Adam makes whole steps of what rounding leaves of a gradient that is zero.
    @parameterized.parameters(
        (Pix2Pix(), lambda optimizer: optimizer), (CycleGAN(pool_size=3), keras.mixed_precision.LossScaleOptimizer)
    )
    def test_the_same_steps(self, objective, wrap):
        generators, discriminators = networks(objective)
        variables = [
            v for network in (*generators.values(), *discriminators.values()) for v in network.trainable_variables
        ]
        begun, ends = [variable.numpy() for variable in variables], []
        for parts in (1, 2):
            for variable, value in zip(variables, begun):
                variable.assign(value)
            optimizers = {kind: wrap(keras.optimizers.SGD(0.01)) for kind in ("generators", "discriminators")}
            learner = objective.learner(
                generators, discriminators, optimizers, image_shape=(8, 8, 3)
            ).with_accumulation(parts)
            losses = [learner.train_step(batch(step)) for step in range(2)][-1]
            ends.append([{name: float(loss) for name, loss in losses.items()}, *(v.numpy() for v in variables)])
        for end in ends[1:]:
            for one, other in zip(end, ends[0]):
                self.assertAllClose(one, other, atol=2e-5)
        self.assertGreater(max(np.abs(a - b).max() for a, b in zip(ends[0][1:], begun)), 1e-3)


if __name__ == "__main__":
    tf.test.main()
