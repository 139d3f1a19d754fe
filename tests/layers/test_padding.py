"""Reflection padding against numpy's."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from pgtf.layers import ReflectionPadding2D

X = np.arange(2 * 4 * 5 * 3, dtype="float32").reshape(2, 4, 5, 3)


class ReflectionPadding2DTest(tf.test.TestCase, parameterized.TestCase):
    def test_by_hand(self):
        row = ReflectionPadding2D(2)(X[:1, :3, :3, :1])[0, 2, :, 0]
        self.assertAllEqual(row, [6, 3, 0, 3, 6, 3, 0])

    @parameterized.parameters(0, 1, 3)
    def test_is_numpys(self, padding):
        side = (padding, padding)
        expected = np.pad(X, [(0, 0), side, side, (0, 0)], mode="reflect")
        layer = ReflectionPadding2D(padding)
        self.assertAllEqual(layer(X), expected)
        self.assertEqual(layer.compute_output_shape(X.shape), expected.shape)

    def test_unknown_sizes(self):
        image = keras.Input((None, 5, 3))
        model = keras.Model(image, ReflectionPadding2D(3)(image))
        self.assertEqual(model.output_shape, (None, None, 11, 3))
        self.assertEqual(ReflectionPadding2D(3).compute_output_shape((None, None, 5, 3)), (None, None, 11, 3))
        self.assertAllEqual(model(X), ReflectionPadding2D(3)(X))

    def test_config_round_trip(self):
        layer = ReflectionPadding2D(2, name="mine")
        again = ReflectionPadding2D.from_config(layer.get_config())
        self.assertEqual((again.padding, again.name), (2, "mine"))


if __name__ == "__main__":
    tf.test.main()
