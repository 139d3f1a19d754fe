"""A layer that is ready holds its bank in the type that it computes in, and gives the same."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf import recipes
from pgtf.layers import Conv2D

DRAW = np.random.default_rng(0)
BANK = DRAW.normal(size=[3, 2, 4, 6]).astype("float32")
X = DRAW.normal(size=[2, 5, 5, 4]).astype("float32")


def partly_free(bank):
    return recipes.PartlyFree(bank, 0.5)


class ReadyTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.product(
        make=[recipes.Piggyback, recipes.Mask, recipes.Modulated, recipes.LowRank, partly_free],
        policy=["float32", "mixed_bfloat16"],
    )
    def test_outputs_kernels_and_weights_stay(self, make, policy):
        keras.mixed_precision.set_global_policy(policy)
        try:
            layer = Conv2D(6, (3, 2), recipe=make(BANK))
            before, kernel, weights = layer(X), layer.kernel, [weight.numpy() for weight in layer.weights]
            layer.prepare_for_training()
            self.assertAllEqual(layer(X), before)
        finally:
            keras.mixed_precision.set_global_policy("float32")
        self.assertAllEqual(layer.kernel, kernel)
        self.assertEqual(layer.kernel.dtype, tf.float32)
        self.assertLen(layer.weights, len(weights))
        for one, other in zip(layer.weights, weights):
            self.assertAllEqual(one, other)

    def test_what_is_held_is_what_is_read(self):
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
        try:
            layer = Conv2D(6, (3, 2), recipe=recipes.Modulated(BANK), use_bias=False)
            layer(X)
            layer.prepare_for_training()
            layer.recipe.bank.assign(0 * BANK)  # Which no run does.
            self.assertNotAllClose(layer(X), tf.zeros([2, 3, 4, 6], tf.bfloat16))
        finally:
            keras.mixed_precision.set_global_policy("float32")


if __name__ == "__main__":
    tf.test.main()
