"""Expanded kernels, by hand: all earlier weights are used, the last round of pruning can be undone, channels grow."""

import keras
import numpy as np
import tensorflow as tf

from pgtf.recipes import Expanded
from tests.recipes.test_packed import FIRST, SECOND, SHAPE, bits, weights


class ExpandedTest(tf.test.TestCase):
    def test_undone_is_the_last_round_alone(self):
        recipe = Expanded([FIRST, SECOND])
        recipe.build(SHAPE)
        recipe.own_values.assign(weights(9, 9, 0.5, 9, -0.1, 9, 9, 0.2))
        earlier = weights(1, 2, 0, -4, 0, 6, 7, 0)
        for _ in range(2):
            recipe.prune(0.34)
            self.assertAllClose(recipe.kernel(), earlier + weights(0, 0, 0.5, 0, 0, 0, 0, 0.2))
        recipe.prune(0.67)
        self.assertAllClose(recipe.kernel(), earlier + weights(0, 0, 0.5, 0, 0, 0, 0, 0))
        self.assertAllEqual(recipe.state()["used"], bits("11110110"))
        for _ in range(2):
            recipe.undo()
            self.assertAllClose(recipe.kernel(), earlier + weights(0, 0, 0.5, 0, 0, 0, 0, 0.2))

    def test_restored_it_has_no_round_to_undo(self):
        recipe = Expanded([FIRST])
        recipe.build(SHAPE)
        recipe.restore({"used": bits("10010111"), "owned": np.float32([3, 9])})
        recipe.undo()
        self.assertAllEqual(recipe.state()["used"], bits("10010111"))

    def test_each_of_its_inputs_grows(self):
        recipe = Expanded([FIRST], inputs=2, initializer=keras.initializers.Constant(0.5))
        recipe.build((1, 2, 4, 3))
        kernel = np.full((1, 2, 4, 3), 0.5, "float32")
        kernel[:, :, ::2, :2] = weights(1, 0, 0, -4, 0, 0, 7, 0)
        self.assertAllEqual(recipe.kernel(), kernel)
        self.assertEqual(Expanded.from_config(recipe.get_config()).inputs, 2)


if __name__ == "__main__":
    tf.test.main()
