"""Masks: the paper's example by hand, exactness, gradients, packing."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.layers import Conv2D
from pgtf.recipes import Mask, Spec
from pgtf.recipes.mask import mask_of

SHAPE = (3, 1, 5, 7)  # 105 weights: the last byte is not full.
BANK = np.random.default_rng(0).normal(size=SHAPE).astype("float32")


def built(bank=BANK, **settings):
    recipe = Mask(bank, **settings)
    recipe.build(np.shape(bank))
    return recipe


def weights(*values):
    return np.asarray(values, "float32").reshape(1, 1, len(values), 1)


class MaskTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        ((1, -1, -1, 1), (0.1, 0, 0, 1)),
        ((-1, 1, 1, -1), (0, 0.9, -0.5, 0)),
        ((-1, 1, 1, 1), (0, 0.9, -0.5, 1)),
    )
    def test_the_papers_examples(self, scores, masked):
        recipe = built(weights(0.1, 0.9, -0.5, 1))
        self.assertAllEqual(recipe.kernel(), weights(0.1, 0.9, -0.5, 1))
        recipe.scores.assign(weights(*scores))
        self.assertAllEqual(recipe.kernel(), weights(*masked))

    def test_ternary_by_hand(self):
        recipe = built(weights(0.1, 0.9, -0.5, 1), ternary=True)
        recipe.scores.assign(weights(0.006, -0.006, 0.004, -0.004))
        self.assertAllEqual(recipe.kernel(), weights(0.1, -0.9, 0, 0))

    def test_the_threshold_itself_is_one(self):
        below = np.nextafter(np.float32(5e-3), np.float32(0))
        self.assertAllEqual(mask_of(np.float32([5e-3, below, -5e-3, -below])), [1, 0, 0, 0])
        self.assertAllEqual(mask_of(np.float32([5e-3, below, -5e-3, -below]), ternary=True), [1, 0, -1, 0])

    @parameterized.parameters(False, True)
    def test_the_scores_gradient_is_the_masks(self, ternary):
        recipe = built(ternary=ternary)
        recipe.scores.assign(np.random.default_rng(1).normal(scale=0.01, size=SHAPE))
        upstream = np.random.default_rng(2).normal(size=SHAPE).astype("float32")
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(recipe.kernel() * upstream)
        self.assertAllClose(tape.gradient(loss, recipe.scores), upstream * BANK, rtol=1e-6)

    @parameterized.parameters((False, 14), (True, 27))  # 105 and 210 bits.
    def test_state_is_packed_and_comes_back(self, ternary, size):
        recipe, again = built(ternary=ternary), built(ternary=ternary)
        scores = np.random.default_rng(1).normal(scale=0.01, size=SHAPE)
        recipe.scores.assign(scores)
        state = recipe.state()["mask"]
        self.assertEqual((state.dtype, state.shape), ("uint8", (size,)))
        self.assertEqual(recipe.specs(SHAPE), {"mask": Spec(SHAPE, bits=1 + ternary)})
        self.assertEqual(recipe.specs(SHAPE)["mask"].bytes, size)
        # The first byte, by hand: whether the first eight scores are at least τ, the first of them highest.
        self.assertEqual(state[0], sum(2 ** (7 - n) for n in range(8) if scores.ravel()[n] >= 5e-3))
        again.restore({"mask": state})
        self.assertAllEqual(again.kernel(), recipe.kernel())
        self.assertAllEqual(again.state()["mask"], state)
        values = np.unique(again.kernel() / BANK)
        self.assertAllEqual(values, [-1, 0, 1] if ternary else [0, 1])

    def test_in_16_bits_the_mask_is_the_one_that_is_stored(self):
        keras.mixed_precision.set_global_policy("mixed_float16")
        try:
            layer = Conv2D(7, (3, 1), recipe=Mask(np.ones(SHAPE, "float32")))
            layer.build((None, 8, 8, 5))
            layer.recipe.scores.assign(np.full(SHAPE, 0.0049999))  # Less than τ, but not in 16 bits.
            output = layer(np.ones((1, 8, 8, 5), "float32"))
        finally:
            keras.mixed_precision.set_global_policy("float32")
        self.assertEqual(output.dtype, "float16")
        self.assertAllEqual(output, np.zeros((1, 6, 8, 7)))
        self.assertAllEqual(layer.recipe.state()["mask"], np.zeros(14))

    def test_a_kernel_of_another_shape_is_refused(self):
        with self.assertRaisesRegex(ValueError, r"the kernel's shape, \(3, 1, 5, 9\). Received: a bank \(3, 1, 5, 7\)"):
            Mask(BANK).build((3, 1, 5, 9))


if __name__ == "__main__":
    tf.test.main()
