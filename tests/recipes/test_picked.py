"""Picked kernels, by hand: picking, rounds of pruning, one taken back, growing."""

import keras
import numpy as np
import tensorflow as tf

from pgtf.recipes import Packed, Picked
from tests.recipes.test_packed import FIRST, SECOND, SHAPE, bits, weights

GIVEN = weights(1, 2, 0, -4, 0, 6, 7, 0)  # What FIRST and SECOND own.


def built(earlier=(FIRST, SECOND), **settings):
    recipe = Picked(earlier, **settings)
    recipe.build(SHAPE)
    return recipe


class PickedTest(tf.test.TestCase):
    def test_picking_by_hand(self):
        recipe = built()
        self.assertAllEqual(recipe.kernel(), GIVEN)
        recipe.own_values.assign(weights(9, 9, 0.5, 9, -0.1, 9, 9, 0.2))
        recipe.scores.assign(weights(0.1, 0.004, 0, -1, 0, 0.005, 1, 0))
        kernel = weights(1, 0, 0.5, 0, -0.1, 6, 7, 0.2)
        self.assertAllEqual(recipe.kernel(), kernel)
        self.assertEqual(recipe.counts(), {"weights": 8, "owned": 3, "picked": 3, "free": 0})
        state = recipe.state()
        self.assertAllEqual(state["used"], bits("10101111"))
        self.assertAllClose(state["owned"], [0.5, -0.1, 0.2])
        again = built()
        again.restore(state)
        self.assertAllEqual(again.kernel(), kernel)
        # In the kernel of a next task, all are there, picked or not.
        third = Packed([FIRST, SECOND, (state["used"], state["owned"])])
        third.build(SHAPE)
        self.assertAllClose(third.kernel(), GIVEN + weights(0, 0, 0.5, 0, -0.1, 0, 0, 0.2))

    def test_scores_and_own_weights_are_learnt_together_until_the_mask_is_fixed(self):
        recipe, upstream = built(), weights(*range(1, 9))
        recipe.own_values.assign(weights(9, 9, 3, 9, 1, 9, 9, 2))

        def gradients():
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(recipe.kernel() * upstream)
            return tape.gradient(loss, [recipe.own_values, recipe.scores])

        own, scores = gradients()
        self.assertAllEqual(own, weights(0, 0, 3, 0, 5, 0, 0, 8))
        self.assertAllEqual(scores, upstream * GIVEN)
        recipe.scores.assign(weights(0, 1, 0, 0, 0, 1, 1, 0))
        recipe.fix()
        recipe.scores.assign(weights(1, 0, 0, 0, 0, 0, 0, 0))  # What an optimizer still does to them is without effect.
        self.assertAllEqual(recipe.kernel(), weights(0, 2, 3, 0, 1, 6, 7, 2))
        self.assertAllEqual(recipe.state()["used"], bits("01101111"))
        own, scores = gradients()
        self.assertAllEqual(own, weights(0, 0, 3, 0, 5, 0, 0, 8))
        self.assertAllEqual(scores, np.zeros(SHAPE))

    def test_rounds_of_pruning_and_one_taken_back_by_hand(self):
        recipe = built(())
        recipe.own_values.assign(weights(8, -7, 6, 5, 4, 3, 2, 1))
        recipe.prune(0.25)
        self.assertAllEqual(recipe.kernel(), weights(8, -7, 6, 5, 4, 3, 0, 0))
        recipe.own_values.assign(weights(8, -1, 6, 5, 4, 3, 99, 99))
        recipe.prune(0.5)  # Of all, not of what was left.
        self.assertAllEqual(recipe.kernel(), weights(8, 0, 6, 5, 4, 0, 0, 0))
        for _ in range(2):  # Taken back once, however often it is said.
            recipe.undo()
            self.assertAllEqual(recipe.kernel(), weights(8, -1, 6, 5, 4, 3, 0, 0))

    def test_what_grew_begins_at_random_and_what_was_released_at_zero(self):
        recipe = Picked([FIRST], inputs=2, initializer=keras.initializers.Constant(0.5))
        recipe.build((1, 2, 4, 3))
        kernel = np.full((1, 2, 4, 3), 0.5, "float32")
        kernel[:, :, ::2, :2] = weights(1, 0, 0, -4, 0, 0, 7, 0)
        self.assertAllEqual(recipe.kernel(), kernel)
        self.assertEqual(recipe.counts(), {"weights": 24, "owned": 21, "picked": 3, "free": 0})
        self.assertEqual(recipe.specs((1, 2, 4, 3))["owned"].values, 21)


if __name__ == "__main__":
    tf.test.main()
