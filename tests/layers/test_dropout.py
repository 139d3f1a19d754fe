"""Dropout that can be resumed."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.layers import Dropout

ONES = np.ones((4, 25, 20, 10), "float32")


class DropoutTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(0.1, 0.5, 0.8)
    def test_drops_its_share_and_scales_the_rest(self, rate):
        y = Dropout(rate, seed=3)(ONES, training=True).numpy()
        kept = y != 0
        # 20000 draws: four standard deviations are at most 0.0142.
        self.assertAllClose(1 - kept.mean(), rate, atol=4 * np.sqrt(rate * (1 - rate) / y.size))
        self.assertAllClose(y[kept], np.full(kept.sum(), 1 / (1 - rate)))

    def test_drops_anywhere(self):
        kept = Dropout(0.5, seed=3)(ONES, training=True).numpy() != 0
        for axes in ((1, 2, 3), (0, 2, 3), (0, 1, 3), (0, 1, 2)):
            self.assertAllInRange(kept.mean(axes), 0.35, 0.65)
            self.assertGreater(kept.mean(axes).std(), 0)

    def test_is_the_identity_at_inference(self):
        layer = Dropout(0.5)
        self.assertAllEqual(layer(ONES), ONES)
        self.assertAllEqual(layer(ONES, training=False), ONES)
        self.assertEqual(layer.draws.numpy(), 0)

    def test_each_call_draws_another_mask_and_a_resumed_one_the_same(self):
        layer = Dropout(0.5, seed=3)
        layer.build(ONES.shape)
        call = tf.function(lambda: layer(ONES, training=True))
        first = call().numpy()
        saved = layer.get_weights()
        second, third = call().numpy(), call().numpy()
        self.assertNotAllEqual(first, second)
        self.assertNotAllEqual(second, third)
        resumed = Dropout(0.5, seed=3)
        resumed.build(ONES.shape)
        resumed.set_weights(saved)
        self.assertAllEqual(resumed(ONES, training=True), second)
        self.assertAllEqual(resumed(ONES, training=True), third)
        layer.set_weights(saved)
        self.assertAllEqual(call(), second)

    def test_two_seeds_draw_two_masks(self):
        self.assertAllEqual(Dropout(0.5, seed=3)(ONES, training=True), Dropout(0.5, seed=3)(ONES, training=True))
        self.assertNotAllEqual(Dropout(0.5, seed=3)(ONES, training=True), Dropout(0.5, seed=4)(ONES, training=True))

    @parameterized.parameters("float16", "bfloat16")
    def test_half_precision(self, dtype):
        y = Dropout(0.5, seed=3, dtype=f"mixed_{dtype}")(ONES, training=True)
        self.assertEqual(y.dtype.name, dtype)
        self.assertAllEqual(np.unique(tf.cast(y, "float32")), [0, 2])
        self.assertAllClose(np.mean(tf.cast(y, "float32")), 1, atol=0.03)

    def test_fit_counts_its_draws_and_evaluate_does_not(self):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), Dropout(0.5)])
        model.compile("sgd", "mse")
        x, y = np.ones((6, 3)), np.ones((6, 2))
        model.fit(x, y, batch_size=2, verbose=0)
        model.evaluate(x, y, batch_size=2, verbose=0)
        self.assertEqual(model.layers[-1].draws.numpy(), 3)
        self.assertEmpty(model.layers[-1].trainable_variables)

    def test_the_gradient_passes_where_the_value_does(self):
        x = tf.constant(ONES)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = Dropout(0.5, seed=3)(x, training=True)
        self.assertAllEqual(tape.gradient(y, x), y)

    def test_config_round_trip(self):
        layer = Dropout(0.3, seed=8, name="mine")
        again = Dropout.from_config(layer.get_config())
        self.assertEqual((again.rate, again.seed, again.name), (0.3, 8, "mine"))


if __name__ == "__main__":
    tf.test.main()
